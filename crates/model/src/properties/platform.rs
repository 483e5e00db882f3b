//! What the task runs on: the processor's architecture and the size of its disk.

use super::{Image, wire::Fields};
use crate::{Faults, quoted};

/// The architectures of ECS.
pub(crate) const ARCHITECTURES: [&str; 2] = ["X86_64", "ARM64"];

/// `RuntimePlatform` of a Linux task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `X86_64` or `ARM64`; `None` leaves it to ECS, which takes X86_64.
    pub cpu_architecture: Option<&'static str>,
    /// Whether `LINUX` is written, which ECS takes anyway.
    pub says_linux: bool,
    /// GiB of ephemeral storage; `None` is Fargate's own 20.
    pub ephemeral_storage: Option<i32>,
}

impl Platform {
    /// Reads both.
    pub(super) fn read(fields: &Fields<'_>, faults: &mut Faults) -> Self {
        let ephemeral_storage = fields.get("EphemeralStorage").and_then(|written| {
            let fields = written.fields(&["SizeInGiB"], "{SizeInGiB}", faults)?;
            if fields.get("SizeInGiB").is_none() {
                faults.add(fields.path("SizeInGiB"), "is required; legal: 21 to 200 GiB");
            }
            fields.whole("SizeInGiB", "GiB (without the property, 20)", 21..=200, faults)
        });
        let operating_system = fields.text("OperatingSystemFamily", faults);
        if let Some(other) = operating_system
            .as_deref()
            .filter(|family| !family.eq_ignore_ascii_case("LINUX"))
        {
            faults.add(
                "OperatingSystemFamily",
                format!(
                    "is {other}; legal: LINUX alone, as Windows containers share no volume that could bring the agent",
                    other = quoted(other)
                ),
            );
        }
        Self {
            says_linux: operating_system.is_some(),
            cpu_architecture: fields.one_of("CpuArchitecture", &ARCHITECTURES, faults),
            ephemeral_storage,
        }
    }

    /// The default ssh-agent image was built for x86 alone (docs/internals/aws.md, "iam-ssh-agent").
    pub(super) fn check_ssh_agent(self, with_ssh: bool, image: &Image, faults: &mut Faults) {
        let built_for_x86 = image.reference.contains("keithduncan/iam-ssh-agent");
        if with_ssh && self.cpu_architecture == Some("ARM64") && built_for_x86 {
            faults.add(
                "CpuArchitecture",
                format!(
                    "is ARM64, for which there is no image `{}`; set `SshAgentImage` to one for ARM64",
                    image.reference
                ),
            );
        }
    }
}
