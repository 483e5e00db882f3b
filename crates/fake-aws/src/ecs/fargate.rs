//! The sizes that Fargate has, and the two ways of writing them (docs/internals/aws.md, "Fargate sizes").

/// How many units one vCPU has, and how many MiB one GB.
const UNITS: f64 = 1024.0;

/// CPU units in `"256"`, `"0.25 vCPU"` or `".25vcpu"`.
pub fn cpu_units(written: &str) -> Option<u32> {
    scaled(written, "vcpu")
}

/// MiB in `"512"`, `"0.5 GB"` or `"1gb"`.
pub fn memory_mib(written: &str) -> Option<u32> {
    scaled(written, "gb")
}

/// Whether Fargate has this pair.
///
/// 32 vCPU is in the newest tables but not in every region (docs/internals/aws.md, "Fargate sizes"); here it
/// exists.
pub fn has(cpu: u32, memory: u32) -> bool {
    let stepped =
        |low: u32, high: u32, step: u32| (low..=high).contains(&memory) && (memory - low).is_multiple_of(step);
    match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => stepped(1024, 4096, 1024),
        1024 => stepped(2048, 8192, 1024),
        2048 => stepped(4096, 16_384, 1024),
        4096 => stepped(8192, 30_720, 1024),
        8192 => stepped(16_384, 61_440, 4096),
        16_384 => stepped(32_768, 122_880, 8192),
        32_768 => [61_440, 122_880, 249_856].contains(&memory),
        _ => false,
    }
}

fn scaled(written: &str, unit: &str) -> Option<u32> {
    let lower = written.trim().to_ascii_lowercase();
    match lower.strip_suffix(unit) {
        None => lower.parse().ok(),
        Some(amount) => {
            let amount: f64 = amount.trim().parse().ok()?;
            // Through text, since it refuses what is negative or too large.
            format!("{:.0}", amount * UNITS).parse().ok()
        }
    }
}
