//! After the registration: rights that only earlier revisions needed are removed, and tags that the author dropped.

use std::collections::BTreeSet;

use tokio::join;

use super::{claim::Claim, ensure::Wanted, roles::HeldRole};
use crate::{
    aws::{Aws, Failure, Failures, Iam, SideBySide},
    composition::{Composition, POLICY_PREFIX, Role, TaskRole},
    mark::{self, Mark},
    ownership::{self, Tags},
};

/// What earlier requests may have left.
#[derive(Debug)]
pub(super) struct Former {
    /// The inline policies of a task role that is not wanted any more.
    pub(super) task_policies: BTreeSet<String>,
    /// The keys of the authors' and the stack's tags.
    pub(super) tags: BTreeSet<String>,
}

/// Removes the rights that only the `last` mark names, before `next` takes its place: an attempt that failed gave them, or they
/// are those of a family that a Retain policy kept.
pub(super) async fn forget(iam: &Iam<'_>, wanted: &Wanted<'_>, last: &Mark, next: &Mark) -> Result<(), Failure> {
    let role = wanted.identity.task_role_name();
    // Of a role that stays wanted, the inline policies are listed after the registration.
    if wanted.composition.task_role.made().is_none() {
        let before = task_policy(wanted.before);
        let policy = last
            .task_policy
            .as_ref()
            .filter(|policy| Some(*policy) != before.as_ref());
        if let Some(policy) = policy {
            iam.delete_policy(&role, policy).await?;
        }
    }
    let managed: BTreeSet<&String> = last.managed_policies.difference(&next.managed_policies).collect();
    if managed.is_empty() {
        return Ok(());
    }
    let attached = iam.attached_policies(&role).await?;
    for arn in attached.iter().filter(|arn| managed.contains(&mark::abbreviated(arn))) {
        iam.detach_policy(&role, arn).await?;
    }
    Ok(())
}

/// Removes all rights of ours but the wanted ones from both roles. A task role that is not wanted any more keeps none.
pub(super) async fn narrow(
    aws: &Aws<'_>,
    wanted: &Wanted<'_>,
    former: &Former,
    execution: &HeldRole,
    task: Option<&HeldRole>,
) -> Result<(), Failures> {
    let Composition {
        execution_role,
        task_role,
        ..
    } = wanted.composition;
    let before = wanted.before;
    let execution_before = before.and_then(|before| before.execution_role.policy_name());
    let detached = detached(wanted);
    let (execution, task) = join!(
        // Authors attach managed policies to the task role alone.
        narrow_held(&aws.iam, execution, execution_before, execution_role.policy_name(), &[]),
        async {
            if let Some((role, held)) = task_role.made().zip(task) {
                return narrow_held(&aws.iam, held, task_policy(before), role.policy_name(), &detached).await;
            }
            let name = wanted.identity.task_role_name();
            remove(&aws.iam, &name, &former.task_policies, None, &detached).await
        }
    );
    let mut failed = SideBySide::default();
    let both = failed.take(execution).and(failed.take(task));
    failed.or(both)
}

/// The inline policy of the task role that the provider makes.
fn task_policy(composition: Option<&Composition>) -> Option<String> {
    composition?.task_role.made().and_then(Role::policy_name)
}

/// The managed policies of the old properties that are not wanted any more.
fn detached<'a>(wanted: &Wanted<'a>) -> Vec<&'a String> {
    let before = wanted.before.and_then(|before| before.task_role.made());
    let before = before.map(|role| role.managed_policies.as_slice()).unwrap_or_default();
    let kept = mark::managed_policies(wanted.composition);
    before
        .iter()
        .filter(|arn| !kept.contains(&mark::abbreviated(arn)))
        .collect()
}

async fn narrow_held(
    iam: &Iam<'_>,
    held: &HeldRole,
    before: Option<String>,
    wanted: Option<String>,
    detached: &[&String],
) -> Result<(), Failure> {
    if held.is_new {
        return Ok(());
    }
    let name = &held.observed.name;
    let listed = match &held.policies {
        Some(policies) => policies.clone(),
        None => iam.inline_policies(name).await?,
    };
    // A list may lag behind the request that gave the one before.
    let policies: BTreeSet<String> = listed.into_iter().chain(before).collect();
    remove(iam, name, &policies, wanted.as_deref(), detached).await
}

/// Deletes those inline policies that are ours and not the wanted one, and detaches managed ones.
async fn remove(
    iam: &Iam<'_>,
    name: &str,
    policies: &BTreeSet<String>,
    wanted: Option<&str>,
    detached: &[&String],
) -> Result<(), Failure> {
    let ours = policies.iter().filter(|policy| policy.starts_with(POLICY_PREFIX));
    for policy in ours.filter(|policy| Some(policy.as_str()) != wanted) {
        iam.delete_policy(name, policy).await?;
    }
    let mut refused = Vec::new();
    for arn in detached {
        if let Err(failure) = iam.detach_policy(name, arn).await {
            refused.push((*arn, failure));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    // What IAM refuses to detach may be a name that it never attached.
    let attached = iam.attached_policies(name).await?;
    match refused.into_iter().find(|(arn, _)| attached.contains(arn)) {
        Some((_, failure)) => Err(failure),
        None => Ok(()),
    }
}

/// The mark names only what is given now: whoever attaches a former policy by hand keeps it.
pub(super) async fn narrow_mark(
    iam: &Iam<'_>,
    wanted: &Wanted<'_>,
    execution: &HeldRole,
    written: &Mark,
) -> Result<(), Failure> {
    let mark = Mark::of(wanted.made, wanted.request_id, wanted.composition, None);
    if mark == *written {
        return Ok(());
    }
    let tags = Tags::from([mark.tag()]);
    iam.tag_role(&execution.observed.name, execution.known, &tags).await
}

/// Removes the author's tags that the new properties do not have any more, and from roles those that they may not have any
/// more. A task role that is not wanted any more keeps none.
pub(super) async fn untag(
    aws: &Aws<'_>,
    wanted: &Wanted<'_>,
    former: &Former,
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
    let authors: BTreeSet<&String> = former.tags.iter().chain(tags.keys()).collect();
    let dropped = former.tags.iter().filter(|key| !tags.contains_key(*key));
    let dropped: Vec<String> = dropped.cloned().collect();
    let (execution, task, group) = join!(
        untag_role(
            &aws.iam,
            before.map(|before| &before.execution_role),
            execution,
            execution_role,
            &authors
        ),
        async {
            let role_before = before.and_then(|before| before.task_role.made());
            match (task_role, task) {
                (TaskRole::Made(role), Some(held)) => untag_role(&aws.iam, role_before, held, role, &authors).await,
                (TaskRole::Made(_), None) => Ok(()),
                (TaskRole::Own(_), _) => untag_unwanted(&aws.iam, before).await,
            }
        },
        async {
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

/// Removes what the role had `before`, and whatever else of the authors' it shows: `RoleTagKeys` may have allowed more when
/// that was written.
async fn untag_role(
    iam: &Iam<'_>,
    before: Option<&Role>,
    held: &HeldRole,
    wanted: &Role,
    authors: &BTreeSet<&String>,
) -> Result<(), Failure> {
    let before = before.into_iter().flat_map(|before| before.tags.keys());
    let shown = held.observed.tags.keys().filter(|key| authors.contains(key));
    let dropped = dropped_from_role(before.chain(shown), &wanted.tags);
    if held.is_new || dropped.is_empty() {
        return Ok(());
    }
    iam.untag_role(&wanted.name, &dropped).await
}

/// Removes all tags of the authors' from the task role that was made before, whichever of them roles could have then.
async fn untag_unwanted(iam: &Iam<'_>, before: Option<&Composition>) -> Result<(), Failure> {
    let Some((role, tags)) = before.and_then(|before| Some((before.task_role.made()?, &before.tags))) else {
        return Ok(());
    };
    let authors = tags.keys().filter(|key| !key.starts_with(ownership::PREFIX));
    let authors: Vec<String> = authors.cloned().collect();
    if authors.is_empty() {
        return Ok(());
    }
    iam.untag_role(&role.name, &authors).await
}

/// Those keys that are not among the wanted tags, each once. IAM takes keys that differ in case alone for one.
fn dropped_from_role<'a>(keys: impl Iterator<Item = &'a String>, wanted: &Tags) -> Vec<String> {
    let wanted: BTreeSet<String> = wanted.keys().map(|key| key.to_lowercase()).collect();
    let dropped: BTreeSet<&String> = keys.filter(|key| !wanted.contains(&key.to_lowercase())).collect();
    dropped.into_iter().cloned().collect()
}
