//! Delete: takes away exactly what is ours under one family. Absent is done; anything else that fails is a failure.

use tokio::join;

use super::{
    Reconciler,
    failure::{Failures, SideBySide},
};
use crate::{
    identity::Identity,
    ownership::{Ownership, Tags},
    revision::Revision,
    witness::Seen,
};

/// What there is to take away.
#[derive(Clone, Debug)]
pub struct Surveyed {
    ours: Vec<Revision>,
    others: Vec<Revision>,
    /// The stack, and the resource in it.
    pub stack: Seen,
    /// The records of the requests that were begun before.
    pub records: Tags,
}

impl Reconciler<'_> {
    /// Looks at what there is of a family, side by side; no call writes.
    ///
    /// # Errors
    /// Everything that can't be looked at.
    pub async fn survey(&self, identity: &Identity) -> Result<Surveyed, Failures> {
        let execution_role = identity.execution_role_name();
        let (listed, newest, role, stack) = join!(
            self.active_revisions(&identity.family),
            self.newest_revision(&identity.family),
            self.look_at_role(&execution_role),
            self.look_at_stack(&identity.owner)
        );
        let mut failed = SideBySide::default();
        let surveyed = failed.take(listed).zip(failed.take(newest)).zip(failed.take(role));
        let ((mut revisions, newest), role) = failed.or(surveyed)?;
        // A list may be behind a registration made moments ago; the two reads are seldom behind together.
        revisions.extend(newest.filter(|newest| !revisions.iter().any(|listed| listed.number == newest.number)));
        let (ours, others) = revisions
            .into_iter()
            .partition(|revision| Ownership::told_by(&revision.tags, &identity.owner) == Ownership::Ours);
        Ok(Surveyed {
            ours,
            others,
            stack,
            records: role.map(|role| role.tags).unwrap_or_default(),
        })
    }

    /// Takes away the owned ACTIVE revisions, then the roles and the log group: what refers to something goes before it.
    ///
    /// # Errors
    /// Everything that could not be taken away, and so remains.
    pub async fn remove(&self, identity: &Identity, surveyed: Surveyed) -> Result<(), Failures> {
        let Surveyed {
            ours,
            others,
            stack: _,
            records: _,
        } = surveyed;
        let us = &identity.owner;
        self.deregister(&ours.iter().collect::<Vec<_>>()).await?;

        let (execution, task) = (identity.execution_role_name(), identity.task_role_name());
        let (execution, task) = join!(self.remove_role(&execution, us), self.remove_role(&task, us));
        let expected = !ours.is_empty() || [&execution, &task].iter().any(|removed| matches!(removed, Ok(true)));
        let group = self.remove_log_group(identity, !others.is_empty(), expected).await;
        let mut failed = SideBySide::default();
        let roles = failed.take(execution).and(failed.take(task)).map(drop);
        let group = failed.take(group);
        failed.or(roles.and(group))
    }

    /// Looks and takes away, where nothing is to be decided in between.
    ///
    /// # Errors
    /// Everything that can't be looked at or taken away.
    pub async fn destroy(&self, identity: &Identity) -> Result<(), Failures> {
        let surveyed = Box::pin(self.survey(identity)).await?;
        Box::pin(self.remove(identity, surveyed)).await
    }
}
