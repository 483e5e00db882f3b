//! After the registration: rights that only earlier revisions needed are removed, and tags that the author dropped.

use std::collections::BTreeSet;

use tokio::join;

use super::{claim::Claim, ensure::Wanted, roles::HeldRole};
use crate::{
    aws::{Aws, Failure, Failures, Iam, SideBySide},
    composition::{Composition, POLICY_PREFIX, TaskRole},
    mark,
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
    for arn in attached
        .iter()
        .filter(|arn| detached.contains(&mark::abbreviated(arn)))
    {
        iam.detach_policy(name, arn).await?;
    }
    Ok(())
}

/// Removes the author's tags that the new properties do not have any more.
pub(super) async fn untag(aws: &Aws<'_>, wanted: &Wanted<'_>, claim: Claim) -> Result<(), Failures> {
    let dropped = wanted
        .before
        .map(|before| wanted.composition.tags_dropped_since(before));
    let Some(dropped) = dropped.filter(|dropped| !dropped.is_empty()) else {
        return Ok(());
    };
    let Composition {
        log_group,
        execution_role,
        task_role,
        ..
    } = wanted.composition;
    let (execution, task, group) = join!(
        aws.iam.untag_role(&execution_role.name, &dropped),
        async {
            match task_role {
                TaskRole::Made(role) => aws.iam.untag_role(&role.name, &dropped).await,
                TaskRole::Own(_) => Ok(()),
            }
        },
        async {
            match claim {
                Claim::Nobodys => Ok(()),
                Claim::Ours | Claim::Left => aws.logs.untag(&log_group.name, &log_group.arn, dropped.clone()).await,
            }
        }
    );
    let mut failed = SideBySide::default();
    let roles = failed.take(execution).and(failed.take(task));
    let all = failed.take(group).and(roles);
    failed.or(all)
}
