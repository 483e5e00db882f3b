//! What RegisterTaskDefinition refuses in the containers, alone and in what they say about each other.

use serde_json::Value;

use super::super::error::ApiError;
use super::super::json::{is_name, items, number, text, texts};
use super::fargate;
use super::task_rules::{client, on_fargate};

/// What Fargate has no use for (docs/internals/aws.md, "What Fargate refuses").
const NOT_ON_FARGATE: [&str; 7] = [
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "extraHosts",
    "links",
    "privileged",
];

/// Fargate's log drivers (docs/internals/aws.md, "Logging").
const FARGATE_LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

/// Checks every container of a registration.
pub fn check(params: &Value) -> Result<(), ApiError> {
    let containers = items(params, "containerDefinitions");
    for (index, container) in containers.iter().enumerate() {
        check_names(container)?;
        if containers[..index].iter().any(|other| name(other) == name(container)) {
            return Err(client(format!("Duplicate container name: {}", name(container))));
        }
        check_health(container)?;
        check_timeouts(container, params)?;
        check_secrets(container, params)?;
        check_mounts(container, params)?;
        check_dependencies(container, containers)?;
        check_memory(container, params)?;
        if on_fargate(params) {
            check_fargate(container, params)?;
        }
        check_logging(container, params)?;
    }
    if !containers.iter().any(essential) {
        return Err(client(
            "Invalid 'essential' setting: at least one container must be essential.",
        ));
    }
    check_cycles(containers)
}

fn name(container: &Value) -> &str {
    text(container, "name").unwrap_or_default()
}

/// Absent is true.
fn essential(container: &Value) -> bool {
    container.get("essential").and_then(Value::as_bool) != Some(false)
}

fn check_names(container: &Value) -> Result<(), ApiError> {
    if name(container).is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !is_name(name(container), 255, "_-") {
        return Err(client("Container.name contains invalid characters."));
    }
    let image = text(container, "image").unwrap_or_default();
    if image.is_empty() {
        return Err(client("Container.image should not be null or empty."));
    }
    // The digest does not count towards the 255 (docs/internals/aws.md, "Names and limits").
    let (named, digest) = image.split_once('@').unwrap_or((image, ""));
    let legal_digest = digest.is_empty()
        || digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()));
    if !is_name(named, 255, "_-:./#") || !legal_digest {
        return Err(client("Container.image contains invalid characters."));
    }
    Ok(())
}

/// docs/internals/aws.md, "Health checks".
fn check_health(container: &Value) -> Result<(), ApiError> {
    let Some(health) = container.get("healthCheck").filter(|held| !held.is_null()) else {
        return Ok(());
    };
    let command = texts(health, "command");
    if !matches!(command.first().map(String::as_str), Some("CMD" | "CMD-SHELL")) || command.len() < 2 {
        return Err(client(
            "Container.healthCheck.command must start with CMD or CMD-SHELL.",
        ));
    }
    for (field, low, high) in [
        ("interval", 5, 300),
        ("timeout", 2, 60),
        ("retries", 1, 10),
        ("startPeriod", 0, 300),
    ] {
        ranged(health, field, low, high, "Container.healthCheck")?;
    }
    Ok(())
}

/// docs/internals/aws.md, "Order of containers" and "Start, stop and init".
fn check_timeouts(container: &Value, params: &Value) -> Result<(), ApiError> {
    for field in ["startTimeout", "stopTimeout"]
        .into_iter()
        .filter(|_| on_fargate(params))
    {
        ranged(container, field, 2, 120, "Container")?;
    }
    if let Some(restart) = container.get("restartPolicy") {
        ranged(restart, "restartAttemptPeriod", 60, 1800, "Container.restartPolicy")?;
    }
    Ok(())
}

fn ranged(holder: &Value, field: &str, low: i64, high: i64, what: &str) -> Result<(), ApiError> {
    match number(holder, field) {
        Some(given) if !(low..=high).contains(&given) => Err(client(format!(
            "{what}.{field} must be between {low} and {high}: {given}"
        ))),
        _ => Ok(()),
    }
}

/// A variable named twice is accepted; a secret that shares its name with a variable is not.
fn check_secrets(container: &Value, params: &Value) -> Result<(), ApiError> {
    let secrets = items(container, "secrets");
    if !secrets.is_empty() && text(params, "executionRoleArn").is_none() {
        return Err(client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    for (index, secret) in secrets.iter().enumerate() {
        let name = text(secret, "name").unwrap_or_default();
        if name.is_empty() || text(secret, "valueFrom").unwrap_or_default().is_empty() {
            return Err(client(
                "Container.secrets: name and valueFrom should not be null or empty.",
            ));
        }
        let taken = items(container, "environment")
            .iter()
            .chain(&secrets[..index])
            .any(|other| text(other, "name") == Some(name));
        if taken {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{name}'."
            )));
        }
    }
    Ok(())
}

fn check_mounts(container: &Value, params: &Value) -> Result<(), ApiError> {
    for mount in items(container, "mountPoints") {
        let volume = text(mount, "sourceVolume").unwrap_or_default();
        let known = items(params, "volumes")
            .iter()
            .any(|other| text(other, "name") == Some(volume));
        if !known {
            return Err(client(format!("Unknown volume '{volume}'.")));
        }
        if !text(mount, "containerPath").is_some_and(|path| path.starts_with('/')) {
            return Err(client("MountPoint.containerPath must be an absolute path."));
        }
    }
    for source in items(container, "volumesFrom") {
        let from = text(source, "sourceContainer").unwrap_or_default();
        let known = items(params, "containerDefinitions")
            .iter()
            .any(|other| name(other) == from);
        if !known || from == name(container) {
            return Err(client(format!(
                "Invalid 'volumesFrom' setting for container '{}': unknown container '{from}'.",
                name(container)
            )));
        }
    }
    Ok(())
}

/// docs/internals/aws.md, "Order of containers".
fn check_dependencies(container: &Value, containers: &[Value]) -> Result<(), ApiError> {
    for dependency in items(container, "dependsOn") {
        let on = text(dependency, "containerName").unwrap_or_default();
        let Some(target) = containers
            .iter()
            .find(|other| name(other) == on)
            .filter(|_| on != name(container))
        else {
            return Err(client(format!(
                "Container '{}' depends on an unknown container '{on}'.",
                name(container)
            )));
        };
        match text(dependency, "condition").unwrap_or_default() {
            "START" => {}
            condition @ ("SUCCESS" | "COMPLETE") => {
                if essential(target) {
                    return Err(client(format!(
                        "Container '{on}' is essential: the condition {condition} is not allowed on an essential container."
                    )));
                }
            }
            "HEALTHY" => {
                if target.get("healthCheck").is_none_or(Value::is_null) {
                    return Err(client(format!(
                        "Container '{on}' has no health check: the condition HEALTHY needs one."
                    )));
                }
            }
            other => return Err(client(format!("Invalid dependency condition: '{other}'."))),
        }
    }
    Ok(())
}

/// Follows each container's dependencies; more steps than there are containers is a circle.
fn check_cycles(containers: &[Value]) -> Result<(), ApiError> {
    fn circular(at: &Value, containers: &[Value], left: usize) -> bool {
        left == 0
            || items(at, "dependsOn").iter().any(|dependency| {
                containers
                    .iter()
                    .find(|other| Some(name(other)) == text(dependency, "containerName"))
                    .is_some_and(|next| circular(next, containers, left - 1))
            })
    }
    let most = containers.len() + 1;
    if containers.iter().any(|container| circular(container, containers, most)) {
        return Err(client("The container dependencies form a circle."));
    }
    Ok(())
}

fn check_memory(container: &Value, params: &Value) -> Result<(), ApiError> {
    let limit = number(container, "memory");
    let reserved = number(container, "memoryReservation");
    let task = text(params, "memory").and_then(fargate::memory_mib);
    if task.is_none() && limit.is_none() && reserved.is_none() {
        return Err(client(format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            name(container)
        )));
    }
    for given in limit.iter().chain(&reserved) {
        if *given < 4 || task.is_some_and(|task| *given > i64::from(task)) {
            return Err(client(format!(
                "Invalid setting for container '{}'. The memory {given} is out of range.",
                name(container)
            )));
        }
    }
    Ok(())
}

/// docs/internals/aws.md, "Network modes".
fn check_fargate(container: &Value, params: &Value) -> Result<(), ApiError> {
    let unsupported = |what: &str| Err(client(format!("Fargate does not support {what}.")));
    for field in NOT_ON_FARGATE {
        let given = container.get(field).is_some_and(|value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(list) => !list.is_empty(),
            _ => true,
        });
        if given {
            return unsupported(field);
        }
    }
    if let Some(linux) = container.get("linuxParameters") {
        // The others are there since January 2026 (docs/internals/aws.md, "Health checks").
        for field in ["devices", "maxSwap", "swappiness"] {
            let given = linux
                .get(field)
                .is_some_and(|value| !value.is_null() && !value.as_array().is_some_and(Vec::is_empty));
            if given {
                return unsupported(field);
            }
        }
        let added = linux.get("capabilities").map(|held| texts(held, "add"));
        if added
            .unwrap_or_default()
            .iter()
            .any(|capability| capability != "SYS_PTRACE")
        {
            return unsupported("adding capabilities other than SYS_PTRACE");
        }
    }
    for mapping in items(container, "portMappings") {
        let (host, inside) = (number(mapping, "hostPort"), number(mapping, "containerPort"));
        if host.is_some_and(|host| host != 0 && Some(host) != inside) {
            return Err(client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            ));
        }
    }
    // An ECR image needs the execution role's right to pull.
    let image = text(container, "image").unwrap_or_default();
    if image.contains(".dkr.ecr.") && text(params, "executionRoleArn").is_none() {
        return Err(client(
            "Fargate requires task definition to have execution role ARN to support ECR images.",
        ));
    }
    Ok(())
}

/// docs/internals/aws.md, "Logging".
fn check_logging(container: &Value, params: &Value) -> Result<(), ApiError> {
    let Some(logging) = container.get("logConfiguration").filter(|held| !held.is_null()) else {
        return Ok(());
    };
    let driver = text(logging, "logDriver").unwrap_or_default();
    if on_fargate(params) && !FARGATE_LOG_DRIVERS.contains(&driver) {
        return Err(client(format!("Fargate does not support log driver '{driver}'.")));
    }
    if driver != "awslogs" {
        return Ok(());
    }
    if on_fargate(params) && text(params, "executionRoleArn").is_none() {
        return Err(client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    let option = |name: &str| logging.get("options").and_then(|options| text(options, name));
    let needed: &[&str] = if on_fargate(params) {
        &["awslogs-group", "awslogs-region", "awslogs-stream-prefix"]
    } else {
        &["awslogs-group", "awslogs-region"]
    };
    let missing: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|name| option(name).is_none_or(str::is_empty))
        .collect();
    if !missing.is_empty() {
        return Err(client(format!(
            "Log driver awslogs requires options: {}",
            missing.join(", ")
        )));
    }
    match option("mode") {
        Some(mode) if !["blocking", "non-blocking"].contains(&mode) => {
            Err(client(format!("Log driver awslogs has no mode '{mode}'.")))
        }
        _ => Ok(()),
    }
}
