//! The task definition: its roles, its sizes, its volumes, and its containers in their order.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    LogGroup, Role, TaskRole,
    agent::agent,
    container::{Container, logs},
    sidecars::{agent_init, copies, sidecar, ssh_agent},
};
use crate::{
    identity::{Identity, hash},
    properties::{AGENT_INIT, Properties, SSH_AGENT, Volume, Words},
};

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
    /// What it runs on; X86_64 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// The size of its disk; 20 GiB by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// The volumes that containers share by name.
    pub volumes: Vec<Volume>,
    /// The containers, `agent` first.
    pub container_definitions: Vec<Container>,
    /// The author's tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The words that are passed on.
    #[serde(flatten)]
    pub words: Words,
}

/// What a task runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<&'static str>,
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
            ..Volume::default()
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
            runtime_platform: (platform.says_linux || platform.cpu_architecture.is_some()).then_some(RuntimePlatform {
                cpu_architecture: platform.cpu_architecture,
                operating_system_family: "LINUX",
            }),
            ephemeral_storage: (platform.ephemeral_storage).map(|size_in_gi_b| EphemeralStorage { size_in_gi_b }),
            volumes: (ours.into_iter().flatten())
                .chain(properties.volumes.iter().cloned())
                .collect(),
            container_definitions: containers,
            tags: properties.tags.clone(),
            words: properties.words.clone(),
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
