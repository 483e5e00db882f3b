//! Whose a family is: the log group is the claim on it, and where that says nothing, the order of the revisions.

use super::{
    Reconciler,
    failure::{Failure, Failures},
    refusal::Kind,
};
use crate::{
    composition::LogGroup,
    identity::Identity,
    order::Record,
    ownership::{self, Ownership, Tags},
    revision::Revision,
};

/// What the log group says about the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It was made, and is ours, and the family with it.
    Made,
    /// It was there, and is ours.
    Found,
    /// Nothing: it was there before, and is nobody's.
    Nobodys,
    /// Nothing: its owner is gone.
    Left,
}

impl Claim {
    pub(super) fn is_none(self) -> bool {
        matches!(self, Self::Nobodys | Self::Left)
    }
}

impl Reconciler<'_> {
    /// Makes the log group ours, or finds whose it is. A group of nobody's is used and not changed; one whose owner is
    /// gone is taken over once the family is ours, since writing tags is no claim: the last writer would have it.
    /// `before` is the group as the Update before may have left it half way.
    pub(super) async fn claim(
        &self,
        identity: &Identity,
        group: &LogGroup,
        before: Option<&LogGroup>,
        record: &Record,
    ) -> Result<Claim, Failure> {
        let seen = self.claim_log_group(group, record).await?;
        let owner = seen.as_ref().map(|tags| Ownership::told_by(tags, &identity.owner));
        let claim = match owner {
            None => Claim::Made,
            Some(Ownership::Ours) => Claim::Found,
            Some(Ownership::Nobodys) => Claim::Nobodys,
            Some(anothers @ Ownership::Anothers { .. }) => {
                self.free_or_ours(identity, &anothers, &format!("the log group `{}`", group.name))
                    .await?;
                Claim::Left
            }
        };
        if let Some(seen) = seen.as_ref().filter(|_| claim != Claim::Nobodys) {
            let class = LogGroup::class_told_by(seen);
            if class != group.class {
                let way = match claim {
                    Claim::Left => "delete the group, which was left by a stack that is gone",
                    Claim::Made | Claim::Found | Claim::Nobodys => "set `LogGroupClass` back",
                };
                return Err(Failure::Taken(format!(
                    "the log group `{}` is of the class {class}, which is fixed when a group is made: {way}, or give the resource another `TaskFamily`",
                    group.name
                )));
            }
        }
        if claim.is_none() {
            return Ok(claim);
        }
        let mut is_to_be_tagged = false;
        if let Some(seen) = &seen {
            is_to_be_tagged = self.set_key(group, seen, before).await?;
        }
        // What was seen may be behind an Update of moments ago that dropped tags of the author's; the owner's stay.
        let has = |seen: &Tags| {
            (group.tags.iter()).all(|(key, value)| key.starts_with(ownership::PREFIX) && seen.get(key) == Some(value))
        };
        if is_to_be_tagged || !seen.as_ref().is_none_or(has) {
            self.tag_log_group(group, None).await?;
        }
        self.put_retention(group).await?;
        Ok(claim)
    }

    /// Makes a log group ours whose owner is gone. A late Delete of that owner's may take it away at this very moment.
    pub(super) async fn take_over(
        &self,
        identity: &Identity,
        group: &LogGroup,
        record: &Record,
    ) -> Result<(), Failure> {
        let keyed = match self.log_group_tags(&group.name, &group.arn).await? {
            Some(seen) => self.set_key(group, &seen, None).await.map(drop),
            None => Ok(()),
        };
        match keyed {
            Err(Failure::Call { refusal, .. }) if refusal.kind == Kind::Absent => {}
            keyed => keyed?,
        }
        if self.tag_log_group(group, Some(record)).await? && self.put_retention_if_there(group).await? {
            return Ok(());
        }
        self.claim(identity, group, None, record).await.map(drop)
    }

    /// Refuses a family that another resource has, unless its stack is gone.
    pub(super) async fn free_or_ours(
        &self,
        identity: &Identity,
        owner: &Ownership,
        witness: &str,
    ) -> Result<(), Failure> {
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

    /// Where the log group was no claim, the later registration gives way to the earlier.
    pub(super) async fn give_way(&self, identity: &Identity, registered: &Revision) -> Result<(), Failures> {
        if let Err(taken) = self.is_first(identity, registered).await {
            self.deregister(&[registered]).await?;
            return Err(taken.into());
        }
        Ok(())
    }

    /// Two that saw the family free may both register where the log group is no claim. Revisions have an order: the
    /// family is whose revision came first.
    pub(super) async fn is_first(&self, identity: &Identity, ours: &Revision) -> Result<(), Failure> {
        for other in self.revisions_below(&identity.family, ours.number).await? {
            let owner = Ownership::told_by(&other.tags, &identity.owner);
            self.free_or_ours(identity, &owner, &format!("revision {}", other.number))
                .await?;
        }
        Ok(())
    }
}
