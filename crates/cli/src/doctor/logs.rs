//! Whether the log groups exist, what they keep, and whether the execution role may write to them.

use std::collections::BTreeSet;

use agent_composer_model::ownership::{Ownership, Tags};

use super::{
    facts::{Facts, LogGroupFact, Seen},
    finding::{Check, Finding},
    named::Named,
    rights::{Demand, may},
    secrets::judged,
};

const CHECK: Check = Check::LogGroup;

/// The group that is made for a family.
pub(super) fn own_group(family: &str) -> String {
    format!("/aws/ecs/{family}")
}

pub(super) fn examine(facts: &Facts, named: &Named) -> Vec<Finding> {
    let own = own_group(&facts.family);
    // Without a revision nothing writes to it.
    let groups: BTreeSet<&String> = match &facts.definition {
        Seen::Found(_) => named.log_groups.iter().chain([&own]).collect(),
        Seen::Absent | Seen::Not(_) => BTreeSet::new(),
    };
    let each = groups.into_iter();
    each.flat_map(|name| examined(facts, named, name, *name == own))
        .collect()
}

fn examined(facts: &Facts, named: &Named, name: &str, is_own: bool) -> Vec<Finding> {
    let mut found = vec![match facts.log_groups.get(name) {
        Some(Seen::Found(group)) => exists(facts, name, group, is_own),
        Some(Seen::Absent) | None => Finding::wrong(
            CHECK,
            format!("{name} does not exist"),
            if is_own {
                "somebody deleted it: give the agent's `Refresh` a new text"
            } else {
                "create it, or correct the agent's `logConfiguration`"
            },
        ),
        Some(Seen::Not(not_seen)) => Finding::not_checked(CHECK, name, not_seen),
    }];
    let role = named.execution_role.as_deref().map(|arn| facts.role(arn));
    let account: Vec<&str> = named.arn.splitn(6, ':').collect();
    if let (Some(Seen::Found(role)), [_, partition, _, region, account, _], true) =
        (role, account.as_slice(), named.log_groups.contains(name))
    {
        let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:{name}:log-stream:x");
        let demand = |action| Demand {
            action,
            resource: &arn,
            context: &[],
        };
        let verdict = may(role, &demand("logs:CreateLogStream"));
        found.push(judged(CHECK, name, "logs:CreateLogStream", &verdict));
    }
    found
}

fn exists(facts: &Facts, name: &str, group: &LogGroupFact, is_own: bool) -> Finding {
    let keeps = match group.retention {
        Some(1) => "keeps lines for 1 day".to_owned(),
        Some(days) => format!("keeps lines for {days} days"),
        None => "keeps lines for ever".to_owned(),
    };
    let text = format!("{name} {keeps}");
    let (Some(tags), Some(identity), true) = (&group.tags, facts.identity(), is_own) else {
        return Finding::fine(CHECK, text);
    };
    match Ownership::from_tags(tags, &identity.owner) {
        Ownership::Ours => Finding::fine(CHECK, text),
        Ownership::Nobodys => Finding::note(
            CHECK,
            format!("{text}, and existed before the agent: the provider uses it and never changes it"),
        ),
        Ownership::Anothers { .. } => Finding::wrong(
            CHECK,
            format!("{text}, and belongs to {}", owner(tags)),
            "an update of the agent is refused while that stack exists: give one of them another `TaskFamily`",
        ),
    }
}

/// Whose something is, by its tags.
pub(super) fn owner(tags: &Tags) -> String {
    let part = |key: &str| tags.get(key).map_or("?", String::as_str);
    format!(
        "`{}` of the stack `{}`",
        part("agent-composer:logical-id"),
        part("agent-composer:stack-id")
    )
}
