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
    /// The mark that was there before this request's.
    pub(super) last: Option<Mark>,
    /// The inline policies of the task role that were listed.
    pub(super) task_policies: Vec<String>,
    /// The keys of the authors' and the stack's tags.
    pub(super) tags: BTreeSet<String>,
}

/// Managed policies to detach.
#[derive(Debug, Default)]
struct Detached<'a> {
    /// By ARN: those of the old properties.
    named: Vec<&'a String>,
    /// As the last mark names them: others.
    marked: BTreeSet<String>,
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
    let (before, last) = (wanted.before, former.last.as_ref());
    let execution_before = [
        before.and_then(|before| before.execution_role.policy_name()),
        last.and_then(|last| last.execution_policy.clone()),
    ];
    let task_before = [
        before.and_then(|before| before.task_role.made()?.policy_name()),
        last.and_then(|last| last.task_policy.clone()),
    ];
    let detached = detached(wanted, last);
    // Authors attach managed policies to the task role alone.
    let none = Detached::default();
    let (execution, task) = join!(
        narrow_held(
            &aws.iam,
            execution,
            execution_before,
            execution_role.policy_name(),
            &none
        ),
        async {
            if let Some((role, held)) = task_role.made().zip(task) {
                return narrow_held(&aws.iam, held, task_before, role.policy_name(), &detached).await;
            }
            let name = wanted.identity.task_role_name();
            let known = task_before.into_iter().flatten();
            let policies = former.task_policies.iter().cloned().chain(known).collect();
            remove(&aws.iam, &name, &policies, None, &detached).await
        }
    );
    let mut failed = SideBySide::default();
    let both = failed.take(execution).and(failed.take(task));
    failed.or(both)
}

/// The managed policies that the provider may have attached before, and that are not wanted.
fn detached<'a>(wanted: &Wanted<'a>, last: Option<&Mark>) -> Detached<'a> {
    let before = wanted.before.and_then(|before| before.task_role.made());
    let before = before.map(|role| role.managed_policies.as_slice()).unwrap_or_default();
    let kept = mark::managed_policies(wanted.composition);
    let is_known = |name: &&String| kept.contains(*name) || before.iter().any(|arn| mark::abbreviated(arn) == **name);
    let marked = last.into_iter().flat_map(|last| &last.managed_policies);
    Detached {
        named: (before.iter().filter(|arn| !kept.contains(&mark::abbreviated(arn)))).collect(),
        marked: marked.filter(|name| !is_known(name)).cloned().collect(),
    }
}

async fn narrow_held(
    iam: &Iam<'_>,
    held: &HeldRole,
    before: [Option<String>; 2],
    wanted: Option<String>,
    detached: &Detached<'_>,
) -> Result<(), Failure> {
    if held.is_new {
        return Ok(());
    }
    let name = &held.observed.name;
    let listed = match &held.policies {
        Some(policies) => policies.clone(),
        None => iam.inline_policies(name).await?,
    };
    // A list may lag behind the request that gave one.
    let policies: BTreeSet<String> = listed.into_iter().chain(before.into_iter().flatten()).collect();
    remove(iam, name, &policies, wanted.as_deref(), detached).await
}

/// Deletes those inline policies that are ours and not the wanted one, and detaches those managed ones that were ours.
async fn remove(
    iam: &Iam<'_>,
    name: &str,
    policies: &BTreeSet<String>,
    wanted: Option<&str>,
    detached: &Detached<'_>,
) -> Result<(), Failure> {
    let ours = policies.iter().filter(|policy| policy.starts_with(POLICY_PREFIX));
    for policy in ours.filter(|policy| Some(policy.as_str()) != wanted) {
        iam.delete_policy(name, policy).await?;
    }
    // A list may lag behind the request that attached them. What IAM refuses to detach is a name that it never attached.
    let mut refused = Vec::new();
    for arn in &detached.named {
        if let Err(failure) = iam.detach_policy(name, arn).await {
            refused.push((*arn, failure));
        }
    }
    if detached.marked.is_empty() && refused.is_empty() {
        return Ok(());
    }
    let attached = iam.attached_policies(name).await?;
    if let Some((_, failure)) = refused.into_iter().find(|(arn, _)| attached.contains(arn)) {
        return Err(failure);
    }
    let is_marked = |arn: &&String| detached.marked.contains(&mark::abbreviated(arn));
    for arn in attached.iter().filter(is_marked) {
        iam.detach_policy(name, arn).await?;
    }
    Ok(())
}

/// Rewrites the mark so that it names only what is given now: a former policy that somebody attaches by hand later stays.
pub(super) async fn narrow_mark(
    iam: &Iam<'_>,
    wanted: &Wanted<'_>,
    execution: &HeldRole,
    written: &Mark,
) -> Result<(), Failure> {
    let mark = Mark::of(wanted.made, wanted.request_id, wanted.composition);
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
