//! What only the whole template shows: a family that two resources want, an attribute that none has, a resource of the
//! macro's.

use super::{Agent, Finding};
use crate::{
    migration::of_the_macro,
    secure_reference::{SecureReference, secure_references_in},
    template::{
        Call, Entry, Extent, Kind, Node, Reread, Weight, extent, holds_a_secure_reference, names_in_sub, of_entry,
    },
};
use agent_composer_model::{nearest::nearest, properties::ATTRIBUTES};

/// Two resources with one family: the second would be refused, unless a condition keeps the two apart.
pub(super) fn families_used_twice(template: &Node, agents: &[Agent]) -> Vec<Finding> {
    let wanted = || agents.iter().filter_map(|agent| Some((agent, agent.family.as_ref()?)));
    let twice = wanted().enumerate().filter_map(|(index, (agent, family))| {
        let (first, _) = wanted().take(index).find(|(_, other)| *other == family)?;
        let properties = template.get("Resources")?.get(&agent.logical_id)?.get("Properties")?;
        let written = properties.entry("TaskFamily").map(of_entry);
        let sentence = format!("`TaskFamily` is `{family}`, which `{}` already uses", first.logical_id);
        let apart = agent.condition.is_some() || first.condition.is_some();
        let (weight, advice) = if apart {
            (Weight::Note, "only one of them may be there at a time")
        } else {
            (
                Weight::Fault,
                "a family is unique for an account and Region: give one of them another",
            )
        };
        Some(Finding {
            weight,
            logical_id: Some(agent.logical_id.clone()),
            path: Some("TaskFamily".to_owned()),
            at: written.unwrap_or(agent.at),
            sentence: format!("{sentence}; {advice}"),
            may_show_a_secret: false,
        })
    });
    twice.collect()
}

/// Words that CloudFormation makes other texts of, where they may get to an agent.
pub(super) fn arrives_as_another(template: &Node, agents: &[&Entry], reread: &[Reread]) -> Vec<Finding> {
    let sections = ["Parameters", "Mappings", "Conditions"];
    let sections = sections.into_iter().filter_map(|section| template.get(section));
    let around: Vec<(Option<&str>, Extent)> = (agents.iter())
        .map(|entry| (Some(entry.name.as_str()), extent(&entry.value)))
        .chain(sections.map(|section| (None, extent(section))))
        .collect();
    let found = reread.iter().filter_map(|Reread { at, written, arrives }| {
        let (logical_id, _) = around.iter().find(|(_, around)| around.holds(at))?;
        let what = if matches!(arrives.as_str(), "true" | "false") {
            "boolean"
        } else {
            "number"
        };
        Some(Finding {
            weight: Weight::Note,
            logical_id: logical_id.map(ToOwned::to_owned),
            path: None,
            at: *at,
            sentence: format!(
                "`{written}` arrives as `{arrives}`: CloudFormation reads YAML 1.1, to which it is a {what}; quote it if it is a text"
            ),
 may_show_a_secret: false,
})
    });
    found.collect()
}

/// Resources of the macro's, which nothing expands any more.
pub(super) fn resources_of_the_macro(template: &Node) -> Vec<Finding> {
    let resources = template.get("Resources").map(Node::entries).unwrap_or_default();
    let found = resources.iter().filter_map(|entry| {
        let kind = entry.value.entry("Type")?;
        let of_the_macro = of_the_macro(&kind.value)?;
        Some(Finding {
            weight: Weight::Fault,
            logical_id: Some(entry.name.clone()),
            path: None,
            at: of_entry(kind),
            sentence: format!(
                "`{}` is a {of_the_macro}, which is the macro's; `agent-composer migrate` makes a Custom::BuildkiteAgent of it",
                entry.name
            ),
 may_show_a_secret: false,
})
    });
    found.collect()
}

/// References to secrets that nobody resolves in a custom resource, where no other fault is about them.
pub(super) fn secure_references(agents: &[&Entry], known: &[Finding]) -> Vec<Finding> {
    let mut found = Vec::new();
    for entry in agents {
        let Some(properties) = entry.value.get("Properties") else {
            continue;
        };
        for SecureReference { at, problem } in secure_references_in(properties) {
            let is_known = known.iter().any(|finding| {
                let is_near = finding.at == at || finding.at.holds(&at) || at.holds(&finding.at);
                is_near && holds_a_secure_reference(&finding.sentence)
            });
            if !is_known {
                found.push(Finding {
                    weight: Weight::Fault,
                    logical_id: Some(entry.name.clone()),
                    path: None,
                    at,
                    sentence: problem,
                    may_show_a_secret: false,
                });
            }
        }
    }
    found
}

/// References to attributes that `Custom::BuildkiteAgent` does not have: CloudFormation finds them only after the
/// resource is made.
pub(super) fn attributes(template: &Node, agents: &[Agent]) -> Vec<Finding> {
    let mut found = Vec::new();
    look(template, agents, &mut found);
    found
}

fn look(node: &Node, agents: &[Agent], found: &mut Vec<Finding>) {
    if let Some(call) = Call::of(node) {
        if let Some((id, attribute)) = call.attribute() {
            check(&id, &attribute, extent(node), agents, found);
        }
        if call.name == "Sub" {
            for name in names_in_sub(&call.argument) {
                if let Some((id, attribute)) = name.split_once('.') {
                    check(id, attribute, extent(node), agents, found);
                }
            }
        }
    }
    match &node.kind {
        Kind::Scalar(..) => {}
        Kind::Sequence(elements) => elements.iter().for_each(|element| look(element, agents, found)),
        Kind::Mapping(entries) => entries.iter().for_each(|entry| look(&entry.value, agents, found)),
    }
}

fn check(id: &str, attribute: &str, at: Extent, agents: &[Agent], found: &mut Vec<Finding>) {
    let known = || ATTRIBUTES.iter().map(|(name, _)| *name);
    if !agents.iter().any(|agent| agent.logical_id == id) || known().any(|name| name == attribute) {
        return;
    }
    let hint = match nearest(attribute, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known().collect::<Vec<_>>().join(", ")),
    };
    found.push(Finding {
        weight: Weight::Fault,
        logical_id: Some(id.to_owned()),
        path: None,
        at,
        sentence: format!("`{id}.{attribute}` is not an attribute of Custom::BuildkiteAgent; {hint}"),
        may_show_a_secret: false,
    });
}
