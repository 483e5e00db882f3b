//! Create and Update are the same: look, claim, give rights, register, take rights.

use tokio::join;

use super::{
    Reconciler,
    failure::{Failure, Failures, SideBySide},
    iam::{SeenRole, StandingRole},
};
use crate::{
    composition::{Composition, LogGroup, TaskRole},
    identity::{Identity, Owner},
    order::Record,
    ownership::{self, Ownership, Tags},
    revision::Revision,
    witness::Seen,
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

/// What was there before the first write.
#[derive(Clone, Debug)]
pub struct Looked {
    newest: Option<Revision>,
    execution_role: Option<SeenRole>,
    task_role: LookedTaskRole,
    /// The stack, and the resource in it.
    pub stack: Seen,
    /// The records of the requests that were begun before: those of the wanted family, and of the one that an Update
    /// came with.
    pub records: Tags,
}

impl Reconciler<'_> {
    /// Looks at everything that a Create or Update depends on, side by side; no call writes. `from` is the family that
    /// an Update came with.
    ///
    /// # Errors
    /// Everything that can't be looked at, and a family that is another's.
    pub async fn look(
        &self,
        identity: &Identity,
        composition: &Composition,
        from: Option<&Identity>,
    ) -> Result<Looked, Failures> {
        let (newest, execution_role, task_role, before, stack) = join!(
            self.newest_revision(&identity.family),
            self.look_at_role(&composition.execution_role.name),
            async {
                match &composition.task_role {
                    TaskRole::Made(role) => self.look_at_role(&role.name).await.map(LookedTaskRole::Made),
                    TaskRole::Own(own) => self.look_at_own_role(own).await.map(LookedTaskRole::Own),
                }
            },
            async {
                match from.filter(|from| from.family != identity.family) {
                    Some(from) => self.look_at_role(&from.execution_role_name()).await,
                    None => Ok(None),
                }
            },
            self.look_at_stack(&identity.owner)
        );
        let mut failed = SideBySide::default();
        let roles = failed.take(execution_role).zip(failed.take(before));
        let looked = failed.take(newest).zip(failed.take(task_role)).zip(roles);
        let ((newest, task_role), (execution_role, before)) = failed.or(looked)?;
        if let Some(newest) = &newest {
            let owner = Ownership::told_by(&newest.tags, &identity.owner);
            self.free_or_ours(identity, &owner, &format!("revision {}", newest.number))
                .await?;
        }
        let seen = [&execution_role, &before].into_iter().flatten();
        Ok(Looked {
            records: seen.flat_map(|role| role.tags.clone()).collect(),
            newest,
            execution_role,
            task_role,
            stack,
        })
    }

    /// Makes the composition hold, upon what was seen. Whatever an earlier attempt has done is found and used.
    ///
    /// # Errors
    /// Everything that could not be done; what was done stays, for CloudFormation's Delete or reverse Update.
    pub async fn ensure(
        &self,
        identity: &Identity,
        composition: &Composition,
        looked: Looked,
        record: &Record,
    ) -> Result<Applied, Failures> {
        let Composition {
            log_group,
            execution_role,
            task_role,
            task_definition,
            tags: _,
        } = composition;
        let us = &identity.owner;

        // claim the family, and give rights before the registration (design.md section 2, 3)
        let (claimed, execution_standing, task_standing) = join!(
            self.claim(identity, log_group),
            self.ensure_role(execution_role, looked.execution_role, us, Some(record)),
            self.ensure_task_role(task_role, looked.task_role, us)
        );
        let mut failed = SideBySide::default();
        let claimed = failed.take(claimed);
        let standing = failed.take(execution_standing).zip(failed.take(task_standing));
        let (claimed, (execution_standing, task_standing)) = failed.or(claimed.zip(standing))?;

        // register last: it refers to the rest
        let content = task_definition.content();
        let (revision, replaced) = match looked.newest {
            Some(newest) if newest.is(&content, us) => (newest, None),
            newest => {
                let ours = newest.filter(|newest| Ownership::told_by(&newest.tags, us) == Ownership::Ours);
                let registered = self.register(composition, us).await?;
                if claimed == Claim::None {
                    self.give_way(identity, &registered).await?;
                }
                (registered, ours.map(Replaced))
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

    async fn ensure_task_role(
        &self,
        role: &TaskRole,
        looked: LookedTaskRole,
        us: &Owner,
    ) -> Result<StandingRole, Failure> {
        match (role, looked) {
            (TaskRole::Made(role), LookedTaskRole::Made(seen)) => self.ensure_role(role, seen, us, None).await,
            (TaskRole::Made(role), LookedTaskRole::Own(_)) => self.ensure_role(role, None, us, None).await,
            (TaskRole::Own(_), LookedTaskRole::Own(standing)) => Ok(standing),
            (TaskRole::Own(own), LookedTaskRole::Made(_)) => self.look_at_own_role(own).await,
        }
    }

    /// Where the log group is nobody's and so no claim, two that saw the family free may both register. Revisions have
    /// an order: the later one gives way to the earlier.
    async fn give_way(&self, identity: &Identity, registered: &Revision) -> Result<(), Failures> {
        for other in self.active_revisions(&identity.family).await? {
            let owner = Ownership::told_by(&other.tags, &identity.owner);
            if other.number < registered.number
                && let Err(taken) = self
                    .free_or_ours(identity, &owner, &format!("revision {}", other.number))
                    .await
            {
                self.deregister(&[registered]).await?;
                return Err(taken.into());
            }
        }
        Ok(())
    }

    /// Makes the log group ours, or finds it to be nobody's; a group of nobody's is used and not changed.
    async fn claim(&self, identity: &Identity, group: &LogGroup) -> Result<Claim, Failure> {
        let us = &identity.owner;
        match self.claim_log_group(group, us).await? {
            Ownership::Ours => {}
            Ownership::Nobodys => return Ok(Claim::None),
            anothers @ Ownership::Anothers { .. } => {
                self.free_or_ours(identity, &anothers, &format!("the log group `{}`", group.name))
                    .await?;
                self.take_over_log_group(group, us).await?;
            }
        }
        self.put_retention(group).await.map(|()| Claim::LogGroup)
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

/// What a family is claimed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// The log group, which is ours.
    LogGroup,
    /// Nothing: the log group was there before, and is nobody's.
    None,
}

/// What was seen of the task role.
#[derive(Clone, Debug)]
enum LookedTaskRole {
    /// The one that is made for the resource.
    Made(Option<SeenRole>),
    /// The author's own.
    Own(StandingRole),
}
