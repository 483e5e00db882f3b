//! What RegisterTaskDefinition refuses in the task itself: names, sizes, network, roles, volumes, tags.

use serde_json::Value;

use super::super::error::ApiError;
use super::super::home::Home;
use super::super::json::{items, number, text, texts};
use super::super::tags;
use super::{container_rules, fargate};

/// The largest registration, in bytes (docs/internals/aws.md, "Names and limits").
const LARGEST: usize = 65_536;

/// The most containers in one task (docs/internals/aws.md, "Names and limits").
const MOST_CONTAINERS: usize = 10;

/// The error that a fault of the caller's has.
pub fn client(message: impl Into<String>) -> ApiError {
    ApiError::bad("ClientException", message)
}

/// Whether the task is to run on Fargate.
pub fn on_fargate(params: &Value) -> bool {
    texts(params, "requiresCompatibilities").contains(&"FARGATE".to_owned())
}

/// Everything that AWS looks at. It reports the first fault only (docs/internals/aws.md, "Registering").
pub fn check(params: &Value, home: &Home) -> Result<(), ApiError> {
    let family = text(params, "family").unwrap_or_default();
    if family.is_empty() {
        return Err(client("Family should not be null or empty."));
    }
    if !super::super::json::is_name(family, 255, "_-") {
        return Err(client("Family contains invalid characters."));
    }
    check_tags(params)?;
    let size = params.to_string().len();
    if size > LARGEST {
        return Err(client(format!(
            "Actual length: '{size}'. Max allowed length is '{LARGEST}' bytes."
        )));
    }
    for role in ["taskRoleArn", "executionRoleArn"] {
        if let Some(arn) = text(params, role)
            && !is_role(arn, home)
        {
            return Err(client("Role is not valid"));
        }
    }
    let containers = items(params, "containerDefinitions");
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    if containers.len() > MOST_CONTAINERS {
        return Err(client(format!(
            "Too many containers: a task definition has at most {MOST_CONTAINERS}."
        )));
    }
    check_compatibilities(params)?;
    check_volumes(params)?;
    if on_fargate(params) {
        check_fargate(params)?;
    }
    container_rules::check(params)
}

fn check_tags(params: &Value) -> Result<(), ApiError> {
    let Some(Value::Array(list)) = params.get("tags") else {
        return Ok(());
    };
    let invalid = |message: String| ApiError::bad("InvalidParameterException", message);
    if list.is_empty() {
        return Err(invalid("Tags can not be empty.".to_owned()));
    }
    if list.len() > tags::MOST {
        return Err(invalid("The number of tags exceeds the limit of 50.".to_owned()));
    }
    let pairs = tags::ECS.pairs(params, "tags");
    if let Some(key) = tags::repeated(&pairs, false) {
        return Err(invalid(format!("Duplicate tag keys found: {key}")));
    }
    tags::check(&pairs, "InvalidParameterException")
}

/// The shape of an ARN is all that AWS looks at, not whether the role exists (docs/internals/aws.md, "Registering"). A
/// short name is allowed too.
fn is_role(written: &str, home: &Home) -> bool {
    if !written.starts_with("arn:") {
        return super::super::json::is_name(written, 64, "+=,.@_-");
    }
    let fields: Vec<&str> = written.splitn(6, ':').collect();
    fields.len() == 6
        && fields[1] == home.partition
        && fields[2] == "iam"
        && fields[3].is_empty()
        && fields[4].len() == 12
        && fields[4].chars().all(|c| c.is_ascii_digit())
        && fields[5]
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
}

fn check_compatibilities(params: &Value) -> Result<(), ApiError> {
    for named in texts(params, "requiresCompatibilities") {
        if !["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"].contains(&named.as_str()) {
            return Err(ApiError::bad(
                "InvalidParameterException",
                format!("Invalid compatibility: {named}"),
            ));
        }
    }
    let mode = text(params, "networkMode").unwrap_or("bridge");
    if !["none", "bridge", "awsvpc", "host"].contains(&mode) {
        return Err(client(format!("Invalid network mode: {mode}")));
    }
    Ok(())
}

fn check_volumes(params: &Value) -> Result<(), ApiError> {
    let volumes = items(params, "volumes");
    for (index, volume) in volumes.iter().enumerate() {
        let name = text(volume, "name").unwrap_or_default();
        if !super::super::json::is_name(name, 255, "_-") {
            return Err(client("Volume.name contains invalid characters."));
        }
        if volumes[..index].iter().any(|other| text(other, "name") == Some(name)) {
            return Err(client(format!("Duplicate volume name: {name}")));
        }
        if on_fargate(params) && volume.pointer("/host/sourcePath").is_some() {
            return Err(client("Fargate does not support volumes with sourcePath."));
        }
    }
    Ok(())
}

fn check_fargate(params: &Value) -> Result<(), ApiError> {
    // The mode first: this is the one that a definition made for EC2 always has wrong.
    if text(params, "networkMode") != Some("awsvpc") {
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    let needed = |field: &str| {
        text(params, field)
            .ok_or_else(|| client(format!("Fargate requires that '{field}' be defined at the task level.")))
    };
    let (cpu, memory) = (needed("cpu")?, needed("memory")?);
    let pair = fargate::cpu_units(cpu).zip(fargate::memory_mib(memory));
    if !pair.is_some_and(|(cpu, memory)| fargate::has(cpu, memory)) {
        return Err(client("No Fargate configuration exists for given values."));
    }
    for field in ["ipcMode", "placementConstraints"] {
        let given = params
            .get(field)
            .is_some_and(|value| !value.is_null() && !value.as_array().is_some_and(Vec::is_empty));
        if given {
            return Err(client(format!("Fargate does not support {field}.")));
        }
    }
    match params
        .get("ephemeralStorage")
        .and_then(|storage| number(storage, "sizeInGiB"))
    {
        Some(size) if size < 21 => Err(client("EphemeralStorage size should be at least 21")),
        Some(size) if size > 200 => Err(client("EphemeralStorage size should be at most 200")),
        _ => Ok(()),
    }
}
