//! ECS: the revisions of a family, listed, described, registered and deregistered.

use aws_sdk_ecs::{Client, types};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CallError, Failure, Kind, Retry, registration::registration};
use crate::{composition::TaskDefinition, identity::Family, ownership::Tags, revision::Revision};

/// How many calls for one family run at once: an account may make 50 reads and 20 deregistrations in a burst
/// (docs/internals/aws.md, "Rates").
const AT_ONCE: usize = 4;

/// ECS as one run sees it.
#[derive(Clone, Copy, Debug)]
pub struct Ecs<'a> {
    client: &'a Client,
    retry: Retry,
}

impl<'a> Ecs<'a> {
    pub(super) fn new(client: &'a Client, retry: Retry) -> Self {
        Self { client, retry }
    }

    /// Returns the family's newest ACTIVE revision. AWS describes that one for a bare family; others may not, so the
    /// status is checked.
    ///
    /// # Errors
    /// What ECS does not show.
    pub async fn newest_revision(&self, family: &Family) -> Result<Option<Revision>, Failure> {
        self.describe(family.as_str()).await
    }

    /// Returns an ACTIVE revision by its ARN, or a family's newest; `None` where it does not exist or is not ACTIVE.
    async fn describe(&self, which: &str) -> Result<Option<Revision>, Failure> {
        const ACTION: &str = "ecs:DescribeTaskDefinition";
        let described = self
            .retry
            .call(ACTION, which, || {
                let describe = self.client.describe_task_definition().task_definition(which);
                describe.include(types::TaskDefinitionField::Tags).send()
            })
            .await;
        match described {
            Ok(described) => {
                let active = described
                    .task_definition
                    .filter(|found| found.status() == Some(&types::TaskDefinitionStatus::Active));
                Ok(active.and_then(|found| revision(&found, &described.tags.unwrap_or_default())))
            }
            Err(error) if error.kind == Kind::Absent => Ok(None),
            Err(error) => Err(Failure::to(format!("describe the task definition `{which}`"), ACTION)(
                error,
            )),
        }
    }

    /// Registers a revision with these tags. The answer can get lost and the call has no client token, so each further
    /// attempt first looks at the newest revision: `is_wanted` says whether that is the one.
    ///
    /// # Errors
    /// What ECS answered to the last attempt.
    pub async fn register(
        &self,
        wanted: &TaskDefinition,
        tags: &Tags,
        is_wanted: impl Fn(&Revision) -> bool,
    ) -> Result<Revision, Failure> {
        const ACTION: &str = "ecs:RegisterTaskDefinition";
        let family = wanted.family.as_str();
        let failed = || Failure::to(format!("register a revision of the task definition `{family}`"), ACTION);
        let tags: Vec<types::Tag> = tags
            .iter()
            .map(|(key, value)| types::Tag::builder().key(key).value(value).build())
            .collect();
        let registration = registration(self.client.register_task_definition(), wanted)
            .map_err(|error| CallError::of(Kind::Other, "BuildError", error.to_string()))
            .map_err(failed())?
            .set_tags(Some(tags.clone()));
        let mut waiting = self.retry.wait(ACTION, family);
        loop {
            let error = match registration.clone().send().await.map_err(CallError::from) {
                Ok(registered) => match registered
                    .task_definition
                    .as_ref()
                    .and_then(|made| revision(made, &tags))
                {
                    Some(revision) => {
                        waiting.done("registered");
                        return Ok(revision);
                    }
                    None => CallError::of(Kind::Server, "NoTaskDefinition", "the answer holds no task definition"),
                },
                Err(error) => error,
            };
            waiting.after(error, CallError::is_pass_role).await.map_err(failed())?;
            if let Some(newest) = self.describe(family).await?.filter(&is_wanted) {
                waiting.done("found");
                return Ok(newest);
            }
        }
    }

    /// Returns all ACTIVE revisions of exactly this family, newest first. Those of `known` are not described again.
    ///
    /// # Errors
    /// What ECS does not show.
    pub async fn active_revisions(&self, family: &Family, known: &[&Revision]) -> Result<Vec<Revision>, Failure> {
        let arns = self.active_arns(family).await?;
        let described = stream::iter(arns)
            .map(|arn| async move {
                match known.iter().find(|known| known.arn == arn) {
                    Some(known) => Ok(Some((*known).clone())),
                    None => self.describe(&arn).await,
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut revisions: Vec<Revision> = described
            .try_filter_map(|revision| async { Ok(revision) })
            .try_collect()
            .await?;
        revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
        Ok(revisions)
    }

    /// Returns the ACTIVE revision of that number.
    ///
    /// # Errors
    /// What ECS does not show.
    pub async fn revision(&self, family: &Family, number: i32) -> Result<Option<Revision>, Failure> {
        self.describe(&format!("{family}:{number}")).await
    }

    async fn active_arns(&self, family: &Family) -> Result<Vec<String>, Failure> {
        const ACTION: &str = "ecs:ListTaskDefinitions";
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .retry
                .call(ACTION, family.as_str(), || {
                    let list = self.client.list_task_definitions().family_prefix(family.as_str());
                    list.status(types::TaskDefinitionStatus::Active)
                        .sort(types::SortOrder::Desc)
                        .set_next_token(token.clone())
                        .send()
                })
                .await
                .map_err(Failure::to(
                    format!("list the revisions of the task definition `{family}`"),
                    ACTION,
                ))?;
            arns.extend(page.task_definition_arns.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        // AWS takes the prefix as the full name (docs/internals/aws.md, "Consistency"); where another cloud does not,
        // no other family may lose its revisions.
        let of_family = format!(":task-definition/{family}:");
        arns.retain(|arn| arn.contains(&of_family));
        Ok(arns)
    }

    /// Makes revisions INACTIVE. One that is already INACTIVE is done.
    ///
    /// # Errors
    /// The first revision that stays ACTIVE.
    pub async fn deregister(&self, revisions: &[&Revision]) -> Result<(), Failure> {
        const ACTION: &str = "ecs:DeregisterTaskDefinition";
        stream::iter(revisions.iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |revision| async move {
                let arn = revision.arn.as_str();
                let deregistered = self
                    .retry
                    .call(ACTION, arn, || {
                        self.client.deregister_task_definition().task_definition(arn).send()
                    })
                    .await;
                match deregistered {
                    Ok(_) => Ok(()),
                    // After an answer that got lost, in words that differ: what counts is whether it is still ACTIVE.
                    Err(error) if error.kind == Kind::Other && self.describe(arn).await?.is_none() => Ok(()),
                    Err(error) => Err(Failure::to(format!("deregister the task definition `{arn}`"), ACTION)(
                        error,
                    )),
                }
            })
            .await
    }
}

fn revision(found: &types::TaskDefinition, tags: &[types::Tag]) -> Option<Revision> {
    Some(Revision {
        arn: found.task_definition_arn()?.to_owned(),
        number: found.revision(),
        task_role_arn: found.task_role_arn().map(str::to_owned),
        tags: tags
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
            .collect(),
    })
}
