//! `AgentConfiguration`: what people set of an agent that lives for one job, as the variables that it reads.

use super::{container::texts, wire::Fields};
use crate::Faults;

/// How an option becomes a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it is written.
    Text,
    /// A list, joined by commas.
    List,
    /// `true`, or no variable.
    Switch,
    /// Seconds, within the stop timeout less what comes after the job.
    Seconds,
}

/// Each option, and the variables of agents of version 3 and of version 4 (aws.md 7.2).
pub(crate) const OPTIONS: [(&str, Kind, &[&str]); 11] = [
    ("Queue", Kind::Text, &["BUILDKITE_AGENT_QUEUE"]),
    ("Tags", Kind::List, &["BUILDKITE_AGENT_TAGS"]),
    ("Endpoint", Kind::Text, &["BUILDKITE_AGENT_ENDPOINT"]),
    ("Shell", Kind::Text, &["BUILDKITE_SHELL"]),
    ("HooksPath", Kind::Text, &["BUILDKITE_HOOKS_PATH"]),
    (
        "CancelGracePeriod",
        Kind::Seconds,
        &["BUILDKITE_CANCEL_GRACE_PERIOD", "BUILDKITE_CANCEL_SIGNAL_TIMEOUT"],
    ),
    ("NoPlugins", Kind::Switch, &["BUILDKITE_NO_PLUGINS"]),
    ("NoCommandEval", Kind::Switch, &["BUILDKITE_NO_COMMAND_EVAL"]),
    ("NoLocalHooks", Kind::Switch, &["BUILDKITE_NO_LOCAL_HOOKS"]),
    ("AllowedRepositories", Kind::List, &["BUILDKITE_ALLOWED_REPOSITORIES"]),
    ("RedactedVars", Kind::List, &["BUILDKITE_REDACTED_VARS"]),
];

/// Seconds that a job may have to end: within the stop timeout of 120, less the second between the two signals and the
/// 10 for what comes after the job, and one to spare.
pub(crate) const GRACE: std::ops::RangeInclusive<i32> = 1..=108;
/// Version 4 takes a duration where version 3 takes seconds.
const DURATION: &str = "BUILDKITE_CANCEL_SIGNAL_TIMEOUT";

/// What the agent is told: variables and their values, in the order of the options. `taken` are the names that
/// `Environment` and `Secrets` set already.
pub(super) fn read(properties: &Fields<'_>, taken: &[&str], faults: &mut Faults) -> Vec<(&'static str, String)> {
    let Some(written) = properties.get("AgentConfiguration") else {
        return Vec::new();
    };
    let known = OPTIONS.map(|(name, ..)| name);
    let Some(fields) = written.fields(&known, &format!("{{{}}}", known.join(", ")), faults) else {
        return Vec::new();
    };
    let mut variables = Vec::new();
    for (name, kind, names) in OPTIONS {
        let value = match kind {
            Kind::Text => fields.text(name, faults),
            Kind::List => Some(texts(&fields, name, faults).join(",")).filter(|list| !list.is_empty()),
            Kind::Switch => fields.switch(name, faults).filter(|on| *on).map(|_| "true".to_owned()),
            Kind::Seconds => fields
                .whole(name, "seconds", GRACE, faults)
                .map(|seconds| seconds.to_string()),
        };
        let Some(value) = value else { continue };
        if let Some(variable) = names.iter().find(|variable| taken.contains(*variable)) {
            faults.add(
                fields.path(name),
                format!("sets `{variable}`, which `Environment` or `Secrets` sets, too; leave one of the two out"),
            );
        }
        variables.extend(names.iter().map(|variable| {
            let value = if *variable == DURATION {
                format!("{value}s")
            } else {
                value.clone()
            };
            (*variable, value)
        }));
    }
    variables
}
