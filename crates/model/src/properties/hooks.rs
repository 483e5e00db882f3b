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
            format!("are at /buildkite/hooks, and `AgentConfiguration.HooksPath` or `{HOOKS_PATH}` has the agent look elsewhere"),
        );
    }
    hooks
}
