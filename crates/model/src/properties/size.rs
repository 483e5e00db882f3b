//! `TaskCpu` and `TaskMemory`: on Fargate, the pairs that it has (aws.md 1.1).

use super::{Sidecar, list, wire::whole};
use crate::Faults;

/// CPU units that Fargate has. 32768 is not in every Region: ECS is the judge there.
pub const CPUS: [u32; 8] = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768];

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

/// The memories that go with some CPU units, in MiB.
pub(crate) enum Memories {
    Some(&'static [u32]),
    Steps { from: u32, to: u32, step: u32 },
}

impl Memories {
    pub(crate) fn with(cpu: u32) -> Option<Self> {
        let steps = |from, to, step| Some(Self::Steps { from, to, step });
        match cpu {
            256 => Some(Self::Some(&[512, 1024, 2048])),
            512 => steps(1024, 4096, 1024),
            1024 => steps(2048, 8192, 1024),
            2048 => steps(4096, 16384, 1024),
            4096 => steps(8192, 30720, 1024),
            8192 => steps(16384, 61440, 4096),
            16384 => steps(32768, 122_880, 8192),
            32768 => Some(Self::Some(&[61440, 122_880, 249_856])),
            _ => None,
        }
    }

    fn have(&self, memory: u32) -> bool {
        match *self {
            Self::Some(memories) => memories.contains(&memory),
            Self::Steps { from, to, step } => (from..=to).contains(&memory) && (memory - from).is_multiple_of(step),
        }
    }

    /// All of them, smallest first.
    pub(crate) fn all(&self) -> Vec<u32> {
        match *self {
            Self::Some(memories) => memories.to_vec(),
            Self::Steps { from, to, step } => (from..=to)
                .filter(|memory| (memory - from).is_multiple_of(step))
                .collect(),
        }
    }

    pub(crate) fn named(&self) -> String {
        match *self {
            Self::Some(memories) => list(memories),
            Self::Steps { from, to, step } => format!("{from} to {to} in steps of {step}"),
        }
    }
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
                faults.add(path, format!("is not a whole number of {unit}: {text:?}"));
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

    /// What sidecars keep for themselves has to be there (aws.md 1.1; ECS refuses the registration).
    pub(super) fn check_sidecars(self, sidecars: &[Sidecar], faults: &mut Faults) {
        let cpu: i64 = sidecars.iter().filter_map(|sidecar| sidecar.cpu).map(i64::from).sum();
        if cpu > i64::from(self.cpu) {
            faults.add(
                "Sidecars",
                format!(
                    "have {cpu} CPU units of their own, and the task has {}; raise `TaskCpu`",
                    self.cpu
                ),
            );
        }
        let kept = |sidecar: &Sidecar| sidecar.memory_reservation.or(sidecar.memory);
        let memory: i64 = sidecars.iter().filter_map(kept).map(i64::from).sum();
        let largest = sidecars
            .iter()
            .filter_map(|sidecar| sidecar.memory)
            .max()
            .unwrap_or_default();
        let needed = memory.max(largest.into());
        if needed > i64::from(self.memory) {
            faults.add(
                "Sidecars",
                format!(
                    "need {needed} MiB, and the task has {}; raise `TaskMemory`",
                    self.memory
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legal(cpu: u32) -> Vec<u32> {
        let memories = Memories::with(cpu).unwrap();
        (0..=262_144).filter(|memory| memories.have(*memory)).collect()
    }

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
    fn each_cpu_has_as_many_memories_as_aws_documents() {
        let counts: Vec<usize> = CPUS.iter().map(|cpu| legal(*cpu).len()).collect();
        assert_eq!(counts, [3, 4, 7, 13, 23, 12, 12, 3]);
        assert_eq!(legal(16384).last(), Some(&122_880));
        assert_eq!(legal(512), [1024, 2048, 3072, 4096]);
    }
}
