//! Delete: removes exactly what is ours under one family. What is already gone counts as deleted.

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

/// Within that time after the newest request was made, a list of revisions may lag behind its registration: a Create or Update
/// is begun within its `ServiceTimeout`, an hour at most, and a run takes five minutes at most.
const RECENT: Duration = Duration::from_secs(70 * 60);

/// The pause before the second look where a single registration may be unseen: one read at most lags behind it. Pauses count,
/// since ten runs go on at a time, and a stack that is rolled back deletes all of its resources soon after their Creates.
const ONE_UNSEEN: Duration = Duration::from_secs(2);

/// What was observed of a family before the first write.
#[derive(Clone, Debug)]
pub struct Surveyed {
    newest: Option<Revision>,
    /// The execution role, which has the mark.
    pub execution_role: Option<ObservedRole>,
    log_group: Option<Tags>,
    /// Whether the log group can't be looked at.
    is_out_of_reach: bool,
}

/// The task role that the provider makes, as far as it concerns a Delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TaskRole {
    Absent,
    Ours,
    Others,
}

impl TaskRole {
    async fn look(aws: &Aws<'_>, identity: &Identity) -> Result<Self, Failure> {
        let role = aws.iam.role(&identity.task_role_name()).await?;
        Ok(match role {
            None => Self::Absent,
            Some(role) if is_ours_to_delete(&role, &identity.owner) => Self::Ours,
            Some(_) => Self::Others,
        })
    }
}

impl Surveyed {
    /// Whether anything of ours exists.
    #[must_use]
    pub fn has_anything_of(&self, us: &Owner) -> bool {
        self.parts_of(us).contains(&true)
    }

    /// Which of revision, execution role and log group were seen and are ours.
    fn parts_of(&self, us: &Owner) -> [bool; 3] {
        let tags = [
            self.newest.as_ref().map(|revision| &revision.tags),
            self.execution_role.as_ref().map(|role| &role.tags),
            self.log_group.as_ref(),
        ];
        tags.map(|tags| tags.is_some_and(|tags| Ownership::from_tags(tags, us) == Ownership::Ours))
    }

    /// How long to wait before the second look. Where the first shows revision 1 with all the rest, or nothing at all, we take it
    /// that one registration at most is unseen.
    fn pause(&self, us: &Owner) -> Duration {
        let is_first = self.newest.as_ref().is_some_and(|newest| newest.number == 1);
        let is_all_there = is_first && self.parts_of(us) == [true; 3];
        let is_nothing_there = self.newest.is_none() && self.execution_role.is_none() && self.log_group.is_none();
        if is_all_there || is_nothing_there {
            ONE_UNSEEN
        } else {
            SECOND_LOOK
        }
    }

    /// Whether every part was seen, ours, and last changed so long ago that reads do not lag behind.
    fn is_complete(&self, us: &Owner, now: u64) -> bool {
        let mark = self.execution_role.as_ref().and_then(Mark::on);
        !self.parts_of(us).contains(&false)
            && mark.is_some_and(|mark| mark.time.saturating_add(RECENT.as_secs()) <= now)
    }
}

/// Looks at what exists of a family, side by side. Outside of the provider's `FamilyPrefix` the handler may not look at the log
/// group: nothing can have been made there, so a Delete after a refused Create succeeds, unless something of ours shows.
///
/// # Errors
/// Everything that AWS does not show.
pub async fn survey(aws: &Aws<'_>, identity: &Identity, is_within_prefix: bool) -> Result<Surveyed, Failures> {
    let execution_role = identity.execution_role_name();
    let (group, arn) = (identity.log_group_name(), identity.log_group_arn());
    let (newest, execution_role, log_group) = join!(
        aws.ecs.newest_revision(&identity.family),
        aws.iam.role(&execution_role),
        aws.logs.tags(&group, &arn)
    );
    let mut failed = SideBySide::default();
    let reads = failed.take(newest).zip(failed.take(execution_role));
    let mut surveyed = reads.map(|(newest, execution_role)| Surveyed {
        newest,
        execution_role,
        log_group: None,
        is_out_of_reach: false,
    });
    if let Some(surveyed) = &mut surveyed {
        let shows_nothing = !surveyed.has_anything_of(&identity.owner);
        let is_denied = log_group.as_ref().is_err_and(Failure::is_denied);
        surveyed.is_out_of_reach = !is_within_prefix && shows_nothing && is_denied;
        if !surveyed.is_out_of_reach {
            surveyed.log_group = failed.take(log_group).flatten();
        }
    }
    failed.or(surveyed)
}

/// Removes the owned ACTIVE revisions, which refer to the rest, and then the roles and the log group. `now` is in seconds
/// since 1970.
///
/// # Errors
/// Everything that could not be removed and so remains.
pub async fn remove(aws: &Aws<'_>, identity: &Identity, surveyed: Surveyed, now: u64) -> Result<(), Failures> {
    let us = &identity.owner;
    let (is_complete, pause) = (surveyed.is_complete(us, now), surveyed.pause(us));
    let mut remains = Remains::of(aws, identity, surveyed, is_complete).await?;
    deregister_owned(aws, us, &remains.revisions).await?;
    if !is_complete {
        sleep(pause).await;
        remains.look_again(aws, identity).await?;
    }

    let Remains {
        revisions,
        execution_role,
        task_role,
        log_group,
        is_out_of_reach: _,
    } = remains;
    let is_still_used = revisions.iter().any(|revision| !revision.is_owned(us));
    let mark = execution_role.as_ref().and_then(Mark::on);
    let (execution, task, group) = join!(
        remove_execution_role(aws, us, execution_role.as_ref(), mark.as_ref()),
        remove_task_role(aws, identity, task_role, mark.as_ref()),
        remove_log_group(aws, identity, log_group.as_ref(), is_still_used)
    );
    let mut failed = SideBySide::default();
    let roles = failed.take(execution).and(failed.take(task));
    let all = failed.take(group).and(roles);
    failed.or(all)
}

/// Everything that a Delete has to deal with.
struct Remains {
    /// All ACTIVE revisions that were seen, owned or not.
    revisions: Vec<Revision>,
    execution_role: Option<ObservedRole>,
    task_role: TaskRole,
    log_group: Option<Tags>,
    is_out_of_reach: bool,
}

impl Remains {
    async fn of(aws: &Aws<'_>, identity: &Identity, surveyed: Surveyed, is_complete: bool) -> Result<Self, Failures> {
        let Surveyed {
            newest,
            execution_role,
            log_group,
            is_out_of_reach,
        } = surveyed;
        let task_role = if refers_to_task_role(identity, newest.as_ref()) {
            TaskRole::Ours
        } else {
            TaskRole::look(aws, identity).await?
        };
        let newest: Vec<Revision> = newest.into_iter().collect();
        // The very first revision is the only one; and what is looked at again is listed then.
        let is_first = newest.iter().any(|newest| newest.number == 1);
        let revisions = if is_first || !is_complete {
            newest
        } else {
            list(aws, identity, newest).await?
        };
        Ok(Self {
            revisions,
            execution_role,
            task_role,
            log_group,
            is_out_of_reach,
        })
    }

    /// Looks again, since reads may lag behind: at the revisions, and at whatever was not seen, or not seen to be ours.
    async fn look_again(&mut self, aws: &Aws<'_>, identity: &Identity) -> Result<(), Failures> {
        let us = &identity.owner;
        let seen = self.revisions.clone();
        self.revisions = list(aws, identity, seen.clone()).await?;
        let new: Vec<Revision> = self
            .revisions
            .iter()
            .filter(|revision| !seen.contains(revision))
            .cloned()
            .collect();
        deregister_owned(aws, us, &new).await?;
        if self.execution_role.is_none() {
            self.execution_role = aws.iam.role(&identity.execution_role_name()).await?;
        }
        if self.task_role == TaskRole::Absent {
            self.task_role = TaskRole::look(aws, identity).await?;
        }
        let is_ours = |tags: &Tags| Ownership::from_tags(tags, us) == Ownership::Ours;
        if !self.is_out_of_reach && !self.log_group.as_ref().is_some_and(is_ours) {
            let (name, arn) = (identity.log_group_name(), identity.log_group_arn());
            self.log_group = aws.logs.tags(&name, &arn).await?;
        }
        Ok(())
    }
}

/// Returns all ACTIVE revisions of the family, and those of `seen` that the list lacks because it lags behind.
async fn list(aws: &Aws<'_>, identity: &Identity, seen: Vec<Revision>) -> Result<Vec<Revision>, Failure> {
    let known: Vec<&Revision> = seen.iter().collect();
    let mut listed = aws.ecs.active_revisions(&identity.family, &known).await?;
    let missing: Vec<Revision> = seen
        .iter()
        .filter(|revision| !listed.contains(revision))
        .cloned()
        .collect();
    listed.extend(missing);
    Ok(listed)
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
    role: TaskRole,
    mark: Option<&Mark>,
) -> Result<(), Failure> {
    match role {
        TaskRole::Absent | TaskRole::Others => Ok(()),
        TaskRole::Ours => {
            let policy = mark.and_then(|mark| mark.task_policy.clone());
            roles::delete(&aws.iam, &identity.task_role_name(), policy.as_slice()).await
        }
    }
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
    let is_ours = |tags: &Tags| Ownership::from_tags(tags, &identity.owner) == Ownership::Ours;
    let Some(tags) = tags.filter(|tags| is_ours(tags)) else {
        return Ok(());
    };
    let (name, arn) = (identity.log_group_name(), identity.log_group_arn());
    if is_still_used {
        let keys = tags.keys().filter(|key| key.starts_with(ownership::PREFIX)).cloned();
        return aws.logs.untag(&name, &arn, keys.collect()).await;
    }
    aws.logs.delete(&name, &arn, is_ours).await
}
