//! The shape of each property as JSON schema, of the same constants as the readers: what of their rules a schema can say.
//!
//! An empty string is absent, so it is legal for what need not be there. What CloudFormation hands over as strings may
//! be written as numbers and booleans.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::{
    CPUS, PROPERTIES,
    agent_configuration::{Kind, OPTIONS},
    container::CONDITIONS,
    image::REFERENCE_PATTERN,
    launch::{COMPATIBILITIES, NETWORK_MODES},
    log_group::CLASSES,
    platform::ARCHITECTURES,
    rights, sidecar,
    size::Memories,
    tags, volume,
};
use crate::settings::RETENTION_DAYS;

/// The schema of all properties, without `ServiceToken` and `ServiceTimeout`.
#[must_use]
pub fn properties() -> Map<String, Value> {
    let described = PROPERTIES.iter().map(|property| {
        let mut shape = shape(property.name);
        if let Value::Object(shape) = &mut shape {
            shape.insert("description".to_owned(), plain(property.description).into());
        }
        (property.name.to_owned(), shape)
    });
    described.collect()
}

/// Rules about several properties together.
#[must_use]
pub fn together() -> Vec<Value> {
    let written = |name: &str| json!({"required": [name], "properties": {name: {"not": {"enum": [""]}}}});
    let needs = |name: &str, other: &str| json!({"if": written(name), "then": {"required": [other]}});
    let excludes = |name: &str, other: &str| json!({"if": {"allOf": [written(name), written(other)]}, "then": {"properties": {other: false}}});
    let elsewhere = json!({
        "required": ["RequiresCompatibilities"],
        "properties": {"RequiresCompatibilities": {"type": "array", "items": {"not": {"enum": ["FARGATE"]}}}},
    });
    let mut rules: Vec<Value> = CPUS.iter().map(|cpu| memory_with(*cpu, &elsewhere)).collect();
    rules.extend([
        json!({"if": {"not": elsewhere}, "then": {"properties": {"TaskCpu": {"enum": numbers(CPUS)}}}}),
        json!({"if": {"not": elsewhere}, "then": {"properties": {"Privileged": {"enum": ["", false, "false"]}}}}),
        needs("BuildkiteAgentInjection", "BuildkiteAgentImage"),
        excludes("TaskRoleArn", "TaskRolePolicies"),
        excludes("TaskRoleArn", "TaskRoleManagedPolicyArns"),
        json!({
            "if": {"allOf": [written("TaskRoleArn"), {"properties": {"EnableExecuteCommand": {"enum": [true, "true"]}}}]},
            "then": {"properties": {"EnableExecuteCommand": false}},
        }),
    ]);
    rules
}

/// The memories that Fargate has with these CPU units; 256 is also what there is without `TaskCpu`.
fn memory_with(cpu: u32, elsewhere: &Value) -> Value {
    let memories = Memories::with(cpu).map(|memories| memories.all()).unwrap_or_default();
    let has_default = memories.contains(&512);
    let mut with = json!({"properties": {"TaskCpu": {"enum": numbers([cpu])}}});
    if cpu != 256 {
        with["required"] = json!(["TaskCpu"]);
    }
    let mut legal = json!({"properties": {"TaskMemory": {"enum": numbers(memories)}}});
    if !has_default {
        legal["required"] = json!(["TaskMemory"]);
    }
    json!({"if": {"allOf": [{"not": elsewhere}, with]}, "then": legal})
}

#[expect(clippy::too_many_lines, reason = "a line or two for each property")]
fn shape(name: &str) -> Value {
    match name {
        "Image" => example(&required(image()), "ruby:3.4"),
        "BuildkiteAgentImage" | "SshAgentImage" => optional(image()),
        "RepositoryCredentials" | "BuildkiteAgentImageRepositoryCredentials" | "SshAgentImageRepositoryCredentials" => {
            credentials()
        }
        "BuildkiteAgentInjection" => one_of(&["VOLUME", "COPY"]),
        "CancelOnStop" | "Privileged" | "EnableExecuteCommand" => switch(),
        "SshAgentBackend" => example(
            &optional(pattern(
                "^arn:[a-z0-9-]+:execute-api:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9-]+/[A-Za-z0-9_-]+(/.*)?$",
            )),
            "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/Prod",
        ),
        "Secrets" => list(secret()),
        "SecretsKmsKeyArns" => list(pattern(KEY)),
        "LogGroupKmsKeyId" => optional(pattern(KEY)),
        "Environment" => list(variable()),
        "AgentConfiguration" => agent_configuration(),
        "Sidecars" => list(container()),
        "Volumes" => list(a_volume()),
        "MountPoints" => list(mount_point()),
        "DependsOn" => list(dependency()),
        "TaskFamily" => example(&optional(pattern(NAME)), "ruby"),
        "RequiresCompatibilities" => {
            let mut compatibilities = list(json!({"type": "string", "enum": COMPATIBILITIES}));
            compatibilities["uniqueItems"] = true.into();
            compatibilities
        }
        "NetworkMode" => one_of(&NETWORK_MODES),
        "TaskMemory" | "TaskCpu" => json!({
            "type": ["integer", "string"],
            "pattern": r"^( *[0-9]+(\.0*)?([eE]\+?[0-9]+)? *| *[0-9]+\.[0-9]+[eE]\+?[0-9]+ *)?$",
            "examples": if name == "TaskCpu" { [1024] } else { [2048] },
        }),
        "OperatingSystemFamily" => one_of(&["LINUX"]),
        "CpuArchitecture" => one_of(&ARCHITECTURES),
        "EphemeralStorage" => object(&[("SizeInGiB", whole(21..=200))], &["SizeInGiB"]),
        "TaskRoleArn" => optional(pattern("^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$")),
        "TaskRolePolicies" => list(policy()),
        "TaskRoleManagedPolicyArns" => {
            let mut arns = list(pattern("^arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy/.+$"));
            arns["maxItems"] = rights::MANAGED.into();
            arns["uniqueItems"] = true.into();
            arns
        }
        "BuildkiteAgentTokenParameterPath" => example(&optional(parameter()), "/buildkite/agent-token"),
        "LogRetentionInDays" => {
            let days = [Value::from("")].into_iter().chain(numbers(RETENTION_DAYS));
            json!({"type": ["integer", "string"], "enum": days.collect::<Vec<_>>()})
        }
        "LogGroupClass" => one_of(&CLASSES),
        "Tags" => {
            let mut tags = list(tag());
            tags["maxItems"] = tags::MOST.into();
            tags
        }
        other => json!({"$comment": other}),
    }
}

/// What ECS calls containers, volumes and families.
const NAME: &str = "^[A-Za-z0-9_-]{1,255}$";
/// A KMS key, not an alias.
const KEY: &str = "^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$";
/// A directory or a file.
const ABSOLUTE: &str = "^/";

fn image() -> Value {
    pattern(REFERENCE_PATTERN)
}

/// The name or ARN of an SSM parameter.
fn parameter() -> Value {
    pattern(
        r"^(\{\{.*\}\}|(arn:[a-z0-9-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/|/)?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}(:[A-Za-z0-9_.-]+)?)$",
    )
}

fn secret() -> Value {
    let value_from = json!({
        "type": "string",
        "anyOf": [
            parameter(),
            pattern("^arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+(:[^:]*:[^:]*:[^:]*)?$"),
        ],
        "examples": ["/cargo/registry-token"],
    });
    object(
        &[("Name", variable_name()), ("ValueFrom", value_from)],
        &["Name", "ValueFrom"],
    )
}

fn variable() -> Value {
    object(&[("Name", variable_name()), ("Value", text())], &["Name", "Value"])
}

fn variable_name() -> Value {
    pattern("^[A-Za-z_.-][A-Za-z0-9_.-]*$")
}

fn credentials() -> Value {
    object(
        &[("CredentialsParameter", pattern("^[A-Za-z0-9/_+=.@:-]+$"))],
        &["CredentialsParameter"],
    )
}

fn agent_configuration() -> Value {
    let options: Vec<(&str, Value)> = (OPTIONS.iter())
        .map(|(name, kind, _)| {
            let shape = match kind {
                Kind::Text => text(),
                Kind::List => list(text()),
                Kind::Switch => switch(),
                Kind::Seconds => whole(super::agent_configuration::GRACE),
            };
            (*name, shape)
        })
        .collect();
    object(&options, &[])
}

fn container() -> Value {
    let fields: Vec<(&str, Value)> = (sidecar::KNOWN.iter())
        .map(|name| {
            let shape = match *name {
                "Name" => pattern(NAME),
                "Image" => required(image()),
                "RepositoryCredentials" => credentials(),
                "Essential" | "Privileged" | "ReadonlyRootFilesystem" => switch(),
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
                "LinuxParameters" => object(&[("InitProcessEnabled", switch())], &[]),
                "Cpu" => whole(sidecar::CPU),
                "Memory" | "MemoryReservation" => whole(sidecar::MEMORY),
                "StartTimeout" | "StopTimeout" => whole(sidecar::WAIT),
                _ => text(),
            };
            (*name, shape)
        })
        .collect();
    object(&fields, &["Name", "Image"])
}

fn health_check() -> Value {
    let mut command = list(text());
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
    let authorization = object(&[("AccessPointId", text()), ("IAM", one_of(&volume::SWITCH))], &[]);
    let efs = object(
        &[
            ("FilesystemId", pattern("^fs-[0-9A-Fa-f]+$")),
            ("RootDirectory", optional(pattern(ABSOLUTE))),
            ("TransitEncryption", one_of(&volume::SWITCH)),
            ("TransitEncryptionPort", whole(1..=65535)),
            ("AuthorizationConfig", authorization),
        ],
        &["FilesystemId"],
    );
    object(&[("Name", pattern(NAME)), ("EFSVolumeConfiguration", efs)], &["Name"])
}

fn mount_point() -> Value {
    object(
        &[
            ("SourceVolume", text()),
            ("ContainerPath", pattern(ABSOLUTE)),
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
    let one_or_many = |one: Value| json!({"type": ["string", "array"], "pattern": one["pattern"], "items": one});
    let actions = || one_or_many(pattern(r"^(\*|[^: ]+:[^: ]+)$"));
    let resources = || one_or_many(pattern(r"^(\*|arn:.*)$"));
    let mut statement = object(
        &[
            ("Sid", pattern("^[A-Za-z0-9]*$")),
            ("Effect", json!({"type": "string", "enum": ["Allow", "Deny"]})),
            ("Action", actions()),
            ("NotAction", actions()),
            ("Resource", resources()),
            ("NotResource", resources()),
            ("Condition", json!({"type": "object"})),
        ],
        &["Effect"],
    );
    statement["allOf"] = json!([
        {"oneOf": [{"required": ["Action"]}, {"required": ["NotAction"]}]},
        {"oneOf": [{"required": ["Resource"]}, {"required": ["NotResource"]}]},
    ]);
    let document = object(
        &[
            ("Version", json!({"type": "string", "enum": [rights::VERSION]})),
            ("Id", text()),
            (
                "Statement",
                json!({"anyOf": [statement, {"type": "array", "items": statement}]}),
            ),
        ],
        &["Version", "Statement"],
    );
    object(
        &[
            ("PolicyName", pattern("^[A-Za-z0-9_+=,.@-]{1,128}$")),
            ("PolicyDocument", document),
        ],
        &["PolicyName", "PolicyDocument"],
    )
}

fn tag() -> Value {
    let legal = r"[\p{L}\p{N} _.:/=+@-]";
    // Those of AWS and of the provider are not the author's to set.
    let key = format!("^(?![aA][wW][sS]:|{}){legal}{{1,128}}$", crate::ownership::PREFIX);
    let value = format!("^{legal}{{0,256}}$");
    object(
        &[
            (
                "Key",
                json!({"type": "string", "maxLength": 128, "pattern": ascii(&key)}),
            ),
            (
                "Value",
                json!({"type": ["string", "integer", "number", "boolean"], "maxLength": 256, "pattern": ascii(&value)}),
            ),
        ],
        &["Key"],
    )
}

/// Python's patterns know no classes of Unicode: everything beyond ASCII is let through.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\p{L}\p{N}", r"A-Za-z0-9\u0080-\uffff")
}

fn text() -> Value {
    json!({"type": ["string", "integer", "number", "boolean"]})
}

fn pattern(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

fn required(mut shape: Value) -> Value {
    shape["minLength"] = 1.into();
    shape
}

/// A pattern, or nothing.
fn optional(mut shape: Value) -> Value {
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

fn one_of(words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain([""]).collect();
    json!({"type": "string", "enum": words})
}

fn switch() -> Value {
    json!({
        "type": ["boolean", "string"],
        "enum": [true, false, "true", "false", "True", "False", "TRUE", "FALSE", ""],
    })
}

fn whole(legal: RangeInclusive<i32>) -> Value {
    let (least, most) = legal.into_inner();
    json!({
        "type": ["integer", "string"],
        "minimum": least,
        "maximum": most,
        "pattern": r"^[0-9.eE+ ]*$",
    })
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn object(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> = (fields.iter())
        .map(|(name, shape)| ((*name).to_owned(), shape.clone()))
        .collect();
    let mut object = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// As numbers and as strings: CloudFormation makes strings of numbers.
fn numbers<T: Into<Value> + ToString + Copy>(legal: impl IntoIterator<Item = T>) -> Vec<Value> {
    let both = |number: T| [number.into(), number.to_string().into()];
    legal.into_iter().flat_map(both).collect()
}

/// Markdown without its links, for whoever shows a description as text.
pub(crate) fn plain(markdown: &str) -> String {
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
