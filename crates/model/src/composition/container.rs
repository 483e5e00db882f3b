//! One container of a task definition, and what every container has.

use serde::Serialize;
use serde_json::{Value, json};

use super::LogGroup;
use crate::{
    identity::Identity,
    properties::{
        self, ContainerDependency, HealthCheck, MountPoint, SecretsManagerSecret, Share, Variable, VolumeFrom, Words,
    },
};

/// The longest that Fargate lets a start or a stop wait, in seconds (docs/internals/aws.md, "Order of containers" and "Start, stop and init").
pub(super) const LONGEST_WAIT: i32 = 120;

/// Where a registry's password is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryCredentials {
    /// The name or ARN of a Secrets Manager secret.
    pub credentials_parameter: String,
}

/// One container. The fields that are values are words that are passed on, in the places that they have always had: the
/// content's hash is one over the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name within the task.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Where the password of the image's registry is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<RepositoryCredentials>,
    /// Whether the task ends with it.
    pub essential: bool,
    /// The program, where the image's own is not wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entry_point: Vec<String>,
    /// The program's arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Where the program starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Value>,
    /// The user that it runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
    /// Variables in the clear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValue>,
    /// Variables that ECS fetches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Which containers come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ContainerDependency>,
    /// Named volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mount_points: Vec<MountPoint>,
    /// All volumes of other containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes_from: Vec<VolumeFrom>,
    /// When it counts as up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Linux options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<Value>,
    /// CPU units of the task's that are its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<i32>,
    /// MiB at which it is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    /// MiB that are kept for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<i32>,
    /// Whether it is privileged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// Whether it may not write to its own disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<Value>,
    /// How long others wait for it, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<i32>,
    /// How long it has between SIGTERM and SIGKILL, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i32>,
    /// Where its output goes.
    pub log_configuration: Value,
    /// The other words that are passed on.
    #[serde(flatten)]
    pub words: Words,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyValue {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A variable that ECS fetches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// A parameter's name or an ARN.
    pub value_from: String,
}

impl Container {
    /// Adds its share of the task.
    pub(super) fn with_share(self, share: Share) -> Self {
        let Share {
            cpu,
            memory,
            memory_reservation,
        } = share;
        Self {
            cpu,
            memory,
            memory_reservation,
            ..self
        }
    }

    /// Adds an author's words; where they say a part of something, the rest stays as it is.
    pub(super) fn with_words(self, words: &Words) -> Self {
        let mut words = words.clone();
        Self {
            working_directory: words.remove("workingDirectory"),
            user: words.remove("user"),
            readonly_root_filesystem: words.remove("readonlyRootFilesystem"),
            linux_parameters: match (self.linux_parameters, words.remove("linuxParameters")) {
                (Some(ours), Some(authors)) => Some(overlaid(ours, authors)),
                (ours, authors) => authors.or(ours),
            },
            log_configuration: match words.remove("logConfiguration") {
                Some(authors) if authors["logDriver"] == self.log_configuration["logDriver"] => {
                    overlaid(self.log_configuration, authors)
                }
                authors => authors.unwrap_or(self.log_configuration),
            },
            words,
            ..self
        }
    }
}

/// Fields over fields, also within.
fn overlaid(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (name, value) in over {
                let value = match under.remove(&name) {
                    Some(before) => overlaid(before, value),
                    None => value,
                };
                under.insert(name, value);
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A container that has an image and a log, and nothing else.
pub(super) fn bare(
    name: &str,
    image: &properties::Image,
    credentials: Option<&SecretsManagerSecret>,
    logs: &Value,
) -> Container {
    Container {
        name: name.to_owned(),
        image: image.reference.clone(),
        repository_credentials: credentials.map(|secret| RepositoryCredentials {
            credentials_parameter: secret.value_from.clone(),
        }),
        essential: true,
        entry_point: Vec::new(),
        command: Vec::new(),
        working_directory: None,
        user: None,
        environment: Vec::new(),
        secrets: Vec::new(),
        depends_on: Vec::new(),
        mount_points: Vec::new(),
        volumes_from: Vec::new(),
        health_check: None,
        linux_parameters: None,
        cpu: None,
        memory: None,
        memory_reservation: None,
        privileged: None,
        readonly_root_filesystem: None,
        start_timeout: None,
        stop_timeout: None,
        log_configuration: logs.clone(),
        words: Words::new(),
    }
}

pub(super) fn fetched(secrets: &[properties::Secret]) -> impl Iterator<Item = Secret> {
    secrets.iter().map(|secret| Secret {
        name: secret.name.clone(),
        value_from: secret.source.value_from().to_owned(),
    })
}

pub(super) fn in_the_clear(variables: &[Variable]) -> impl Iterator<Item = KeyValue> {
    variables.iter().map(|variable| KeyValue {
        name: variable.name.clone(),
        value: variable.value.clone(),
    })
}

/// Mode and buffer are written out: their defaults depend on an account setting and have changed (docs/internals/aws.md, "Logging").
pub(super) fn logs(identity: &Identity, log_group: &LogGroup) -> Value {
    json!({
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": log_group.name,
            "awslogs-region": identity.owner.stack_id.region,
            "awslogs-stream-prefix": "ecs",
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        },
    })
}
