//! ECS: revisions of a family, seen, registered and deregistered.

use aws_sdk_ecs::{operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder, types};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::join;

use super::{
    Reconciler,
    failure::Failure,
    refusal::{Kind, Refusal},
    registration::registration,
};
use crate::{
    composition::Composition,
    identity::{Family, Identity, Owner},
    ownership::{CONTENT, Tags},
    revision::Revision,
};

const REGISTER: &str = "ecs:RegisterTaskDefinition";

/// How many calls for one family run at once: reads have 50 at once for a whole account, deregistrations 20 (aws.md 2.1).
const AT_ONCE: usize = 4;

impl Reconciler<'_> {
    /// The family's newest ACTIVE revision. AWS's answer for a bare family is that; the status is checked all the same.
    pub(super) async fn newest_revision(&self, family: &Family) -> Result<Option<Revision>, Failure> {
        self.describe(family.as_str()).await
    }

    /// Whether a revision is still ACTIVE.
    pub(super) async fn is_active(&self, revision: &Revision) -> Result<bool, Failure> {
        self.describe(&revision.arn).await.map(|found| found.is_some())
    }

    /// An ACTIVE revision by its ARN, or a family's newest; `None` where it is not there or not ACTIVE.
    async fn describe(&self, which: &str) -> Result<Option<Revision>, Failure> {
        let described = self
            .patience
            .call("ecs:DescribeTaskDefinition", which, || {
                let describe = self.clients.ecs.describe_task_definition();
                describe
                    .task_definition(which)
                    .include(types::TaskDefinitionField::Tags)
                    .send()
            })
            .await;
        match described {
            Ok(described) => {
                let active = described
                    .task_definition
                    .filter(|found| found.status() == Some(&types::TaskDefinitionStatus::Active));
                Ok(active.and_then(|found| revision(&found, &described.tags.unwrap_or_default())))
            }
            Err(refusal) if refusal.kind == Kind::Absent => Ok(None),
            Err(refusal) => Err(Failure::to(
                format!("look at the task definition `{which}`"),
                "ecs:DescribeTaskDefinition",
            )(refusal)),
        }
    }

    /// Registers a revision, last, since it refers to the rest.
    pub(super) async fn register(&self, composition: &Composition, us: &Owner) -> Result<Revision, Failure> {
        let wanted = &composition.task_definition;
        let content = wanted.content();
        let attempt = format!("register a revision of the task definition `{}`", wanted.family);
        let mut tags = composition.tags.clone();
        tags.insert(CONTENT.to_owned(), content.clone());
        let registration = registration(self.clients.ecs.register_task_definition(), wanted)
            .map_err(|error| Refusal::of(Kind::Other, "BuildError", error.to_string()))
            .map_err(Failure::to(attempt.clone(), REGISTER))?;
        self.register_once(registration, &wanted.family, tags, &attempt, |newest| {
            newest.is(&content, us)
        })
        .await
    }

    /// Registers an equal of the newest owned revision of that content, if there is one, so that it is the newest of all.
    pub(super) async fn register_again(&self, identity: &Identity, content: &str) -> Result<Option<Revision>, Failure> {
        let Identity { owner, family } = identity;
        let revisions = self.active_revisions(family).await?;
        let Some(model) = revisions.iter().find(|revision| revision.is(content, owner)) else {
            return Ok(None);
        };
        let attempt = format!("register the task definition `{}` again", model.arn);
        let described = self
            .patience
            .call("ecs:DescribeTaskDefinition", &model.arn, || {
                self.clients
                    .ecs
                    .describe_task_definition()
                    .task_definition(&model.arn)
                    .send()
            })
            .await
            .map_err(Failure::to(attempt.clone(), "ecs:DescribeTaskDefinition"))?;
        let Some(found) = described.task_definition else {
            return Ok(None);
        };
        let registration = (self.clients.ecs.register_task_definition())
            .family(family.as_str())
            .set_task_role_arn(found.task_role_arn)
            .set_execution_role_arn(found.execution_role_arn)
            .set_network_mode(found.network_mode)
            .set_requires_compatibilities(found.requires_compatibilities)
            .set_cpu(found.cpu)
            .set_memory(found.memory)
            .set_runtime_platform(found.runtime_platform)
            .set_ephemeral_storage(found.ephemeral_storage)
            .set_volumes(found.volumes)
            .set_container_definitions(found.container_definitions);
        self.register_once(registration, family.as_str(), model.tags.clone(), &attempt, |newest| {
            newest.is(content, owner)
        })
        .await
        .map(Some)
    }

    /// A registration's answer can get lost and it has no client token, so before each further attempt the newest
    /// revision is looked at: it may be the wanted one by now.
    async fn register_once(
        &self,
        registration: RegisterTaskDefinitionFluentBuilder,
        family: &str,
        tags: Tags,
        attempt: &str,
        is_wanted: impl Fn(&Revision) -> bool,
    ) -> Result<Revision, Failure> {
        let tags: Vec<types::Tag> = tags
            .into_iter()
            .map(|(key, value)| types::Tag::builder().key(key).value(value).build())
            .collect();
        let mut waiting = self.patience.wait(REGISTER, family);
        loop {
            let registered = registration.clone().set_tags(Some(tags.clone())).send().await;
            let refusal = match registered.map_err(Refusal::from) {
                Ok(registered) => match registered
                    .task_definition
                    .as_ref()
                    .and_then(|made| revision(made, &tags))
                {
                    Some(revision) => {
                        waiting.done("registered");
                        return Ok(revision);
                    }
                    None => Refusal::of(Kind::Server, "NoTaskDefinition", "the answer holds no task definition"),
                },
                Err(refusal) => refusal,
            };
            waiting
                .after(refusal, Refusal::is_pass_role)
                .await
                .map_err(Failure::to(attempt, REGISTER))?;
            if let Some(newest) = self.describe(family).await?.filter(&is_wanted) {
                waiting.done("found");
                return Ok(newest);
            }
        }
    }

    /// The ACTIVE revisions below this one that matter to who came first. A list may be behind a registration made
    /// moments ago, so that the next below is looked at by its number, too.
    pub(super) async fn revisions_below(&self, family: &Family, own: i32) -> Result<Vec<Revision>, Failure> {
        let next = format!("{family}:{}", own - 1);
        let (listed, next) = join!(self.active_revisions(family), async {
            if own > 1 { self.describe(&next).await } else { Ok(None) }
        });
        let (mut below, next) = (listed?, next?);
        below.retain(|revision| revision.number < own);
        below.extend(next.filter(|next| !below.iter().any(|listed| listed.number == next.number)));
        Ok(below)
    }

    /// All ACTIVE revisions of exactly this family, with their tags.
    pub(super) async fn active_revisions(&self, family: &Family) -> Result<Vec<Revision>, Failure> {
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .patience
                .call("ecs:ListTaskDefinitions", family.as_str(), || {
                    let list = self.clients.ecs.list_task_definitions().family_prefix(family.as_str());
                    list.status(types::TaskDefinitionStatus::Active)
                        .sort(types::SortOrder::Desc)
                        .set_next_token(token.clone())
                        .send()
                })
                .await
                .map_err(Failure::to(
                    format!("list the revisions of the task definition `{family}`"),
                    "ecs:ListTaskDefinitions",
                ))?;
            arns.extend(page.task_definition_arns.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        // AWS takes the prefix for the full name (aws.md 2.3); who does not must not cost another family its revisions.
        let of_family = format!(":task-definition/{family}:");
        let exactly = arns.into_iter().filter(|arn| arn.contains(&of_family));
        let described = stream::iter(exactly)
            .map(|arn| async move { self.describe(&arn).await })
            .buffer_unordered(AT_ONCE);
        let mut revisions: Vec<Revision> = described
            .try_filter_map(|revision| async { Ok(revision) })
            .try_collect()
            .await?;
        revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
        Ok(revisions)
    }

    /// Makes revisions INACTIVE. One that is gone is done.
    pub(super) async fn deregister(&self, revisions: &[&Revision]) -> Result<(), Failure> {
        stream::iter(revisions.iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |revision| async move {
                let deregistered = self
                    .patience
                    .call("ecs:DeregisterTaskDefinition", &revision.arn, || {
                        self.clients
                            .ecs
                            .deregister_task_definition()
                            .task_definition(&revision.arn)
                            .send()
                    })
                    .await;
                match deregistered {
                    Ok(_) => Ok(()),
                    // Deregistered by a duplicate of this request, in words that differ: what counts is whether it is ACTIVE.
                    Err(refusal) if refusal.kind == Kind::Other && self.describe(&revision.arn).await?.is_none() => {
                        Ok(())
                    }
                    Err(refusal) => Err(Failure::to(
                        format!("deregister the task definition `{}`", revision.arn),
                        "ecs:DeregisterTaskDefinition",
                    )(refusal)),
                }
            })
            .await
    }
}

fn revision(found: &types::TaskDefinition, tags: &[types::Tag]) -> Option<Revision> {
    Some(Revision {
        arn: found.task_definition_arn()?.to_owned(),
        number: found.revision(),
        tags: tags
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
            .collect(),
    })
}
