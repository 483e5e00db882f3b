//! The shape of each property as JSON schema, of the same constants as the readers: what of their rules a schema can say.
//!
//! An empty string is absent, so it is legal for what need not be there. What CloudFormation hands over as strings may
//! be written as numbers and booleans. `errorMessage` is not a keyword of JSON schema: the YAML language server and the
//! rule for cfn-lint say it instead of a pattern.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::{
    AGENT, AGENT_INIT, AGENT_TOKEN, INJECTIONS, PROPERTIES, SSH_AGENT,
    agent_configuration::{Element, Kind, OPTIONS},
    agent_container,
    condition::{OPERATORS, SETS},
    container::{CONDITIONS, CPU, MEMORY, WAIT},
    image::REFERENCE_PATTERN,
    launch::{COMPATIBILITIES, NETWORK_MODES},
    log_group::CLASSES,
    platform::ARCHITECTURES,
    rights, sidecar, tags, together,
    vocabulary::{self, Key},
    volume,
    wiring::CONTAINERS,
};
use crate::facts::{buildkite_agent::HOOKS, logs::RETENTION_DAYS};

/// The schema of all properties, without `ServiceToken` and `ServiceTimeout`.
#[must_use]
pub fn properties() -> Map<String, Value> {
    let described = PROPERTIES.iter().map(|property| {
        let mut shape = shape(property.name);
        if property.default != "required" {
            shape = or_empty(shape);
        }
        if let Value::Object(shape) = &mut shape {
            shape.insert("description".to_owned(), plain(property.description).into());
        }
        (property.name.to_owned(), shape)
    });
    described.collect()
}

fn shape(name: &str) -> Value {
    match name {
        "Image" => example(&image(), "ruby:3.4"),
        "BuildkiteAgentImage" | "SshAgentImage" => optional(image()),
        "RepositoryCredentials" | "BuildkiteAgentImageRepositoryCredentials" | "SshAgentImageRepositoryCredentials" => {
            credentials()
        }
        "BuildkiteAgentInjection" => one_of(&INJECTIONS),
        "Hooks" => object(&HOOKS.map(|name| (name, text())), &[]),
        "CancelOnStop" | "Privileged" | "EnableExecuteCommand" => switch(),
        "SshAgentBackend" => example(
            &optional(pattern(
                "^arn:[a-z0-9-]+:execute-api:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9-]+/[A-Za-z0-9_-]+(/.*)?$",
                "write arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE",
            )),
            "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/Prod",
        ),
        "Secrets" => list(but_the_token(secret())),
        "SecretsKmsKeyArns" => list(key()),
        "LogGroupKmsKeyId" | "SigningKey" => optional(key()),
        "Refresh" => text(),
        "Environment" => list(but_the_token(variable())),
        "SshAgentEnvironment" => list(variable()),
        "AgentContainer" => object(
            &container_fields(&agent_container::KNOWN, &agent_container::words()),
            &[],
        ),
        "AgentConfiguration" => agent_configuration(),
        // Beside the agent's.
        "Sidecars" => at_most(CONTAINERS - 1, list(container())),
        "Volumes" => list(a_volume()),
        "MountPoints" => list(mount_point()),
        "DependsOn" => list(dependency()),
        "TaskFamily" => example(&optional(name_of_ecs()), "ruby"),
        "RequiresCompatibilities" => unique(list(json!({"type": "string", "enum": COMPATIBILITIES}))),
        "NetworkMode" => one_of(&NETWORK_MODES),
        "TaskCpu" => size("[vV][cC][pP][uU]", "write a whole number of CPU units", 1024),
        "TaskMemory" => size("[gG][bB]", "write a whole number of MiB", 2048),
        "OperatingSystemFamily" => one_of(&["LINUX", "linux"]),
        "CpuArchitecture" => one_of(&[&ARCHITECTURES[..], &["x86_64", "arm64"]].concat()),
        "EphemeralStorage" => object(&[("SizeInGiB", whole(21..=200))], &["SizeInGiB"]),
        "TaskRoleArn" => optional(pattern(
            "^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$",
            "write arn:PARTITION:iam::ACCOUNT:role/PATH/NAME",
        )),
        "TaskRolePolicies" => list(policy()),
        "TaskRoleManagedPolicyArns" => unique(at_most(
            rights::MANAGED,
            list(pattern(
                "^arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,128}$",
                "write arn:PARTITION:iam::ACCOUNT:policy/NAME or arn:PARTITION:iam::aws:policy/NAME",
            )),
        )),
        "BuildkiteAgentTokenParameterPath" => example(&optional(parameter()), "/buildkite/agent-token"),
        "LogRetentionInDays" => {
            let days = [Value::from("")].into_iter().chain(numbers(RETENTION_DAYS));
            json!({"type": ["integer", "string"], "enum": days.collect::<Vec<_>>()})
        }
        "LogGroupClass" => one_of(&CLASSES),
        "Tags" => at_most(tags::MOST, list(tag())),
        other => word_of_a_task(other),
    }
}

fn word_of_a_task(name: &str) -> Value {
    let words: Vec<&Key> = vocabulary::task::KEYS.iter().filter(|key| key.name == name).collect();
    let shape = vocabulary::schemas(&words).pop();
    shape.map_or_else(|| json!({"$comment": name}), |(_, shape)| shape)
}

/// A whole number of CPU units or MiB, or one with a `unit` (a pattern) that ECS takes, too.
fn size(unit: &str, advice: &str, example: u32) -> Value {
    json!({
        "type": ["integer", "string"],
        "pattern": format!(
            r"^( *[0-9]+(\.0*)?([eE]\+?[0-9]+)? *| *[0-9]+\.[0-9]+[eE]\+?[0-9]+ *| *([0-9]+\.?[0-9]*|\.[0-9]+) *{unit} *)?$",
        ),
        "errorMessage": advice,
        "examples": [example],
    })
}

fn at_most(most: usize, mut list: Value) -> Value {
    list["maxItems"] = most.into();
    list
}

fn unique(mut list: Value) -> Value {
    list["uniqueItems"] = true.into();
    list
}

/// The name or ARN of an SSM parameter, without anchors.
const PARAMETER: &str = r"(\{\{resolve:ssm:.*\}\}|(arn:[a-z0-9-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/|/)?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}(:[A-Za-z0-9_.-]+)?)";
/// The ARN of a Secrets Manager secret, without anchors.
const SECRET: &str =
    "arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+(:[^:]*:[^:]*:[^:]*)?";

/// What ECS calls containers, volumes and families.
fn name_of_ecs() -> Value {
    pattern("^[A-Za-z0-9_-]{1,255}$", "legal: 1 to 255 letters, digits, `-` and `_`")
}

/// A KMS key, not an alias.
fn key() -> Value {
    pattern(
        "^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
        "write arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
    )
}

/// A directory or a file.
fn absolute() -> Value {
    pattern("^/", "write an absolute path, /…")
}

fn image() -> Value {
    pattern(
        REFERENCE_PATTERN,
        "write [REGISTRY/]NAME[:TAG] or [REGISTRY/]NAME@sha256:DIGEST, the name in lower case",
    )
}

fn parameter() -> Value {
    pattern(
        &format!("^{PARAMETER}$"),
        "write an SSM parameter's name (letters, digits and `_.-/`) or its ARN, arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME",
    )
}

pub(super) fn secret() -> Value {
    let value_from = pattern(
        &format!("^({PARAMETER}|{SECRET})$"),
        "write the name or ARN of an SSM parameter, or the ARN of a Secrets Manager secret, then nothing or \
         :JSON-KEY:VERSION-STAGE:VERSION-ID with all three colons",
    );
    object(
        &[
            ("Name", variable_name()),
            ("ValueFrom", example(&value_from, "/cargo/registry-token")),
        ],
        &["Name", "ValueFrom"],
    )
}

fn variable() -> Value {
    object(&[("Name", variable_name()), ("Value", text())], &["Name", "Value"])
}

fn variable_name() -> Value {
    pattern(
        "^[A-Za-z_.-][A-Za-z0-9_.-]*$",
        "legal: letters, digits and `_.-`, not beginning with a digit",
    )
}

/// A variable or secret that is not the agent's token, which the provider injects.
fn but_the_token(mut shape: Value) -> Value {
    let name = other_than(shape["properties"]["Name"].take(), &[AGENT_TOKEN]);
    let advice = format!(
        "{}: `BuildkiteAgentTokenParameterPath` says where the token is",
        name["errorMessage"].as_str().unwrap_or_default()
    );
    shape["properties"]["Name"] = advised(name, advice);
    shape
}

/// A name that the provider has not for itself.
fn other_than(mut shape: Value, taken: &[&str]) -> Value {
    let advice = format!(
        "{}, and not {}",
        shape["errorMessage"].as_str().unwrap_or_default(),
        super::list(taken)
    );
    shape["not"] = json!({"enum": taken});
    advised(shape, advice)
}

fn credentials() -> Value {
    object(
        &[(
            "CredentialsParameter",
            pattern(
                "^(arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]+$",
                "write the name or ARN of a Secrets Manager secret, without a key or version",
            ),
        )],
        &["CredentialsParameter"],
    )
}

fn agent_configuration() -> Value {
    let options: Vec<(&str, Value)> = (OPTIONS.iter())
        .map(|(name, kind, _)| {
            let shape = match kind {
                Kind::Text => text(),
                Kind::Name => pattern("^[^,]*$", "a queue's name has no comma, and an agent has one queue"),
                Kind::Path => optional(absolute()),
                Kind::List(Element::Pattern) => list(pattern(
                    "^[^,]*$",
                    "the agent splits the list at every comma: write \\x2c for one",
                )),
                Kind::List(_) => list(pattern(
                    "^[^,]*$",
                    "write each as an element of its own, without a comma",
                )),
                Kind::Switch => switch(),
                Kind::Seconds => whole(super::agent_configuration::GRACE),
            };
            (*name, shape)
        })
        .collect();
    object(&options, &[])
}

fn container() -> Value {
    let fields = container_fields(&sidecar::KNOWN, &sidecar::words());
    let mut container = object(&fields, &["Name", "Image"]);
    container["allOf"] = json!([together::credentials("Image", "RepositoryCredentials")]);
    container
}

/// What is looked into, and what is passed on.
fn container_fields(known: &[&'static str], words: &[&Key]) -> Vec<(&'static str, Value)> {
    let looked_into = known.iter().map(|name| {
        let shape = match *name {
            "Name" => other_than(name_of_ecs(), &[AGENT, AGENT_INIT, SSH_AGENT]),
            "Image" => image(),
            "RepositoryCredentials" => credentials(),
            "Essential" | "Privileged" => switch(),
            "EntryPoint" | "Command" => list(text()),
            "Environment" => list(variable()),
            "Secrets" => list(secret()),
            "DependsOn" => list(dependency()),
            "MountPoints" => list(mount_point()),
            "VolumesFrom" => list(object(
                &[("SourceContainer", text()), ("ReadOnly", switch())],
                &["SourceContainer"],
            )),
            "HealthCheck" => health_check(),
            "Cpu" => whole(CPU),
            "Memory" | "MemoryReservation" => whole(MEMORY),
            "StartTimeout" | "StopTimeout" => whole(WAIT),
            _ => text(),
        };
        (*name, shape)
    });
    looked_into.chain(vocabulary::schemas(words)).collect()
}

fn health_check() -> Value {
    let mut command = advised(
        list(text()),
        "write [CMD, PROGRAM, ARGUMENT, …], or [CMD-SHELL, a line for the image's shell]",
    );
    command["minItems"] = 2.into();
    object(
        &[
            ("Command", command),
            ("Interval", whole(5..=300)),
            ("Timeout", whole(2..=60)),
            ("Retries", whole(1..=10)),
            ("StartPeriod", whole(0..=300)),
        ],
        &["Command"],
    )
}

fn a_volume() -> Value {
    let authorization = object(
        &[
            (
                "AccessPointId",
                optional(pattern(
                    &format!("^fsap-{}$", volume::DIGITS_PATTERN),
                    &format!("write fsap-ID, {}", volume::DIGITS),
                )),
            ),
            ("IAM", one_of(&volume::SWITCH)),
        ],
        &[],
    );
    let mut efs = object(
        &[
            (
                "FilesystemId",
                pattern(
                    &format!("^fs-{}$", volume::DIGITS_PATTERN),
                    &format!("write fs-ID, {}", volume::DIGITS),
                ),
            ),
            ("RootDirectory", optional(absolute())),
            ("TransitEncryption", one_of(&volume::SWITCH)),
            ("TransitEncryptionPort", whole(1..=65535)),
            ("AuthorizationConfig", authorization),
        ],
        &["FilesystemId"],
    );
    let with = |authorization: Value| json!({"required": ["AuthorizationConfig"], "properties": {"AuthorizationConfig": authorization}});
    let with_point = json!({"required": ["AccessPointId"], "properties": {"AccessPointId": {"type": "string", "pattern": "^fsap-"}}});
    let with_iam = json!({"required": ["IAM"], "properties": {"IAM": {"enum": [volume::SWITCH[0]]}}});
    let encrypted = json!({"required": ["TransitEncryption"], "properties": {"TransitEncryption": {"not": {"enum": ["", volume::SWITCH[1]]}}}});
    let own_root = advised(
        json!({"not": {"type": "string", "pattern": "^/."}}),
        "`RootDirectory` is given together with an access point, which has a root directory of its own; leave it out",
    );
    efs["allOf"] = json!([
        {
            "if": with(json!({"type": "object", "anyOf": [with_point, with_iam]})),
            "then": advised(encrypted, "`TransitEncryption` must be ENABLED where an access point or IAM is used"),
        },
        {"if": with(with_point), "then": {"properties": {"RootDirectory": own_root}}},
    ]);
    let name = other_than(name_of_ecs(), &[SSH_AGENT, AGENT_INIT]);
    let words: Vec<&Key> = vocabulary::volume::KEYS.iter().collect();
    let mut fields = vec![("Name", name), ("EFSVolumeConfiguration", efs)];
    fields.extend(vocabulary::schemas(&words));
    object(&fields, &["Name"])
}

fn mount_point() -> Value {
    object(
        &[
            ("SourceVolume", text()),
            ("ContainerPath", absolute()),
            ("ReadOnly", switch()),
        ],
        &["SourceVolume", "ContainerPath"],
    )
}

fn dependency() -> Value {
    object(
        &[
            ("ContainerName", text()),
            ("Condition", json!({"type": "string", "enum": CONDITIONS})),
        ],
        &["ContainerName", "Condition"],
    )
}

fn policy() -> Value {
    let one_or_many = |one: Value| {
        json!({
            "type": ["string", "array"], "pattern": one["pattern"], "errorMessage": one["errorMessage"], "items": one, "minItems": 1,
        })
    };
    let actions = || {
        one_or_many(pattern(
            r"^(\*|[^: ]+:[^: ]+)$",
            "write SERVICE:NAME, such as s3:GetObject",
        ))
    };
    let resources = || one_or_many(pattern(r"^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.+)$", "write an ARN or '*'"));
    let mut statement = object(
        &[
            ("Sid", pattern("^[A-Za-z0-9]*$", "legal: letters and digits alone")),
            ("Effect", json!({"type": "string", "enum": ["Allow", "Deny"]})),
            ("Action", actions()),
            ("NotAction", actions()),
            ("Resource", resources()),
            ("NotResource", resources()),
            ("Condition", condition()),
        ],
        &["Effect"],
    );
    let either = |one: &str, other: &str| {
        let instead = advised(
            json!({"not": {}}),
            format!("`{one}` is given together with `{other}`; leave one of the two out"),
        );
        json!({"if": {"required": [other]}, "then": {"properties": {one: instead}}, "else": {"required": [one]}})
    };
    statement["allOf"] = json!([either("Action", "NotAction"), either("Resource", "NotResource")]);
    let document = object(
        &[
            ("Version", json!({"type": "string", "enum": [rights::VERSION]})),
            ("Id", text()),
            (
                "Statement",
                json!({"if": {"type": "array"}, "then": {"items": statement, "minItems": 1}, "else": statement}),
            ),
        ],
        &["Version", "Statement"],
    );
    object(
        &[
            (
                "PolicyName",
                pattern(
                    "^[A-Za-z0-9_+=,.@-]{1,128}$",
                    "legal: 1 to 128 letters, digits and `_+=,.@-`",
                ),
            ),
            ("PolicyDocument", document),
        ],
        &["PolicyName", "PolicyDocument"],
    )
}

/// What is tested, by operator and key.
fn condition() -> Value {
    let value = json!({
        "type": ["string", "integer", "number", "boolean", "array"], "items": text(), "minItems": 1,
    });
    let tests = json!({
        "type": "object",
        "minProperties": 1,
        "errorMessage": "write {KEY: VALUE}",
        "propertyNames": pattern("^[^:]+:.+$", "write SERVICE:NAME, such as aws:SourceIp"),
        "additionalProperties": value,
    });
    let operator = format!("^({})?(Null|({})(IfExists)?)$", SETS.join("|"), OPERATORS.join("|"));
    json!({
        "type": "object",
        "propertyNames": pattern(
            &operator,
            "legal: IAM's operators, such as StringEquals, StringLike, ArnLike, Bool and Null, also with IfExists after \
             them, or ForAllValues: or ForAnyValue: before them",
        ),
        "additionalProperties": tests,
    })
}

fn tag() -> Value {
    let legal = r"[\p{L}\p{N} _.:/=+@-]";
    // Those of AWS and of the provider are not the author's to set.
    let reserved: Vec<String> = tags::RESERVED.iter().map(|(prefix, _)| any_case(prefix)).collect();
    let key = format!("^(?!{}){legal}{{1,128}}$", reserved.join("|"));
    let value = format!("^(?!{}){legal}{{0,256}}$", any_case(tags::AWS));
    object(
        &[
            (
                "Key",
                pattern(
                    &ascii(&key),
                    "legal: 1 to 128 letters, digits, spaces and `_.:/=+-@`; those of `aws:` and `agent-composer:` are not yours to set",
                ),
            ),
            (
                "Value",
                json!({
                    "type": ["string", "integer", "number", "boolean"],
                    "pattern": ascii(&value),
                    "errorMessage": "legal: up to 256 letters, digits, spaces and `_.:/=+-@`; those that begin with `aws:` are AWS's own",
                }),
            ),
        ],
        &["Key"],
    )
}

/// A pattern of that text in any capitals.
fn any_case(text: &str) -> String {
    let both = |letter: char| match letter {
        letter if letter.is_ascii_alphabetic() => format!("[{}{}]", letter, letter.to_ascii_uppercase()),
        other => other.to_string(),
    };
    text.chars().map(both).collect()
}

/// Python's patterns know no classes of Unicode: everything beyond ASCII is let through.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\p{L}\p{N}", r"A-Za-z0-9\u0080-\uffff")
}

/// Any text but one with a reference that CloudFormation does not resolve here.
pub(super) fn text() -> Value {
    json!({
        "type": ["string", "integer", "number", "boolean"],
        "pattern": r"^(?![\s\S]*(\u0000|\{\{resolve:(secretsmanager|ssm-secure):))",
        "errorMessage": "CloudFormation does not resolve {{resolve:secretsmanager:…}} and {{resolve:ssm-secure:…}} in a custom resource: use `Secrets`; and no text holds a NUL character",
    })
}

/// A text of this form; `advice` is what would be right.
pub(super) fn pattern(pattern: &str, advice: &str) -> Value {
    advised(json!({"type": "string", "pattern": pattern}), advice)
}

/// Adds the message that an author gets for a value that the shape refuses.
pub(super) fn advised(mut shape: Value, advice: impl Into<String>) -> Value {
    shape["errorMessage"] = advice.into().into();
    shape
}

/// A list or an object, or nothing; for texts, [`optional`].
fn or_empty(mut shape: Value) -> Value {
    if matches!(shape["type"].as_str(), Some("array" | "object")) {
        shape["type"] = json!([shape["type"], "string"]);
        shape["maxLength"] = 0.into();
    }
    shape
}

/// A pattern, or nothing.
pub(super) fn optional(mut shape: Value) -> Value {
    let inner = shape["pattern"].as_str().unwrap_or_default();
    let inner = inner.trim_start_matches('^');
    shape["pattern"] = match inner.strip_suffix('$') {
        Some(inner) => format!("^({inner})?$").into(),
        None => format!("^$|^{inner}").into(),
    };
    shape
}

fn example(shape: &Value, example: &str) -> Value {
    let mut shape = shape.clone();
    shape["examples"] = json!([example]);
    shape
}

pub(super) fn one_of(words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain([""]).collect();
    json!({"type": "string", "enum": words})
}

/// A pattern rather than a list of all ways of writing: cfn-lint takes every text for the boolean `false`.
pub(super) fn switch() -> Value {
    let way = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])?$";
    json!({"type": ["boolean", "string"], "pattern": way, "errorMessage": "write `true` or `false`"})
}

pub(super) fn whole(legal: RangeInclusive<i32>) -> Value {
    let (least, most) = legal.into_inner();
    json!({
        "type": ["integer", "string"],
        "minimum": least,
        "maximum": most,
        "pattern": if least < 0 { r"^[-0-9.eE+ ]*$" } else { r"^[0-9.eE+ ]*$" },
    })
}

pub(super) fn list(items: Value) -> Value {
    let mut list = json!({"type": "array"});
    list["items"] = items;
    list
}

pub(super) fn object(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> = (fields.iter())
        .map(|(name, shape)| {
            let shape = if required.contains(name) {
                shape.clone()
            } else {
                or_empty(shape.clone())
            };
            ((*name).to_owned(), shape)
        })
        .collect();
    let mut object = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// Numbers, also as strings: CloudFormation makes strings of numbers.
pub(super) fn numbers<T: Into<Value> + ToString + Copy>(legal: impl IntoIterator<Item = T>) -> Vec<Value> {
    let both = |number: T| [number.into(), number.to_string().into()];
    legal.into_iter().flat_map(both).collect()
}

/// Markdown without its links, for those that show a description as text.
pub fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((_, behind)) = after.split_once(')') else {
            break;
        };
        text.push_str(&before.replacen('[', "", 1));
        rest = behind;
    }
    // Links by reference have no address of their own here.
    text + &rest
        .replace("][fargate]", "")
        .replace("][exec]", "")
        .replace("[pair", "pair")
        .replace("[ECS", "ECS")
}

#[cfg(test)]
mod tests {
    use super::*;

    // What the schema means is tested with a validator, in tests/it/schema.rs.
    #[test]
    fn the_committed_schema_is_that_of_the_code() {
        let committed = include_str!("../../../../schema/custom-buildkiteagent.json");
        let committed: Value = serde_json::from_str(committed).unwrap();
        let properties = properties();
        let changed: Vec<&str> = (PROPERTIES.iter().map(|property| property.name))
            .filter(|name| properties.get(*name) != committed["properties"].get(*name))
            .collect();
        assert!(changed.is_empty(), "the schemas of {changed:?}");
        assert_eq!(properties.len(), PROPERTIES.len());

        let (rules, committed) = (together::rules(), committed["allOf"].as_array().unwrap());
        let changed: Vec<usize> = (0..rules.len().max(committed.len()))
            .filter(|index| rules.get(*index) != committed.get(*index))
            .collect();
        assert!(changed.is_empty(), "the rules {changed:?}");
    }

    #[test]
    fn a_description_is_plain_without_the_addresses_of_its_links() {
        for (markdown, text) in [
            ("Nothing to follow (here).", "Nothing to follow (here)."),
            ("See [Rights](rights.md) and [more](a/b.md#c).", "See Rights and more."),
            ("[All](all.md)", "All"),
            ("A list [a, b]", "A list [a, b]"),
            (
                "A [pair that it has][fargate] for [ECS Exec][exec]",
                "A pair that it has for ECS Exec",
            ),
            ("[All](all.md", "[All](all.md"),
        ] {
            assert_eq!(plain(markdown), text, "{markdown}");
        }
    }
}
