//! What to do about agents that need something: sentences, each for one stack.

use std::collections::BTreeMap;

use super::agents::Agent;

/// What to do in each stack that has agents behind `wanted`.
#[must_use]
pub fn behind(agents: &[Agent], wanted: &str) -> Vec<String> {
    let mut stacks: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for agent in agents.iter().filter(|agent| agent.needs_refresh()) {
        let key = (agent.stack.name.as_str(), agent.stack.id.as_str());
        let version = agent.version.as_deref().unwrap_or("version not known");
        let resource = format!("`{}` ({version})", agent.logical_id);
        stacks.entry(key).or_default().push(resource);
    }
    let each = stacks.into_iter().map(|((name, _), resources)| {
        format!(
            "the stack `{name}` needs a new text for `Refresh`, to bring to {wanted}: {}",
            resources.join(", ")
        )
    });
    each.collect()
}

/// What is left of each agent whose stack is gone.
#[must_use]
pub fn orphans(agents: &[Agent]) -> Vec<String> {
    let orphans = agents.iter().filter(|agent| agent.is_orphan());
    let each = orphans.map(|agent| {
        let revision = (agent.revision.as_ref()).map(|revision| {
            format!(
                "the ACTIVE revisions of `{}` up to {}",
                revision.family, revision.number
            )
        });
        let group = agent.log_group.as_ref().map(|name| format!("the log group `{name}`"));
        let roles = agent.roles.iter().map(|role| format!("the role `{}`", role.name));
        let left: Vec<String> = revision.into_iter().chain(roles).chain(group).collect();
        format!(
            "the stack `{}` of `{}` is gone, and nobody updates or deletes what it left: {}; remove it by hand",
            agent.stack.name,
            agent.logical_id,
            left.join(", "),
        )
    });
    each.collect()
}
