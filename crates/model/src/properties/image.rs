//! Image references, and the ECR repository that one names.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::{Faults, facts::ecr::HOST_PATTERN, partition, quoted};

/// The longest reference before a digest (docs/internals/aws.md, "Names and limits").
const LONGEST: usize = 255;

/// A reference that ECS takes, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The reference, as written.
    pub reference: String,
    /// Where it is, if it is in a private registry of ECR's.
    pub ecr: Option<EcrRepository>,
}

/// A private ECR repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcrRepository {
    /// `arn:PARTITION:ecr:REGION:ACCOUNT:repository/NAME`.
    pub arn: String,
}

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by every test of this file"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("constant pattern")
}

/// The distribution project's grammar of a reference: host, path, tag, digest.
pub(crate) const REFERENCE_PATTERN: &str = r"^(?:((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?)/)?([a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$";

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| pattern(REFERENCE_PATTERN));

static ECR_HOST: LazyLock<Regex> = LazyLock::new(|| pattern(HOST_PATTERN));

impl Image {
    /// Reads a reference.
    ///
    /// # Errors
    /// What is wrong with it, to stand behind a property's path.
    pub fn parse(reference: &str) -> Result<Self, String> {
        let wrong = |hint: &str| {
            Err(format!(
                "is not a valid image reference: {reference}; {hint}",
                reference = quoted(reference)
            ))
        };
        if reference.contains("://") {
            return wrong("write it without a scheme, such as `registry.example.com/team/image:tag`");
        }
        let Some(parts) = REFERENCE.captures(reference) else {
            return wrong(
                "write [HOST/]NAME[:TAG][@sha256:DIGEST], the name in lower case and the digest of 64 hexadecimal digits",
            );
        };
        let before_digest = reference.split('@').next().unwrap_or(reference);
        if before_digest.len() > LONGEST {
            return wrong("ECS takes at most 255 characters before a digest");
        }
        let host = parts.get(1).map(|host| host.as_str());
        if let Some(account) = host.and_then(not_an_account) {
            return wrong(&format!(
                "an ECR host begins with an account id of twelve digits, not with {account}: quote the id in the template, since \
                 YAML reads 012345670123 as a number",
                account = quoted(account)
            ));
        }
        let ecr = parts
            .get(1)
            .and_then(|host| ECR_HOST.captures(host.as_str()))
            .map(|host| {
                let (account, region) = (&host[1], &host[2]);
                // From the Region: `on.aws` is of several partitions.
                let partition = partition::name(region);
                EcrRepository {
                    arn: format!("arn:{partition}:ecr:{region}:{account}:repository/{}", &parts[2]),
                }
            });
        Ok(Self {
            reference: reference.to_owned(),
            ecr,
        })
    }
}

/// What is in the place of the account in a host that is ECR's otherwise.
fn not_an_account(host: &str) -> Option<&str> {
    let (account, rest) = host.split_once(".dkr")?;
    let with_an_account = format!("{}.dkr{rest}", "0".repeat(12));
    (ECR_HOST.is_match(&with_an_account) && !crate::identity::is_account(account)).then_some(account)
}

/// Reads the reference of a property.
pub(super) fn read(path: &str, reference: &str, faults: &mut Faults) -> Option<Image> {
    Image::parse(reference)
        .map_err(|problem| faults.add(path, problem))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_people_write_are_taken() {
        let digest = format!("ruby@sha256:{}", "0123456789abcdef".repeat(4));
        for reference in [
            "ruby",
            "ruby:2.7",
            "keithduncan/buildkite-sidecar:latest",
            "ghcr.io/buildkite/agent:3.137-sidecar",
            "localhost:5000/team/image_name__x:v1.0-rc.1_2",
            "artifactory.example.com/docker/a/b/c",
            "Registry.Example.com:443/a",
            &digest,
            &format!("registry.example.com/{digest}"),
        ] {
            assert_eq!(
                Image::parse(reference).unwrap(),
                Image {
                    reference: reference.into(),
                    ecr: None
                }
            );
        }
    }

    #[test]
    fn what_is_not_a_reference_is_refused() {
        let long = format!("ruby:{}", "x".repeat(129));
        let longer = "a/".repeat(130) + "a";
        for reference in [
            "Ruby:2.7",
            "ruby: 2.7",
            "ruby:2.7 ",
            "https://ghcr.io/a/b",
            "ruby@sha256:0123",
            "ruby@md5:0123",
            "/ruby",
            "ruby/",
            ":latest",
            "ruby:",
            "ru by",
            "a//b",
            &long,
            &longer,
        ] {
            assert!(Image::parse(reference).is_err(), "{reference}");
        }
    }

    #[test]
    fn every_host_form_of_ecr_leads_to_its_repository() {
        for (host, arn) in [
            (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com",
                "arn:aws:ecr:us-east-1:123456789012",
            ),
            (
                "123456789012.dkr-ecr.us-east-1.on.aws",
                "arn:aws:ecr:us-east-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "arn:aws-us-gov:ecr:us-gov-west-1:123456789012",
            ),
            (
                "123456789012.dkr-ecr-fips.us-gov-west-1.on.aws",
                "arn:aws-us-gov:ecr:us-gov-west-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "arn:aws-cn:ecr:cn-north-1:123456789012",
            ),
            (
                "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                "arn:aws-cn:ecr:cn-north-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
                "arn:aws-eusc:ecr:eusc-de-east-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
                "arn:aws-iso:ecr:us-iso-east-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
                "arn:aws-iso-b:ecr:us-isob-east-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
                "arn:aws-iso-e:ecr:eu-isoe-west-1:123456789012",
            ),
            (
                "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
                "arn:aws-iso-f:ecr:us-isof-south-1:123456789012",
            ),
        ] {
            for rest in ["", ":2.7", &format!("@sha256:{}", "ab".repeat(32))] {
                let image = Image::parse(&format!("{host}/team/ruby{rest}")).unwrap();
                assert_eq!(image.ecr.unwrap().arn, format!("{arn}:repository/team/ruby"), "{host}");
            }
        }
    }

    #[test]
    fn a_public_or_look_alike_host_is_not_a_private_repository() {
        for reference in [
            "public.ecr.aws/docker/library/ruby:2.7",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com/ruby",
        ] {
            assert_eq!(Image::parse(reference).unwrap().ecr, None, "{reference}");
        }
    }

    #[test]
    fn an_account_of_other_than_twelve_digits_is_refused_with_the_reason() {
        for account in ["12345", "1402433619", "0123456789012", "my-account", "1.402433619E9"] {
            let reference = format!("{account}.dkr.ecr.us-east-1.amazonaws.com/ruby");
            let problem = Image::parse(&reference).unwrap_err();
            assert!(
                problem.contains(&format!("not with {account:?}: quote the id")),
                "{problem}"
            );
        }
    }

    #[test]
    fn a_reference_has_at_most_255_characters_before_a_digest() {
        let digest = format!("@sha256:{}", "ab".repeat(32));
        for (length, is_taken) in [(254, true), (255, true), (256, false)] {
            let name = "a".repeat(length);
            let tagged = format!("{}:2.7", "a".repeat(length - 4));
            for reference in [&name, &tagged, &format!("{name}{digest}")] {
                assert_eq!(Image::parse(reference).is_ok(), is_taken, "{reference}");
            }
        }
    }
}
