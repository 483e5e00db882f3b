//! `Environment`, and what is true of variables' names in `Environment` and `Secrets` together.

use std::collections::HashMap;

use super::wire::Item;
use crate::{Faults, quoted};

/// The agent's token, which the provider injects as a secret.
pub const AGENT_TOKEN: &str = "BUILDKITE_AGENT_TOKEN";

/// Where ssh finds its agent, which the provider sets with `SshAgentBackend`.
pub const SSH_SOCKET: &str = "SSH_AUTH_SOCK";

/// Where the container of ssh finds its backend.
pub const SSH_BACKEND_URL: &str = "IAM_SSH_AGENT_BACKEND_URL";

/// One variable of the author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The variable's name.
    pub name: String,
    /// Its value; it may be empty.
    pub value: String,
}

/// The variables that are whole; what is missing of the others is a fault already.
pub(super) fn read(items: &[Item]) -> Vec<Variable> {
    items
        .iter()
        .filter_map(|item| {
            Some(Variable {
                name: item.name.clone()?,
                value: item.value.clone()?,
            })
        })
        .collect()
}

/// Checks every name: its characters, that it is not the provider's to set, and that it is used once in both lists
/// together. What a container gets for a name that is given twice is undefined (docs/internals/aws.md, "Names and
/// limits").
pub(super) fn check_names(environment: &[Item], secrets: &[Item], reserved: &[(&str, &str)], faults: &mut Faults) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for item in environment.iter().chain(secrets) {
        let Some(name) = item.name.as_deref() else { continue };
        let path = format!("{}.Name", item.path);
        if !is_name(name) {
            faults.add(
                &path,
                format!(
                    "is not a valid name for a variable: {}; legal: letters, digits and `_.-`, not beginning with a digit",
                    quoted(name)
                ),
            );
        }
        if let Some((_, why)) = reserved.iter().find(|(taken, _)| *taken == name) {
            faults.add(&path, format!("is `{name}`, which the provider {why}"));
        }
        if let Some(first) = seen.get(name) {
            faults.add(&path, format!("is {name}, which {first} sets already; a name may be set once in `Environment` and `Secrets` together", name = quoted(name)));
        } else {
            seen.insert(name, &item.path);
        }
    }
}

/// Checks, for `CancelOnStop`, that no name is one that dash and busybox's shell drop: they pass on identifiers only.
pub(super) fn check_identifiers(environment: &[Item], secrets: &[Item], faults: &mut Faults) {
    for item in environment.iter().chain(secrets) {
        let Some(name) = item.name.as_deref() else { continue };
        if is_name(name) && name.contains(['.', '-']) {
            faults.add(
                format!("{}.Name", item.path),
                format!("is {name}, which does not reach the agent with `CancelOnStop`: its shell may drop names with `.` or `-`; rename it or leave `CancelOnStop` out", name = quoted(name)),
            );
        }
    }
}

/// The names that are the provider's to set on the agent, and what to do instead.
pub(super) fn reserved(with_ssh: bool) -> &'static [(&'static str, &'static str)] {
    const RESERVED: [(&str, &str); 2] = [
        (
            AGENT_TOKEN,
            "injects; say where the token is with `BuildkiteAgentTokenParameterPath`",
        ),
        (SSH_SOCKET, "sets for `SshAgentBackend`; leave one of the two out"),
    ];
    if with_ssh { &RESERVED } else { &RESERVED[..1] }
}

/// What the provider sets in the container of ssh.
pub(super) const OF_SSH_AGENT: [(&str, &str); 1] = [(SSH_BACKEND_URL, "sets for `SshAgentBackend`; leave it out")];

/// Kubernetes' rule for a variable's name, the widest that shells and tools agree on.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::properties::tests::validated;

    #[test]
    fn a_name_that_shells_drop_is_refused_where_one_starts_the_agent() {
        let paths = |name: &str, cancel_on_stop: bool| {
            let faults = [
                json!({"Environment": [{"Name": name, "Value": "1"}]}),
                json!({"Secrets": [{"Name": name, "ValueFrom": "/a"}]}),
            ]
            .map(|mut written| {
                written["Image"] = "ruby".into();
                written["CancelOnStop"] = cancel_on_stop.into();
                validated(&written).err().unwrap_or_default()
            });
            let paths = faults
                .iter()
                .flat_map(crate::Faults::iter)
                .map(|fault| fault.path.clone());
            paths.collect::<Vec<_>>()
        };
        let both = ["Environment[0].Name", "Secrets[0].Name"];
        for (name, without, with) in [
            ("A_B", &[][..], &[][..]),
            ("_A1", &[], &[]),
            ("A.B", &[], &both),
            ("A-B", &[], &both),
            // It is at fault already, and once is enough.
            ("1A.B", &both, &both),
            ("A B-C", &both, &both),
        ] {
            assert_eq!(paths(name, false), without, "{name}");
            assert_eq!(paths(name, true), with, "{name}");
        }
    }
}
