//! An ARN's six fields, borrowed.

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; the resource keeps its own colons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The fields of `text`; `None` where it has fewer than six or does not begin with `arn`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return None;
        };
        Some(Self {
            partition,
            service,
            region,
            account,
            resource,
        })
    }

    /// Whether it is of this service, in that partition, with a Region and an account that can be.
    pub(super) fn is_regional(&self, service: &str, partition: &str) -> bool {
        self.service == service
            && self.partition == partition
            && is_region(self.region)
            && crate::identity::is_account(self.account)
    }
}

/// Whether `text` looks like a Region: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
fn is_region(text: &str) -> bool {
    text.contains('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_lower_case_letters_digits_and_a_hyphen() {
        for region in ["us-east-1", "ap-southeast-2", "us-gov-west-1", "eusc-de-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["", "useast1", "us_east_1", "us east-1", "US-EAST-1", "*"] {
            assert!(!is_region(other), "{other}");
        }
    }

    #[test]
    fn an_arn_is_regional_with_the_service_the_partition_a_region_and_an_account() {
        let is_regional = |arn: &str| Arn::parse(arn).is_some_and(|arn| arn.is_regional("kms", "aws"));
        assert!(is_regional("arn:aws:kms:us-east-1:123456789012:key/1"));
        for other in [
            "arn:aws:ssm:us-east-1:123456789012:key/1",
            "arn:aws-cn:kms:us-east-1:123456789012:key/1",
            "arn:aws:kms::123456789012:key/1",
            "arn:aws:kms:us-east-1::key/1",
            "arn:aws:kms:us-east-1:123456789012",
            "kms:aws:kms:us-east-1:123456789012:key/1",
        ] {
            assert!(!is_regional(other), "{other}");
        }
    }
}
