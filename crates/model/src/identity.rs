//! Who a resource is: its owner, its family, and every name that follows from the two. Nothing here is known by a call.

use std::fmt;

use sha2::{Digest, Sha256};

/// IAM's limit for a role's name (docs/internals/aws.md, "Names and quotas").
const ROLE_NAME: usize = 64;

/// ECS's limit for a family (docs/internals/aws.md, "Names and limits").
pub const FAMILY: usize = 255;

/// A stack's ARN, taken apart: `arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/GUID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackId {
    arn: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The Region of the stack, and so of everything made for it.
    pub region: String,
    /// The twelve digits of the account.
    pub account: String,
}

impl StackId {
    /// Takes a stack's ARN apart; `None` where it is not one.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "cloudformation", region, account, resource] = parts[..] else {
            return None;
        };
        let named = resource
            .strip_prefix("stack/")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(name, guid)| !name.is_empty() && !guid.is_empty());
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        (named && plain(partition) && plain(region) && is_account(account)).then(|| Self {
            arn: arn.to_owned(),
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// The whole ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }
}

/// Whether `text` is an account id: twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A task definition's family: 1 to 255 of `[A-Za-z0-9_-]` (docs/internals/aws.md, "Names and limits").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family(String);

impl Family {
    /// The family of that name; `None` where ECS would not take it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (!name.is_empty() && name.len() <= FAMILY && name.chars().all(legal)).then(|| Self(name.to_owned()))
    }

    /// The family of a resource that names none: its logical id in lower case (docs/reference/properties.md,
    /// "Properties"). A logical id is alphanumeric, so nothing else is changed; in an event that CloudFormation did not
    /// make, the rest becomes `-`.
    #[must_use]
    pub fn of_logical_id(logical_id: &str) -> Self {
        let name: String = logical_id
            .chars()
            .take(FAMILY)
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        Self(if name.is_empty() { "-".to_owned() } else { name })
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who owns what is made: the stack and the logical id together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The stack's ARN, which holds a GUID: a stack made anew under the same name is another owner.
    pub stack_id: StackId,
    /// The resource's name in the template.
    pub logical_id: String,
}

/// One resource under one family: all names are pure functions of it, so a second attempt finds the first one's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The owner.
    pub owner: Owner,
    /// The task definition's name.
    pub family: Family,
}

impl Identity {
    /// The physical id: the task definition's ARN without a revision (docs/internals/architecture.md, "Identity").
    #[must_use]
    pub fn physical_id(&self) -> String {
        let StackId {
            partition,
            region,
            account,
            ..
        } = &self.owner.stack_id;
        format!("arn:{partition}:ecs:{region}:{account}:task-definition/{}", self.family)
    }

    /// The family that `physical_id` names, if it is an id that this provider could have given in this stack's
    /// account and Region. CloudFormation invents ids of its own for creations that never answered
    /// (docs/internals/cloudformation.md, "Invented ids").
    #[must_use]
    pub fn family_of(physical_id: &str, stack_id: &StackId) -> Option<Family> {
        let StackId {
            partition,
            region,
            account,
            ..
        } = stack_id;
        physical_id
            .strip_prefix(&format!("arn:{partition}:ecs:{region}:{account}:task-definition/"))
            .and_then(Family::parse)
    }

    /// The agents' log group.
    #[must_use]
    pub fn log_group_name(&self) -> String {
        format!("/aws/ecs/{}", self.family)
    }

    /// The log group's ARN, without the `:*` for its streams.
    #[must_use]
    pub fn log_group_arn(&self) -> String {
        let StackId {
            partition,
            region,
            account,
            ..
        } = &self.owner.stack_id;
        format!(
            "arn:{partition}:logs:{region}:{account}:log-group:{}",
            self.log_group_name()
        )
    }

    /// The execution role's name.
    #[must_use]
    pub fn execution_role_name(&self) -> String {
        self.role_name("execution")
    }

    /// The task role's name.
    #[must_use]
    pub fn task_role_name(&self) -> String {
        self.role_name("task")
    }

    /// The ARN of a role of this account.
    #[must_use]
    pub fn role_arn(&self, path: &str, name: &str) -> String {
        let StackId { partition, account, .. } = &self.owner.stack_id;
        format!("arn:{partition}:iam::{account}:role{path}{name}")
    }

    /// `FAMILY-KIND-HASH`, the family cut to fit. Role names are unique for an account over all Regions and compared
    /// without case (docs/internals/aws.md, "Names and quotas"): the stack's ARN and the exact family in the hash
    /// settle both.
    fn role_name(&self, kind: &str) -> String {
        let hash = short_hash(&[
            self.owner.stack_id.as_str(),
            &self.owner.logical_id,
            self.family.as_str(),
        ]);
        let room = ROLE_NAME - kind.len() - hash.len() - 2;
        let family: String = self.family.as_str().chars().take(room).collect();
        format!("{family}-{kind}-{hash}")
    }
}

/// The first 48 bits of a SHA-256 over the parts, in hexadecimal: enough to distinguish an account's roles; that a
/// role is ours shows in its tags.
fn short_hash(parts: &[&str]) -> String {
    let mut whole = hash(parts);
    whole.truncate(12);
    whole
}

/// A SHA-256 over the parts, each ended by a NUL so that no two lists of parts read the same, in hexadecimal.
pub fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest
        .finalize()
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) const STACK: &str =
        "arn:aws:cloudformation:us-east-1:123456789012:stack/pipelines/5f2c1b70-0001-11f0-8de9-0242ac120002";

    pub(crate) fn identity(logical_id: &str, family: &str) -> Identity {
        Identity {
            owner: Owner {
                stack_id: StackId::parse(STACK).unwrap(),
                logical_id: logical_id.to_owned(),
            },
            family: Family::parse(family).unwrap(),
        }
    }

    #[test]
    fn names_follow_from_the_identity_alone() {
        let identity = identity("CargoPublish", "cargo-publish");
        insta::assert_snapshot!(
            [
                identity.physical_id(),
                identity.log_group_name(),
                identity.log_group_arn(),
                identity.execution_role_name(),
                identity.task_role_name(),
                identity.role_arn("/BuildkiteAgentTask/", &identity.task_role_name()),
            ]
            .join("\n"),
            @"
        arn:aws:ecs:us-east-1:123456789012:task-definition/cargo-publish
        /aws/ecs/cargo-publish
        arn:aws:logs:us-east-1:123456789012:log-group:/aws/ecs/cargo-publish
        cargo-publish-execution-e6c7d7f6b825
        cargo-publish-task-e6c7d7f6b825
        arn:aws:iam::123456789012:role/BuildkiteAgentTask/cargo-publish-task-e6c7d7f6b825
        "
        );
    }

    #[test]
    fn a_physical_id_leads_back_to_its_family_only_in_its_own_account_and_region() {
        let identity = identity("Ruby2", "ruby2");
        let stack = &identity.owner.stack_id;
        let id = identity.physical_id();
        assert_eq!(Identity::family_of(&id, stack), Some(identity.family.clone()));
        for foreign in [
            "pipelines-Ruby2-1ABCDEFGHIJK",
            "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2:3",
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/ruby2",
            "arn:aws:ecs:us-east-1:999999999999:task-definition/ruby2",
            "arn:aws:ecs:us-east-1:123456789012:task-definition/",
            "",
        ] {
            assert_eq!(Identity::family_of(foreign, stack), None, "{foreign}");
        }
    }

    #[test]
    fn what_is_not_a_stack_arn_is_reported() {
        for text in [
            "",
            "stack",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/name",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/name/",
            "arn:aws:cloudformation:us-east-1:123456789012:stack//guid",
            "arn:aws:cloudformation:us-east-1:12345:stack/name/guid",
            "arn:aws:ecs:us-east-1:123456789012:stack/name/guid",
            "arn:aws:cloudformation:us east:123456789012:stack/name/guid",
        ] {
            assert_eq!(StackId::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn names_stay_within_the_limits_of_aws(family in "[A-Za-z0-9_-]{1,255}", logical_id in "[A-Za-z0-9]{1,255}") {
            let identity = identity(&logical_id, &family);
            for name in [identity.execution_role_name(), identity.task_role_name()] {
                prop_assert!(name.len() <= 64);
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
            }
            prop_assert!(identity.log_group_name().len() <= 512);
            prop_assert!(identity.physical_id().len() <= 1024);
        }

        #[test]
        fn owners_that_differ_in_anything_share_no_role(case in "[a-z]{1,20}") {
            let lower = identity("One", &case);
            let upper = identity("One", &case.to_uppercase());
            prop_assert!(!lower.task_role_name().eq_ignore_ascii_case(&upper.task_role_name()));
            prop_assert_ne!(lower.task_role_name(), identity("Two", &case).task_role_name());
        }
    }
}
