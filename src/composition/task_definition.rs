//! The task definition: containers `agent`, `agent-init` and `ssh-agent`, and how they are wired.

use serde::Serialize;

use super::{LogGroup, Role, TaskRole};
use crate::{
    identity::{Identity, hash},
    properties::{AGENT_TOKEN, Properties, SSH_SOCKET},
    settings::Settings,
};

/// The container whose command and environment the scheduler overrides.
const AGENT: &str = "agent";
/// The container whose image brings the agent's binary in a volume.
const AGENT_INIT: &str = "agent-init";
/// The container that answers ssh with the backend's keys; its socket's volume has the same name.
const SSH_AGENT: &str = "ssh-agent";
/// Where the socket's volume is mounted, in both containers.
const SSH_DIRECTORY: &str = "/ssh";
/// The longest that Fargate lets a start or a stop wait, in seconds (aws.md 1.6, 1.9).
const LONGEST_WAIT: i32 = 120;

/// A task definition, field by field as `RegisterTaskDefinition` takes it, without the tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinition {
    /// The family.
    pub family: String,
    /// The agent's role.
    pub task_role_arn: String,
    /// The role with which ECS starts the task.
    pub execution_role_arn: String,
    /// `awsvpc`, the only one that Fargate has.
    pub network_mode: &'static str,
    /// `FARGATE`.
    pub requires_compatibilities: Vec<&'static str>,
    /// CPU units.
    pub cpu: String,
    /// MiB.
    pub memory: String,
    /// The volumes that containers share by name.
    pub volumes: Vec<Volume>,
    /// The containers, `agent` first.
    pub container_definitions: Vec<Container>,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name within the task.
    pub name: &'static str,
    /// Its image.
    pub image: String,
    /// Whether the task ends with it.
    pub essential: bool,
    /// The program, where the image's own is not wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entry_point: Vec<String>,
    /// The program's arguments.
    pub command: Vec<String>,
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

/// A container that comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDependency {
    /// Which.
    pub container_name: &'static str,
    /// `SUCCESS` or `HEALTHY`.
    pub condition: &'static str,
}

/// A named volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MountPoint {
    /// The volume.
    pub source_volume: &'static str,
    /// Where it is in the container.
    pub container_path: &'static str,
}

/// All volumes of another container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeFrom {
    /// Which.
    pub source_container: &'static str,
}

/// A volume of the task's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    pub name: &'static str,
}

/// When a container counts as up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// `CMD` and the program.
    pub command: Vec<String>,
    /// Seconds between two checks.
    pub interval: i32,
    /// Seconds that one may take.
    pub timeout: i32,
    /// How many must fail.
    pub retries: i32,
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
    pub options: std::collections::BTreeMap<&'static str, String>,
}

impl TaskDefinition {
    pub(super) fn compose(
        identity: &Identity,
        properties: &Properties,
        settings: &Settings,
        execution_role: &Role,
        task_role: &TaskRole,
        log_group: &LogGroup,
    ) -> Self {
        let with_ssh = properties.ssh_agent_backend.is_some();
        let logs = logs(identity, log_group);
        let mut containers = vec![agent(properties, task_role, logs.clone())];
        containers.extend(
            properties
                .buildkite_agent_image
                .as_ref()
                .map(|image| agent_init(&image.reference, logs.clone())),
        );
        containers.extend(
            properties
                .ssh_agent_backend
                .as_ref()
                .map(|backend| ssh_agent(&settings.ssh_agent_image.reference, &backend.url, logs)),
        );
        Self {
            family: identity.family.to_string(),
            task_role_arn: task_role.arn().to_owned(),
            execution_role_arn: execution_role.arn.clone(),
            network_mode: "awsvpc",
            requires_compatibilities: vec!["FARGATE"],
            cpu: properties.size.cpu.to_string(),
            memory: properties.size.memory.to_string(),
            volumes: if with_ssh {
                vec![Volume { name: SSH_AGENT }]
            } else {
                Vec::new()
            },
            container_definitions: containers,
        }
    }

    /// The document as ECS takes it.
    #[must_use]
    pub fn document(&self) -> String {
        // Maps with string keys only: it can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A hash over everything that a revision is made of: two that are equal need no second registration.
    #[must_use]
    pub fn content(&self) -> String {
        hash(&[&self.document()])
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn agent(properties: &Properties, task_role: &TaskRole, logs: LogConfiguration) -> Container {
    let with_sidecar = properties.buildkite_agent_image.is_some();
    let with_ssh = properties.ssh_agent_backend.is_some();
    let dependency = |wanted: bool, container_name, condition| {
        wanted.then_some(ContainerDependency {
            container_name,
            condition,
        })
    };

    let token = Secret {
        name: AGENT_TOKEN.to_owned(),
        value_from: properties.agent_token.value_from.clone(),
    };
    let of_the_author = properties.secrets.iter().map(|secret| Secret {
        name: secret.name.clone(),
        value_from: secret.source.value_from().to_owned(),
    });
    Container {
        name: AGENT,
        image: properties.image.reference.clone(),
        essential: true,
        entry_point: words(&[if with_sidecar {
            "/buildkite/bin/buildkite-agent"
        } else {
            "buildkite-agent"
        }]),
        command: words(&["start"]),
        environment: environment(properties, task_role),
        secrets: std::iter::once(token).chain(of_the_author).collect(),
        // SUCCESS: with COMPLETE, a sidecar that failed would still start an agent that is not there (aws.md 1.6).
        depends_on: [
            dependency(with_sidecar, AGENT_INIT, "SUCCESS"),
            dependency(with_ssh, SSH_AGENT, "HEALTHY"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        mount_points: if with_ssh { vec![ssh_directory()] } else { Vec::new() },
        volumes_from: if with_sidecar {
            vec![VolumeFrom {
                source_container: AGENT_INIT,
            }]
        } else {
            Vec::new()
        },
        health_check: None,
        // The agent is no init: without one, a job's orphans stay and signals end nothing (aws.md 1.9).
        linux_parameters: Some(LinuxParameters {
            init_process_enabled: true,
        }),
        start_timeout: None,
        // The agent takes SIGTERM as "finish the job" (aws.md 1.10): the longest that Fargate gives.
        stop_timeout: Some(LONGEST_WAIT),
        log_configuration: logs,
    }
}

/// The provider's variables, unless the author sets them, then the author's.
fn environment(properties: &Properties, task_role: &TaskRole) -> Vec<KeyValue> {
    let mut ours: Vec<(&str, String)> = Vec::new();
    if properties.buildkite_agent_image.is_some() {
        // The sidecar's configuration file is not where the agent would look (aws.md 7.3).
        ours.push(("BUILDKITE_BUILD_PATH", "/buildkite/builds".to_owned()));
        ours.push(("BUILDKITE_HOOKS_PATH", "/buildkite/hooks".to_owned()));
        ours.push(("BUILDKITE_PLUGINS_PATH", "/buildkite/plugins".to_owned()));
    }
    if properties.ssh_agent_backend.is_some() {
        ours.push((SSH_SOCKET, format!("{SSH_DIRECTORY}/socket")));
    }
    ours.push((
        "BUILDKITE_ABOUT_PLATFORM",
        format!(
            "ECS Task\nTask Family: {}\nImage: {}\nRole: {}",
            properties.family,
            properties.image.reference,
            task_role.arn()
        ),
    ));
    ours.push(("BUILDKITE_AGENT_TAGS_FROM_ECS_META_DATA", "true".to_owned()));

    let set_by_author = |name: &str| {
        properties.environment.iter().any(|variable| variable.name == name)
            || properties.secrets.iter().any(|secret| secret.name == name)
    };
    ours.into_iter()
        .filter(|(name, _)| !set_by_author(name))
        .map(|(name, value)| KeyValue {
            name: name.to_owned(),
            value,
        })
        .chain(properties.environment.iter().map(|variable| KeyValue {
            name: variable.name.clone(),
            value: variable.value.clone(),
        }))
        .collect()
}

/// Starts, so that its volumes are there, and ends.
fn agent_init(image: &str, logs: LogConfiguration) -> Container {
    Container {
        name: AGENT_INIT,
        image: image.to_owned(),
        essential: false,
        entry_point: words(&["/bin/sh", "-c"]),
        command: words(&["echo the volume of buildkite-agent is ready"]),
        environment: Vec::new(),
        secrets: Vec::new(),
        depends_on: Vec::new(),
        mount_points: Vec::new(),
        volumes_from: Vec::new(),
        health_check: None,
        linux_parameters: None,
        start_timeout: Some(LONGEST_WAIT),
        stop_timeout: None,
        log_configuration: logs,
    }
}

fn ssh_agent(image: &str, backend_url: &str, logs: LogConfiguration) -> Container {
    Container {
        name: SSH_AGENT,
        image: image.to_owned(),
        essential: true,
        entry_point: Vec::new(),
        command: words(&["iam-ssh-agent", "daemon", &format!("--bind-to={SSH_DIRECTORY}/socket")]),
        environment: vec![KeyValue {
            name: "IAM_SSH_AGENT_BACKEND_URL".to_owned(),
            value: backend_url.to_owned(),
        }],
        secrets: Vec::new(),
        depends_on: Vec::new(),
        mount_points: vec![ssh_directory()],
        volumes_from: Vec::new(),
        // In `CMD` form, which alone is documented, and at the shortest interval: the agent waits for it (aws.md 1.5).
        health_check: Some(HealthCheck {
            command: words(&["CMD", "test", "-S", &format!("{SSH_DIRECTORY}/socket")]),
            interval: 5,
            timeout: 2,
            retries: 10,
        }),
        linux_parameters: None,
        start_timeout: Some(LONGEST_WAIT),
        stop_timeout: None,
        log_configuration: logs,
    }
}

fn ssh_directory() -> MountPoint {
    MountPoint {
        source_volume: SSH_AGENT,
        container_path: SSH_DIRECTORY,
    }
}

/// Mode and buffer are written out: their defaults depend on an account setting and have changed (aws.md 1.8).
fn logs(identity: &Identity, log_group: &LogGroup) -> LogConfiguration {
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
