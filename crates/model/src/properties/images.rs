//! The images of the provider's three containers, with the passwords of their registries.

use super::{Image, SecretsManagerSecret, SshAgentBackend, image, registry, wire::Fields};
use crate::{Faults, identity::StackId, settings::Settings};

pub(super) struct Images {
    /// The main image; `None` where it is at fault.
    pub(super) image: Option<Image>,
    pub(super) repository_credentials: Option<SecretsManagerSecret>,
    pub(super) buildkite_agent_image: Option<Image>,
    pub(super) buildkite_agent_image_repository_credentials: Option<SecretsManagerSecret>,
    /// Whether `BuildkiteAgentImage` is given, sound or not.
    pub(super) with_init: bool,
    /// Whether ssh is wanted, rather than whether its ARN is sound: the fault about its variable must not wait.
    pub(super) with_ssh: bool,
    pub(super) ssh_agent_backend: Option<SshAgentBackend>,
    pub(super) ssh_agent_image: Image,
    /// An image at fault does not make the default one worth a message.
    pub(super) is_ssh_agent_known: bool,
    pub(super) ssh_agent_image_repository_credentials: Option<SecretsManagerSecret>,
}

impl Images {
    pub(super) fn read(fields: &Fields<'_>, stack: &StackId, settings: &Settings, faults: &mut Faults) -> Self {
        let hint = ": the image with the tools for command steps and plugins, such as `ruby:3.4`";
        let image = fields.required("Image", hint, faults);
        let image = image.and_then(|reference| image::read("Image", &reference, faults));
        let buildkite_agent_image = image_of(fields, "BuildkiteAgentImage", faults);
        let with_init = fields.get("BuildkiteAgentImage").is_some();
        let with_ssh = fields.get("SshAgentBackend").is_some();
        let ssh_agent_backend = fields.text("SshAgentBackend", faults).and_then(|arn| {
            SshAgentBackend::parse(&arn, stack)
                .map_err(|problem| faults.add("SshAgentBackend", problem))
                .ok()
        });
        let own_ssh_agent_image = image_of(fields, "SshAgentImage", faults);
        let is_ssh_agent_known = own_ssh_agent_image.is_some() || fields.get("SshAgentImage").is_none();
        let ssh_agent_image = own_ssh_agent_image.unwrap_or_else(|| settings.ssh_agent_image.clone());
        let mut credentials = |name: &str, image| registry::read(fields, name, image, stack, faults);
        let repository_credentials = credentials("RepositoryCredentials", image.as_ref());
        let buildkite_agent_image_repository_credentials = credentials(
            "BuildkiteAgentImageRepositoryCredentials",
            buildkite_agent_image.as_ref(),
        );
        let ssh_agent_image_repository_credentials =
            credentials("SshAgentImageRepositoryCredentials", Some(&ssh_agent_image));
        if let Some(of_no_image) = fields.get("BuildkiteAgentImageRepositoryCredentials")
            && !with_init
        {
            faults.add(
                of_no_image.path,
                "is for the image of `BuildkiteAgentImage`, which is not given",
            );
        }
        Self {
            image,
            repository_credentials,
            buildkite_agent_image,
            buildkite_agent_image_repository_credentials,
            with_init,
            with_ssh,
            ssh_agent_backend,
            ssh_agent_image,
            is_ssh_agent_known,
            ssh_agent_image_repository_credentials,
        }
    }
}

fn image_of(fields: &Fields<'_>, name: &str, faults: &mut Faults) -> Option<Image> {
    let reference = fields.text(name, faults)?;
    image::read(name, &reference, faults)
}
