//! Who owns a family. The log group is the claim on it: CreateLogGroup is atomic, so the family belongs to the resource
//! whose tags the group was created with. Where the group belongs to nobody, the first registration decides.

use tokio::time::sleep;

use super::{SECOND_LOOK, look::Observed};
use crate::{
    aws::{Aws, Failure, Failures, Kind},
    composition::{KMS_KEY, LogGroup, RETENTION},
    identity::Identity,
    ownership::{self, Ownership, Tags},
    revision::Revision,
};

/// What the log group says about the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The group is ours, and with it the family.
    Ours,
    /// The group existed before and belongs to nobody: it is used, and never changed.
    Nobodys,
    /// The group's owner is gone: it is taken over once the family is ours.
    Left,
}

/// Creates the log group, or finds its owner, and sets it up where it is ours. `before` is the group as the update
/// before may have left it half-way.
pub(super) async fn claim(
    aws: &Aws<'_>,
    identity: &Identity,
    group: &LogGroup,
    before: Option<&LogGroup>,
    observed: &Observed,
) -> Result<Claim, Failure> {
    let existing = match &observed.in_place {
        Some(in_place) => match &in_place.log_group {
            Some(tags) => Some(tags.clone()),
            // Without the retention's tag: a later run finds that it has not been set.
            None => aws.logs.create(group, &without_retention(&group.tags)).await?,
        },
        None => match aws.logs.create(group, &group.tags).await? {
            None => {
                aws.logs.put_retention(group, true).await?;
                return Ok(Claim::Ours);
            }
            existing => existing,
        },
    };
    let Some(mut tags) = existing else {
        set_up(aws, group, &without_retention(&group.tags), before).await?;
        return Ok(Claim::Ours);
    };
    let is_to_be_confirmed = match Ownership::from_tags(&tags, &identity.owner) {
        Ownership::Nobodys => false,
        // Of a family that is new to the resource, the tags may be those of a group that our last Delete has removed.
        Ownership::Ours => observed.in_place.is_none(),
        // Its owner's Delete may have given it up a moment ago, and a third resource may have it by now.
        Ownership::Anothers { .. } => true,
    };
    if is_to_be_confirmed {
        sleep(SECOND_LOOK).await;
        let again = aws.logs.create(group, &without_retention(&group.tags)).await?;
        // A run before this one may have created it and ended there.
        tags = without_retention(&again.unwrap_or_else(|| group.tags.clone()));
        check_group_owner(aws, identity, group, &tags).await?;
    }
    match Ownership::from_tags(&tags, &identity.owner) {
        Ownership::Nobodys => Ok(Claim::Nobodys),
        Ownership::Ours => {
            check_class(group, &tags, "set `LogGroupClass` back")?;
            set_up(aws, group, &tags, before).await?;
            Ok(Claim::Ours)
        }
        Ownership::Anothers { .. } => {
            check_class(group, &tags, "delete the group, whose stack is gone")?;
            Ok(Claim::Left)
        }
    }
}

/// Refuses a family whose log group belongs to another resource, unless that resource's stack is gone.
async fn check_group_owner(aws: &Aws<'_>, identity: &Identity, group: &LogGroup, tags: &Tags) -> Result<(), Failure> {
    let owner = Ownership::from_tags(tags, &identity.owner);
    check_owner(aws, identity, &owner, &format!("the log group `{}`", group.name)).await
}

fn without_retention(tags: &Tags) -> Tags {
    let mut tags = tags.clone();
    tags.remove(RETENTION);
    tags
}

/// A group's class is fixed at its creation.
fn check_class(group: &LogGroup, tags: &Tags, remedy: &str) -> Result<(), Failure> {
    let class = LogGroup::class_from_tags(tags);
    if class == group.class {
        return Ok(());
    }
    Err(Failure::Taken(format!(
        "the log group `{}` has the class {class}, which can't be changed after its creation: {remedy}, or give the resource \
         another `TaskFamily`",
        group.name
    )))
}

/// Sets key, retention and tags of a group of ours where they are not as wanted, or where the update `before` may have
/// changed them and failed before it wrote the tags that say so.
async fn set_up(aws: &Aws<'_>, group: &LogGroup, tags: &Tags, before: Option<&LogGroup>) -> Result<(), Failure> {
    set_key(aws, group, tags, before).await?;
    let is_sure = before.is_none_or(|before| before.retention_days == group.retention_days);
    if !is_sure || tags.get(RETENTION) != group.tags.get(RETENTION) {
        aws.logs.put_retention(group, true).await?;
    }
    // Where the request changes them, a read that shows them unchanged lags behind the request before.
    let is_changed = before.is_some_and(|before| before.tags != group.tags);
    let lacks = |(key, value): (&String, &String)| tags.get(key) != Some(value);
    if is_changed || group.tags.iter().any(lacks) {
        aws.logs.tag(group, &group.tags).await?;
    }
    Ok(())
}

/// Encrypts the group under its key, or under none.
async fn set_key(aws: &Aws<'_>, group: &LogGroup, tags: &Tags, before: Option<&LogGroup>) -> Result<(), Failure> {
    let is_sure = before.is_none_or(|before| before.kms_key == group.kms_key);
    match &group.kms_key {
        wanted if is_sure && wanted.as_ref() == tags.get(KMS_KEY) => Ok(()),
        Some(key) => aws.logs.associate_key(&group.name, key).await,
        None => {
            aws.logs.disassociate_key(&group.name).await?;
            aws.logs.untag(&group.name, &group.arn, vec![KMS_KEY.to_owned()]).await
        }
    }
}

/// Makes a log group ours whose owner is gone, once the family is ours: writing tags is not a claim, since the last writer
/// would have it. The owner's late Delete may remove the group at this very moment; then it is created.
async fn take_over(aws: &Aws<'_>, identity: &Identity, group: &LogGroup, tags: Option<Tags>) -> Result<(), Failure> {
    if let Some(tags) = tags {
        match set_key(aws, group, &tags, None).await {
            Err(Failure::Call { error, .. }) if error.kind == Kind::Absent => {}
            set => set?,
        }
        if aws.logs.tag(group, &group.tags).await? && aws.logs.put_retention(group, false).await? {
            return Ok(());
        }
    }
    if let Some(tags) = aws.logs.create(group, &group.tags).await? {
        check_group_owner(aws, identity, group, &tags).await?;
        if Ownership::from_tags(&tags, &identity.owner) == Ownership::Nobodys {
            return Ok(());
        }
    }
    aws.logs.put_retention(group, true).await.map(drop)
}

/// Refuses a family that belongs to another resource, unless that resource's stack is gone. `witness` is what says so.
pub(super) async fn check_owner(
    aws: &Aws<'_>,
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
            "the task definition `{family}` belongs to the resource `{logical_id}` of this stack, as {witness} shows. Give `{}` \
             another `TaskFamily`; or, if you renamed `{logical_id}`, take two steps, since CloudFormation creates the new \
             resource before it deletes the old one: update the stack without it, then update it with the new name",
            us.logical_id
        )));
    }
    if aws.cloudformation.stack_is_gone(stack_id).await {
        tracing::info!(
            on = family.as_str(),
            stack_id,
            logical_id,
            "the owner's stack is deleted: it owns nothing any more"
        );
        return Ok(());
    }
    Err(Failure::Taken(format!(
        "the task definition `{family}` belongs to the resource `{logical_id}` of the stack `{stack_id}`, as {witness} shows. \
         Give `{}` another `TaskFamily`, or remove the resource from that stack first; if that stack is gone, deregister its \
         revisions of `{family}` and remove the tags `{}` and `{}` from the log group `{}`",
        us.logical_id,
        ownership::STACK_ID,
        ownership::LOGICAL_ID,
        identity.log_group_name()
    )))
}

/// Where the log group was not a claim, two resources may both have found the family free and registered: it belongs to the
/// one that registered first, and the other deregisters its own, `ours`, if it `is_this_requests`. A group whose owner is
/// gone is then taken over, unless somebody created it anew, who has the family.
pub(super) async fn settle(
    aws: &Aws<'_>,
    identity: &Identity,
    group: &LogGroup,
    claim: Claim,
    ours: &Revision,
    is_this_requests: bool,
) -> Result<(), Failures> {
    let settled = async {
        match claim {
            Claim::Ours => Ok(()),
            Claim::Nobodys => check_earlier(aws, identity, ours).await,
            Claim::Left => {
                check_earlier(aws, identity, ours).await?;
                let tags = aws.logs.tags(&group.name, &group.arn).await?;
                if let Some(tags) = &tags {
                    check_group_owner(aws, identity, group, tags).await?;
                }
                take_over(aws, identity, group, tags).await
            }
        }
    };
    let settled = settled.await;
    if settled.is_err() && is_this_requests {
        aws.ecs.deregister(&[ours]).await?;
    }
    settled.map_err(Failures::from)
}

async fn check_earlier(aws: &Aws<'_>, identity: &Identity, ours: &Revision) -> Result<(), Failure> {
    let mut earlier = aws.ecs.active_revisions(&identity.family, &[ours]).await?;
    // A list may lag behind a registration of a moment ago: the next revision below is looked at by its number, too.
    if ours.number > 1 && !earlier.iter().any(|listed| listed.number == ours.number - 1) {
        earlier.extend(aws.ecs.revision(&identity.family, ours.number - 1).await?);
    }
    for revision in earlier.iter().filter(|revision| revision.number < ours.number) {
        let owner = Ownership::from_tags(&revision.tags, &identity.owner);
        check_owner(aws, identity, &owner, &format!("revision {}", revision.number)).await?;
    }
    Ok(())
}
