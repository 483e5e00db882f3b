//! `TaskCpu` and `TaskMemory`: on Fargate, the pairs that it has (docs/internals/aws.md, "Fargate sizes").

use super::{Sidecar, container::Share, list, wire::whole};
use crate::{
    Faults,
    facts::fargate::{CPUS, Memories},
    quoted,
};

/// CPU units that a task may have elsewhere.
pub(super) const CPU_ELSEWHERE: std::ops::RangeInclusive<u32> = 128..=196_608;

/// The fewest MiB that a container can have.
pub(super) const LEAST_MEMORY: u32 = 6;

/// CPU units and MiB, a pair that Fargate has where tasks may run there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSize {
    /// CPU units; 1024 are one vCPU.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
}

/// A whole number, or one of `thousand`, 1024 times as large, as ECS takes it, too: `1 vCPU`, `.5GB`.
fn units(text: &str, thousand: &str) -> Option<u32> {
    let lower = text.trim().to_ascii_lowercase();
    let Some(amount) = lower.strip_suffix(thousand) else {
        return whole(text);
    };
    let amount: f64 = amount.trim().parse().ok()?;
    whole(&(amount * 1024.0).to_string())
}

impl TaskSize {
    /// Reads both, with their defaults of 256 and 512.
    pub(super) fn read(
        cpu: Option<&String>,
        memory: Option<&String>,
        on_fargate: bool,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut number = |path: &str, unit: &str, text: Option<&String>, (thousand, default)| match text {
            None => Some(default),
            Some(text) => units(text, thousand).or_else(|| {
                faults.add(
                    path,
                    format!("is not a whole number of {unit}: {text}", text = quoted(text)),
                );
                None
            }),
        };
        let units = number("TaskCpu", "CPU units (1024 are one vCPU)", cpu, ("vcpu", 256));
        let mib = number("TaskMemory", "MiB (1024 are one GB)", memory, ("gb", 512));
        if !on_fargate {
            let (cpu, memory) = (units?, mib?);
            if !CPU_ELSEWHERE.contains(&cpu) {
                let (least, most) = CPU_ELSEWHERE.into_inner();
                faults.add(
                    "TaskCpu",
                    format!("is {cpu}; legal outside of Fargate: {least} to {most}"),
                );
            }
            if memory < LEAST_MEMORY {
                faults.add(
                    "TaskMemory",
                    format!("is {memory}; legal outside of Fargate: {LEAST_MEMORY} MiB and more"),
                );
            }
            return Some(Self { cpu, memory });
        }
        let memories = units.and_then(Memories::with);
        if let (Some(units), None) = (units, &memories) {
            faults.add(
                "TaskCpu",
                format!("is {units}, which Fargate does not have; legal: {}", list(&CPUS)),
            );
        }
        let (cpu, size, memories) = (units?, mib?, memories?);
        if !memories.have(size) {
            let written = if memory.is_none() { " (the default)" } else { "" };
            let named = memories.named();
            faults.add(
                "TaskMemory",
                format!("is {size}{written}, which Fargate does not have with `TaskCpu` {cpu}; legal: {named}"),
            );
            return None;
        }
        Some(Self { cpu, memory: size })
    }

    /// What containers keep for themselves has to be there (docs/internals/aws.md, "Fargate sizes"; ECS refuses the registration).
    pub(super) fn check_shares(self, agent: Share, sidecars: &[Sidecar], faults: &mut Faults) {
        let shares = || std::iter::once(agent).chain(sidecars.iter().map(|sidecar| sidecar.share));
        let is_sidecars = (sidecars.iter()).any(|sidecar| sidecar.share != Share::default());
        let (path, reserve, need) = if is_sidecars {
            ("Sidecars", "reserve", "need")
        } else {
            ("AgentContainer", "reserves", "needs")
        };
        let cpu: i64 = shares().filter_map(|share| share.cpu).map(i64::from).sum();
        if cpu > i64::from(self.cpu) {
            faults.add(
                path,
                format!(
                    "{reserve} {cpu} CPU units, but the task has {}; raise `TaskCpu`",
                    self.cpu
                ),
            );
        }
        let kept = |share: Share| share.memory_reservation.or(share.memory);
        let memory: i64 = shares().filter_map(kept).map(i64::from).sum();
        let largest = shares().filter_map(|share| share.memory).max().unwrap_or_default();
        let needed = memory.max(largest.into());
        if needed > i64::from(self.memory) {
            faults.add(
                path,
                format!(
                    "{need} {needed} MiB, but the task has {}; raise `TaskMemory`",
                    self.memory
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::properties::tests::validated;

    #[test]
    fn sizes_are_read_as_ecs_reads_them() {
        for (text, thousand, number) in [
            ("1024", "vcpu", Some(1024)),
            ("1 vCPU", "vcpu", Some(1024)),
            (".25vcpu", "vcpu", Some(256)),
            ("3 GB", "gb", Some(3072)),
            ("0.5gb", "gb", Some(512)),
            ("1.024E3", "gb", Some(1024)),
            ("0.3 GB", "gb", None),
            ("-1 GB", "gb", None),
            ("inf GB", "gb", None),
            ("GB", "gb", None),
            ("1 GB", "vcpu", None),
        ] {
            assert_eq!(units(text, thousand), number, "{text}");
        }
    }

    #[test]
    fn outside_of_fargate_a_size_is_within_the_limits_of_ecs() {
        for (property, size, is_taken) in [
            ("TaskCpu", 127, false),
            ("TaskCpu", 128, true),
            ("TaskCpu", 196_608, true),
            ("TaskCpu", 196_609, false),
            ("TaskMemory", 5, false),
            ("TaskMemory", 6, true),
        ] {
            let read = validated(&json!({"Image": "ruby", "RequiresCompatibilities": ["EC2"], property: size}));
            assert_eq!(read.is_ok(), is_taken, "{property}: {size}");
        }
    }

    #[test]
    fn containers_may_keep_all_of_the_task_and_no_more() {
        let faults = |agent: &Value, sidecar: &Value| {
            let mut sidecars = json!([{"Name": "one", "Image": "alpine"}, {"Name": "two", "Image": "alpine"}]);
            let more = sidecar.as_object().unwrap().clone();
            sidecars[0].as_object_mut().unwrap().extend(more);
            let written = json!({"Image": "ruby", "AgentContainer": agent, "Sidecars": sidecars});
            validated(&written).err().map(|faults| faults.to_string())
        };
        for (agent, sidecar, fault) in [
            (json!({"Cpu": 256, "Memory": 512}), json!({}), None),
            (
                json!({"Cpu": 128, "MemoryReservation": 256}),
                json!({"Cpu": 128, "Memory": 256}),
                None,
            ),
            // What is above the reservation is not kept.
            (
                json!({"Memory": 512, "MemoryReservation": 256}),
                json!({"Memory": 256}),
                None,
            ),
            (
                json!({"Cpu": 257}),
                json!({}),
                Some("`AgentContainer` reserves 257 CPU units, but the task has 256; raise `TaskCpu`"),
            ),
            (
                json!({"Memory": 513}),
                json!({}),
                Some("`AgentContainer` needs 513 MiB, but the task has 512; raise `TaskMemory`"),
            ),
            (
                json!({"Cpu": 128}),
                json!({"Cpu": 129}),
                Some("`Sidecars` reserve 257 CPU units, but the task has 256; raise `TaskCpu`"),
            ),
            (
                json!({"MemoryReservation": 256}),
                json!({"Memory": 257}),
                Some("`Sidecars` need 513 MiB, but the task has 512; raise `TaskMemory`"),
            ),
            (
                json!({}),
                json!({"Memory": 513, "MemoryReservation": 256}),
                Some("`Sidecars` need 513 MiB, but the task has 512; raise `TaskMemory`"),
            ),
        ] {
            assert_eq!(faults(&agent, &sidecar).as_deref(), fault, "{agent} {sidecar}");
        }
    }
}
