//! What is written about one container in CloudFormation's words and looked into here: health check, mounts, dependencies, its
//! share of the task.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::{
    list,
    wire::{Fields, Written},
};
use crate::{Faults, quoted};

/// When a container counts as up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// `CMD` and the program, or `CMD-SHELL` and a line for the shell.
    pub command: Vec<String>,
    /// Seconds between two checks.
    pub interval: i32,
    /// Seconds that one may take.
    pub timeout: i32,
    /// How many must fail.
    pub retries: i32,
    /// Seconds before a failed one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<i32>,
}

impl HealthCheck {
    /// Reads one; numbers that are not written are ECS's own defaults (docs/internals/aws.md, "Health checks").
    pub(super) fn read(container: &Fields<'_>, faults: &mut Faults) -> Option<Self> {
        let written = container.get("HealthCheck")?;
        let known = ["Command", "Interval", "Timeout", "Retries", "StartPeriod"];
        let fields = written.fields(&known, "{Command, Interval, Timeout, Retries, StartPeriod}", faults)?;
        let command: Vec<String> = texts(&fields, "Command", faults);
        let kind = command.first().map(String::as_str);
        if command.len() < 2 || !matches!(kind, Some("CMD" | "CMD-SHELL")) {
            // Its first word alone: the rest may hold a password.
            let begins = match kind.and_then(|kind| kind.split_whitespace().next()) {
                Some("CMD" | "CMD-SHELL") => "runs nothing".to_owned(),
                Some(word) => format!("begins with {}", quoted(word)),
                None => "is empty".to_owned(),
            };
            faults.add(
                fields.path("Command"),
                format!("{begins}; write [CMD, PROGRAM, ARGUMENT, …], or [CMD-SHELL, a line for the image's shell]"),
            );
        }
        Some(Self {
            command,
            interval: fields.whole("Interval", "seconds", 5..=300, faults).unwrap_or(30),
            timeout: fields.whole("Timeout", "seconds", 2..=60, faults).unwrap_or(5),
            retries: fields.whole("Retries", "failures", 1..=10, faults).unwrap_or(3),
            start_period: fields.whole("StartPeriod", "seconds", 0..=300, faults),
        })
    }
}

/// A named volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MountPoint {
    /// The volume.
    pub source_volume: String,
    /// Where it is in the container.
    pub container_path: String,
    /// Whether the container may not write to it.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
}

/// All volumes of another container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeFrom {
    /// Which.
    pub source_container: String,
    /// Whether the container may not write to them.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
}

/// A container that comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDependency {
    /// Which.
    pub container_name: String,
    /// `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
    pub condition: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way of asking")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A list of strings, without their paths.
pub(super) fn texts(fields: &Fields<'_>, name: &str, faults: &mut Faults) -> Vec<String> {
    let texts = fields.texts(name, faults);
    texts.into_iter().map(|(_, text)| text).collect()
}

/// The conditions of a dependency (docs/internals/aws.md, "Order of containers").
pub(crate) const CONDITIONS: [&str; 4] = ["START", "COMPLETE", "SUCCESS", "HEALTHY"];

/// Reads `DependsOn`; whether what it names is there is for [`super::wiring`].
pub(super) fn dependencies(fields: &Fields<'_>, faults: &mut Faults) -> Vec<(String, ContainerDependency)> {
    let shape = "{ContainerName, Condition}";
    let elements = fields.list("DependsOn", shape, faults);
    elements
        .iter()
        .filter_map(|element| {
            let fields = element.fields(&["ContainerName", "Condition"], shape, faults)?;
            let container_name = fields.required("ContainerName", ": which container comes first", faults);
            if fields.get("Condition").is_none() {
                faults.add(
                    fields.path("Condition"),
                    format!("is required; one of {}", list(&CONDITIONS)),
                );
            }
            let condition = fields.one_of("Condition", &CONDITIONS, faults);
            let dependency = ContainerDependency {
                container_name: container_name?,
                condition: condition?,
            };
            Some((element.path.clone(), dependency))
        })
        .collect()
}

/// What of the task's CPU and memory is one container's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// CPU units of the task's that are its own.
    pub cpu: Option<i32>,
    /// MiB at which it is stopped.
    pub memory: Option<i32>,
    /// MiB that are kept for it.
    pub memory_reservation: Option<i32>,
}

/// MiB that a container may have; what its task has is for [`super::size`].
pub(crate) const MEMORY: RangeInclusive<i32> = 6..=i32::MAX;
/// CPU units that a container may have: the largest task's (docs/internals/aws.md, "Fargate sizes").
pub(crate) const CPU: RangeInclusive<i32> = 0..=196_608;

impl Share {
    pub(super) fn read(fields: &Fields<'_>, faults: &mut Faults) -> Self {
        let share = Self {
            cpu: fields.whole("Cpu", "CPU units", CPU, faults),
            memory: fields.whole("Memory", "MiB", MEMORY, faults),
            memory_reservation: fields.whole("MemoryReservation", "MiB", MEMORY, faults),
        };
        if let (Some(most), Some(kept)) = (share.memory, share.memory_reservation)
            && kept > most
        {
            faults.add(
                fields.path("MemoryReservation"),
                format!("is {kept}, more than `Memory`, {most}"),
            );
        }
        share
    }
}

/// How long a start or a stop may wait, in seconds, where instances have no limit of their own.
pub(crate) const WAIT: RangeInclusive<i32> = 1..=i32::MAX;
/// How long on Fargate (docs/internals/aws.md, "Order of containers" and "Start, stop and init").
pub(crate) const WAIT_ON_FARGATE: RangeInclusive<i32> = 2..=120;

/// Reads how long a start or a stop may wait.
pub(super) fn wait(fields: &Fields<'_>, name: &str, on_fargate: bool, faults: &mut Faults) -> Option<i32> {
    let (legal, seconds) = if on_fargate {
        (WAIT_ON_FARGATE, "seconds on Fargate")
    } else {
        (WAIT, "seconds")
    };
    fields.whole(name, seconds, legal, faults)
}

/// Reads `VolumesFrom`, each with its path.
pub(super) fn volumes_from(fields: &Fields<'_>, faults: &mut Faults) -> Vec<(String, VolumeFrom)> {
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

/// Reads `MountPoints`, each with its path.
pub(super) fn mount_points(fields: &Fields<'_>, faults: &mut Faults) -> Vec<(String, MountPoint)> {
    let shape = "{SourceVolume, ContainerPath, ReadOnly}";
    let elements = fields.list("MountPoints", shape, faults);
    elements
        .iter()
        .filter_map(|element: &Written<'_>| {
            let fields = element.fields(&["SourceVolume", "ContainerPath", "ReadOnly"], shape, faults)?;
            let source_volume = fields.required("SourceVolume", ": the name of one of `Volumes`", faults);
            let container_path = fields.required("ContainerPath", ": where it is in the container", faults);
            let read_only = fields.switch("ReadOnly", faults).unwrap_or_default();
            let container_path = container_path?;
            if !container_path.starts_with('/') {
                faults.add(
                    fields.path("ContainerPath"),
                    format!(
                        "is not an absolute path: {}; begin it with `/`",
                        quoted(&container_path)
                    ),
                );
            }
            let mount = MountPoint {
                source_volume: source_volume?,
                container_path,
                read_only,
            };
            Some((element.path.clone(), mount))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::properties::tests::validated;

    #[test]
    fn a_container_may_have_all_of_its_memory_reserved_and_no_more() {
        let sidecar = |memory: i32, reservation: i32| {
            let sidecar = json!({"Name": "one", "Image": "alpine", "Memory": memory, "MemoryReservation": reservation});
            validated(&json!({"Image": "ruby", "Sidecars": [sidecar]}))
        };
        for reservation in [6, 255, 256] {
            assert!(sidecar(256, reservation).is_ok(), "{reservation}");
        }
        assert_eq!(
            sidecar(256, 257).unwrap_err().to_string(),
            "`Sidecars[0].MemoryReservation` is 257, more than `Memory`, 256"
        );
    }
}
