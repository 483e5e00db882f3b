//! What the agent may do: `TaskRolePolicies`, `TaskRoleManagedPolicyArns`, `EnableExecuteCommand`.

use serde_json::Value;

use super::{arn::Arn, policies, wire::Fields};
use crate::{Faults, identity::StackId, quoted, settings::Settings};

/// How many managed policies are taken: a role may have ten, unless the account's quota is raised
/// (docs/internals/aws.md, "Names and quotas"), and while rights widen, the old and the wanted ones are attached
/// together.
pub(crate) const MANAGED: usize = 5;

pub(crate) use super::policies::VERSION;

/// The rights of a task role that is made, beside those of its ssh backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskRoleRights {
    /// The statements of all `TaskRolePolicies`, as IAM takes them.
    pub statements: Vec<Value>,
    /// The ARNs of managed policies.
    pub managed_policy_arns: Vec<String>,
    /// Whether people may open a shell in the agent's containers, with ECS Exec.
    pub execute_command: bool,
}

impl TaskRoleRights {
    /// Reads all three. The provider makes roles with rights of its own, and nobody is asked for `CAPABILITY_IAM`: so
    /// an author may give rights only where a permissions boundary says how far.
    pub(super) fn read(
        fields: &Fields<'_>,
        has_own_role: bool,
        stack: &StackId,
        settings: &Settings,
        faults: &mut Faults,
    ) -> Self {
        let rights = Self {
            statements: policies::read(fields, stack, faults),
            managed_policy_arns: managed(fields, stack, faults),
            execute_command: fields.switch("EnableExecuteCommand", faults).unwrap_or_default(),
        };
        for name in ["TaskRolePolicies", "TaskRoleManagedPolicyArns"] {
            if fields.get(name).is_some() && !settings.has_chosen_boundary {
                let boundary = settings.permissions_boundary.as_deref().map_or_else(
                    || "the provider has no permissions boundary that limits them".to_owned(),
                    |arn| format!("the provider's boundary `{arn}` allows only what the provider itself grants"),
                );
                faults.add(
                    name,
                    format!(
                        "grants rights, and {boundary}: deploy the provider with a `PermissionsBoundaryArn` that allows them, or give \
                         a role of your own as `TaskRoleArn`"
                    ),
                );
            }
        }
        let wanted = [
            ("TaskRolePolicies", fields.get("TaskRolePolicies").is_some()),
            (
                "TaskRoleManagedPolicyArns",
                fields.get("TaskRoleManagedPolicyArns").is_some(),
            ),
            ("EnableExecuteCommand", rights.execute_command),
        ];
        for (name, _) in wanted.into_iter().filter(|(_, wanted)| has_own_role && *wanted) {
            faults.add(
                name,
                "is for the role that is made, and `TaskRoleArn` names your own: give that one the rights, or leave it out",
            );
        }
        rights
    }
}

/// Whether that is an IAM path and the name of a managed policy (docs/internals/aws.md, "Names and quotas").
fn is_policy_name(written: &str) -> bool {
    let (path, name) = written.rsplit_once('/').unwrap_or(("", written));
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    path.chars().all(|c| c.is_ascii_graphic()) && (1..=128).contains(&name.len()) && name.chars().all(is_of_a_name)
}

fn managed(fields: &Fields<'_>, stack: &StackId, faults: &mut Faults) -> Vec<String> {
    let partition = &stack.partition;
    let mut arns: Vec<String> = Vec::new();
    for (path, arn) in fields.texts("TaskRoleManagedPolicyArns", faults) {
        let legal = Arn::parse(&arn).is_some_and(|parsed| {
            parsed.service == "iam"
                && parsed.partition == partition
                && parsed.region.is_empty()
                && (parsed.account == "aws" || parsed.account == stack.account)
                && (parsed.resource.strip_prefix("policy/")).is_some_and(is_policy_name)
        });
        if !legal {
            faults.add(
                path,
                format!(
                    "is not a managed policy that a role of this account can have: {arn}; write arn:{partition}:iam::{}:policy/NAME or arn:{partition}:iam::aws:policy/NAME",
                    stack.account, arn = quoted(&arn)),
            );
        } else if arns.contains(&arn) {
            faults.add(path, format!("is {arn}, which is given twice", arn = quoted(&arn)));
        } else {
            arns.push(arn);
        }
    }
    if arns.len() > MANAGED {
        faults.add(
            "TaskRoleManagedPolicyArns",
            format!(
                "has {} policies; at most {MANAGED} are allowed, because an update keeps the old and the new ones attached together",
                arns.len()
            ),
        );
    }
    arns
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::properties::tests::validated;

    #[test]
    fn at_most_five_managed_policies_are_taken() {
        for (count, is_taken) in [(4, true), (5, true), (6, false)] {
            let arns: Vec<String> = (0..count).map(|n| format!("arn:aws:iam::aws:policy/P{n}")).collect();
            let read = validated(&json!({"Image": "ruby", "TaskRoleManagedPolicyArns": arns}));
            assert_eq!(read.is_ok(), is_taken, "{count}");
        }
    }

    #[test]
    fn a_managed_policy_is_of_the_account_or_of_aws() {
        for (arn, is_one) in [
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", true),
            ("arn:aws:iam::aws:policy/service-role/Batch", true),
            ("arn:aws:iam::123456789012:policy/Ours", true),
            ("arn:aws:iam::210987654321:policy/Theirs", false),
            ("arn:aws-cn:iam::aws:policy/ReadOnlyAccess", false),
            ("arn:aws:iam:us-east-1:aws:policy/ReadOnlyAccess", false),
            ("arn:aws:s3::aws:policy/ReadOnlyAccess", false),
            ("arn:aws:iam::aws:policy/", false),
            ("arn:aws:iam::aws:role/ReadOnlyAccess", false),
            ("ReadOnlyAccess", false),
        ] {
            let read = validated(&json!({"Image": "ruby", "TaskRoleManagedPolicyArns": [arn]}));
            assert_eq!(read.is_ok(), is_one, "{arn}");
        }
    }
}
