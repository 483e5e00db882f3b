//! Create and Update are the same: look, claim, give rights, register, take rights.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tokio::{join, time::sleep};

use super::{
    Reconciler, SECOND_LOOK,
    claim::Claim,
    failure::{Failure, Failures, SideBySide},
    iam::{ClaimedRole, SeenRole, StandingRole, WantedRole},
    rights::RoleRights,
};
use crate::{
    composition::{Composition, LogGroup, Role, TaskRole},
    identity::Identity,
    order::Record,
    ownership::{Ownership, Tags},
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
pub struct Looked<'a> {
    newest: Option<Revision>,
    execution_role: Option<SeenRole>,
    task_role: SeenTaskRole<'a>,
    /// Whether the family is not the one that the request came with.
    is_new: bool,
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
    pub async fn look<'a>(
        &self,
        identity: &Identity,
        composition: &'a Composition,
        from: Option<&Identity>,
    ) -> Result<Looked<'a>, Failures> {
        let (newest, execution_role, task_role, before, stack) = join!(
            self.newest_revision(&identity.family),
            self.look_at_role(&composition.execution_role.name),
            self.look_at_task_role(&composition.task_role),
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
        let ((mut newest, task_role), (execution_role, before)) = failed.or(looked)?;
        if self.is_free_or_ours(identity, newest.as_ref()).await.is_err() {
            // It may have been deregistered moments ago, by the Delete of whose it was.
            sleep(SECOND_LOOK).await;
            newest = self.newest_revision(&identity.family).await?;
            self.is_free_or_ours(identity, newest.as_ref()).await?;
        }
        let seen = [&execution_role, &before].into_iter().flatten();
        Ok(Looked {
            records: seen.flat_map(|role| role.tags.clone()).collect(),
            newest,
            execution_role,
            task_role,
            is_new: from.is_none_or(|from| from != identity),
            stack,
        })
    }

    /// Makes the composition hold, upon what was seen and instead of the one `before`, if there is one of the same
    /// family. Whatever an earlier attempt has done is found and used.
    ///
    /// # Errors
    /// Everything that could not be done; what was done stays, for CloudFormation's Delete or reverse Update.
    pub async fn ensure(
        &self,
        identity: &Identity,
        composition: &Composition,
        looked: Looked<'_>,
        record: &Record,
        before: Option<&Composition>,
    ) -> Result<Applied, Failures> {
        let Composition {
            log_group,
            execution_role,
            task_role,
            task_definition,
            tags: _,
        } = composition;
        let us = &identity.owner;
        let detached = &Record::managed_policies(&looked.records) - &record.wanted.managed_policies;
        let wanted_execution_role = WantedRole {
            role: execution_role,
            us,
            record,
            keeps_records: true,
        };

        // claim the family, and give rights before the registration (design.md section 2, 3)
        let (claimed, standing) = join!(
            self.claim(identity, log_group, before.map(|before| &before.log_group), record),
            self.ensure_roles(wanted_execution_role, looked.execution_role, looked.task_role)
        );
        let mut failed = SideBySide::default();
        let (claimed, standing) = (failed.take(claimed), failed.take_all(standing));
        let (claimed, (mut execution_standing, mut task_standing)) = failed.or(claimed.zip(standing))?;

        // register last: it refers to the rest
        let content = task_definition.content();
        let newest = self
            .newest_for_sure(identity, &content, looked.newest, &looked.records)
            .await?;
        let was_there = newest.as_ref().is_some_and(|newest| newest.is(&content, us));
        let (revision, replaced) = match newest {
            Some(newest) if was_there => {
                if claimed.is_none() {
                    self.is_first(identity, &newest).await?;
                }
                (newest, None)
            }
            newest => {
                let ours = newest.filter(|newest| Ownership::told_by(&newest.tags, us) == Ownership::Ours);
                let registered = self.register(composition, us).await?;
                if claimed.is_none() {
                    self.give_way(identity, &registered).await?;
                }
                (registered, ours.map(Replaced))
            }
        };
        if claimed == Claim::Left {
            self.take_over(identity, log_group, record).await?;
        }
        // What a cancelled request had made of the same family may be taken away at this very moment, by its own run,
        // and what was found may have been that.
        let mut revision = revision;
        if looked.is_new {
            let found = matches!(claimed, Claim::Found | Claim::Left).then_some(log_group);
            let (execution, task, group) = join!(
                self.stand_again(wanted_execution_role, &mut execution_standing),
                async {
                    match task_role.made() {
                        Some(role) => {
                            self.stand_again(wanted_execution_role.beside(role), &mut task_standing)
                                .await
                        }
                        None => Ok(()),
                    }
                },
                self.log_group_stands_again(identity, found, record),
            );
            let mut failed = SideBySide::default();
            let roles = failed.take(execution).and(failed.take(task));
            let group = failed.take(group);
            failed.or(roles.and(group))?;
            if was_there && !self.is_active(&revision).await? {
                revision = self.register(composition, us).await?;
            }
        }

        // take the rights that only the revisions before needed
        let made_before = !execution_standing.fresh;
        let execution = made_before.then(|| Kept {
            role: execution_role.name.clone(),
            policy: execution_role.policy_name(),
            detached: BTreeSet::new(),
        });
        let task = match task_role {
            TaskRole::Made(role) => (!task_standing.fresh).then(|| (role.name.clone(), role.policy_name())),
            // The one that was made before stays, without rights.
            TaskRole::Own(_) => made_before.then(|| (identity.task_role_name(), None)),
        };
        let task = task.map(|(role, policy)| Kept { role, policy, detached });
        let narrowed: Vec<_> = execution.into_iter().chain(task).collect();
        self.narrow(identity, record, &narrowed).await?;
        if let Some(before) = before {
            let dropped = composition.tags_dropped_since(before);
            Box::pin(self.untag(composition, claimed, dropped)).await?;
        }
        Ok(Applied {
            revision,
            execution_role: execution_standing,
            task_role: task_standing,
            replaced,
        })
    }

    /// Refuses a family whose newest revision another resource has.
    async fn is_free_or_ours(&self, identity: &Identity, newest: Option<&Revision>) -> Result<(), Failure> {
        let Some(newest) = newest else { return Ok(()) };
        let owner = Ownership::told_by(&newest.tags, &identity.owner);
        self.free_or_ours(identity, &owner, &format!("revision {}", newest.number))
            .await
    }

    /// Removes the author's tags that are wanted no more, where they are ours to remove.
    async fn untag(&self, composition: &Composition, claimed: Claim, dropped: Vec<String>) -> Result<(), Failures> {
        if dropped.is_empty() {
            return Ok(());
        }
        let group = &composition.log_group;
        let task_role = composition.task_role.made();
        let (execution, task, group) = join!(
            self.untag_role(&composition.execution_role.name, dropped.clone()),
            async {
                match task_role {
                    Some(role) => self.untag_role(&role.name, dropped.clone()).await,
                    None => Ok(()),
                }
            },
            async {
                match claimed {
                    Claim::Nobodys => Ok(()),
                    Claim::Made | Claim::Found | Claim::Left => {
                        self.untag_log_group(&group.name, &group.arn, dropped.clone()).await
                    }
                }
            }
        );
        let mut failed = SideBySide::default();
        let roles = failed.take(execution).and(failed.take(task));
        let group = failed.take(group);
        failed.or(roles.and(group))
    }

    /// Leaves roles no other rights of ours than those that they are to keep. Nothing is taken if a newer request
    /// needs it: what to leave then is for [`Self::settle`] to tell.
    async fn narrow(&self, identity: &Identity, record: &Record, roles: &[Kept]) -> Result<(), Failures> {
        let rights = roles
            .iter()
            .map(|kept| self.rights_of(&kept.role, !kept.detached.is_empty()));
        let listed = join_all(rights).await;
        let mut failed = SideBySide::default();
        let listed: Option<Vec<_>> = listed.into_iter().map(|rights| failed.take(rights)).collect();
        let surplus: Vec<(&str, RoleRights)> = (failed.or(listed)?.into_iter().zip(roles))
            .map(|(standing, kept)| {
                let surplus = standing.surplus(kept.policy.as_deref(), &kept.detached);
                (kept.role.as_str(), surplus)
            })
            .filter(|(_, surplus)| !surplus.is_empty())
            .collect();
        if surplus.is_empty() {
            return Ok(());
        }
        // Records after policies: whoever gave a right has written its record before.
        let role = self.look_at_role(&identity.execution_role_name()).await?;
        if role.is_none_or(|role| record.is_overtaken(&role.tags)) {
            return Ok(());
        }
        let removed = surplus.iter().map(|(name, surplus)| self.remove_rights(name, surplus));
        let mut failed = SideBySide::default();
        let removed: Option<Vec<()>> = (join_all(removed).await.into_iter())
            .map(|removed| failed.take(removed))
            .collect();
        failed.or(removed).map(drop)
    }

    async fn look_at_task_role<'a>(&self, role: &'a TaskRole) -> Result<SeenTaskRole<'a>, Failure> {
        match role {
            TaskRole::Made(role) => self
                .look_at_role(&role.name)
                .await
                .map(|seen| SeenTaskRole::Made(role, seen)),
            TaskRole::Own(own) => self.look_at_own_role(own).await.map(SeenTaskRole::Own),
        }
    }

    /// Makes both roles stand. Neither has new rights before the request is on record: whoever sees rights finds what
    /// they are for.
    async fn ensure_roles(
        &self,
        wanted: WantedRole<'_>,
        execution: Option<SeenRole>,
        task: SeenTaskRole<'_>,
    ) -> Result<(StandingRole, StandingRole), Failures> {
        let (execution, task) = join!(self.claim_role(wanted, execution), async {
            Ok(match task {
                SeenTaskRole::Made(role, seen) => {
                    let wanted = wanted.beside(role);
                    ClaimedTaskRole::Made(wanted, self.claim_role(wanted, seen).await?)
                }
                SeenTaskRole::Own(standing) => ClaimedTaskRole::Own(standing),
            })
        });
        let mut failed = SideBySide::default();
        let claimed = failed.take(execution).zip(failed.take(task));
        let (execution, task) = failed.or(claimed)?;
        let (execution, task) = join!(self.equip_role(wanted, execution), async {
            match task {
                ClaimedTaskRole::Made(wanted, claimed) => self.equip_role(wanted, claimed).await,
                ClaimedTaskRole::Own(standing) => Ok(standing),
            }
        });
        let mut failed = SideBySide::default();
        let standing = failed.take(execution).zip(failed.take(task));
        failed.or(standing)
    }

    /// A request that wanted something else may have registered it moments ago, which a read may be behind: then what
    /// was seen to be wanted already is looked at again.
    async fn newest_for_sure(
        &self,
        identity: &Identity,
        content: &str,
        seen: Option<Revision>,
        records: &Tags,
    ) -> Result<Option<Revision>, Failure> {
        let is_wanted = seen.as_ref().is_some_and(|seen| seen.content() == Some(content));
        if !is_wanted || Record::all(records).all(|record| record.wanted.content == content) {
            return Ok(seen);
        }
        let again = self.newest_revision(&identity.family).await?;
        Ok(again.into_iter().chain(seen).max_by_key(|revision| revision.number))
    }

    /// Looks again at a role that was found, and makes it if it went.
    async fn stand_again(&self, wanted: WantedRole<'_>, standing: &mut StandingRole) -> Result<(), Failure> {
        if !standing.fresh && self.look_at_role(&wanted.role.name).await?.is_none() {
            *standing = self.ensure_role(wanted, None).await?;
        }
        Ok(())
    }

    /// Looks again at a log group that was found, and makes it if it went.
    async fn log_group_stands_again(
        &self,
        identity: &Identity,
        found: Option<&LogGroup>,
        record: &Record,
    ) -> Result<(), Failure> {
        if let Some(group) = found
            && !self.log_group_stands(group).await?
        {
            self.claim(identity, group, None, record).await?;
        }
        Ok(())
    }
}

/// What a role keeps of its rights.
#[derive(Clone, Debug)]
struct Kept {
    /// The role's name.
    role: String,
    /// The name of its inline policy, if it has one.
    policy: Option<String>,
    /// The managed policies that it does not keep, as records name them.
    detached: BTreeSet<String>,
}

/// The task role, as far as it may have rights now.
#[derive(Clone, Debug)]
enum ClaimedTaskRole<'a> {
    /// The one that is made for the resource.
    Made(WantedRole<'a>, ClaimedRole),
    /// The author's own.
    Own(StandingRole),
}

/// What was seen of the task role.
#[derive(Clone, Debug)]
enum SeenTaskRole<'a> {
    /// The one that is made for the resource.
    Made(&'a Role, Option<SeenRole>),
    /// The author's own.
    Own(StandingRole),
}
