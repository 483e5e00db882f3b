//! Create and Update, which are the same: make the properties hold, upon whatever exists.

use std::collections::BTreeSet;

use tokio::{join, time::sleep};

use super::{
    SECOND_LOOK,
    claim::{self, Claim},
    look::Observed,
    narrow::{self, Former},
    roles::{self, HeldRole},
};
use crate::{
    aws::{Aws, Failure, Failures, Iam, ObservedRole, SideBySide},
    composition::{Composition, Role},
    identity::{Identity, Owner},
    mark::Mark,
    ownership::{self, CONTENT, Ownership, Tags},
    revision::Revision,
};

/// What a Create or Update wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The resource under the wanted family.
    pub identity: &'a Identity,
    /// Everything that it is made of.
    pub composition: &'a Composition,
    /// What it was made of before, where the old properties are valid and name the same family.
    pub before: Option<&'a Composition>,
    /// When CloudFormation made the request, in seconds since 1970.
    pub made: u64,
    /// The request's id.
    pub request_id: &'a str,
}

/// What holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The newest revision.
    pub revision: Revision,
    /// The execution role's ARN.
    pub execution_role_arn: String,
    /// The task role, made or the author's own.
    pub task_role: ObservedRole,
    /// The revision of ours that was the newest before the registration.
    pub replaced: Option<Revision>,
}

/// Makes the composition hold. Whatever an earlier attempt did is found and used.
///
/// # Errors
/// Everything that failed; what was done stays, for CloudFormation's Delete or reverse Update.
pub async fn ensure(aws: &Aws<'_>, wanted: Wanted<'_>, observed: Observed) -> Result<Applied, Failures> {
    let Wanted {
        identity,
        composition,
        before,
        made,
        request_id,
    } = wanted;
    let is_ours = |role: &&ObservedRole| Ownership::from_tags(&role.tags, &identity.owner) == Ownership::Ours;
    let last = observed.execution_role.as_ref().filter(is_ours).and_then(Mark::on);
    let mark = Mark::of(made, request_id, composition).until_narrowed(before, last.as_ref());
    let is_begun = last.as_ref().is_some_and(|last| last.is_of(made, request_id));
    let former = former(&wanted, &observed, last);

    // claim the family and widen rights: the scheduler may start the newest revision at any moment
    let group = &composition.log_group;
    let (claim, roles) = join!(
        claim::claim(aws, identity, group, before.map(|before| &before.log_group), &observed),
        hold_and_equip(&aws.iam, &wanted, &mark, &observed)
    );
    let mut failed = SideBySide::default();
    let both = failed.take(claim).zip(failed.take_all(roles));
    let (claim, (execution, task)) = failed.or(both)?;

    // register last: the revision refers to the rest
    let is_new = observed.in_place.is_none();
    let (revision, replaced) = register(aws, &wanted, claim, observed.newest, is_new, is_begun).await?;

    // narrow rights to what the new revision needs
    narrow::narrow(aws, &wanted, &former, &execution, task.as_ref()).await?;
    narrow::narrow_mark(&aws.iam, &wanted, &execution, &mark).await?;
    Box::pin(narrow::untag(aws, &wanted, &former, claim, &execution, task.as_ref())).await?;

    let task_role = task.map(|held| held.observed).or(observed.authors_role);
    Ok(Applied {
        revision,
        execution_role_arn: execution.observed.arn,
        task_role: task_role.ok_or_else(|| Failure::Taken("the task role was not looked at".to_owned()))?,
        replaced,
    })
}

/// What earlier requests may have left.
fn former(wanted: &Wanted<'_>, observed: &Observed, last: Option<Mark>) -> Former {
    let listed = observed
        .in_place
        .as_ref()
        .map(|in_place| in_place.task_policies.clone());
    Former {
        last,
        task_policies: listed.unwrap_or_default(),
        tags: former_tags(wanted, observed),
    }
}

/// The keys of the authors' and the stack's tags that there were before: those of the old properties. A family that is taken
/// up again, since a Retain policy kept it, has none; then the newest revision knows them, and whatever else was put there.
fn former_tags(wanted: &Wanted<'_>, observed: &Observed) -> BTreeSet<String> {
    let us = &wanted.identity.owner;
    let newest = observed.newest.as_ref().filter(|newest| newest.is_owned(us));
    let tags = match (wanted.before, &observed.in_place, newest) {
        (Some(before), _, _) => &before.tags,
        (None, None, Some(newest)) => &newest.tags,
        (None, Some(_), _) | (None, None, None) => return BTreeSet::new(),
    };
    let is_theirs = |key: &&String| !key.starts_with(ownership::PREFIX) && !key.starts_with("aws:");
    tags.keys().filter(is_theirs).cloned().collect()
}

/// Holds both roles, the execution role with the mark, and only then gives either its rights.
async fn hold_and_equip(
    iam: &Iam<'_>,
    wanted: &Wanted<'_>,
    mark: &Mark,
    observed: &Observed,
) -> Result<(HeldRole, Option<HeldRole>), Failures> {
    let us = &wanted.identity.owner;
    let execution_role = &wanted.composition.execution_role;
    let mut execution_tags = execution_role.tags.clone();
    execution_tags.extend([mark.tag()]);
    let in_place = observed.in_place.as_ref();
    let task_role = wanted.composition.task_role.made();
    let seen_execution = in_place.and_then(|in_place| {
        let before = wanted.before.map(|before| &before.execution_role);
        let role = observed.execution_role.as_ref()?;
        Some(believable(role, &in_place.execution_policies, execution_role, before))
    });
    let seen_task = in_place.zip(task_role).and_then(|(in_place, task_role)| {
        let before = wanted.before.and_then(|before| before.task_role.made());
        let role = in_place.task_role.as_ref()?;
        Some(believable(role, &in_place.task_policies, task_role, before))
    });

    let (execution, task) = join!(
        roles::hold(iam, execution_role, us, &execution_tags, seen_execution),
        async {
            match task_role {
                Some(role) => roles::hold(iam, role, us, &role.tags, seen_task).await.map(Some),
                None => Ok(None),
            }
        }
    );
    let mut failed = SideBySide::default();
    let held = failed.take(execution).zip(failed.take(task));
    let (execution, task) = failed.or(held)?;

    let (execution, task) = join!(equip(iam, us, execution_role, &execution_tags, execution), async {
        match task_role.zip(task) {
            Some((role, held)) => equip(iam, us, role, &role.tags, held).await.map(Some),
            None => Ok(None),
        }
    });
    let mut failed = SideBySide::default();
    let equipped = failed.take(execution).zip(failed.take(task));
    failed.or(equipped)
}

/// A role and its inline policies, as far as two reads can be believed. Where the request changes a tag or the policy, a
/// read that shows the wanted one may lag behind the request before this one, so the wanted one is written whatever the read
/// says.
fn believable(
    observed: &ObservedRole,
    listed: &[String],
    wanted: &Role,
    before: Option<&Role>,
) -> (ObservedRole, Vec<String>) {
    let mut observed = observed.clone();
    let is_kept = |key: &String| before.and_then(|before| before.tags.get(key)) == wanted.tags.get(key);
    observed
        .tags
        .retain(|key, _| key.starts_with(ownership::PREFIX) || is_kept(key));

    let policy = wanted.policy_name();
    let mut policies = listed.to_vec();
    if before.map(Role::policy_name).as_ref() != Some(&policy) {
        policies.retain(|listed| Some(listed) != policy.as_ref());
    }
    (observed, policies)
}

/// Equips a role; one that turns out to be gone is created and equipped.
async fn equip(iam: &Iam<'_>, us: &Owner, role: &Role, tags: &Tags, held: HeldRole) -> Result<HeldRole, Failure> {
    match roles::equip(iam, role, &held).await {
        Ok(()) => Ok(held),
        Err(failure) if roles::is_gone(&failure, role, &held) => {
            let again = roles::hold(iam, role, us, tags, None).await?;
            roles::equip(iam, role, &again).await?;
            Ok(again)
        }
        Err(failure) => Err(failure),
    }
}

/// Registers a revision, unless the newest already has the wanted content; also returns the revision of ours that it
/// replaced. In a family that `is_new` to the resource, an earlier run of a request that `is_begun` has registered what is
/// found.
async fn register(
    aws: &Aws<'_>,
    wanted: &Wanted<'_>,
    claim: Claim,
    newest: Option<Revision>,
    is_new: bool,
    is_begun: bool,
) -> Result<(Revision, Option<Revision>), Failures> {
    let Wanted {
        identity, composition, ..
    } = wanted;
    let us = &identity.owner;
    let content = composition.task_definition.content();
    // What exists should be what the old properties say. If it is what is wanted now, the request before this one failed, or the
    // read lags behind it; unless a run of this very request has begun before.
    let expected = wanted.before.map(|before| before.task_definition.content());
    let mut newest = newest;
    let is_there = newest.as_ref().is_some_and(|newest| newest.has(&content, us));
    if is_there && expected.as_ref() != Some(&content) && !is_begun {
        sleep(SECOND_LOOK).await;
        newest = aws.ecs.newest_revision(&identity.family).await?;
    }
    let (revision, replaced, is_this_requests) = match newest {
        Some(newest) if newest.has(&content, us) => (newest, None, is_new && is_begun),
        newest => {
            let mut tags = composition.tags.clone();
            tags.insert(CONTENT.to_owned(), content.clone());
            // An older one with that content is what a look that lags behind shows.
            let known = newest.as_ref().map_or(0, |newest| newest.number);
            let is_wanted = |found: &Revision| found.has(&content, us) && found.number > known;
            let registered = aws.ecs.register(&composition.task_definition, &tags, is_wanted).await?;
            (registered, newest.filter(|newest| newest.is_owned(us)), true)
        }
    };
    let group = &composition.log_group;
    claim::settle(aws, identity, group, claim, &revision, is_this_requests).await?;
    Ok((revision, replaced))
}
