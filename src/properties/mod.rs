//! What the author of a resource meant: every property, checked, with its default. The only door into composition.

mod arn;
mod backend;
mod fargate;
mod image;
mod parameter;
mod role;
mod secret;
mod variables;
mod wire;

use serde_json::{Map, Value};

pub use backend::SshAgentBackend;
pub use fargate::{CPUS, FargateSize};
pub use image::{EcrRepository, Image};
pub use parameter::Parameter;
pub use role::TaskRole;
pub use secret::{Secret, SecretSource, SecretsManagerSecret};
pub use variables::{AGENT_TOKEN, SSH_SOCKET, Variable};

use crate::{
    Faults,
    identity::{Family, Owner},
    settings::Settings,
};

/// What each property is, for the README's table and the suggestion of the nearest name.
pub const PROPERTIES: [(&str, &str); 10] = [
    ("Image", "required"),
    ("BuildkiteAgentImage", ""),
    ("SshAgentBackend", ""),
    ("Secrets", ""),
    ("Environment", ""),
    ("TaskFamily", "the logical id in lower case"),
    ("TaskMemory", "512"),
    ("TaskCpu", "256"),
    ("TaskRoleArn", ""),
    (
        "BuildkiteAgentTokenParameterPath",
        "the provider's AgentTokenParameterPath",
    ),
];

/// The properties of one `Custom::BuildkiteAgent`, validated: nothing in them is a reason for AWS to refuse what is
/// composed of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// The task definition's name.
    pub family: Family,
    /// The main image.
    pub image: Image,
    /// The image that brings the agent; absent where the main image has it.
    pub buildkite_agent_image: Option<Image>,
    /// The iam-ssh-agent backend.
    pub ssh_agent_backend: Option<SshAgentBackend>,
    /// The author's secrets, in their order.
    pub secrets: Vec<Secret>,
    /// The author's variables, in their order.
    pub environment: Vec<Variable>,
    /// CPU units and MiB, a pair that Fargate has.
    pub size: FargateSize,
    /// A task role of the author's own.
    pub task_role: Option<TaskRole>,
    /// Where the agent's token is.
    pub agent_token: Parameter,
}

impl Properties {
    /// Reads and checks what the template says.
    ///
    /// # Errors
    /// Every fault at once: a stack's attempt costs minutes.
    pub fn validate(written: &Map<String, Value>, owner: &Owner, settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let wire = wire::Wire::read(written, &mut faults);
        let stack = &owner.stack_id;

        let family = match wire.task_family.as_deref() {
            None => Some(Family::of_logical_id(&owner.logical_id)),
            Some(name) => Family::parse(name).or_else(|| {
                faults.add(
                    "TaskFamily",
                    format!("is no name of a task definition: {name:?}; legal: 1 to 255 letters, digits, `-` and `_`"),
                );
                None
            }),
        };
        let image = wire
            .image
            .as_deref()
            .and_then(|image| image::read("Image", image, &mut faults));
        let buildkite_agent_image = wire
            .buildkite_agent_image
            .as_deref()
            .and_then(|image| image::read("BuildkiteAgentImage", image, &mut faults));
        let ssh_agent_backend = wire.ssh_agent_backend.as_deref().and_then(|arn| {
            SshAgentBackend::parse(arn, stack)
                .map_err(|problem| faults.add("SshAgentBackend", problem))
                .ok()
        });
        // Whether ssh is wanted, rather than whether its ARN is sound: the fault about the variable must not wait.
        let with_ssh = wire.ssh_agent_backend.is_some();
        let secrets = secret::read(&wire.secrets, stack, &mut faults);
        let environment = variables::read(&wire.environment, &mut faults);
        variables::check_names(&wire.environment, &wire.secrets, with_ssh, &mut faults);
        let size = FargateSize::read(wire.task_cpu.as_ref(), wire.task_memory.as_ref(), &mut faults);
        let task_role = wire.task_role_arn.as_deref().and_then(|arn| {
            TaskRole::parse(arn, stack, &settings.task_role_path)
                .map_err(|problem| faults.add("TaskRoleArn", problem))
                .ok()
        });
        let token = wire
            .buildkite_agent_token_parameter_path
            .as_deref()
            .unwrap_or(&settings.agent_token_parameter_path);
        let agent_token = Parameter::parse(token, stack)
            .map_err(|problem| faults.add("BuildkiteAgentTokenParameterPath", problem))
            .ok();

        let properties = (|| {
            Some(Self {
                family: family?,
                image: image?,
                buildkite_agent_image,
                ssh_agent_backend,
                secrets,
                environment,
                size: size?,
                task_role,
                agent_token: agent_token?,
            })
        })();
        faults.or(properties)
    }
}

/// A list of legal values, for a message.
pub(crate) fn list(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(crate) mod tests;
