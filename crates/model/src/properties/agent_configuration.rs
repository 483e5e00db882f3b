//! `AgentConfiguration`: what people set of an agent that lives for one job, as the variables that it reads.

use super::{
    go_pattern,
    wire::{Fields, Item},
};
use crate::{Faults, quoted};

/// How an option becomes a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text that is passed on as it is written.
    Text,
    /// A name, which has no comma.
    Name,
    /// An absolute path.
    Path,
    /// A list, joined by commas.
    List(Element),
    /// `true`, or no variable.
    Switch,
    /// Seconds, within the stop timeout less what comes after the job.
    Seconds,
}

/// What a list is of. The agent splits every list at its commas (`cliconfig/loader.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// `key=value`.
    Tag,
    /// A regular expression of Go's.
    Pattern,
    /// A pattern of variables' names.
    Glob,
    /// A directory.
    Directory,
    /// The name of an experiment.
    Word,
}

/// Each option, and the variables of agents of version 3 and of version 4.
pub(crate) const OPTIONS: [(&str, Kind, &[&str]); 17] = [
    ("Queue", Kind::Name, &[QUEUE]),
    ("Tags", Kind::List(Element::Tag), &[TAGS]),
    ("Endpoint", Kind::Text, &["BUILDKITE_AGENT_ENDPOINT"]),
    ("Shell", Kind::Text, &["BUILDKITE_SHELL"]),
    ("HooksPath", Kind::Text, &["BUILDKITE_HOOKS_PATH"]),
    (
        "AdditionalHooksPaths",
        Kind::List(Element::Directory),
        &["BUILDKITE_ADDITIONAL_HOOKS_PATHS"],
    ),
    ("GitMirrorsPath", Kind::Path, &["BUILDKITE_GIT_MIRRORS_PATH"]),
    (
        "CancelGracePeriod",
        Kind::Seconds,
        &["BUILDKITE_CANCEL_GRACE_PERIOD", DURATION],
    ),
    ("NoPlugins", Kind::Switch, &["BUILDKITE_NO_PLUGINS"]),
    ("NoCommandEval", Kind::Switch, &["BUILDKITE_NO_COMMAND_EVAL"]),
    ("NoLocalHooks", Kind::Switch, &["BUILDKITE_NO_LOCAL_HOOKS"]),
    ("AllowedRepositories", Kind::List(Element::Pattern), &[REPOSITORIES]),
    ("AllowedPlugins", Kind::List(Element::Pattern), &[PLUGINS]),
    ("RedactedVars", Kind::List(Element::Glob), &["BUILDKITE_REDACTED_VARS"]),
    (
        "OpenTelemetryTracing",
        Kind::Switch,
        &[BACKEND, "BUILDKITE_OPENTELEMETRY_TRACING"],
    ),
    (
        "TracingServiceName",
        Kind::Text,
        &["BUILDKITE_TRACING_SERVICE_NAME", "BUILDKITE_TELEMETRY_SERVICE_NAME"],
    ),
    (
        "Experiments",
        Kind::List(Element::Word),
        &["BUILDKITE_AGENT_EXPERIMENT"],
    ),
];

/// The option that sets a variable, with its counterpart in the other version where that has another name.
#[must_use]
pub fn option_that_sets(variable: &str) -> Option<&'static str> {
    let option = OPTIONS.iter().find(|(.., variables)| variables.contains(&variable));
    option.map(|(name, ..)| *name)
}

const QUEUE: &str = "BUILDKITE_AGENT_QUEUE";
const TAGS: &str = "BUILDKITE_AGENT_TAGS";
const REPOSITORIES: &str = "BUILDKITE_ALLOWED_REPOSITORIES";
const PLUGINS: &str = "BUILDKITE_ALLOWED_PLUGINS";

/// Seconds that a job may have to end: within the stop timeout of 120, less the second between the two signals and the
/// 10 for what comes after the job, and one to spare.
pub(crate) const GRACE: std::ops::RangeInclusive<i32> = 1..=108;
/// Version 4 takes a duration where version 3 takes seconds.
const DURATION: &str = "BUILDKITE_CANCEL_SIGNAL_TIMEOUT";
/// Version 3 takes a word where version 4 has a switch.
const BACKEND: &str = "BUILDKITE_TRACING_BACKEND";

/// What the agent gets: variables and their values, in the order of the options. `environment` and `secrets` are what
/// the author sets beside that.
pub(super) fn read(
    properties: &Fields<'_>,
    environment: &[Item],
    secrets: &[Item],
    faults: &mut Faults,
) -> Vec<(&'static str, String)> {
    let known = OPTIONS.map(|(name, ..)| name);
    let fields = properties
        .get("AgentConfiguration")
        .and_then(|written| written.fields(&known, &format!("{{{}}}", known.join(", ")), faults));
    let variables = fields
        .as_ref()
        .map(|fields| options(fields, environment, secrets, faults))
        .unwrap_or_default();
    check_queue(&variables, fields.as_ref(), environment, faults);
    for item in environment {
        if let (Some(REPOSITORIES | PLUGINS), Some(value)) = (item.name.as_deref(), item.value.as_deref()) {
            let patterns: Vec<&str> = value.split(',').collect();
            for (index, pattern) in patterns.iter().enumerate() {
                let problem = if patterns.get(index + 1).is_some_and(|next| is_a_count(pattern, next)) {
                    Err("the number of a repetition has a comma; write `+` or `*`".to_owned())
                } else {
                    go_pattern::check(pattern.trim())
                };
                if let Err(problem) = problem {
                    faults.add(
                        format!("{}.Value", item.path),
                        format!("has the pattern {}, since the agent splits the list at every comma, and cannot be read so: {problem}", quoted(pattern)),
                    );
                }
            }
        }
    }
    variables
}

/// Whether a comma between the two stood in something like `{1,40}`, half of which Go takes for plain text.
fn is_a_count(pattern: &str, next: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let begins = pattern
        .rsplit_once('{')
        .is_some_and(|(_, least)| !least.is_empty() && digits(least));
    begins && next.split_once('}').is_some_and(|(most, _)| digits(most))
}

fn options(
    fields: &Fields<'_>,
    environment: &[Item],
    secrets: &[Item],
    faults: &mut Faults,
) -> Vec<(&'static str, String)> {
    let taken = |variable: &str| (environment.iter().chain(secrets)).any(|item| item.name.as_deref() == Some(variable));
    let mut variables = Vec::new();
    for (name, kind, names) in OPTIONS {
        let value = match kind {
            Kind::Text => fields.text(name, faults),
            Kind::Name => fields.text(name, faults).inspect(|text| {
                if text.contains(',') {
                    faults.add(
                        fields.path(name),
                        format!(
                            "is {}: a queue's name has no comma, and an agent has one queue",
                            quoted(text)
                        ),
                    );
                }
            }),
            Kind::Path => fields.text(name, faults).inspect(|path| {
                if !path.starts_with('/') {
                    faults.add(
                        fields.path(name),
                        format!("is not an absolute path: {}; begin it with `/`", quoted(path)),
                    );
                }
            }),
            Kind::List(of) => {
                let texts = fields.texts(name, faults);
                for (path, text) in &texts {
                    check_element(of, path, text, faults);
                }
                let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
                Some(texts.join(",")).filter(|list| !list.is_empty())
            }
            Kind::Switch => fields.switch(name, faults).filter(|on| *on).map(|_| "true".to_owned()),
            Kind::Seconds => fields
                .whole(name, "seconds", GRACE, faults)
                .map(|seconds| seconds.to_string()),
        };
        let Some(value) = value else { continue };
        if let Some(variable) = names.iter().find(|variable| taken(variable)) {
            faults.add(
                fields.path(name),
                format!("sets `{variable}`, which `Environment` or `Secrets` sets, too; leave one of the two out"),
            );
        }
        variables.extend(names.iter().map(|variable| {
            let value = match *variable {
                DURATION => format!("{value}s"),
                BACKEND => "opentelemetry".to_owned(),
                _ => value.clone(),
            };
            (*variable, value)
        }));
    }
    variables
}

fn check_element(of: Element, path: &str, text: &str, faults: &mut Faults) {
    if text.contains(',') {
        let instead = match of {
            Element::Tag => "a tag has none, so write each as an element of its own",
            Element::Pattern => {
                "write `\\x2c` for a comma itself, `[a-c]` or `[abc]` for a choice of characters, and `+` or `*` for a number of them"
            }
            Element::Glob | Element::Directory | Element::Word => "write each as an element of its own",
        };
        faults.add(
            path,
            format!(
                "has a comma, at which the agent splits the list: {}; {instead}",
                quoted(text)
            ),
        );
        return;
    }
    let problem = match of {
        Element::Pattern => go_pattern::check(text),
        Element::Glob => go_pattern::check_glob(text),
        Element::Tag | Element::Directory | Element::Word => Ok(()),
    };
    if let Err(problem) = problem {
        faults.add(
            path,
            format!("is not a pattern that the agent can read: {}: {problem}", quoted(text)),
        );
    }
}

/// An agent that has a queue and the tag of one ends at once: "Queue must be present in only one of the --tags or the
/// --queue flags".
fn check_queue(configured: &[(&str, String)], fields: Option<&Fields<'_>>, environment: &[Item], faults: &mut Faults) {
    let of_options = |name: &str| configured.iter().find(|(variable, _)| *variable == name);
    let of_environment = |name: &str| {
        (environment.iter()).find(|item| item.name.as_deref() == Some(name) && item.value.as_deref() != Some(""))
    };
    if of_options(QUEUE).is_none() && of_environment(QUEUE).is_none() {
        return;
    }
    let is_queue = |tag: &str| tag.trim().starts_with("queue=");
    let path = match (of_options(TAGS), of_environment(TAGS)) {
        (Some((_, tags)), _) if tags.split(',').any(is_queue) => fields.map(|fields| {
            let texts = fields.texts("Tags", &mut Faults::default());
            let first = texts.into_iter().find(|(_, tag)| is_queue(tag));
            first.map_or_else(|| fields.path("Tags"), |(path, _)| path)
        }),
        (_, Some(item)) if item.value.as_deref().is_some_and(|tags| tags.split(',').any(is_queue)) => {
            Some(format!("{}.Value", item.path))
        }
        _ => None,
    };
    if let Some(path) = path {
        let other = if of_options(QUEUE).is_some() {
            "`AgentConfiguration.Queue`".to_owned()
        } else {
            format!("`{QUEUE}` in `Environment`")
        };
        faults.add(
            path,
            format!("has the tag `queue=…` beside {other}: an agent whose queue is given twice does not start; leave the tag out"),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{facts::buildkite_agent::in_place_of, properties::tests::validated};

    #[test]
    fn every_option_reaches_version_4() {
        for (option, _, variables) in OPTIONS {
            for instead in variables.iter().filter_map(|variable| in_place_of(variable)) {
                assert!(
                    instead.iter().any(|variable| variables.contains(variable)),
                    "{option}: {variables:?}"
                );
            }
        }
    }

    #[test]
    fn every_variable_leads_back_to_its_option() {
        for (option, _, variables) in OPTIONS {
            for variable in variables {
                assert_eq!(option_that_sets(variable), Some(option), "{variable}");
            }
        }
        for other in ["BUILDKITE_AGENT_NAME", "Queue", ""] {
            assert_eq!(option_that_sets(other), None, "{other}");
        }
    }

    #[test]
    fn each_version_of_the_agent_gets_an_option_as_it_reads_it() {
        let variables = |option: &str, value: &Value| {
            let written = json!({"Image": "ruby", "AgentConfiguration": {option: value}});
            validated(&written).unwrap().agent_configuration
        };
        for (option, value, expected) in [
            ("Queue", json!("deploy"), &[("BUILDKITE_AGENT_QUEUE", "deploy")][..]),
            (
                "Tags",
                json!(["os=linux", "docker=false"]),
                &[("BUILDKITE_AGENT_TAGS", "os=linux,docker=false")],
            ),
            ("NoPlugins", json!(true), &[("BUILDKITE_NO_PLUGINS", "true")]),
            ("NoPlugins", json!(false), &[]),
            (
                "CancelGracePeriod",
                json!(30),
                &[
                    ("BUILDKITE_CANCEL_GRACE_PERIOD", "30"),
                    ("BUILDKITE_CANCEL_SIGNAL_TIMEOUT", "30s"),
                ],
            ),
            (
                "OpenTelemetryTracing",
                json!(true),
                &[
                    ("BUILDKITE_TRACING_BACKEND", "opentelemetry"),
                    ("BUILDKITE_OPENTELEMETRY_TRACING", "true"),
                ],
            ),
            (
                "TracingServiceName",
                json!("ruby"),
                &[
                    ("BUILDKITE_TRACING_SERVICE_NAME", "ruby"),
                    ("BUILDKITE_TELEMETRY_SERVICE_NAME", "ruby"),
                ],
            ),
        ] {
            let read = variables(option, &value);
            let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(read, expected, "{option}: {value}");
        }
    }

    #[test]
    fn a_comma_splits_a_count_only_between_its_two_numbers() {
        for (pattern, next, is_count) in [
            (".{1", "40}", true),
            (".{1", "40}/.*", true),
            (".{1", "}", true),
            ("a{2}b{1", "2}", true),
            // Without its least number Go takes a brace for plain text.
            (".{", "40}", false),
            (".{x", "40}", false),
            (".1", "40}", false),
            (".{1", "40", false),
            (".{1", "x}", false),
            ("a{1}", "b{2}", false),
            ("a", "b", false),
        ] {
            assert_eq!(is_a_count(pattern, next), is_count, "{pattern},{next}");
        }
    }
}
