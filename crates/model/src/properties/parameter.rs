//! SSM parameters: a name with or without a slash, or an ARN, of this Region or another.

use super::arn::Arn;
use crate::{fault::NOT_SHOWN, identity::StackId, quoted};

/// The deepest hierarchy of a name (docs/internals/aws.md, "SSM parameters").
const DEEPEST: usize = 15;

/// The longest ARN with its name (docs/internals/aws.md, "SSM parameters").
const LONGEST: usize = 1011;

/// One SSM parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The text as written: what ECS's `valueFrom` takes.
    pub value_from: String,
    /// The parameter's ARN, without a version or label.
    pub arn: String,
    /// The Region that it is in.
    pub region: String,
    /// Its account.
    pub account: String,
    /// Its partition.
    pub partition: String,
    /// Its name without the leading slash: `/a/b` and `a/b` both give `a/b`, as in its ARN.
    pub name: String,
}

impl Parameter {
    /// Checks a name or ARN without knowing the stack that it is for.
    ///
    /// # Errors
    /// What is wrong with it, to stand behind a property's path.
    pub fn check(written: &str) -> Result<(), String> {
        let name = match Arn::parse(written) {
            Some(arn) => arn.resource.strip_prefix("parameter/").unwrap_or_default(),
            None => written,
        };
        name_of(name).map(|_| ()).ok_or_else(|| form(written))
    }

    /// Reads a name, which is of the stack's own Region and account, or an ARN.
    pub(super) fn parse(written: &str, stack: &StackId) -> Result<Self, String> {
        let (partition, region, account, name) = match Arn::parse(written) {
            Some(arn) if arn.is_regional("ssm", &stack.partition) => {
                let name = arn.resource.strip_prefix("parameter/").ok_or_else(|| form(written))?;
                (arn.partition, arn.region, arn.account, name)
            }
            Some(arn) if arn.service == "ssm" && arn.partition != stack.partition => {
                return Err(format!(
                    "is in another partition than its stack: {}; the stack is in {}",
                    quoted(written),
                    stack.partition
                ));
            }
            None => (
                stack.partition.as_str(),
                stack.region.as_str(),
                stack.account.as_str(),
                written,
            ),
            Some(_) => return Err(form(written)),
        };
        let name = name_of(name).ok_or_else(|| form(written))?.trim_start_matches('/');
        let arn = format!("arn:{partition}:ssm:{region}:{account}:parameter/{name}");
        if arn.len() > LONGEST {
            return Err(form(written));
        }
        Ok(Self {
            value_from: written.to_owned(),
            arn,
            region: region.to_owned(),
            account: account.to_owned(),
            partition: partition.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The name of the Secrets Manager secret that is behind it, if it is a reference to one
    /// (docs/internals/aws.md, "SSM parameters").
    #[must_use]
    pub fn referenced_secret(&self) -> Option<&str> {
        self.name.strip_prefix("aws/reference/secretsmanager/")
    }
}

fn form(written: &str) -> String {
    // What is not an ARN may be the secret itself, and a stack's events are read by many.
    let shown = if written.starts_with("arn:") || written.starts_with("{{") {
        quoted(written)
    } else {
        let begins = first_level(written).map(|level| format!(" that begins with /{level}/"));
        format!(
            "a text of {} characters{}, {NOT_SHOWN}",
            written.chars().count(),
            begins.unwrap_or_default()
        )
    };
    // SSM passes on what a secret holds, under a name of its own (docs/internals/aws.md, "SSM parameters").
    let secret = Arn::parse(written)
        .filter(|arn| arn.service == "secretsmanager")
        .and_then(|arn| arn.resource.strip_prefix("secret:"));
    if let Some(name) = secret {
        let name = name.split(':').next().unwrap_or(name);
        let name = match name.rsplit_once('-') {
            Some((name, added)) if added.len() == 6 => name,
            _ => name,
        };
        return format!(
            "is a secret of Secrets Manager: {shown}; only an SSM parameter can be named here, and SSM has one for each secret: write /aws/reference/secretsmanager/{name}"
        );
    }
    format!(
        "is not an SSM parameter: {shown}; write its name (letters, digits and `_.-/`, at most {DEEPEST} levels) or its ARN, arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME"
    )
}

/// What a path begins with, where that is a word: a secret may have slashes, too.
fn first_level(written: &str) -> Option<&str> {
    let (level, _) = written.strip_prefix('/')?.split_once('/')?;
    let is_word = level.len() <= 12 && level.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    (is_word && !level.is_empty()).then_some(level)
}

/// The name without its selector (`:3`, `:label`), which is not part of the ARN that IAM compares; `None` where it is
/// none.
fn name_of(written: &str) -> Option<&str> {
    let (name, selector) = written
        .split_once(':')
        .map_or((written, None), |(name, selector)| (name, Some(selector)));
    let legal = |text: &str, also: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c));
    let levels = name.strip_prefix('/').unwrap_or(name);
    let sound = legal(name, "_.-/")
        && levels.split('/').all(|level| !level.is_empty())
        && levels.split('/').count() <= DEEPEST
        && selector.is_none_or(|selector| !selector.is_empty() && legal(selector, "_.-"));
    sound.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::identity;

    fn parse(written: &str) -> Result<Parameter, String> {
        Parameter::parse(written, &identity("Ruby2", "ruby2").owner.stack_id)
    }

    #[test]
    fn an_arn_and_its_name_have_at_most_1011_characters() {
        let prefix = "arn:aws:ssm:us-east-1:123456789012:parameter/";
        for (length, is_taken) in [(1010, true), (1011, true), (1012, false)] {
            let name = "a".repeat(length - prefix.len());
            for written in [format!("{prefix}{name}"), format!("/{name}"), name] {
                assert_eq!(parse(&written).is_ok(), is_taken, "{length}: {written:.60}");
            }
        }
    }

    #[test]
    fn an_arn_is_refused_for_what_is_wrong_with_it() {
        for (arn, problem) in [
            (
                "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a",
                "is in another partition",
            ),
            ("arn:aws:ssm:us-east-1:1234:parameter/a", "is not an SSM parameter"),
            ("arn:aws:ssm::123456789012:parameter/a", "is not an SSM parameter"),
            ("arn:aws-cn:s3:::bucket/a", "is not an SSM parameter"),
        ] {
            let refused = parse(arn).unwrap_err();
            assert!(refused.starts_with(problem), "{refused}");
        }
    }

    #[test]
    fn a_secret_is_named_to_ssm_without_the_six_characters_that_secrets_manager_adds() {
        for (secret, name) in [
            ("team/token-AbC123", "team/token"),
            ("api-token-AbC123:password::", "api-token"),
            ("api-token", "api-token"),
            ("deploy-production", "deploy-production"),
            ("token", "token"),
        ] {
            let refused = parse(&format!(
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:{secret}"
            ))
            .unwrap_err();
            let instead = format!("write /aws/reference/secretsmanager/{name}");
            assert!(refused.ends_with(&instead), "{secret}: {refused}");
        }
    }
}
