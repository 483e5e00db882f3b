//! `TaskRoleArn`: a task role of the author's own, under the one path from which roles may be passed.

use super::arn::Arn;
use crate::{identity::StackId, quoted};

/// A role of the author's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRole {
    /// The role's ARN, as written.
    pub arn: String,
    /// The role's name: what follows its path.
    pub name: String,
}

impl TaskRole {
    /// Reads the ARN. `path` is the provider's task-role path: the scheduler and the provider may pass roles under it
    /// alone, so another would be denied at the registration.
    pub(super) fn parse(arn: &str, stack: &StackId, path: &str) -> Result<Self, String> {
        let StackId { partition, account, .. } = stack;
        let wanted = format!("arn:{partition}:iam::{account}:role{path}");
        let Some(parsed) =
            Arn::parse(arn).filter(|parsed| parsed.service == "iam" && parsed.resource.starts_with("role/"))
        else {
            return Err(format!(
                "is not the ARN of an IAM role: {arn}; write {wanted}NAME",
                arn = quoted(arn)
            ));
        };
        if parsed.partition != partition || !parsed.region.is_empty() || parsed.account != account {
            return Err(format!(
                "is not a role of the stack's account: {arn}; write {wanted}NAME",
                arn = quoted(arn)
            ));
        }
        let Some(name) = arn
            .strip_prefix(&wanted)
            .map(|below| below.rsplit('/').next().unwrap_or(below))
        else {
            return Err(format!(
                "is outside the path {path}, from which alone the provider may pass task roles: {arn}; write {wanted}NAME",
                arn = quoted(arn)
            ));
        };
        // IAM's characters of a role's name, docs/internals/aws.md, "Names and quotas"
        let legal =
            (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
        if !legal {
            return Err(format!(
                "names no role that IAM can have: {arn}; a name is 1 to 64 letters, digits and `_+=,.@-`",
                arn = quoted(arn)
            ));
        }
        Ok(Self {
            arn: arn.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::identity;

    #[test]
    fn a_role_is_refused_for_what_is_wrong_with_it() {
        let stack = identity("Ruby2", "ruby2").owner.stack_id;
        let name = |length: usize| format!("arn:aws:iam::123456789012:role/Agents/{}", "a".repeat(length));
        for (arn, problem) in [
            (
                "arn:aws:s3::123456789012:role/Agents/a",
                "is not the ARN of an IAM role",
            ),
            (
                "arn:aws:iam::123456789012:user/Agents/a",
                "is not the ARN of an IAM role",
            ),
            (
                "arn:aws-cn:iam::123456789012:role/Agents/a",
                "is not a role of the stack's account",
            ),
            (
                "arn:aws:iam:us-east-1:123456789012:role/Agents/a",
                "is not a role of the stack's account",
            ),
            (
                "arn:aws:iam::210987654321:role/Agents/a",
                "is not a role of the stack's account",
            ),
            ("arn:aws:iam::123456789012:role/a", "is outside the path /Agents/"),
            (
                "arn:aws:iam::123456789012:role/Agents/",
                "names no role that IAM can have",
            ),
            (
                "arn:aws:iam::123456789012:role/Agents/a*",
                "names no role that IAM can have",
            ),
            (&name(65), "names no role that IAM can have"),
        ] {
            let refused = TaskRole::parse(arn, &stack, "/Agents/").unwrap_err();
            assert!(refused.starts_with(problem), "{refused}");
        }
        assert!(TaskRole::parse(&name(64), &stack, "/Agents/").is_ok());
    }
}
