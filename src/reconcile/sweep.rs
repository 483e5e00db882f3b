//! The late sweep of old revisions: best effort, beside the answer, never a reason to fail.

use super::{Reconciler, ensure::Replaced, failure::Failures};
use crate::{
    identity::Identity,
    ownership::Ownership,
    revision::{self, Revision},
};

impl Reconciler<'_> {
    /// Deregisters owned revisions that no rollback needs any more; how many is said.
    ///
    /// # Errors
    /// What stopped it: for the log, since the next sweep finds the same revisions.
    pub async fn sweep(
        &self,
        identity: &Identity,
        Replaced(replaced): &Replaced,
        current: &Revision,
    ) -> Result<usize, Failures> {
        let mut owned = self.active_revisions(&identity.family).await?;
        owned.retain(|revision| Ownership::told_by(&revision.tags, &identity.owner) == Ownership::Ours);
        let old = revision::sweepable(&owned, replaced, current);
        self.deregister(&old).await?;
        Ok(old.len())
    }
}
