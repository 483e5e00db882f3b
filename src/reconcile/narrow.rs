//! After the registration: rights that only earlier revisions needed are removed, and tags that the author dropped.

use std::collections::BTreeSet;

use tokio::join;

use super::{claim::Claim, ensure::Wanted, roles::HeldRole};
use crate::{
    aws::{Aws, Failure, Failures, Iam, SideBySide},
    composition::{Composition, POLICY_PREFIX, Role, TaskRole},
    identity::Owner,
    mark,
    ownership::{self, Ownership, Tags},
};

/// Removes all rights of ours but the wanted ones from both roles. A task role that is not wanted any more keeps none.
/// `detachable` names the managed policies that the provider attached before.
pub(super) async fn narrow(
    aws: &Aws<'_>,
    wanted: &Wanted<'_>,
    execution: &HeldRole,
    task: Option<&HeldRole>,
    unwanted_task_policies: Vec<String>,
    detachable: &BTreeSet<String>,
) -> Result<(), Failures> {
    let Composition {
        execution_role,
        task_role,
        ..
    } = wanted.composition;
    let kept = mark::managed_policies(wanted.composition);
    let detached: BTreeSet<String> = detachable.difference(&kept).cloned().collect();
    // Authors attach managed policies to the task role alone.
    let none = BTreeSet::new();
    let (execution, task) = join!(
        narrow_held(&aws.iam, execution, execution_role.policy_name(), &none),
        async {
            if let Some((role, held)) = task_role.made().zip(task) {
                return narrow_held(&aws.iam, held, role.policy_name(), &detached).await;
            }
            let name = wanted.identity.task_role_name();
            remove(&aws.iam, &name, &unwanted_task_policies, None, &detached).await
        }
    );
    let mut failed = SideBySide::default();
    let both = failed.take(execution).and(failed.take(task));
    failed.or(both)
}

async fn narrow_held(
    iam: &Iam<'_>,
    held: &HeldRole,
    wanted: Option<String>,
    detached: &BTreeSet<String>,
) -> Result<(), Failure> {
    if held.is_new {
        return Ok(());
    }
    let name = &held.observed.name;
    let policies = match &held.policies {
        Some(policies) => policies.clone(),
        None => iam.inline_policies(name).await?,
    };
    remove(iam, name, &policies, wanted.as_deref(), detached).await
}

/// Deletes those inline policies that are ours and not the wanted one, and detaches those managed ones that were ours.
async fn remove(
    iam: &Iam<'_>,
    name: &str,
    policies: &[String],
    wanted: Option<&str>,
    detached: &BTreeSet<String>,
) -> Result<(), Failure> {
    let ours = policies.iter().filter(|policy| policy.starts_with(POLICY_PREFIX));
    for policy in ours.filter(|policy| Some(policy.as_str()) != wanted) {
        iam.delete_policy(name, policy).await?;
    }
    if detached.is_empty() {
        return Ok(());
    }
    let attached = iam.attached_policies(name).await?;
    for arn in attached.iter().filter(|arn| detached.contains(&mark::abbreviated(arn))) {
        iam.detach_policy(name, arn).await?;
    }
    Ok(())
}

/// Removes the author's tags that the new properties do not have any more, and from roles those that they may not have any
/// more. A task role that is not wanted any more keeps none.
pub(super) async fn untag(
    aws: &Aws<'_>,
    wanted: &Wanted<'_>,
    claim: Claim,
    execution: &HeldRole,
    task: Option<&HeldRole>,
) -> Result<(), Failures> {
    let Composition {
        log_group,
        execution_role,
        task_role,
        tags,
        ..
    } = wanted.composition;
    let before = wanted.before;
    let (execution, task, group) = join!(
        untag_held(
            &aws.iam,
            execution,
            execution_role,
            before.map(|before| &before.execution_role),
            tags
        ),
        async {
            let before = before.and_then(|before| before.task_role.made());
            match (task_role, task, before) {
                (TaskRole::Made(role), Some(held), _) => untag_held(&aws.iam, held, role, before, tags).await,
                (TaskRole::Own(_), _, Some(before)) => untag_unwanted(&aws.iam, before, &wanted.identity.owner).await,
                (TaskRole::Made(_), None, _) | (TaskRole::Own(_), _, None) => Ok(()),
            }
        },
        async {
            let before = before.into_iter().flat_map(|before| before.tags.keys());
            let dropped: Vec<String> = before.filter(|key| !tags.contains_key(*key)).cloned().collect();
            if dropped.is_empty() || claim == Claim::Nobodys {
                return Ok(());
            }
            aws.logs.untag(&log_group.name, &log_group.arn, dropped).await
        }
    );
    let mut failed = SideBySide::default();
    let roles = failed.take(execution).and(failed.take(task));
    let all = failed.take(group).and(roles);
    failed.or(all)
}

async fn untag_held(
    iam: &Iam<'_>,
    held: &HeldRole,
    wanted: &Role,
    before: Option<&Role>,
    authors: &Tags,
) -> Result<(), Failure> {
    let before = before.into_iter().flat_map(|before| before.tags.keys());
    // The key was allowed on roles when the tag was written.
    let disallowed = held.observed.tags.keys().filter(|key| authors.contains_key(*key));
    let dropped = dropped_from_role(before.chain(disallowed), &wanted.tags);
    if held.is_new || dropped.is_empty() {
        return Ok(());
    }
    iam.untag_role(&wanted.name, &dropped).await
}

async fn untag_unwanted(iam: &Iam<'_>, before: &Role, us: &Owner) -> Result<(), Failure> {
    let authors = before.tags.keys().filter(|key| !key.starts_with(ownership::PREFIX));
    let dropped = dropped_from_role(authors, &Tags::new());
    if dropped.is_empty() {
        return Ok(());
    }
    // IAM shows tags to the policy that allows this, so it would deny it for a role that is not there.
    let role = iam.role(&before.name).await?;
    match role.filter(|role| Ownership::from_tags(&role.tags, us) == Ownership::Ours) {
        Some(role) => iam.untag_role(&role.name, &dropped).await,
        None => Ok(()),
    }
}

/// Those keys that are not among the wanted tags, each once. IAM takes keys that differ in case alone for one.
fn dropped_from_role<'a>(keys: impl Iterator<Item = &'a String>, wanted: &Tags) -> Vec<String> {
    let wanted: BTreeSet<String> = wanted.keys().map(|key| key.to_lowercase()).collect();
    let dropped: BTreeSet<&String> = keys.filter(|key| !wanted.contains(&key.to_lowercase())).collect();
    dropped.into_iter().cloned().collect()
}
