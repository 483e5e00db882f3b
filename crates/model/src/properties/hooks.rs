//! `Hooks`: the agent's hooks, written in the template.

use super::{Injection, wire::Fields};
use crate::{Faults, facts::buildkite_agent::HOOKS};

/// The variable that says where the agent looks for hooks.
const HOOKS_PATH: &str = "BUILDKITE_HOOKS_PATH";

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name, which says when it runs.
    pub name: &'static str,
    /// The script.
    pub script: String,
}

/// Reads the hooks; `set` are the variables that the author sets.
pub(super) fn read<'a>(
    fields: &Fields<'_>,
    injection: Injection,
    mut set: impl Iterator<Item = &'a str>,
    faults: &mut Faults,
) -> Vec<Hook> {
    let Some(written) = fields.get("Hooks") else {
        return Vec::new();
    };
    let Some(fields) = written.fields(&HOOKS, "{NAME: SCRIPT}", faults) else {
        return Vec::new();
    };
    let mut hooks = Vec::new();
    for name in HOOKS {
        let Some(script) = fields.text(name, faults) else {
            continue;
        };
        hooks.push(Hook { name, script });
    }
    if injection != Injection::Copy && !hooks.is_empty() {
        faults.add(
            &written.path,
            "are written into the agent's volume, which `BuildkiteAgentImage` makes with `BuildkiteAgentInjection: COPY`",
        );
    }
    if !hooks.is_empty() && set.any(|name| name == HOOKS_PATH) {
        faults.add(
            &written.path,
            format!("are written to /buildkite/hooks, but `AgentConfiguration.HooksPath` or `{HOOKS_PATH}` makes the agent look elsewhere; leave that out"),
        );
    }
    hooks
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::properties::tests::validated;

    /// The paths of what is wrong with hooks beside something else.
    fn refused(hooks: &Value, more: &Value) -> Vec<String> {
        let mut written = json!({"Image": "ruby", "Hooks": hooks});
        let more = more.as_object().unwrap().clone();
        written.as_object_mut().unwrap().extend(more);
        let faults = validated(&written).err().unwrap_or_default();
        faults.iter().map(|fault| fault.path.clone()).collect()
    }

    #[test]
    fn hooks_need_the_volume_that_the_agent_is_copied_into() {
        let image = json!({"BuildkiteAgentImage": "buildkite/agent:3"});
        let copied = json!({"BuildkiteAgentImage": "buildkite/agent:3", "BuildkiteAgentInjection": "COPY"});
        let (hooks, none) = (json!({"environment": "true"}), json!({}));
        for (hooks, more, paths) in [
            (&hooks, &json!({}), &["Hooks"][..]),
            (&hooks, &image, &["Hooks"]),
            (&hooks, &copied, &[]),
            (&none, &json!({}), &[]),
            (&none, &copied, &[]),
        ] {
            assert_eq!(refused(hooks, more), paths, "{hooks} {more}");
        }
    }

    #[test]
    fn hooks_are_refused_where_the_agent_looks_for_them_elsewhere() {
        let (hooks, none) = (json!({"environment": "true"}), json!({}));
        let variable = |name: &str| json!([{"Name": name, "Value": "/hooks"}]);
        for (hooks, property, value, paths) in [
            (
                &hooks,
                "AgentConfiguration",
                json!({"HooksPath": "/hooks"}),
                &["Hooks"][..],
            ),
            (&hooks, "Environment", variable("BUILDKITE_HOOKS_PATH"), &["Hooks"]),
            (&hooks, "Environment", variable("BUILDKITE_PLUGINS_PATH"), &[]),
            (&none, "AgentConfiguration", json!({"HooksPath": "/hooks"}), &[]),
        ] {
            let mut more = json!({"BuildkiteAgentImage": "buildkite/agent:3", "BuildkiteAgentInjection": "COPY"});
            more[property] = value;
            assert_eq!(refused(hooks, &more), paths, "{hooks} {more}");
        }
    }
}
