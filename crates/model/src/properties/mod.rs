//! What the author of a resource meant: every property, checked, with its default. The only door into composition.

mod agent_configuration;
mod agent_container;
mod arn;
mod backend;
mod condition;
mod container;
mod definitions;
mod go_pattern;
mod hooks;
mod image;
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
mod variables;
pub mod vocabulary;
mod volume;
mod wire;
mod wiring;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

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
    settings::Settings,
};
use vocabulary::Site;
use wire::{Fields, Item};
use wiring::Node;

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

/// As an author writes them.
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
    #[expect(clippy::too_many_lines, reason = "a few lines for each property")]
    pub fn validate(written: &Map<String, Value>, owner: &Owner, settings: &Settings) -> Result<Self, Faults> {
        let mut all = Faults::default();
        let faults = &mut all;
        let stack = &owner.stack_id;
        let fields = Fields::root(
            written,
            &PROPERTIES.map(|property| property.name),
            &CLOUDFORMATIONS_OWN,
            faults,
        );

        let hint = ": the image with the tools for command steps and plugins, such as `ruby:3.4`";
        let image =
            (fields.required("Image", hint, faults)).and_then(|reference| image::read("Image", &reference, faults));
        let buildkite_agent_image = image_of(&fields, "BuildkiteAgentImage", faults);
        let backend = fields.text("SshAgentBackend", faults);
        // Whether ssh is wanted, rather than whether its ARN is sound: the fault about the variable must not wait.
        let with_ssh = fields.get("SshAgentBackend").is_some();
        let ssh_agent_backend = backend.and_then(|arn| {
            SshAgentBackend::parse(&arn, stack)
                .map_err(|problem| faults.add("SshAgentBackend", problem))
                .ok()
        });
        let ssh_agent_image = image_of(&fields, "SshAgentImage", faults);
        let ssh_agent_image_is_sound = ssh_agent_image.is_some();
        let ssh_agent_image = ssh_agent_image.unwrap_or_else(|| settings.ssh_agent_image.clone());
        let mut credentials = |name: &str, image| registry::read(&fields, name, image, stack, faults);
        let repository_credentials = credentials("RepositoryCredentials", image.as_ref());
        let buildkite_agent_image_repository_credentials = credentials(
            "BuildkiteAgentImageRepositoryCredentials",
            buildkite_agent_image.as_ref(),
        );
        let ssh_agent_image_repository_credentials =
            credentials("SshAgentImageRepositoryCredentials", Some(&ssh_agent_image));
        let of_no_image = fields
            .get("BuildkiteAgentImageRepositoryCredentials")
            .filter(|_| fields.get("BuildkiteAgentImage").is_none());
        if let Some(written) = of_no_image {
            faults.add(
                written.path,
                "is for the image of `BuildkiteAgentImage`, which is not given",
            );
        }

        let secret_items = fields.items("Secrets", "ValueFrom", faults);
        let variables = fields.items("Environment", "Value", faults);
        let secrets = secret::read(&secret_items, stack, faults);
        let environment = variables::read(&variables, faults);
        variables::check_names(&variables, &secret_items, variables::reserved(with_ssh), faults);
        let ssh_variables = fields.items("SshAgentEnvironment", "Value", faults);
        let ssh_agent_environment = variables::read(&ssh_variables, faults);
        variables::check_names(&ssh_variables, &[], &variables::OF_SSH_AGENT, faults);
        let agent_configuration = agent_configuration::read(&fields, &variables, &secret_items, faults);
        let signing_key = signing_key(&fields, &variables, &secret_items, stack, faults);
        let secrets_kms_keys = keys::read(&fields, stack, faults);

        let family = family(&fields, owner, faults);
        let cpu_and_memory = ["TaskCpu", "TaskMemory"].map(|name| fields.text(name, faults));
        let launch = Launch::read(&fields, faults);
        let [cpu, memory] = &cpu_and_memory;
        let size = TaskSize::read(cpu.as_ref(), memory.as_ref(), launch.is_for_fargate(), faults);
        let platform = Platform::read(&fields, faults);
        // An image at fault does not make the default one worth a message.
        let is_known = ssh_agent_image_is_sound || fields.get("SshAgentImage").is_none();
        platform.check_ssh_agent(with_ssh && is_known, &ssh_agent_image, faults);

        let place = Site { launch: &launch, stack };
        let of_task: Vec<&vocabulary::Key> = vocabulary::task::KEYS.iter().collect();
        let (words, _) = vocabulary::read(&of_task, &fields, &place, faults);
        let agent_container = AgentContainer::read(&fields, &place, faults);
        let sidecars = sidecar::read(&fields, &[AGENT, AGENT_INIT, SSH_AGENT], &place, faults);
        routing::check(&agent_container, &sidecars, &words, faults);
        let injection = Injection::read(&fields, faults);
        let set = variables
            .iter()
            .chain(&secret_items)
            .filter_map(|item| item.name.as_deref());
        let set = set.chain(agent_configuration.iter().map(|(name, _)| *name));
        let hooks = hooks::read(&fields, injection, set, faults);
        let volumes = volume::read(&fields, &[SSH_AGENT, AGENT_INIT], &place, faults);
        launch.check(platform, &sidecars, &volumes, faults);
        let mount_points = container::mount_points(&fields, faults);
        let depends_on = container::dependencies(&fields, faults);
        check_wiring(
            &agent_container,
            &sidecars,
            &volumes,
            &mount_points,
            &depends_on,
            (fields.get("BuildkiteAgentImage").is_some(), with_ssh),
            faults,
        );
        if let Some(size) = size {
            size.check_shares(agent_container.share, &sidecars, faults);
        }

        let cancel_on_stop = fields.switch("CancelOnStop", faults).unwrap_or_default();
        if cancel_on_stop {
            variables::check_identifiers(&variables, &secret_items, faults);
        }

        let own_role = fields.text("TaskRoleArn", faults);
        let task_role_rights = TaskRoleRights::read(&fields, own_role.is_some(), stack, settings, faults);
        let task_role = own_role.and_then(|arn| {
            TaskRole::parse(&arn, stack, &settings.task_role_path)
                .map_err(|problem| faults.add("TaskRoleArn", problem))
                .ok()
        });
        let token = fields.text("BuildkiteAgentTokenParameterPath", faults);
        let token = token.as_deref().unwrap_or(&settings.agent_token_parameter_path);
        let agent_token = Parameter::parse(token, stack)
            .map_err(|problem| faults.add("BuildkiteAgentTokenParameterPath", problem))
            .ok();
        let log_group = LogGroup::read(&fields, stack, settings, faults);
        let tags = tags::read(&fields, faults);
        // Any text: it is there to be another one than before.
        fields.text("Refresh", faults);

        let properties = (|| {
            Some(Self {
                family: family?,
                image: image?,
                repository_credentials,
                buildkite_agent_image,
                buildkite_agent_image_repository_credentials,
                ssh_agent_backend,
                ssh_agent_image,
                ssh_agent_image_repository_credentials,
                ssh_agent_environment,
                secrets,
                secrets_kms_keys,
                environment,
                agent_configuration,
                signing_key,
                agent_container,
                sidecars,
                volumes: volumes.into_iter().map(|(_, volume)| volume).collect(),
                mount_points: mount_points.into_iter().map(|(_, mount)| mount).collect(),
                depends_on: depends_on.into_iter().map(|(_, dependency)| dependency).collect(),
                injection,
                hooks,
                cancel_on_stop,
                launch,
                size: size?,
                platform,
                words,
                task_role,
                task_role_rights,
                agent_token: agent_token?,
                log_group,
                tags,
            })
        })();
        let Some(properties) = properties else {
            return all.or(None);
        };
        // A secret at fault does not make its key superfluous.
        if all.is_empty() {
            keys::check_regions(&properties.secrets_kms_keys, &properties.secret_sources(), &mut all);
        }
        all.or(Some(properties))
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

fn image_of(fields: &Fields<'_>, name: &str, faults: &mut Faults) -> Option<Image> {
    let reference = fields.text(name, faults)?;
    image::read(name, &reference, faults)
}

/// The key, of the Region in which the agent calls KMS.
fn signing_key(
    fields: &Fields<'_>,
    environment: &[Item],
    secrets: &[Item],
    stack: &StackId,
    faults: &mut Faults,
) -> Option<String> {
    let arn = fields.text("SigningKey", faults)?;
    if (environment.iter().chain(secrets)).any(|item| item.name.as_deref() == Some(SIGNING_KEY)) {
        faults.add(
            "SigningKey",
            format!("sets `{SIGNING_KEY}`, which `Environment` or `Secrets` sets, too; leave one of the two out"),
        );
    }
    let key = KmsKey::parse(&arn, stack).filter(|key| key.region == stack.region);
    if key.is_none() {
        faults.add(
            "SigningKey",
            format!(
                "is not the ARN of a KMS key of the stack's Region: {arn:?}; write arn:{}:kms:{}:ACCOUNT:key/ID",
                stack.partition, stack.region
            ),
        );
    }
    key.map(|key| key.arn)
}

fn family(fields: &Fields<'_>, owner: &Owner, faults: &mut Faults) -> Option<Family> {
    if fields.get("TaskFamily").is_none() {
        return Some(Family::of_logical_id(&owner.logical_id));
    }
    let name = fields.text("TaskFamily", faults)?;
    let family = Family::parse(&name);
    if family.is_none() {
        faults.add(
            "TaskFamily",
            format!(
                "is not a valid name for a task definition: {name:?}; legal: 1 to 255 letters, digits, `-` and `_`"
            ),
        );
    }
    family
}

/// The agent's containers among the author's.
fn check_wiring(
    agent: &AgentContainer,
    sidecars: &[Sidecar],
    volumes: &[(String, Volume)],
    mount_points: &[(String, MountPoint)],
    depends_on: &[(String, ContainerDependency)],
    (with_init, with_ssh): (bool, bool),
    faults: &mut Faults,
) {
    fn refs<T>(pairs: &[(String, T)]) -> Vec<(&str, &T)> {
        pairs.iter().map(|(path, one)| (path.as_str(), one)).collect()
    }
    fn sources(pairs: &[(String, VolumeFrom)]) -> Vec<(&str, &str)> {
        (pairs.iter())
            .map(|(path, from)| (path.as_str(), from.source_container.as_str()))
            .collect()
    }
    let ours = |name, essential, has_health_check| Node {
        name,
        essential,
        has_health_check,
        depends_on: Vec::new(),
        mount_points: Vec::new(),
        volumes_from: Vec::new(),
        waits: Vec::new(),
        needs: Vec::new(),
    };
    let init = with_init.then_some(((AGENT_INIT, "SUCCESS"), (AGENT_PROGRAM, "the agent")));
    let ssh = with_ssh.then_some(((SSH_AGENT, "HEALTHY"), (SSH_SOCKET_PATH, "ssh's socket")));
    let (waits, needs) = init.into_iter().chain(ssh).unzip();
    let mut nodes = vec![Node {
        depends_on: refs(depends_on),
        mount_points: refs(mount_points),
        volumes_from: sources(&agent.volumes_from),
        waits,
        needs,
        ..ours(AGENT, true, agent.health_check.is_some())
    }];
    nodes.extend(with_init.then(|| ours(AGENT_INIT, false, false)));
    nodes.extend(with_ssh.then(|| ours(SSH_AGENT, true, true)));
    nodes.extend(sidecars.iter().map(|sidecar| Node {
        depends_on: refs(&sidecar.depends_on),
        mount_points: refs(&sidecar.mount_points),
        volumes_from: sources(&sidecar.volumes_from),
        ..ours(&sidecar.name, sidecar.essential, sidecar.health_check.is_some())
    }));
    let mut names: Vec<&str> = volumes.iter().map(|(_, volume)| volume.name.as_str()).collect();
    names.extend(with_ssh.then_some(SSH_AGENT));
    wiring::check(&nodes, &names, faults);
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
