//! One container of a task definition, and what every container has.

use std::collections::BTreeMap;

use serde::Serialize;

use super::LogGroup;
use crate::{
    identity::Identity,
    properties::{self, ContainerDependency, HealthCheck, MountPoint, SecretsManagerSecret, Variable, VolumeFrom},
};

/// The longest that Fargate lets a start or a stop wait, in seconds (docs/internals/aws.md, "Order of containers" and
/// "Start, stop and init").
pub(super) const LONGEST_WAIT: i32 = 120;

/// Where a registry's password is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryCredentials {
    /// The name or ARN of a Secrets Manager secret.
    pub credentials_parameter: String,
}

/// One container.
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
    pub working_directory: Option<String>,
    /// Under whose id it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
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
    pub linux_parameters: Option<LinuxParameters>,
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
    pub readonly_root_filesystem: Option<bool>,
    /// How long others wait for it, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<i32>,
    /// How long it has between SIGTERM and SIGKILL, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i32>,
    /// Where its output goes.
    pub log_configuration: LogConfiguration,
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

/// Linux options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinuxParameters {
    /// Whether an init is process 1.
    pub init_process_enabled: bool,
}

/// Where a container's output goes: `awslogs` and its options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogConfiguration {
    /// `awslogs`.
    pub log_driver: &'static str,
    /// The driver's options, by name.
    pub options: BTreeMap<&'static str, String>,
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A container that has an image and a log, and nothing else.
pub(super) fn bare(
    name: &str,
    image: &properties::Image,
    credentials: Option<&SecretsManagerSecret>,
    logs: &LogConfiguration,
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

/// Mode and buffer are written out: their defaults depend on an account setting and have changed
/// (docs/internals/aws.md, "Logging").
pub(super) fn logs(identity: &Identity, log_group: &LogGroup) -> LogConfiguration {
    LogConfiguration {
        log_driver: "awslogs",
        options: [
            ("awslogs-group", log_group.name.as_str()),
            ("awslogs-region", &identity.owner.stack_id.region),
            ("awslogs-stream-prefix", "ecs"),
            ("mode", "non-blocking"),
            ("max-buffer-size", "25m"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into(),
    }
}
