//! Old revisions, deregistered after the answer: best effort, never a reason to fail.

use super::ensure::Applied;
use crate::{
    aws::{Aws, Failures},
    identity::Identity,
    revision::{self, KEPT, Revision},
};

/// Deregisters owned revisions that no rollback needs any more, and returns how many.
///
/// # Errors
/// What stopped it, for the log: the next update finds the same revisions.
pub async fn prune(aws: &Aws<'_>, identity: &Identity, applied: &Applied) -> Result<usize, Failures> {
    let Applied { revision, replaced, .. } = applied;
    let Some(replaced) = replaced else { return Ok(0) };
    if usize::try_from(revision.number).is_ok_and(|number| number <= KEPT) {
        return Ok(0);
    }
    let mut owned = aws
        .ecs
        .active_revisions(&identity.family, &[revision, replaced])
        .await?;
    owned.retain(|revision: &Revision| revision.is_owned(&identity.owner));
    let old = revision::prunable(&owned, replaced, revision);
    if old.is_empty() || stack_has_failed(aws, identity).await? {
        return Ok(0);
    }
    aws.ecs.deregister(&old).await?;
    Ok(old.len())
}

/// Whether the stack has failed by now and stays so (`--disable-rollback`): CloudFormation may go back to what existed before
/// this update.
async fn stack_has_failed(aws: &Aws<'_>, identity: &Identity) -> Result<bool, Failures> {
    let status = aws
        .cloudformation
        .stack_status(identity.owner.stack_id.as_str())
        .await?;
    Ok(status.is_none_or(|status| status.as_str().ends_with("_FAILED")))
}
