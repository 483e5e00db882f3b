//! `Sidecars`: containers of the author's own beside the agent, in the words of CloudFormation's `ContainerDefinition`.

use super::{
    Image, Secret, SecretSource, Variable,
    container::{self, ContainerDependency, HealthCheck, MountPoint, Share, VolumeFrom},
    image, is_ecs_name, native, registry,
    secret::{self, SecretsManagerSecret},
    variables,
    vocabulary::{self, Key, Site, Words},
    wire::{Fields, Written},
};
use crate::{Faults, quoted};

/// One container of the author's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// Where it is written, such as `Sidecars[1]`.
    pub path: String,
    /// Its name within the task.
    pub name: String,
    /// Its image.
    pub image: Image,
    /// The secret with the registry's password.
    pub repository_credentials: Option<SecretsManagerSecret>,
    /// Whether the task ends with it.
    pub essential: bool,
    /// The program; the image's own where there is none.
    pub entry_point: Vec<String>,
    /// The program's arguments; the image's own where there are none.
    pub command: Vec<String>,
    /// Variables in the clear.
    pub environment: Vec<Variable>,
    /// Variables that ECS fetches.
    pub secrets: Vec<Secret>,
    /// Which containers come first, each with its path.
    pub depends_on: Vec<(String, ContainerDependency)>,
    /// Named volumes, each with its path.
    pub mount_points: Vec<(String, MountPoint)>,
    /// All volumes of other containers, each with its path.
    pub volumes_from: Vec<(String, VolumeFrom)>,
    /// When it counts as up.
    pub health_check: Option<HealthCheck>,
    /// What of the task is its own.
    pub share: Share,
    /// Whether it is privileged; never on Fargate.
    pub privileged: bool,
    /// How long others wait for it, in seconds.
    pub start_timeout: Option<i32>,
    /// How long it has between SIGTERM and SIGKILL, in seconds.
    pub stop_timeout: Option<i32>,
    /// What is passed on.
    pub words: Words,
    /// What its log's options are fetched from.
    pub log_secrets: Vec<SecretSource>,
}

/// What is looked into of a sidecar; the rest are words that are passed on.
pub(crate) const KNOWN: [&str; 18] = [
    "Name",
    "Image",
    "RepositoryCredentials",
    "Essential",
    "EntryPoint",
    "Command",
    "Environment",
    "Secrets",
    "DependsOn",
    "MountPoints",
    "VolumesFrom",
    "HealthCheck",
    "Cpu",
    "Memory",
    "MemoryReservation",
    "Privileged",
    "StartTimeout",
    "StopTimeout",
];

/// The words of a sidecar that are passed on.
pub(crate) fn words() -> Vec<&'static Key> {
    vocabulary::container::KEYS.iter().collect()
}

/// Reads all of them; `taken` are the names of the provider's own containers.
pub(super) fn read(fields: &Fields<'_>, taken: &[&str], site: &Site<'_>, faults: &mut Faults) -> Vec<Sidecar> {
    let elements = fields.list("Sidecars", "container definitions", faults);
    let mut sidecars: Vec<Sidecar> = Vec::new();
    for element in &elements {
        let Some(sidecar) = read_one(element, taken, site, faults) else {
            continue;
        };
        if let Some(first) = sidecars.iter().find(|other| other.name == sidecar.name) {
            faults.add(
                format!("{}.Name", element.path),
                format!("is {:?}, as {} is already", sidecar.name, first.path),
            );
        }
        sidecars.push(sidecar);
    }
    sidecars
}

fn read_one(element: &Written<'_>, taken: &[&str], site: &Site<'_>, faults: &mut Faults) -> Option<Sidecar> {
    let keys = words();
    let known: Vec<&str> = KNOWN.into_iter().chain(keys.iter().map(|key| key.name)).collect();
    let shape = "a container definition, {Name, Image, …}";
    let fields = element.fields_but(&known, native::of_a_container, shape, faults)?;
    let (stack, on_fargate) = (site.stack, site.launch.is_for_fargate());
    let name = fields.required("Name", "", faults);
    if let Some(name) = &name {
        if !is_ecs_name(name) {
            faults.add(
                fields.path("Name"),
                format!(
                    "is not a valid name for a container: {name}; legal: 1 to 255 letters, digits, `-` and `_`",
                    name = quoted(name)
                ),
            );
        } else if taken.contains(&name.as_str()) {
            faults.add(
                fields.path("Name"),
                format!(
                    "is {name}, a container of the provider's own; give it another name",
                    name = quoted(name)
                ),
            );
        }
    }
    let image = fields
        .required("Image", "", faults)
        .and_then(|reference| image::read(&fields.path("Image"), &reference, faults));
    let repository_credentials = registry::read(&fields, "RepositoryCredentials", image.as_ref(), stack, faults);
    let environment = fields.items("Environment", "Value", faults);
    let secrets = fields.items("Secrets", "ValueFrom", faults);
    variables::check_names(&environment, &secrets, &[], faults);
    let (words, log_secrets) = vocabulary::read(&keys, &fields, site, faults);
    Some(Sidecar {
        path: element.path.clone(),
        repository_credentials,
        essential: fields.switch("Essential", faults).unwrap_or(true),
        entry_point: container::texts(&fields, "EntryPoint", faults),
        command: container::texts(&fields, "Command", faults),
        environment: variables::read(&environment),
        secrets: secret::read(&secrets, stack, faults),
        depends_on: container::dependencies(&fields, faults),
        mount_points: container::mount_points(&fields, faults),
        volumes_from: container::volumes_from(&fields, faults),
        health_check: HealthCheck::read(&fields, faults),
        share: Share::read(&fields, faults),
        privileged: fields.switch("Privileged", faults).unwrap_or_default(),
        start_timeout: container::wait(&fields, "StartTimeout", on_fargate, faults),
        stop_timeout: container::wait(&fields, "StopTimeout", on_fargate, faults),
        words,
        log_secrets,
        name: name?,
        image: image?,
    })
}
