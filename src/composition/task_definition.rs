//! The task definition: containers `agent`, `agent-init` and `ssh-agent`, and how they are wired.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{LogGroup, Role, TaskRole};
use crate::{
    identity::{Identity, hash},
    properties::{
        self, AGENT, AGENT_INIT, AGENT_TOKEN, ContainerDependency, HealthCheck, Injection, MountPoint, Properties,
        SSH_AGENT, SSH_SOCKET, SecretsManagerSecret, Sidecar, Variable, Volume, VolumeFrom,
    },
};

/// Where the socket's volume is mounted, in both containers.
const SSH_DIRECTORY: &str = "/ssh";
/// Where the agent is, with its directories.
const AGENT_DIRECTORY: &str = "/buildkite";
/// The longest that Fargate lets a start or a stop wait, in seconds (aws.md 1.6, 1.9).
const LONGEST_WAIT: i32 = 120;

/// A task definition, field by field as `RegisterTaskDefinition` takes it, without the provider's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinition {
    /// The family.
    pub family: String,
    /// The agent's role.
    pub task_role_arn: String,
    /// The role with which ECS starts the task.
    pub execution_role_arn: String,
    /// `awsvpc`, the only one that Fargate has, or another.
    pub network_mode: &'static str,
    /// `FARGATE`, or where else tasks run.
    pub requires_compatibilities: Vec<&'static str>,
    /// CPU units.
    pub cpu: String,
    /// MiB.
    pub memory: String,
    /// What it runs on; X86_64 where that is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// The size of its disk; 20 GiB where that is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// The volumes that containers share by name.
    pub volumes: Vec<Volume>,
    /// The containers, `agent` first.
    pub container_definitions: Vec<Container>,
    /// The author's tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// What a task runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    pub cpu_architecture: &'static str,
    /// `LINUX`.
    pub operating_system_family: &'static str,
}

/// The size of a task's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EphemeralStorage {
    /// GiB.
    pub size_in_gi_b: i32,
}

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

impl TaskDefinition {
    pub(super) fn compose(
        identity: &Identity,
        properties: &Properties,
        execution_role: &Role,
        task_role: &TaskRole,
        log_group: &LogGroup,
    ) -> Self {
        let logs = logs(identity, log_group);
        let mut containers = vec![agent(properties, task_role, &logs)];
        containers.extend(agent_init(properties, &logs));
        containers.extend(ssh_agent(properties, &logs));
        containers.extend(properties.sidecars.iter().map(|one| sidecar(one, &logs)));
        let empty = |name: &str| Volume {
            name: name.to_owned(),
            efs_volume_configuration: None,
        };
        let ours = [
            copies(properties).then(|| empty(AGENT_INIT)),
            properties.ssh_agent_backend.as_ref().map(|_| empty(SSH_AGENT)),
        ];
        let platform = properties.platform;
        Self {
            family: identity.family.to_string(),
            task_role_arn: task_role.arn().to_owned(),
            execution_role_arn: execution_role.arn.clone(),
            network_mode: properties.launch.network_mode,
            requires_compatibilities: properties.launch.compatibilities.clone(),
            cpu: properties.size.cpu.to_string(),
            memory: properties.size.memory.to_string(),
            runtime_platform: platform.cpu_architecture.map(|cpu_architecture| RuntimePlatform {
                cpu_architecture,
                operating_system_family: "LINUX",
            }),
            ephemeral_storage: (platform.ephemeral_storage).map(|size_in_gi_b| EphemeralStorage { size_in_gi_b }),
            volumes: (ours.into_iter().flatten())
                .chain(properties.volumes.iter().cloned())
                .collect(),
            container_definitions: containers,
            tags: properties.tags.clone(),
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

/// A container that has an image and a log, and nothing else.
fn bare(
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

fn agent(properties: &Properties, task_role: &TaskRole, logs: &LogConfiguration) -> Container {
    let with_sidecar = properties.buildkite_agent_image.is_some();
    let with_ssh = properties.ssh_agent_backend.is_some();
    let dependency = |wanted: bool, container_name: &str, condition| {
        wanted.then(|| ContainerDependency {
            container_name: container_name.to_owned(),
            condition,
        })
    };
    let token = Secret {
        name: AGENT_TOKEN.to_owned(),
        value_from: properties.agent_token.value_from.clone(),
    };
    let first = [
        // SUCCESS: with COMPLETE, a sidecar that failed would still start an agent that is not there (aws.md 1.6).
        dependency(with_sidecar, AGENT_INIT, "SUCCESS"),
        dependency(with_ssh, SSH_AGENT, "HEALTHY"),
    ];
    // What the author says of ours counts in its place.
    let authors = &properties.depends_on;
    let ours = first.into_iter().flatten().filter(|ours| {
        !authors
            .iter()
            .any(|authors| authors.container_name == ours.container_name)
    });
    Container {
        entry_point: entry_point(properties),
        command: words(&["start"]),
        environment: environment(properties, task_role),
        secrets: std::iter::once(token).chain(fetched(&properties.secrets)).collect(),
        depends_on: ours.chain(authors.iter().cloned()).collect(),
        mount_points: [
            copies(properties).then(|| injected(AGENT_DIRECTORY)),
            with_ssh.then(ssh_directory),
        ]
        .into_iter()
        .flatten()
        .chain(properties.mount_points.iter().cloned())
        .collect(),
        volumes_from: (with_sidecar && !copies(properties))
            .then(|| VolumeFrom {
                source_container: AGENT_INIT.to_owned(),
                read_only: false,
            })
            .into_iter()
            .collect(),
        // The agent is no init: without one, a job's orphans stay and signals end nothing (aws.md 1.9).
        linux_parameters: Some(LinuxParameters {
            init_process_enabled: true,
        }),
        privileged: properties.launch.privileged.then_some(true),
        // The agent takes SIGTERM as "finish the job" (aws.md 1.10): the longest that Fargate gives.
        stop_timeout: Some(LONGEST_WAIT),
        ..bare(
            AGENT,
            &properties.image,
            properties.repository_credentials.as_ref(),
            logs,
        )
    }
}

/// Whether the agent is copied into a volume of the task's.
fn copies(properties: &Properties) -> bool {
    properties.buildkite_agent_image.is_some() && properties.injection == Injection::Copy
}

/// The agent itself; or, to cancel the job at a stop, a line for the image's shell that sends the agent the second
/// SIGTERM which it takes for that. ECS sends one (aws.md 1.10). The command follows as the line's arguments.
fn entry_point(properties: &Properties) -> Vec<String> {
    let agent = if properties.buildkite_agent_image.is_some() {
        "/buildkite/bin/buildkite-agent"
    } else {
        "buildkite-agent"
    };
    if properties.cancel_on_stop {
        words(&["/bin/sh", "-c", CANCEL_ON_STOP, agent])
    } else {
        words(&[agent])
    }
}

/// A `wait` ends when a signal comes, so it is done again until the agent has ended.
const CANCEL_ON_STOP: &str = r#""$0" "$@" & agent=$!; trap 'kill -TERM "$agent"; sleep 1; kill -TERM "$agent"' TERM; status=0; while :; do wait "$agent"; status=$?; kill -0 "$agent" 2>/dev/null || break; done; exit "$status""#;

/// Copies the agent from wherever its image has it, with its hooks, and makes directories that any user can write to.
const COPY: &str = r#"set -e; cd /injection; mkdir -p bin builds hooks plugins sockets; agent=$(command -v buildkite-agent || echo /buildkite/bin/buildkite-agent); cp "$agent" bin/buildkite-agent; chmod 0755 bin/buildkite-agent; if [ -d /buildkite/hooks ]; then cp -R /buildkite/hooks/. hooks/; fi; chmod 0777 builds plugins sockets; echo the agent is in the volume"#;

fn fetched(secrets: &[properties::Secret]) -> impl Iterator<Item = Secret> {
    secrets.iter().map(|secret| Secret {
        name: secret.name.clone(),
        value_from: secret.source.value_from().to_owned(),
    })
}

fn in_the_clear(variables: &[Variable]) -> impl Iterator<Item = KeyValue> {
    variables.iter().map(|variable| KeyValue {
        name: variable.name.clone(),
        value: variable.value.clone(),
    })
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
    if copies(properties) {
        // Its default is below the home directory, which a user of the image may not be able to write to (aws.md 7.4).
        ours.push(("BUILDKITE_SOCKETS_PATH", "/buildkite/sockets".to_owned()));
    }
    if properties.cancel_on_stop {
        // What fits the stop timeout, in version 3's name and version 4's (aws.md 7.2).
        ours.push(("BUILDKITE_CANCEL_GRACE_PERIOD", "90".to_owned()));
        ours.push(("BUILDKITE_CANCEL_SIGNAL_TIMEOUT", "90s".to_owned()));
        ours.push(("BUILDKITE_CANCEL_CLEANUP_TIMEOUT", "10s".to_owned()));
    }
    if !properties.secrets.is_empty() {
        ours.push(("BUILDKITE_REDACTED_VARS", redacted(properties)));
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
        properties.agent_configuration.iter().any(|(given, _)| *given == name)
            || properties.environment.iter().any(|variable| variable.name == name)
            || properties.secrets.iter().any(|secret| secret.name == name)
    };
    ours.into_iter()
        .filter(|(name, _)| !set_by_author(name))
        .chain(properties.agent_configuration.iter().cloned())
        .map(|(name, value)| KeyValue {
            name: name.to_owned(),
            value,
        })
        .chain(in_the_clear(&properties.environment))
        .collect()
}

/// The agent's own list of what it keeps out of logs (`clicommand/global.go` of buildkite/agent), and every secret's
/// name: a list that is given takes the place of the agent's.
fn redacted(properties: &Properties) -> String {
    const OWN: [&str; 7] = [
        "*_PASSWORD",
        "*_SECRET",
        "*_TOKEN",
        "*_PRIVATE_KEY",
        "*_ACCESS_KEY",
        "*_SECRET_KEY",
        "*_CONNECTION_STRING",
    ];
    let names = properties.secrets.iter().map(|secret| secret.name.as_str());
    OWN.into_iter().chain(names).collect::<Vec<_>>().join(",")
}

/// Brings the agent into a volume, and ends.
fn agent_init(properties: &Properties, logs: &LogConfiguration) -> Option<Container> {
    let image = properties.buildkite_agent_image.as_ref()?;
    let credentials = properties.buildkite_agent_image_repository_credentials.as_ref();
    let (command, mount_points) = match properties.injection {
        Injection::Volume => ("echo the volume of buildkite-agent is ready", Vec::new()),
        // Not at its own place, where the volume would hide what the image has there.
        Injection::Copy => (COPY, vec![injected("/injection")]),
    };
    Some(Container {
        essential: false,
        entry_point: words(&["/bin/sh", "-c"]),
        command: words(&[command]),
        mount_points,
        start_timeout: Some(LONGEST_WAIT),
        ..bare(AGENT_INIT, image, credentials, logs)
    })
}

fn ssh_agent(properties: &Properties, logs: &LogConfiguration) -> Option<Container> {
    let backend = properties.ssh_agent_backend.as_ref()?;
    let credentials = properties.ssh_agent_image_repository_credentials.as_ref();
    Some(Container {
        command: words(&["iam-ssh-agent", "daemon", &format!("--bind-to={SSH_DIRECTORY}/socket")]),
        environment: vec![KeyValue {
            name: "IAM_SSH_AGENT_BACKEND_URL".to_owned(),
            value: backend.url.clone(),
        }],
        mount_points: vec![ssh_directory()],
        // In `CMD` form, which alone is documented, and at the shortest interval: the agent waits for it (aws.md 1.5).
        health_check: Some(HealthCheck {
            command: words(&["CMD", "test", "-S", &format!("{SSH_DIRECTORY}/socket")]),
            interval: 5,
            timeout: 2,
            retries: 10,
            start_period: None,
        }),
        start_timeout: Some(LONGEST_WAIT),
        ..bare(SSH_AGENT, &properties.ssh_agent_image, credentials, logs)
    })
}

/// One of the author's, with the agent's log.
fn sidecar(sidecar: &Sidecar, logs: &LogConfiguration) -> Container {
    let Sidecar {
        path: _,
        name,
        image,
        repository_credentials,
        essential,
        entry_point,
        command,
        working_directory,
        user,
        environment,
        secrets,
        depends_on,
        mount_points,
        volumes_from,
        health_check,
        cpu,
        memory,
        memory_reservation,
        privileged,
        readonly_root_filesystem,
        init_process_enabled,
        start_timeout,
        stop_timeout,
    } = sidecar;
    Container {
        essential: *essential,
        entry_point: entry_point.clone(),
        command: command.clone(),
        working_directory: working_directory.clone(),
        user: user.clone(),
        environment: in_the_clear(environment).collect(),
        secrets: fetched(secrets).collect(),
        depends_on: depends_on.iter().map(|(_, dependency)| dependency.clone()).collect(),
        mount_points: mount_points.iter().map(|(_, mount)| mount.clone()).collect(),
        volumes_from: volumes_from.iter().map(|(_, from)| from.clone()).collect(),
        health_check: health_check.clone(),
        linux_parameters: init_process_enabled.map(|init_process_enabled| LinuxParameters { init_process_enabled }),
        cpu: *cpu,
        memory: *memory,
        memory_reservation: *memory_reservation,
        privileged: privileged.then_some(true),
        readonly_root_filesystem: *readonly_root_filesystem,
        start_timeout: *start_timeout,
        stop_timeout: *stop_timeout,
        ..bare(name, image, repository_credentials.as_ref(), logs)
    }
}

/// The volume that the agent is copied into.
fn injected(container_path: &str) -> MountPoint {
    MountPoint {
        source_volume: AGENT_INIT.to_owned(),
        container_path: container_path.to_owned(),
        read_only: false,
    }
}

fn ssh_directory() -> MountPoint {
    MountPoint {
        source_volume: SSH_AGENT.to_owned(),
        container_path: SSH_DIRECTORY.to_owned(),
        read_only: false,
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
