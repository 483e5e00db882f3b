//! Create and Update are the same: look, claim, give rights, register, take rights.

use tokio::join;

use super::{
    Reconciler,
    failure::{Failure, Failures, SideBySide},
    iam::StandingRole,
};
use crate::{
    composition::{Composition, LogGroup, TaskRole},
    identity::{Identity, Owner},
    ownership::{self, Ownership},
    revision::Revision,
};

/// What holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The newest revision.
    pub revision: Revision,
    /// The execution role.
    pub execution_role: StandingRole,
    /// The task role, made or the author's own.
    pub task_role: StandingRole,
    /// What a registration replaced, for the sweep.
    pub replaced: Option<Replaced>,
}

/// The revision that was the newest before a registration, and ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced(pub(super) Revision);

impl Reconciler<'_> {
    /// Makes the composition hold. Whatever an earlier attempt has done is found and used.
    ///
    /// # Errors
    /// Everything that could not be done; what was done stays, for CloudFormation's Delete or reverse Update.
    pub async fn ensure(&self, identity: &Identity, composition: &Composition) -> Result<Applied, Failures> {
        let Composition {
            log_group,
            execution_role,
            task_role,
            task_definition,
            tags: _,
        } = composition;
        let us = &identity.owner;

        // look: no call that writes
        let (newest, execution_seen, task_seen) = join!(
            self.newest_revision(&identity.family),
            self.look_at_role(&execution_role.name),
            async {
                match task_role {
                    TaskRole::Made(role) => self.look_at_role(&role.name).await.map(Look::Made),
                    TaskRole::Own(own) => self.look_at_own_role(own).await.map(Look::Own),
                }
            }
        );
        let mut failed = SideBySide::default();
        let (newest, execution_seen, task_seen) =
            (failed.take(newest), failed.take(execution_seen), failed.take(task_seen));
        let looked = newest.zip(execution_seen).zip(task_seen);
        let ((newest, execution_seen), task_seen) = failed.or(looked)?;
        if let Some(newest) = &newest {
            let owner = Ownership::told_by(&newest.tags, us);
            self.free_or_ours(identity, &owner, &format!("revision {}", newest.number))
                .await?;
        }

        // claim the family, and give rights before the registration (design.md section 2, 3)
        let (claimed, execution_standing, task_standing) = join!(
            self.claim(identity, log_group),
            self.ensure_role(execution_role, execution_seen, us),
            self.ensure_task_role(task_role, task_seen, us)
        );
        let mut failed = SideBySide::default();
        let claimed = failed.take(claimed);
        let standing = failed.take(execution_standing).zip(failed.take(task_standing));
        let (execution_standing, task_standing) = failed.or(claimed.and(standing))?;

        // register last: it refers to the rest
        let content = task_definition.content();
        let (revision, replaced) = match newest {
            Some(newest) if newest.is(&content, us) => (newest, None),
            newest => {
                let ours = newest.filter(|newest| Ownership::told_by(&newest.tags, us) == Ownership::Ours);
                (self.register(composition, us).await?, ours.map(Replaced))
            }
        };

        // take the rights that only the revisions before needed
        let (execution_narrowed, task_narrowed) = join!(
            async {
                if execution_standing.fresh {
                    Ok(())
                } else {
                    self.narrow_rights(execution_role).await
                }
            },
            async {
                match task_role {
                    TaskRole::Made(role) if !task_standing.fresh => self.narrow_rights(role).await,
                    TaskRole::Made(_) | TaskRole::Own(_) => Ok(()),
                }
            }
        );
        let mut failed = SideBySide::default();
        let narrowed = failed.take(execution_narrowed).and(failed.take(task_narrowed));
        failed.or(narrowed)?;
        Ok(Applied {
            revision,
            execution_role: execution_standing,
            task_role: task_standing,
            replaced,
        })
    }

    async fn ensure_task_role(&self, role: &TaskRole, look: Look, us: &Owner) -> Result<StandingRole, Failure> {
        match (role, look) {
            (TaskRole::Made(role), Look::Made(seen)) => self.ensure_role(role, seen, us).await,
            (TaskRole::Made(role), Look::Own(_)) => self.ensure_role(role, None, us).await,
            (TaskRole::Own(_), Look::Own(standing)) => Ok(standing),
            (TaskRole::Own(own), Look::Made(_)) => self.look_at_own_role(own).await,
        }
    }

    /// Makes the log group ours, or finds it to be nobody's; a group of nobody's is used and not changed.
    async fn claim(&self, identity: &Identity, group: &LogGroup) -> Result<(), Failure> {
        let us = &identity.owner;
        match self.claim_log_group(group, us).await? {
            Ownership::Ours => {}
            Ownership::Nobodys => return Ok(()),
            anothers @ Ownership::Anothers { .. } => {
                self.free_or_ours(identity, &anothers, &format!("the log group `{}`", group.name))
                    .await?;
                self.take_over_log_group(group, us).await?;
            }
        }
        self.put_retention(group).await
    }

    /// Refuses a family that another resource has, unless its stack is gone.
    async fn free_or_ours(&self, identity: &Identity, owner: &Ownership, witness: &str) -> Result<(), Failure> {
        let Ownership::Anothers { stack_id, logical_id } = owner else {
            return Ok(());
        };
        let (family, us) = (&identity.family, &identity.owner);
        if stack_id == us.stack_id.as_str() {
            return Err(Failure::Taken(format!(
                "the task definition `{family}` belongs to the resource `{logical_id}` of this stack, as {witness} says. Give `{}` another `TaskFamily`; \
                 or, if it is `{logical_id}` renamed, take two steps, since CloudFormation creates the new one before it deletes the old: \
                 update the stack without it, then update it with the new name",
                us.logical_id
            )));
        }
        if self.stack_is_gone(stack_id).await {
            tracing::info!(
                on = family.as_str(),
                stack_id,
                logical_id,
                "the owner's stack is deleted: it owns nothing any more"
            );
            return Ok(());
        }
        Err(Failure::Taken(format!(
            "the task definition `{family}` belongs to the resource `{logical_id}` of the stack `{stack_id}`, as {witness} says. Give `{}` another \
             `TaskFamily`, or remove the resource there first; if that stack is gone, deregister its revisions of `{family}` and remove the tags \
             `{}` and `{}` from the log group `{}`",
            us.logical_id,
            ownership::STACK_ID,
            ownership::LOGICAL_ID,
            identity.log_group_name()
        )))
    }
}

/// What was seen of the task role.
enum Look {
    /// The one that is made for the resource.
    Made(Option<super::iam::SeenRole>),
    /// The author's own.
    Own(StandingRole),
}
