//! After the answer: whatever runs side by side, the newest request's wishes are what remains.
//!
//! Every Create and Update writes its record before it gives rights and reads all records after its last write, so of
//! two that run together at least one sees the other. Both bring about what the newest record says; it does not matter
//! that both may do it.

use std::collections::BTreeSet;

use tokio::join;

use super::{
    Reconciler,
    failure::{Failure, Failures, SideBySide},
    iam::Presence,
    rights::RoleRights,
};
use crate::{
    composition::{Composition, Role},
    identity::Identity,
    order::{Record, Wanted},
    ownership::Ownership,
    revision::Revision,
};

/// How often the records are read again after something had to be mended.
const ROUNDS: usize = 5;

/// What a run knows when it has done its work.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// Whose and under which family.
    pub identity: &'a Identity,
    /// The request's own record.
    pub record: &'a Record,
    /// What it wanted.
    pub wanted: &'a Composition,
    /// What was before, if it was a composition of the same family.
    pub before: Option<&'a Composition>,
    /// The newest revision that it knows of: reads may be behind it. None where it has come to none.
    pub revision: Option<&'a Revision>,
}

impl Reconciler<'_> {
    /// Makes the newest request's wishes hold, and forgets the records before it. Whether another request was the
    /// newest is said.
    ///
    /// # Errors
    /// What could not be mended after another request overtook this one, or what can't be found out.
    pub async fn settle(&self, done: &Done<'_>) -> Result<bool, Failures> {
        let mut overtaken = None;
        let Err(failures) = Box::pin(self.settle_rounds(done, &mut overtaken)).await else {
            return Ok(overtaken.unwrap_or_default());
        };
        let overtaken = if let Some(overtaken) = overtaken {
            overtaken
        } else {
            let role = self.look_at_role(&done.identity.execution_role_name()).await?;
            role.is_some_and(|role| done.record.is_overtaken(&role.tags))
        };
        if overtaken {
            return Err(failures);
        }
        // What this run wanted holds, since it was answered so: nothing needs another delivery.
        tracing::warn!(%failures, "the records were not settled");
        Ok(false)
    }

    /// The same for a run that failed, where what it wrote came after a newer request's: that of the failure, which takes
    /// it back, has been already.
    ///
    /// # Errors
    /// What could not be mended.
    pub async fn settle_if_overtaken(&self, done: &Done<'_>) -> Result<(), Failures> {
        let role = self.look_at_role(&done.identity.execution_role_name()).await?;
        let Some(role) = role else { return Ok(()) };
        match done.record.written(&role.tags) {
            Some(record) if record.is_overtaken(&role.tags) => {
                let done = Done {
                    record: &record,
                    ..*done
                };
                self.settle(&done).await.map(drop)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a request that CloudFormation made after `order` was begun for that family.
    ///
    /// # Errors
    /// Where its records can't be read.
    pub async fn has_request_after(&self, order: u64, identity: &Identity) -> Result<bool, Failures> {
        let role = self.look_at_role(&identity.execution_role_name()).await?;
        Ok(role.is_some_and(|role| Record::is_any_after(order, &role.tags)))
    }

    async fn settle_rounds(&self, done: &Done<'_>, overtaken: &mut Option<bool>) -> Result<(), Failures> {
        let Done {
            identity,
            record,
            wanted,
            before,
            revision,
        } = done;
        let (execution_role, task_role) = (identity.execution_role_name(), identity.task_role_name());
        let compositions = || [Some(*wanted), *before].into_iter().flatten();
        let with_managed = compositions().any(|one| !Wanted::of(one).managed_policies.is_empty());
        let mut known = revision.cloned();
        for _ in 0..ROUNDS {
            // Policies before records: whoever gave a right has written its record before.
            let (execution_policies, task_policies, newest) = join!(
                self.rights_of(&execution_role, false),
                self.rights_of(&task_role, with_managed),
                self.newest_revision(&identity.family)
            );
            let mut failed = SideBySide::default();
            let policies = failed.take(execution_policies).zip(failed.take(task_policies));
            let looked = policies.zip(failed.take(newest));
            let ((execution_policies, task_policies), newest) = failed.or(looked)?;
            let Some(role) = self.look_at_role(&execution_role).await? else {
                // A Delete has been here.
                *overtaken = Some(true);
                return Ok(());
            };
            let latest = Record::newest(&role.tags)
                .max(Some((*record).clone()))
                .unwrap_or_else(|| (*record).clone());
            *overtaken = Some(latest.key() != record.key());
            let composition = compositions().find(|composition| Wanted::of(composition) == latest.wanted);

            // Rights before the registration, and taken after it, as ever.
            let execution = composition.map(|composition| &composition.execution_role);
            let task = composition.and_then(|composition| composition.task_role.made());
            let (gave_execution, gave_task) = join!(
                self.give_missing(&execution_policies, execution),
                self.give_missing(&task_policies, task)
            );
            let mut mended = gave_execution? | gave_task?;
            known = known.into_iter().chain(newest).max_by_key(|revision| revision.number);
            let is_ours = |revision: &&Revision| Ownership::told_by(&revision.tags, &identity.owner) == Ownership::Ours;
            let other = known.as_ref().filter(is_ours).map(Revision::content);
            if other.is_some_and(|content| content != Some(latest.wanted.content.as_str())) {
                let registered = match composition {
                    Some(composition) => Some(self.register(composition, &identity.owner).await?),
                    None => self.register_again(identity, &latest.wanted.content).await?,
                };
                mended |= registered.is_some();
                known = registered.or(known);
            }
            // What the newest revision needs is never taken: the newest request may have failed before it came to one.
            let stands = known.as_ref().and_then(Revision::content) == Some(latest.wanted.content.as_str());
            if !stands {
                return Ok(());
            }

            let Wanted {
                content: _,
                execution_policy,
                task_policy,
                managed_policies,
            } = &latest.wanted;
            // The record of this very request may have been forgotten since.
            let own = compositions().flat_map(|one| Wanted::of(one).managed_policies);
            let ours: BTreeSet<String> = Record::managed_policies(&role.tags).into_iter().chain(own).collect();
            let detached = &ours - managed_policies;
            let execution_surplus = execution_policies.surplus(execution_policy.as_deref(), &BTreeSet::new());
            let task_surplus = task_policies.surplus(task_policy.as_deref(), &detached);
            let (execution, task) = join!(
                self.remove_rights(&execution_role, &execution_surplus),
                self.remove_rights(&task_role, &task_surplus)
            );
            execution?;
            task?;

            let older: Vec<String> = Record::all(&role.tags)
                // Those of the same second stay: a late duplicate of one is told by its record.
                .filter(|older| older.order < latest.order)
                // Only the record tells that an attached policy is ours.
                .filter(|older| with_managed || older.wanted.managed_policies.is_subset(managed_policies))
                .map(|older| older.key())
                .collect();
            if !older.is_empty() {
                self.untag_role(&execution_role, older).await?;
            }
            if !mended {
                break;
            }
        }
        Ok(())
    }

    /// Gives the role what is missing and known of its rights. Whether it was missing is said.
    async fn give_missing(&self, standing: &RoleRights, role: Option<&Role>) -> Result<bool, Failure> {
        let Some(role) = role else { return Ok(false) };
        let mut gave = false;
        let inline = role.policy.as_ref();
        if let Some(policy) = inline.filter(|policy| !standing.inline.contains(&policy.name())) {
            self.put_rights(&role.name, Presence::Sure, policy).await?;
            gave = true;
        }
        let missing = role
            .managed_policies
            .iter()
            .filter(|arn| !standing.managed.contains(arn));
        for policy in missing {
            self.attach_policy(&role.name, Presence::Sure, policy).await?;
            gave = true;
        }
        Ok(gave)
    }
}
