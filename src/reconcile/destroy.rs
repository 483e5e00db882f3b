//! Delete: takes away exactly what is ours under one family. Absent is done; anything else that fails is a failure.

use tokio::join;

use super::{
    Reconciler,
    failure::{Failures, SideBySide},
};
use crate::{
    identity::Identity,
    order::Record,
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

    /// Takes away the owned ACTIVE revisions, which refer to the rest, then the roles and the log group. As soon as a
    /// request that CloudFormation made after `order` is on record, what is left is that one's.
    ///
    /// # Errors
    /// Everything that could not be taken away, and so remains.
    pub async fn remove(&self, identity: &Identity, surveyed: Surveyed, order: u64) -> Result<(), Failures> {
        let Surveyed {
            ours,
            others,
            stack: _,
            records,
        } = surveyed;
        let us = &identity.owner;
        let overtaken = "a newer request for this resource was begun: what is left is not taken away";
        if Record::is_any_after(order, &records) {
            tracing::warn!(overtaken);
            return Ok(());
        }
        self.deregister(&ours.iter().collect::<Vec<_>>()).await?;

        let (execution, task) = (identity.execution_role_name(), identity.task_role_name());
        let role = self.look_at_role(&execution).await?;
        if role
            .as_ref()
            .is_some_and(|role| Record::is_any_after(order, &role.tags))
        {
            tracing::warn!(overtaken);
            return Ok(());
        }
        let (execution, task, group) = join!(
            self.remove_role(&execution, us, order),
            self.remove_role(&task, us, order),
            self.remove_log_group(identity, !others.is_empty(), order)
        );
        let mut failed = SideBySide::default();
        let roles = failed.take(execution).and(failed.take(task));
        let group = failed.take(group);
        failed.or(roles.and(group))
    }

    /// Takes away what was made after that time, in seconds since 1970: a family whose execution role is older stood
    /// before, and stays.
    ///
    /// # Errors
    /// Everything that can't be looked at or taken away.
    pub async fn destroy_made_after(&self, identity: &Identity, time: i64, order: u64) -> Result<(), Failures> {
        match self.look_at_role(&identity.execution_role_name()).await? {
            Some(role) if role.made <= time => Ok(()),
            _ => Box::pin(self.destroy(identity, order)).await,
        }
    }

    /// Looks and takes away, where nothing is to be decided in between.
    ///
    /// # Errors
    /// Everything that can't be looked at or taken away.
    pub async fn destroy(&self, identity: &Identity, order: u64) -> Result<(), Failures> {
        let surveyed = Box::pin(self.survey(identity)).await?;
        Box::pin(self.remove(identity, surveyed, order)).await
    }
}
