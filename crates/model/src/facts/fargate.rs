//! The sizes of tasks that Fargate has.
//!
//! Source: the service model of botocore 1.44.5, the rule E3047 of cfn-lint 1.51.0 (October 2026), and 74 pairs that were
//! tried with RegisterTaskDefinition in August 2026. 32768 units are in the rule alone, and not in every Region: ECS is the
//! judge there.

/// CPU units.
pub const CPUS: [u32; 8] = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768];

/// The memories that go with some CPU units, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Memories {
    /// These.
    Some(&'static [u32]),
    /// Every `step` MiB.
    Steps {
        /// The least.
        from: u32,
        /// The most.
        to: u32,
        /// The distance of two.
        step: usize,
    },
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

    pub(crate) fn have(&self, memory: u32) -> bool {
        self.all().contains(&memory)
    }

    /// All of them, smallest first.
    pub(crate) fn all(&self) -> Vec<u32> {
        match *self {
            Self::Some(memories) => memories.to_vec(),
            Self::Steps { from, to, step } => (from..=to).step_by(step).collect(),
        }
    }

    pub(crate) fn named(&self) -> String {
        match *self {
            Self::Some(memories) => crate::properties::list(memories),
            Self::Steps { from, to, step } => format!("{from} to {to} in steps of {step}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legal(cpu: u32) -> Vec<u32> {
        Memories::with(cpu).unwrap().all()
    }

    #[test]
    fn each_cpu_has_as_many_memories_as_aws_documents() {
        let counts: Vec<usize> = CPUS.iter().map(|cpu| legal(*cpu).len()).collect();
        assert_eq!(counts, [3, 4, 7, 13, 23, 12, 12, 3]);
        assert_eq!(legal(256), [512, 1024, 2048]);
        assert_eq!(legal(512), [1024, 2048, 3072, 4096]);
        assert_eq!(legal(16384).first(), Some(&32768));
        assert_eq!(legal(16384).last(), Some(&122_880));
    }

    #[test]
    fn a_memory_is_one_of_its_cpus() {
        for (cpu, memory, is_one) in [
            (256, 512, true),
            (256, 1536, false),
            (256, 4096, false),
            (512, 512, false),
            (512, 1024, true),
            (512, 1536, false),
            (512, 4096, true),
            (512, 5120, false),
            (16384, 32768, true),
            (16384, 33792, false),
            (16384, 40960, true),
            (16384, 122_880, true),
            (16384, 131_072, false),
        ] {
            assert_eq!(Memories::with(cpu).unwrap().have(memory), is_one, "{cpu}: {memory}");
        }
        assert!(Memories::with(300).is_none());
    }
}
