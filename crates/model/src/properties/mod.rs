//! What the author of a resource meant: every property, checked, with its default. The only door into composition.

mod agent_configuration;
mod agent_container;
mod arn;
mod backend;
mod condition;
mod container;
mod containers;
mod definitions;
mod go_pattern;
mod hooks;
mod image;
mod images;
mod keys;
mod launch;
mod log_group;
mod native;
mod parameter;
mod places;
mod platform;
mod policies;
mod reference;
mod registry;
mod rights;
mod role;
mod routing;
pub mod schema;
mod secret;
mod sidecar;
mod size;
mod tags;
pub mod together;
mod values;
mod variables;
pub mod vocabulary;
mod volume;
mod wire;
mod wiring;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use agent_configuration::option_that_sets;
pub use agent_container::AgentContainer;
pub use backend::SshAgentBackend;
pub use container::{ContainerDependency, HealthCheck, MountPoint, Share, VolumeFrom};
pub use definitions::{ATTRIBUTES, PROPERTIES, Property};
pub use hooks::Hook;
pub use image::{EcrRepository, Image};
pub use keys::KmsKey;
pub use launch::Launch;
pub use log_group::LogGroup;
pub use parameter::Parameter;
pub use platform::Platform;
pub use reference::problem as secure_reference;
pub use rights::TaskRoleRights;
pub use role::TaskRole;
pub use secret::{Secret, SecretSource, SecretsManagerSecret};
pub use sidecar::Sidecar;
pub use size::TaskSize;

pub use crate::facts::fargate::CPUS;
pub use variables::{AGENT_TOKEN, SSH_BACKEND_URL, SSH_SOCKET, Variable};
pub use vocabulary::Words;
pub use volume::{EfsAuthorizationConfig, EfsVolumeConfiguration, Volume};

use crate::{
    Faults,
    identity::{Family, Owner, StackId},
    quoted,
    settings::Settings,
};
use containers::Containers;
use images::Images;
use values::Values;
use vocabulary::Site;
use wire::Fields;

/// The container whose command and environment the scheduler overrides.
pub const AGENT: &str = "agent";
/// The container whose image brings the agent's binary in a volume.
pub const AGENT_INIT: &str = "agent-init";
/// The container that answers ssh with the backend's keys; its socket's volume has the same name.
pub const SSH_AGENT: &str = "ssh-agent";

/// The variable that names the KMS key of signed pipelines.
pub const SIGNING_KEY: &str = "BUILDKITE_AGENT_SIGNING_AWS_KMS_KEY";

/// Where `agent-init` brings the agent's program.
pub const AGENT_PROGRAM: &str = "/buildkite/bin/buildkite-agent";
/// Where ssh finds its agent.
pub const SSH_SOCKET_PATH: &str = "/ssh/socket";

/// CloudFormation's own, which reach the handler inside the properties (docs/internals/cloudformation.md, "Requests").
const CLOUDFORMATIONS_OWN: [&str; 2] = ["ServiceToken", "ServiceTimeout"];

/// The properties of one `Custom::BuildkiteAgent`, validated: nothing in them is a reason for AWS to refuse what is
/// composed of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// The task definition's name.
    pub family: Family,
    /// The main image.
    pub image: Image,
    /// The secret with the password of its registry.
    pub repository_credentials: Option<SecretsManagerSecret>,
    /// The image that brings the agent; absent where the main image has it.
    pub buildkite_agent_image: Option<Image>,
    /// The secret with the password of its registry.
    pub buildkite_agent_image_repository_credentials: Option<SecretsManagerSecret>,
    /// The iam-ssh-agent backend.
    pub ssh_agent_backend: Option<SshAgentBackend>,
    /// The image of the `ssh-agent` container.
    pub ssh_agent_image: Image,
    /// The secret with the password of its registry.
    pub ssh_agent_image_repository_credentials: Option<SecretsManagerSecret>,
    /// The author's variables for that container, in their order.
    pub ssh_agent_environment: Vec<Variable>,
    /// The author's secrets, in their order.
    pub secrets: Vec<Secret>,
    /// The customer's keys under which secrets are encrypted, if they are known.
    pub secrets_kms_keys: Vec<KmsKey>,
    /// The author's variables, in their order.
    pub environment: Vec<Variable>,
    /// What the agent gets beside that: variables and their values.
    pub agent_configuration: Vec<(&'static str, String)>,
    /// The ARN of the KMS key with which the agent signs and verifies.
    pub signing_key: Option<String>,
    /// What the author says of the agent's container beside that.
    pub agent_container: AgentContainer,
    /// The author's containers, in their order.
    pub sidecars: Vec<Sidecar>,
    /// The author's volumes, in their order.
    pub volumes: Vec<Volume>,
    /// Which of them the agent has, and where.
    pub mount_points: Vec<MountPoint>,
    /// Which of the author's containers come before the agent.
    pub depends_on: Vec<ContainerDependency>,
    /// How the agent gets into the main image.
    pub injection: Injection,
    /// The agent's hooks that are written into its volume.
    pub hooks: Vec<Hook>,
    /// Whether a stop cancels the job, rather than to wait for its end.
    pub cancel_on_stop: bool,
    /// Where tasks run.
    pub launch: Launch,
    /// CPU units and MiB.
    pub size: TaskSize,
    /// What the task runs on.
    pub platform: Platform,
    /// What of the task is passed on.
    pub words: Words,
    /// A task role of the author's own.
    pub task_role: Option<TaskRole>,
    /// What the task role may do that is made.
    pub task_role_rights: TaskRoleRights,
    /// Where the agent's token is.
    pub agent_token: Parameter,
    /// The log group.
    pub log_group: LogGroup,
    /// The author's tags.
    pub tags: BTreeMap<String, String>,
}

/// How the agent of `BuildkiteAgentImage` gets into the main image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// The image keeps it in a volume, which the agent's container takes.
    Volume,
    /// The init container copies it into an empty volume, from wherever the image has it.
    Copy,
}

/// The words that an author writes.
pub(crate) const INJECTIONS: [&str; 2] = ["VOLUME", "COPY"];

impl Injection {
    fn read(fields: &Fields<'_>, faults: &mut Faults) -> Self {
        let written = fields.one_of("BuildkiteAgentInjection", &INJECTIONS, faults);
        if written.is_some() && fields.get("BuildkiteAgentImage").is_none() {
            faults.add(
                "BuildkiteAgentInjection",
                "is for the image of `BuildkiteAgentImage`, which is not given",
            );
        }
        if written == Some("COPY") {
            Self::Copy
        } else {
            Self::Volume
        }
    }
}

impl Properties {
    /// Reads and checks what the template says.
    ///
    /// # Errors
    /// Every fault at once: a stack's attempt costs minutes.
    pub fn validate(written: &Map<String, Value>, owner: &Owner, settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let known = PROPERTIES.map(|property| property.name);
        let fields = Fields::root(written, &known, &CLOUDFORMATIONS_OWN, &mut faults);
        let properties = Self::read(&fields, owner, settings, &mut faults);
        // A secret at fault does not make its key superfluous.
        if let Some(properties) = properties.as_ref().filter(|_| faults.is_empty()) {
            keys::check_regions(&properties.secrets_kms_keys, &properties.secret_sources(), &mut faults);
        }
        faults.or(properties)
    }

    /// Reads all of them; `None` where one that can't be absent is at fault.
    fn read(fields: &Fields<'_>, owner: &Owner, settings: &Settings, faults: &mut Faults) -> Option<Self> {
        let stack = &owner.stack_id;
        let images = Images::read(fields, stack, settings, faults);
        let values = Values::read(fields, stack, images.with_ssh, faults);
        let family = family(fields, owner, settings, faults);
        let cpu_and_memory = ["TaskCpu", "TaskMemory"].map(|name| fields.text(name, faults));
        let launch = Launch::read(fields, faults);
        let [cpu, memory] = &cpu_and_memory;
        let size = TaskSize::read(cpu.as_ref(), memory.as_ref(), launch.is_for_fargate(), faults);
        let platform = Platform::read(fields, faults);
        if images.is_ssh_agent_known {
            platform.check_ssh_agent(images.with_ssh, &images.ssh_agent_image, faults);
        }
        let place = Site {
            launch: &launch,
            stack,
            settings,
        };
        let containers = Containers::read(fields, &place, platform, &images, &values, faults);
        if let Some(size) = size {
            size.check_shares(containers.agent.share, &containers.sidecars, faults);
        }
        let cancel_on_stop = cancel_on_stop(fields, &values, faults);
        let (task_role_rights, task_role) = task_role(fields, stack, settings, faults);
        let agent_token = agent_token(fields, stack, settings, faults);
        let log_group = LogGroup::read(fields, stack, settings, faults);
        let tags = tags::read(fields, faults);
        // Any text: it is there to be another one than before.
        fields.text("Refresh", faults);

        Some(Self {
            family: family?,
            image: images.image?,
            repository_credentials: images.repository_credentials,
            buildkite_agent_image: images.buildkite_agent_image,
            buildkite_agent_image_repository_credentials: images.buildkite_agent_image_repository_credentials,
            ssh_agent_backend: images.ssh_agent_backend,
            ssh_agent_image: images.ssh_agent_image,
            ssh_agent_image_repository_credentials: images.ssh_agent_image_repository_credentials,
            ssh_agent_environment: values.ssh_agent_environment,
            secrets: values.secrets,
            secrets_kms_keys: values.secrets_kms_keys,
            environment: values.environment,
            agent_configuration: values.agent_configuration,
            signing_key: values.signing_key,
            agent_container: containers.agent,
            sidecars: containers.sidecars,
            volumes: containers.volumes,
            mount_points: containers.mount_points,
            depends_on: containers.depends_on,
            injection: containers.injection,
            hooks: containers.hooks,
            cancel_on_stop,
            launch,
            size: size?,
            platform,
            words: containers.words,
            task_role,
            task_role_rights,
            agent_token: agent_token?,
            log_group,
            tags,
        })
    }

    /// Everything that the execution role fetches: the token, the secrets of all containers, the registries' passwords, and
    /// what logs need.
    #[must_use]
    pub fn secret_sources(&self) -> Vec<SecretSource> {
        let of_sidecars = self.sidecars.iter().flat_map(|sidecar| &sidecar.secrets);
        let fetched = self.secrets.iter().chain(of_sidecars);
        let of_agent = [
            &self.repository_credentials,
            &self.buildkite_agent_image_repository_credentials,
        ];
        let of_ssh = (self.ssh_agent_backend.as_ref()).map(|_| &self.ssh_agent_image_repository_credentials);
        let of_sidecars = self.sidecars.iter().map(|sidecar| &sidecar.repository_credentials);
        let of_logs = self.sidecars.iter().flat_map(|sidecar| &sidecar.log_secrets);
        let of_logs = self.agent_container.log_secrets.iter().chain(of_logs);
        let passwords = of_agent.into_iter().chain(of_ssh).chain(of_sidecars).flatten();
        std::iter::once(SecretSource::Parameter(self.agent_token.clone()))
            .chain(fetched.map(|secret| secret.source.clone()))
            .chain(passwords.cloned().map(SecretSource::SecretsManager))
            .chain(of_logs.cloned())
            .collect()
    }
}

fn family(fields: &Fields<'_>, owner: &Owner, settings: &Settings, faults: &mut Faults) -> Option<Family> {
    let family = if fields.get("TaskFamily").is_none() {
        Family::of_logical_id(&owner.logical_id)
    } else {
        let name = fields.text("TaskFamily", faults)?;
        let family = Family::parse(&name);
        if family.is_none() {
            faults.add(
                "TaskFamily",
                format!(
                    "is not a valid name for a task definition: {name}; legal: 1 to 255 letters, digits, `-` and `_`",
                    name = quoted(&name)
                ),
            );
        }
        family?
    };
    if !settings.has_prefix(&family) {
        let prefix = &settings.family_prefix;
        faults.add(
            "TaskFamily",
            format!(
                "is `{family}`; this provider's parameter `FamilyPrefix` allows families that begin with `{prefix}`"
            ),
        );
    }
    Some(family)
}

fn cancel_on_stop(fields: &Fields<'_>, values: &Values, faults: &mut Faults) -> bool {
    let wanted = fields.switch("CancelOnStop", faults).unwrap_or_default();
    if wanted {
        variables::check_identifiers(&values.variables, &values.secret_items, faults);
    }
    wanted
}

/// What the task role that is made may do, or the author's own.
fn task_role(
    fields: &Fields<'_>,
    stack: &StackId,
    settings: &Settings,
    faults: &mut Faults,
) -> (TaskRoleRights, Option<TaskRole>) {
    let own = fields.text("TaskRoleArn", faults);
    let rights = TaskRoleRights::read(fields, own.is_some(), stack, settings, faults);
    let own = own.and_then(|arn| {
        TaskRole::parse(&arn, stack, &settings.task_role_path)
            .map_err(|problem| faults.add("TaskRoleArn", problem))
            .ok()
    });
    (rights, own)
}

fn agent_token(fields: &Fields<'_>, stack: &StackId, settings: &Settings, faults: &mut Faults) -> Option<Parameter> {
    let token = fields.text("BuildkiteAgentTokenParameterPath", faults);
    let token = token.as_deref().unwrap_or(&settings.agent_token_parameter_path);
    Parameter::parse(token, stack)
        .map_err(|problem| faults.add("BuildkiteAgentTokenParameterPath", problem))
        .ok()
}

/// A name as ECS has them for families, containers and volumes (docs/internals/aws.md, "Names and limits").
pub(crate) fn is_ecs_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A list of legal values, for a message.
pub(crate) fn list(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(crate) mod tests;
