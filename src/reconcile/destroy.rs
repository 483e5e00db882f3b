//! Delete: takes away exactly what is ours under one family. Absent is done; anything else that fails is a failure.

use tokio::join;

use super::{
    Reconciler,
    failure::{Failures, SideBySide},
};
use crate::{identity::Identity, ownership::Ownership, revision::Revision};

impl Reconciler<'_> {
    /// Takes away the owned ACTIVE revisions, then the roles and the log group: what refers to something goes before it.
    ///
    /// # Errors
    /// Everything that could not be taken away, and so remains.
    pub async fn destroy(&self, identity: &Identity) -> Result<(), Failures> {
        let us = &identity.owner;
        let (listed, newest) = join!(
            self.active_revisions(&identity.family),
            self.newest_revision(&identity.family)
        );
        let mut revisions = listed?;
        // A list may be behind a registration made moments ago; the two reads are seldom behind together.
        revisions.extend(newest?.filter(|newest| !revisions.iter().any(|listed| listed.number == newest.number)));
        let (ours, others): (Vec<Revision>, Vec<Revision>) = revisions
            .into_iter()
            .partition(|revision| Ownership::told_by(&revision.tags, us) == Ownership::Ours);
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
}
