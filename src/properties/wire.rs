//! What was written in the template, as near to it as its types allow: names, scalars and lists, without a meaning yet.
//!
//! CloudFormation turns numbers and booleans into strings at every depth (cloudformation.md 1.2); other callers need
//! not. Absent, `null` and `''` are the same: templates pass `!Ref SomeParameter` whose default is `''`.

use serde_json::{Map, Value};

use super::PROPERTIES;
use crate::Faults;

/// CloudFormation's own, which reach the handler inside the properties (cloudformation.md 1.1).
const CLOUDFORMATIONS_OWN: [&str; 2] = ["ServiceToken", "ServiceTimeout"];

/// The properties as written.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) image: Option<String>,
    pub(super) buildkite_agent_image: Option<String>,
    pub(super) ssh_agent_backend: Option<String>,
    pub(super) secrets: Vec<Item>,
    pub(super) environment: Vec<Item>,
    pub(super) task_family: Option<String>,
    pub(super) task_memory: Option<String>,
    pub(super) task_cpu: Option<String>,
    pub(super) task_role_arn: Option<String>,
    pub(super) buildkite_agent_token_parameter_path: Option<String>,
}

/// One element of `Environment` or `Secrets`.
#[derive(Debug)]
pub(super) struct Item {
    /// Its path, such as `Secrets[1]`.
    pub(super) path: String,
    /// `Name`, unless it is absent, which is a fault by then.
    pub(super) name: Option<String>,
    /// `Value` or `ValueFrom`, likewise.
    pub(super) value: Option<String>,
}

impl Wire {
    /// Takes the properties apart, noting what is unknown, absent or of the wrong shape.
    pub(super) fn read(written: &Map<String, Value>, faults: &mut Faults) -> Self {
        let known = PROPERTIES.map(|(name, _)| name);
        let mut wire = Self::default();
        for (name, value) in written {
            match name.as_str() {
                "Image" => wire.image = scalar("Image", value, faults),
                "BuildkiteAgentImage" => wire.buildkite_agent_image = scalar(name, value, faults),
                "SshAgentBackend" => wire.ssh_agent_backend = scalar(name, value, faults),
                "Secrets" => wire.secrets = items(name, value, "ValueFrom", faults),
                "Environment" => wire.environment = items(name, value, "Value", faults),
                "TaskFamily" => wire.task_family = scalar(name, value, faults),
                "TaskMemory" => wire.task_memory = scalar(name, value, faults),
                "TaskCpu" => wire.task_cpu = scalar(name, value, faults),
                "TaskRoleArn" => wire.task_role_arn = scalar(name, value, faults),
                "BuildkiteAgentTokenParameterPath" => {
                    wire.buildkite_agent_token_parameter_path = scalar(name, value, faults);
                }
                name if CLOUDFORMATIONS_OWN.contains(&name) => {}
                unknown => faults.add(unknown, unknown_name("property", unknown, &known)),
            }
        }
        let absent = |value: &Value| value.is_null() || value == "";
        if written.get("Image").is_none_or(absent) {
            faults.add(
                "Image",
                "is required: the image with the tools for command steps and plugins, such as `ruby:3.4`",
            );
        }
        wire
    }
}

/// A string, or what CloudFormation would have made one of.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn scalar(path: &str, value: &Value, faults: &mut Faults) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let text = text(value);
    if text.is_none() {
        faults.add(path, format!("must be a string, not {}", kind(value)));
    }
    text.filter(|text| !text.is_empty())
}

/// A list of `{Name, VALUE}`. A `null` in it is left out: nothing is known of how `AWS::NoValue` arrives inside a list.
fn items(path: &str, value: &Value, value_name: &str, faults: &mut Faults) -> Vec<Item> {
    let list = match value {
        Value::Null => return Vec::new(),
        Value::String(text) if text.is_empty() => return Vec::new(),
        Value::Array(list) => list,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            faults.add(
                path,
                format!("must be a list of {{Name, {value_name}}}, not {}", kind(value)),
            );
            return Vec::new();
        }
    };
    list.iter()
        .enumerate()
        .filter(|(_, element)| !element.is_null())
        .filter_map(|(index, element)| {
            let path = format!("{path}[{index}]");
            let Value::Object(fields) = element else {
                faults.add(&path, format!("must be {{Name, {value_name}}}, not {}", kind(element)));
                return None;
            };
            for unknown in fields.keys().filter(|key| *key != "Name" && *key != value_name) {
                faults.add(
                    format!("{path}.{unknown}"),
                    unknown_name("key", unknown, &["Name", value_name]),
                );
            }
            let mut field = |name: &str, empty_is_a_value: bool| {
                let at = format!("{path}.{name}");
                let value = fields.get(name).filter(|value| !value.is_null());
                if let Some(value @ (Value::Array(_) | Value::Object(_))) = value {
                    return scalar(&at, value, faults);
                }
                let given = value.and_then(text).filter(|text| empty_is_a_value || !text.is_empty());
                if given.is_none() {
                    let hint = if empty_is_a_value {
                        " (write '' for an empty one)"
                    } else {
                        ""
                    };
                    faults.add(at, format!("is required{hint}"));
                }
                given
            };
            let name = field("Name", false);
            // An empty variable is something else than none: it is how a default of the provider's is emptied.
            let value = field(value_name, value_name == "Value");
            Some(Item { path, name, value })
        })
        .collect()
}

/// What JSON calls it, with its article.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Suggests the nearest known name, if one is near.
fn unknown_name(what: &str, unknown: &str, known: &[&str]) -> String {
    let nearness = |name: &&&str| strsim::normalized_damerau_levenshtein(&unknown.to_lowercase(), &name.to_lowercase());
    let nearest = known
        .iter()
        .max_by(|one, other| nearness(one).total_cmp(&nearness(other)))
        .filter(|name| nearness(name) >= 0.5);
    match nearest {
        Some(name) => format!("is no {what} of Custom::BuildkiteAgent; did you mean `{name}`?"),
        None => format!("is no {what} of Custom::BuildkiteAgent; known: {}", known.join(", ")),
    }
}
