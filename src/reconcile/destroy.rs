//! Delete: removes exactly what is ours under one family. What is absent is done; anything else that fails is a failure.

use std::time::Duration;

use tokio::{join, time::sleep};

use super::{SECOND_LOOK, roles};
use crate::{
    aws::{Aws, Failure, Failures, ObservedRole, SideBySide},
    identity::{Identity, Owner},
    mark::Mark,
    ownership::{self, Ownership, Tags},
    revision::Revision,
};

/// Within that time after the newest request, a list of revisions may lag behind its registration.
const RECENT: Duration = Duration::from_secs(60);

/// What was observed of a family before the first write.
#[derive(Clone, Debug)]
pub struct Surveyed {
    newest: Option<Revision>,
    /// The execution role, which has the mark.
    pub execution_role: Option<ObservedRole>,
    log_group: Option<Tags>,
}

impl Surveyed {
    /// Whether anything of ours exists.
    #[must_use]
    pub fn has_anything_of(&self, us: &Owner) -> bool {
        let is_ours = |tags: &Tags| Ownership::from_tags(tags, us) == Ownership::Ours;
        self.newest.as_ref().is_some_and(|revision| is_ours(&revision.tags))
            || self.execution_role.as_ref().is_some_and(|role| is_ours(&role.tags))
            || self.log_group.as_ref().is_some_and(is_ours)
    }

    fn mark(&self) -> Option<Mark> {
        Mark::from_tags(&self.execution_role.as_ref()?.tags)
    }

    /// Whether every part was seen, ours, and last changed so long ago that reads do not lag behind.
    fn is_complete(&self, us: &Owner, now: u64) -> bool {
        let is_ours = |tags: &Tags| Ownership::from_tags(tags, us) == Ownership::Ours;
        self.newest.as_ref().is_some_and(|revision| is_ours(&revision.tags))
            && self.execution_role.as_ref().is_some_and(|role| is_ours(&role.tags))
            && self.log_group.as_ref().is_some_and(is_ours)
            && self
                .mark()
                .is_some_and(|mark| mark.time.saturating_add(RECENT.as_secs()) <= now)
    }
}

/// Looks at what exists of a family, side by side.
///
/// # Errors
/// Everything that AWS does not show.
pub async fn survey(aws: &Aws<'_>, identity: &Identity) -> Result<Surveyed, Failures> {
    let execution_role = identity.execution_role_name();
    let (group, arn) = (identity.log_group_name(), identity.log_group_arn());
    let (newest, execution_role, log_group) = join!(
        aws.ecs.newest_revision(&identity.family),
        aws.iam.role(&execution_role),
        aws.logs.tags(&group, &arn)
    );
    let mut failed = SideBySide::default();
    let reads = failed.take(newest).zip(failed.take(execution_role));
    let reads = reads.zip(failed.take(log_group));
    failed.or(reads).map(|((newest, execution_role), log_group)| Surveyed {
        newest,
        execution_role,
        log_group,
    })
}

/// Removes the owned ACTIVE revisions, which refer to the rest, and then the roles and the log group. `now` is in seconds
/// since 1970.
///
/// # Errors
/// Everything that could not be removed and so remains.
pub async fn remove(aws: &Aws<'_>, identity: &Identity, surveyed: Surveyed, now: u64) -> Result<(), Failures> {
    let us = &identity.owner;
    let is_complete = surveyed.is_complete(us, now);
    let refers_to_task_role = refers_to_task_role(identity, surveyed.newest.as_ref());
    let mut revisions = match &surveyed.newest {
        // The very first revision: the family has no other.
        Some(first) if is_complete && first.number == 1 => vec![first.clone()],
        newest => {
            let known: Vec<&Revision> = newest.iter().collect();
            let mut listed = aws.ecs.active_revisions(&identity.family, &known).await?;
            listed.extend(
                newest
                    .iter()
                    .filter(|newest| !listed.contains(newest))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            listed
        }
    };
    deregister_owned(aws, us, &revisions).await?;

    let mut surveyed = surveyed;
    if !is_complete {
        sleep(SECOND_LOOK).await;
        let known: Vec<&Revision> = revisions.iter().collect();
        let (listed, again) = join!(
            aws.ecs.active_revisions(&identity.family, &known),
            survey(aws, identity)
        );
        let (listed, again) = (listed?, again?);
        let new: Vec<Revision> = (listed.into_iter().chain(again.newest))
            .filter(|revision| !revisions.contains(revision))
            .collect();
        deregister_owned(aws, us, &new).await?;
        revisions.extend(new);
        surveyed = Surveyed {
            newest: surveyed.newest,
            execution_role: again.execution_role.or(surveyed.execution_role),
            log_group: again.log_group.or(surveyed.log_group),
        };
    }

    let others = revisions.iter().any(|revision| !revision.is_owned(us));
    let mark = surveyed.mark();
    let (execution, task, group) = join!(
        remove_execution_role(aws, us, surveyed.execution_role.as_ref(), mark.as_ref()),
        remove_task_role(aws, identity, refers_to_task_role, mark.as_ref()),
        remove_log_group(aws, identity, surveyed.log_group.as_ref(), others)
    );
    let mut failed = SideBySide::default();
    let roles = failed.take(execution).and(failed.take(task));
    let all = failed.take(group).and(roles);
    failed.or(all)
}

/// Whether an owned revision names the task role that the provider makes. Roles are held before a revision is registered,
/// so such a role is known to be ours.
fn refers_to_task_role(identity: &Identity, revision: Option<&Revision>) -> bool {
    let suffix = format!("/{}", identity.task_role_name());
    revision
        .filter(|revision| revision.is_owned(&identity.owner))
        .and_then(|revision| revision.task_role_arn.as_deref())
        .is_some_and(|arn| arn.ends_with(&suffix))
}

async fn deregister_owned(aws: &Aws<'_>, us: &Owner, revisions: &[Revision]) -> Result<(), Failure> {
    let owned: Vec<&Revision> = revisions.iter().filter(|revision| revision.is_owned(us)).collect();
    aws.ecs.deregister(&owned).await
}

async fn remove_execution_role(
    aws: &Aws<'_>,
    us: &Owner,
    role: Option<&ObservedRole>,
    mark: Option<&Mark>,
) -> Result<(), Failure> {
    let Some(role) = role.filter(|role| is_ours_to_delete(role, us)) else {
        return Ok(());
    };
    let policy = mark.and_then(|mark| mark.execution_policy.clone());
    roles::delete(&aws.iam, &role.name, policy.as_slice()).await
}

async fn remove_task_role(
    aws: &Aws<'_>,
    identity: &Identity,
    is_known_as_ours: bool,
    mark: Option<&Mark>,
) -> Result<(), Failure> {
    let name = identity.task_role_name();
    if !is_known_as_ours {
        let role = aws.iam.role(&name).await?;
        if !role.is_some_and(|role| is_ours_to_delete(&role, &identity.owner)) {
            return Ok(());
        }
    }
    let policy = mark.and_then(|mark| mark.task_policy.clone());
    roles::delete(&aws.iam, &name, policy.as_slice()).await
}

fn is_ours_to_delete(role: &ObservedRole, us: &Owner) -> bool {
    let is_ours = Ownership::from_tags(&role.tags, us) == Ownership::Ours;
    if !is_ours {
        tracing::warn!(
            on = role.arn,
            "a role with our name does not carry our tags, and is left alone"
        );
    }
    is_ours
}

/// Deletes the group if it is ours. While revisions of somebody else's log to it, it stays, and only our tags go.
async fn remove_log_group(
    aws: &Aws<'_>,
    identity: &Identity,
    tags: Option<&Tags>,
    is_still_used: bool,
) -> Result<(), Failure> {
    let Some(tags) = tags.filter(|tags| Ownership::from_tags(tags, &identity.owner) == Ownership::Ours) else {
        return Ok(());
    };
    let name = identity.log_group_name();
    if is_still_used {
        let keys = tags.keys().filter(|key| key.starts_with(ownership::PREFIX)).cloned();
        return aws.logs.untag(&name, &identity.log_group_arn(), keys.collect()).await;
    }
    aws.logs.delete(&name).await
}
