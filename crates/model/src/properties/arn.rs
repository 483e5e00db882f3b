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
