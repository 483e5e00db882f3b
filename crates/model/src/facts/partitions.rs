//! AWS partitions: which one a Region belongs to, and its DNS suffix.
//!
//! Source: `data/partitions.json` of botocore 1.44.5, October 2026.

/// One partition: its Regions begin with one of `prefixes`.
struct Partition {
    name: &'static str,
    prefixes: &'static [&'static str],
    dns_suffix: &'static str,
}

/// The commercial partition's prefixes are not listed: it is what remains. `us-iso-` and `us-gov-` stand for
/// themselves, so no order is needed.
const PARTITIONS: [Partition; 7] = [
    Partition {
        name: "aws-cn",
        prefixes: &["cn-"],
        dns_suffix: "amazonaws.com.cn",
    },
    Partition {
        name: "aws-us-gov",
        prefixes: &["us-gov-"],
        dns_suffix: "amazonaws.com",
    },
    Partition {
        name: "aws-iso",
        prefixes: &["us-iso-"],
        dns_suffix: "c2s.ic.gov",
    },
    Partition {
        name: "aws-iso-b",
        prefixes: &["us-isob-"],
        dns_suffix: "sc2s.sgov.gov",
    },
    Partition {
        name: "aws-iso-e",
        prefixes: &["eu-isoe-"],
        dns_suffix: "cloud.adc-e.uk",
    },
    Partition {
        name: "aws-iso-f",
        prefixes: &["us-isof-"],
        dns_suffix: "csp.hci.ic.gov",
    },
    Partition {
        name: "aws-eusc",
        prefixes: &["eusc-"],
        dns_suffix: "amazonaws.eu",
    },
];

fn of(region: &str) -> Option<&'static Partition> {
    PARTITIONS
        .iter()
        .find(|partition| partition.prefixes.iter().any(|prefix| region.starts_with(prefix)))
}

/// The partition's name in ARNs: `aws`, `aws-cn`, …
pub fn name(region: &str) -> &'static str {
    of(region).map_or("aws", |partition| partition.name)
}

/// The suffix of the Region's service hosts: `amazonaws.com`, `amazonaws.com.cn`, …
pub fn dns_suffix(region: &str) -> &'static str {
    of(region).map_or("amazonaws.com", |partition| partition.dns_suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_is_known_by_its_regions() {
        for (region, partition, suffix) in [
            ("us-east-1", "aws", "amazonaws.com"),
            ("eu-west-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            assert_eq!((name(region), dns_suffix(region)), (partition, suffix), "{region}");
        }
    }
}
