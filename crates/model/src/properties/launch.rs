//! Where tasks run, `RequiresCompatibilities`, and what that leaves to choose: the network, privileges, the disk.

use super::{Platform, Sidecar, Volume, list, wire::Fields};
use crate::{Faults, quoted, settings::Settings};

/// What a task definition can be for.
pub(crate) const COMPATIBILITIES: [&str; 4] = ["FARGATE", "EC2", "MANAGED_INSTANCES", "EXTERNAL"];
pub(crate) const NETWORK_MODES: [&str; 4] = ["awsvpc", "bridge", "host", "none"];

/// Where tasks run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What the task definition is for.
    pub compatibilities: Vec<&'static str>,
    /// One that all of them have.
    pub network_mode: &'static str,
    /// Whether the agent's container is privileged.
    pub privileged: bool,
}

/// The network modes of a compatibility (docs/internals/aws.md, "Network modes").
pub(super) fn network_modes(compatibility: &str) -> &'static [&'static str] {
    match compatibility {
        "EC2" => &NETWORK_MODES,
        "MANAGED_INSTANCES" => &["awsvpc", "host"],
        "EXTERNAL" => &["bridge", "host", "none"],
        _ => &["awsvpc"],
    }
}

impl Launch {
    /// Reads all three.
    pub(super) fn read(fields: &Fields<'_>, faults: &mut Faults) -> Self {
        let mut compatibilities: Vec<&'static str> = Vec::new();
        for (path, written) in fields.texts("RequiresCompatibilities", faults) {
            match COMPATIBILITIES.iter().find(|one| one.eq_ignore_ascii_case(&written)) {
                None => faults.add(
                    path,
                    format!(
                        "is {written}; legal: {}",
                        list(&COMPATIBILITIES),
                        written = quoted(&written)
                    ),
                ),
                Some(one) if compatibilities.contains(one) => {
                    faults.add(
                        path,
                        format!("is {written}, which is given twice", written = quoted(&written)),
                    );
                }
                Some(one) => compatibilities.push(one),
            }
        }
        if compatibilities.is_empty() {
            compatibilities.push("FARGATE");
        }
        let all_have = |mode: &&&str| compatibilities.iter().all(|one| network_modes(one).contains(*mode));
        let common: Vec<&str> = NETWORK_MODES.iter().filter(all_have).copied().collect();
        let written = fields.one_of("NetworkMode", &NETWORK_MODES, faults);
        if common.is_empty() {
            let each: Vec<String> = (compatibilities.iter())
                .map(|one| format!("{one} ({})", list(network_modes(one))))
                .collect();
            faults.add(
                "RequiresCompatibilities",
                format!("have no network mode in common: {}", each.join(", ")),
            );
        } else if let Some(mode) = written.filter(|mode| !common.contains(mode)) {
            faults.add(
                "NetworkMode",
                format!(
                    "is {mode}; legal for {}: {}",
                    compatibilities.join(" and "),
                    list(&common)
                ),
            );
        }
        let network_mode = written.or_else(|| NETWORK_MODES.iter().find(all_have).copied());
        Self {
            network_mode: network_mode.unwrap_or("awsvpc"),
            privileged: fields.switch("Privileged", faults).unwrap_or_default(),
            compatibilities,
        }
    }

    /// Whether tasks may run on Fargate, which has sizes and limits of its own.
    #[must_use]
    pub fn is_for_fargate(&self) -> bool {
        self.compatibilities.contains(&"FARGATE")
    }

    /// What some places have not (docs/internals/aws.md, "What Fargate refuses").
    pub(super) fn check(
        &self,
        platform: Platform,
        sidecars: &[Sidecar],
        volumes: &[(String, Volume)],
        settings: &Settings,
        faults: &mut Faults,
    ) {
        let on_efs = volumes
            .iter()
            .filter(|(_, volume)| volume.efs_volume_configuration.is_some());
        for (path, _) in on_efs.filter(|_| self.compatibilities.contains(&"EXTERNAL")) {
            faults.add(
                format!("{path}.EFSVolumeConfiguration"),
                "is not for EXTERNAL, where ECS mounts no EFS; leave `EXTERNAL` out of `RequiresCompatibilities`, or give the volume no configuration",
            );
        }
        let of_sidecars = sidecars.iter().filter(|sidecar| sidecar.privileged);
        let of_sidecars = of_sidecars.map(|sidecar| format!("{}.Privileged", sidecar.path));
        let privileged = self.privileged.then(|| "Privileged".to_owned());
        for path in privileged.into_iter().chain(of_sidecars) {
            if self.is_for_fargate() {
                faults.add(
                    path,
                    "is not supported on Fargate; set `RequiresCompatibilities` to MANAGED_INSTANCES or EC2",
                );
            } else if !settings.allow_privileged {
                faults.add(
                    path,
                    "is true, which this provider does not allow: a privileged container is root on its instance; leave it \
                     out, or deploy the provider with the parameter `AllowPrivileged=true`",
                );
            }
        }
        let has_it = |one: &&str| *one == "FARGATE";
        if platform.ephemeral_storage.is_some() && !self.compatibilities.iter().all(has_it) {
            faults.add(
                "EphemeralStorage",
                format!(
                    "is for Fargate alone, and the tasks are for {}",
                    list(&self.compatibilities)
                ),
            );
        }
    }
}
