//! The two roles: who may take them on, and what they may do.

use super::{
    policy::{Policy, Statement},
    rights,
};
use crate::{
    identity::{Identity, StackId},
    ownership::{self, Tags},
    properties::{self, Properties},
    settings::Settings,
};

/// A role to make, or to bring to this state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its path, which is fixed at creation.
    pub path: String,
    /// Its ARN.
    pub arn: String,
    /// What it is for, where people look at roles.
    pub description: String,
    /// Who may take it on.
    pub trust: Policy,
    /// What it may do; nothing where there is none.
    pub policy: Option<Policy>,
    /// The owner's tags, and those of the author's that roles may have.
    pub tags: Tags,
    /// The managed policies that the author attaches to it, by ARN.
    pub managed_policies: Vec<String>,
    /// The permissions boundary's ARN.
    pub boundary: Option<String>,
}

/// The role that the agent has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskRole {
    /// Made for the resource.
    Made(Role),
    /// The author's own, which is only looked at.
    Own(AuthorsRole),
}

/// A role that the author gives as `TaskRoleArn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorsRole {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The permissions boundary that it must carry, by ARN.
    pub required_boundary: Option<String>,
}

impl Role {
    /// The role with which ECS starts the task.
    pub(super) fn execution(identity: &Identity, properties: &Properties, settings: &Settings) -> Self {
        let trust = if settings.execution_role_source_account {
            from_this_account(identity)
        } else {
            Statement::trust_ecs_tasks()
        };
        Self {
            tags: tags(identity, properties, settings),
            ..Self::new(
                identity,
                "execution",
                identity.execution_role_name(),
                &settings.execution_role_path,
                trust,
                Policy::of(rights::execution(identity, properties)),
                settings,
            )
        }
    }

    fn new(
        identity: &Identity,
        kind: &str,
        name: String,
        path: &str,
        trust: Statement,
        rights: Policy,
        settings: &Settings,
    ) -> Self {
        Self {
            arn: identity.role_arn(path, &name),
            path: path.to_owned(),
            name,
            description: format!("ECS {kind} role of the Buildkite agents of {}", identity.family),
            trust: Policy::of(vec![trust]),
            policy: Some(rights).filter(|rights| !rights.is_empty()),
            tags: ownership::tags(&identity.owner),
            managed_policies: Vec::new(),
            boundary: settings.permissions_boundary.clone(),
        }
    }
}

impl Role {
    /// The name of its inline policy, if it has one.
    #[must_use]
    pub fn policy_name(&self) -> Option<String> {
        self.policy.as_ref().map(Policy::name)
    }
}

impl TaskRole {
    /// The role to make, if it is not the author's own.
    #[must_use]
    pub fn made(&self) -> Option<&Role> {
        match self {
            Self::Made(role) => Some(role),
            Self::Own(_) => None,
        }
    }

    pub(super) fn compose(identity: &Identity, properties: &Properties, settings: &Settings) -> Self {
        if let Some(own) = &properties.task_role {
            let properties::TaskRole { arn, name } = own.clone();
            let required = settings.permissions_boundary.clone();
            return Self::Own(AuthorsRole {
                arn,
                name,
                required_boundary: required
                    .filter(|_| settings.has_chosen_boundary && settings.task_role_arn_needs_boundary),
            });
        }
        let of_author = &properties.task_role_rights;
        let rights = Policy::of(rights::task(identity, properties)).and(&of_author.statements);
        Self::Made(Role {
            tags: tags(identity, properties, settings),
            managed_policies: of_author.managed_policy_arns.clone(),
            ..Role::new(
                identity,
                "task",
                identity.task_role_name(),
                &settings.task_role_path,
                from_this_region(identity),
                rights,
                settings,
            )
        })
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        match self {
            Self::Made(role) => &role.arn,
            Self::Own(role) => &role.arn,
        }
    }
}

fn tags(identity: &Identity, properties: &Properties, settings: &Settings) -> Tags {
    ownership::tagged(&allowed_on_roles(&properties.tags, settings), &identity.owner)
}

/// Those of an author's or a stack's tags that a role gets. They are also tags of the sessions with it, which policies
/// elsewhere may ask for (`aws:PrincipalTag`), so only the configured keys are among them.
pub(super) fn allowed_on_roles(tags: &Tags, settings: &Settings) -> Tags {
    let mut allowed = tags.clone();
    allowed.retain(|key, _| settings.role_tag_keys.contains(key));
    allowed
}

/// Keeps another account's tasks from taking the role on (the confused deputy, docs/internals/aws.md, "Trust
/// policies").
fn from_this_account(identity: &Identity) -> Statement {
    Statement::trust_ecs_tasks().only_if(
        "StringEquals",
        "aws:SourceAccount",
        vec![identity.owner.stack_id.account.clone()],
    )
}

/// The same, and for ECS in this Region alone. A cluster can't be named here.
fn from_this_region(identity: &Identity) -> Statement {
    let StackId {
        partition,
        region,
        account,
        ..
    } = &identity.owner.stack_id;
    from_this_account(identity).only_if(
        "ArnLike",
        "aws:SourceArn",
        vec![format!("arn:{partition}:ecs:{region}:{account}:*")],
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::composition::tests::{composed_with, settings};

    #[test]
    fn a_roles_inline_policy_is_named_if_it_has_one() {
        let composition = composed_with(&json!({"Image": "ruby"}), &settings(&[]));
        let execution = &composition.execution_role;
        assert_eq!(execution.policy_name(), execution.policy.as_ref().map(Policy::name));
        assert!(execution.policy_name().is_some());
        assert_eq!(composition.task_role.made().unwrap().policy_name(), None);
    }

    #[test]
    fn an_authors_role_has_to_carry_a_boundary_that_was_chosen_unless_the_provider_waives_it() {
        let chosen = ("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::123456789012:policy/Chosen");
        let default = ("DEFAULT_BOUNDARY_ARN", "arn:aws:iam::123456789012:policy/Default");
        let waived = ("TASK_ROLE_ARN_NEEDS_BOUNDARY", "false");
        let arn = "arn:aws:iam::123456789012:role/BuildkiteAgentTask/deploy";
        for (changes, required) in [
            (&[][..], None),
            (&[default], None),
            (&[chosen], Some(chosen.1)),
            (&[chosen, default], Some(chosen.1)),
            (&[chosen, waived], None),
            (&[default, waived], None),
        ] {
            let composition = composed_with(&json!({"Image": "ruby", "TaskRoleArn": arn}), &settings(changes));
            let TaskRole::Own(own) = &composition.task_role else {
                unreachable!("{arn} is the author's own");
            };
            assert_eq!(own.required_boundary.as_deref(), required, "{changes:?}");
        }
    }
}
