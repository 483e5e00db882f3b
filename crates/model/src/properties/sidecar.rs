//! `Sidecars`: containers of the author's own beside the agent, in the words of CloudFormation's `ContainerDefinition`.

use super::{
    Image, Secret, Variable,
    container::{self, ContainerDependency, HealthCheck, MountPoint, VolumeFrom},
    image, is_ecs_name, registry,
    secret::{self, SecretsManagerSecret},
    variables,
    wire::{Fields, Written},
};
use crate::{Faults, identity::StackId};

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
    /// Where the program starts.
    pub working_directory: Option<String>,
    /// Under whose id it runs.
    pub user: Option<String>,
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
    /// CPU units of the task's that are its own.
    pub cpu: Option<i32>,
    /// MiB at which it is stopped.
    pub memory: Option<i32>,
    /// MiB that are kept for it.
    pub memory_reservation: Option<i32>,
    /// Whether it is privileged; never on Fargate.
    pub privileged: bool,
    /// Whether it may not write to its own disk.
    pub readonly_root_filesystem: Option<bool>,
    /// Whether an init is process 1.
    pub init_process_enabled: Option<bool>,
    /// How long others wait for it, in seconds.
    pub start_timeout: Option<i32>,
    /// How long it has between SIGTERM and SIGKILL, in seconds.
    pub stop_timeout: Option<i32>,
}

/// What a sidecar may have.
pub(crate) const KNOWN: [&str; 22] = [
    "Name",
    "Image",
    "RepositoryCredentials",
    "Essential",
    "EntryPoint",
    "Command",
    "WorkingDirectory",
    "User",
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
    "ReadonlyRootFilesystem",
    "LinuxParameters",
    "StartTimeout",
    "StopTimeout",
];

/// What comes by itself.
const INSTEAD: [(&str, &str); 1] = [(
    "LogConfiguration",
    "comes by itself: every container logs to the log group of the resource; leave it out",
)];

/// How long a start or a stop may wait, in seconds, where instances have no limit of their own.
pub(crate) const WAIT: std::ops::RangeInclusive<i32> = 1..=i32::MAX;
/// How long on Fargate (docs/internals/aws.md, "Order of containers" and "Start, stop and init").
pub(crate) const WAIT_ON_FARGATE: std::ops::RangeInclusive<i32> = 2..=120;

/// MiB that a container may have; what its task has is for [`super::size`].
pub(crate) const MEMORY: std::ops::RangeInclusive<i32> = 6..=i32::MAX;
/// CPU units that a container may have: the largest task's (docs/internals/aws.md, "Fargate sizes").
pub(crate) const CPU: std::ops::RangeInclusive<i32> = 0..=196_608;

/// Reads all of them; `taken` are the names of the provider's own containers.
pub(super) fn read(
    fields: &Fields<'_>,
    taken: &[&str],
    on_fargate: bool,
    stack: &StackId,
    faults: &mut Faults,
) -> Vec<Sidecar> {
    let elements = fields.list("Sidecars", "container definitions", faults);
    let mut sidecars: Vec<Sidecar> = Vec::new();
    for element in &elements {
        let Some(sidecar) = read_one(element, taken, on_fargate, stack, faults) else {
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

fn read_one(
    element: &Written<'_>,
    taken: &[&str],
    on_fargate: bool,
    stack: &StackId,
    faults: &mut Faults,
) -> Option<Sidecar> {
    let fields = element.fields_but(&KNOWN, &INSTEAD, "a container definition, {Name, Image, …}", faults)?;
    let name = fields.required("Name", "", faults);
    if let Some(name) = &name {
        if !is_ecs_name(name) {
            faults.add(
                fields.path("Name"),
                format!("is no name of a container: {name:?}; legal: 1 to 255 letters, digits, `-` and `_`"),
            );
        } else if taken.contains(&name.as_str()) {
            faults.add(
                fields.path("Name"),
                format!("is {name:?}, a container of the provider's own; give it another name"),
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
    let init_process_enabled = fields.get("LinuxParameters").and_then(|written| {
        written
            .fields(&["InitProcessEnabled"], "{InitProcessEnabled}", faults)?
            .switch("InitProcessEnabled", faults)
    });
    let (memory, memory_reservation) = (
        fields.whole("Memory", "MiB", MEMORY, faults),
        fields.whole("MemoryReservation", "MiB", MEMORY, faults),
    );
    if let (Some(most), Some(kept)) = (memory, memory_reservation)
        && kept > most
    {
        faults.add(
            fields.path("MemoryReservation"),
            format!("is {kept}, more than `Memory`, {most}"),
        );
    }
    let (wait, seconds) = if on_fargate {
        (WAIT_ON_FARGATE, "seconds on Fargate")
    } else {
        (WAIT, "seconds")
    };
    Some(Sidecar {
        path: element.path.clone(),
        repository_credentials,
        essential: fields.switch("Essential", faults).unwrap_or(true),
        entry_point: container::texts(&fields, "EntryPoint", faults),
        command: container::texts(&fields, "Command", faults),
        working_directory: fields.text("WorkingDirectory", faults),
        user: fields.text("User", faults),
        environment: variables::read(&environment, faults),
        secrets: secret::read(&secrets, stack, faults),
        depends_on: container::dependencies(&fields, faults),
        mount_points: container::mount_points(&fields, faults),
        volumes_from: volumes_from(&fields, faults),
        health_check: HealthCheck::read(&fields, faults),
        cpu: fields.whole("Cpu", "CPU units", CPU, faults),
        memory,
        memory_reservation,
        privileged: fields.switch("Privileged", faults).unwrap_or_default(),
        readonly_root_filesystem: fields.switch("ReadonlyRootFilesystem", faults),
        init_process_enabled,
        start_timeout: fields.whole("StartTimeout", seconds, wait.clone(), faults),
        stop_timeout: fields.whole("StopTimeout", seconds, wait, faults),
        name: name?,
        image: image?,
    })
}

fn volumes_from(fields: &Fields<'_>, faults: &mut Faults) -> Vec<(String, VolumeFrom)> {
    let shape = "{SourceContainer, ReadOnly}";
    let elements = fields.list("VolumesFrom", shape, faults);
    elements
        .iter()
        .filter_map(|element| {
            let fields = element.fields(&["SourceContainer", "ReadOnly"], shape, faults)?;
            let from = VolumeFrom {
                source_container: fields.required("SourceContainer", ": which container has the volumes", faults)?,
                read_only: fields.switch("ReadOnly", faults).unwrap_or_default(),
            };
            Some((element.path.clone(), from))
        })
        .collect()
}
