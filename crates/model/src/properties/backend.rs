//! `SshAgentBackend`: the API Gateway stage of an iam-ssh-agent backend.

use super::arn::Arn;
use crate::{identity::StackId, partition, quoted};

/// One stage of a REST API, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAgentBackend {
    /// The stage's ARN, `arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE`, without a method or path.
    pub stage_arn: String,
    /// Where the daemon calls it, without a trailing slash: the daemon adds `/identities` (docs/internals/aws.md,
    /// "iam-ssh-agent").
    pub url: String,
}

impl SshAgentBackend {
    /// Reads the ARN; a trailing method and path (`/*/*`) is left out. Region and partition come from the ARN: the
    /// backend may be in another Region or account.
    pub(super) fn parse(arn: &str, stack: &StackId) -> Result<Self, String> {
        let form = || {
            let partition = &stack.partition;
            format!(
                "is not the ARN of an API Gateway stage: {arn}; write arn:{partition}:execute-api:REGION:ACCOUNT:API/STAGE",
                arn = quoted(arn)
            )
        };
        let parsed = Arn::parse(arn)
            .filter(|parsed| parsed.is_regional("execute-api", &stack.partition))
            .filter(|parsed| partition::name(parsed.region) == parsed.partition)
            .ok_or_else(form)?;
        let mut resource = parsed.resource.split('/');
        let (Some(api), Some(stage)) = (resource.next(), resource.next()) else {
            return Err(form());
        };
        let legal = |text: &str, also: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        // A private API's alias is API-VPCE.
        if !legal(api, "-") || !legal(stage, "_-") {
            return Err(form());
        }
        let (region, suffix) = (parsed.region, partition::dns_suffix(parsed.region));
        Ok(Self {
            stage_arn: format!(
                "arn:{}:execute-api:{region}:{}:{api}/{stage}",
                parsed.partition, parsed.account
            ),
            url: format!("https://{api}.execute-api.{region}.{suffix}/{stage}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::identity;

    #[test]
    fn a_stage_is_an_api_and_the_name_of_a_stage() {
        let stack = identity("Ruby2", "ruby2").owner.stack_id;
        let url = |resource: &str| {
            let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{resource}");
            SshAgentBackend::parse(&arn, &stack).ok().map(|backend| backend.url)
        };
        for (resource, api, stage) in [
            ("a1b2c3/Prod", "a1b2c3", "Prod"),
            ("a1b2c3/Prod/GET/identities", "a1b2c3", "Prod"),
            ("a1b2c3-vpce-0123/Prod", "a1b2c3-vpce-0123", "Prod"),
            ("a1b2c3/my_stage-2", "a1b2c3", "my_stage-2"),
        ] {
            let expected = format!("https://{api}.execute-api.us-east-1.amazonaws.com/{stage}");
            assert_eq!(url(resource), Some(expected), "{resource}");
        }
        for resource in [
            "", "/", "a1b2c3", "a1b2c3/", "/Prod", "a_b/Prod", "a.b/Prod", "a1b2c3/*", "*/Prod",
        ] {
            assert_eq!(url(resource), None, "{resource}");
        }
    }
}
