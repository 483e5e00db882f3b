//! What there is of one agent, and of everything that its task definition names. Whether secrets exist, never what they hold.

use std::{collections::BTreeMap, future::Future};

use agent_composer_cli::doctor::{
    Definition, EcrImage, Facts, LogGroupFact, Named, NotSeen, ParameterFact, RoleFact, SecretFact, Seen, Source,
    StoppedContainer, StoppedTask,
};
use aws_sdk_ecs::types::{DesiredStatus, SortOrder, TaskDefinitionStatus};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{AT_ONCE, Account, asked, existing::document, tags};
use crate::refused::Refused;

impl Account {
    /// Everything that an examination of a family is about. Only a Region that does not answer at all is a failure.
    pub(crate) async fn examination(
        &self,
        family: &str,
        cluster: Option<&str>,
        scheduler: Option<&str>,
    ) -> Result<Facts, String> {
        let definition = self.definition(family).await?;
        let mut facts = Facts {
            family: family.to_owned(),
            region: self.region.clone(),
            inactive: None,
            stack: None,
            parameters: BTreeMap::new(),
            secrets: BTreeMap::new(),
            images: BTreeMap::new(),
            log_groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            scheduler: scheduler.map(ToOwned::to_owned),
            cluster: cluster.map(ToOwned::to_owned),
            tasks: Seen::Absent,
            definition,
        };
        let named = facts.named();
        let account = named.arn.split(':').nth(4).unwrap_or_default();
        if facts.definition == Seen::Absent {
            facts.inactive = self.newest_inactive(family).await;
        }
        if let Seen::Found(definition) = &facts.definition
            && let Some(id) = definition.stack_id()
        {
            facts.stack = Some(self.status(id).await);
        }
        let roles = named.execution_role.iter().chain(&named.task_role);
        let roles = roles.map(String::as_str).chain(scheduler).map(ToOwned::to_owned);
        let mut groups = named.log_groups.clone();
        groups.insert(format!("/aws/ecs/{family}"));
        (facts.roles, facts.log_groups) = tokio::join!(
            looked_at(roles, |arn| async move { self.role_with_documents(&arn).await }),
            looked_at(groups, |name| async move { self.group_with_tags(&name).await }),
        );
        (facts.parameters, facts.secrets, facts.images) = tokio::join!(
            self.parameters(&named, account),
            self.secrets(&named, account),
            self.images(&named, account),
        );
        facts.tasks = self.stopped(family, cluster).await;
        Ok(facts)
    }

    async fn definition(&self, family: &str) -> Result<Seen<Definition>, String> {
        let described = self.described(family).await;
        match described {
            Ok(Some((document, _, tags))) => Ok(Seen::Found(Definition { document, tags })),
            Ok(None) => Ok(Seen::Absent),
            Err(refusal) if refusal.is_denied() => Ok(not_seen("ecs:DescribeTaskDefinition", &refusal)),
            Err(refusal) => Err(super::message("ecs:DescribeTaskDefinition", family, &refusal)),
        }
    }

    async fn newest_inactive(&self, family: &str) -> Option<i64> {
        let list = self.clients.ecs.list_task_definitions().family_prefix(family);
        let list = list.status(TaskDefinitionStatus::Inactive).sort(SortOrder::Desc);
        let found = list.max_results(1).send().await.ok()?;
        found.task_definition_arns().first()?.rsplit(':').next()?.parse().ok()
    }

    async fn status(&self, id: &str) -> Seen<String> {
        let describe = self.clients.cloudformation.describe_stacks().stack_name(id);
        match describe.send().await.map_err(Refused::from) {
            Ok(found) => {
                let stack = found.stacks().first().and_then(|stack| stack.stack_status());
                stack.map_or(Seen::Absent, |status| Seen::Found(status.as_str().to_owned()))
            }
            Err(refusal) if refusal.message.contains("does not exist") => Seen::Absent,
            Err(refusal) => not_seen("cloudformation:DescribeStacks", &refusal),
        }
    }

    async fn role_with_documents(&self, arn: &str) -> Seen<RoleFact> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let found = match self
            .clients
            .iam
            .get_role()
            .role_name(name)
            .send()
            .await
            .map_err(Refused::from)
        {
            Ok(found) => found.role,
            Err(refusal) => return seen("iam:GetRole", Err(refusal)),
        };
        let Some(role) = found else {
            return Seen::Absent;
        };
        let boundary = (role.permissions_boundary()).and_then(|boundary| boundary.permissions_boundary_arn());
        let boundary = match boundary {
            Some(arn) => Some((arn.to_owned(), self.managed(arn).await)),
            None => None,
        };
        Seen::Found(RoleFact {
            name: name.to_owned(),
            tags: tags(role.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value())))),
            trust: role.assume_role_policy_document().map(document).unwrap_or_default(),
            policies: self.policies(name).await.unwrap_or_else(Seen::Not),
            boundary,
        })
    }

    /// All documents of a role, inline and attached.
    async fn policies(&self, name: &str) -> Result<Seen<Vec<Value>>, NotSeen> {
        let iam = &self.clients.iam;
        let mut documents = Vec::new();
        let names: Vec<String> = iam
            .list_role_policies()
            .role_name(name)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(unseen("iam:ListRolePolicies"))?;
        for policy in names {
            let found = iam.get_role_policy().role_name(name).policy_name(policy).send().await;
            let found = found.map_err(unseen("iam:GetRolePolicy"))?;
            documents.push(document(found.policy_document()));
        }
        let attached: Vec<_> = iam
            .list_attached_role_policies()
            .role_name(name)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(unseen("iam:ListAttachedRolePolicies"))?;
        for arn in attached.into_iter().filter_map(|policy| policy.policy_arn) {
            match self.managed(&arn).await {
                Seen::Found(document) => documents.push(document),
                Seen::Absent => {}
                Seen::Not(not_seen) => return Err(not_seen),
            }
        }
        Ok(Seen::Found(documents))
    }

    /// The document of a managed policy.
    async fn managed(&self, arn: &str) -> Seen<Value> {
        let iam = &self.clients.iam;
        let found = match iam.get_policy().policy_arn(arn).send().await.map_err(Refused::from) {
            Ok(found) => found.policy,
            Err(refusal) => return seen("iam:GetPolicy", Err(refusal)),
        };
        let Some(version) = found.and_then(|policy| policy.default_version_id) else {
            return Seen::Absent;
        };
        let found = iam
            .get_policy_version()
            .policy_arn(arn)
            .version_id(version)
            .send()
            .await;
        let found = found.map_err(Refused::from);
        seen(
            "iam:GetPolicyVersion",
            found.map(|found| {
                let version = found.policy_version;
                let text = version.and_then(|version| version.document);
                text.as_deref().map(document).unwrap_or_default()
            }),
        )
    }

    async fn group_with_tags(&self, name: &str) -> Seen<LogGroupFact> {
        let logs = &self.clients.logs;
        let mut groups = logs
            .describe_log_groups()
            .log_group_name_prefix(name)
            .into_paginator()
            .items()
            .send();
        while let Some(group) = groups.next().await {
            let group = match group.map_err(Refused::from) {
                Ok(group) => group,
                Err(refusal) => return seen("logs:DescribeLogGroups", Err(refusal)),
            };
            if group.log_group_name() != Some(name) {
                continue;
            }
            let arn = group.log_group_arn().or(group.arn()).unwrap_or_default();
            let tags = logs
                .list_tags_for_resource()
                .resource_arn(arn.trim_end_matches(":*"))
                .send()
                .await;
            return Seen::Found(LogGroupFact {
                retention: group.retention_in_days(),
                tags: tags
                    .ok()
                    .and_then(|found| found.tags)
                    .map(|tags| tags.into_iter().collect()),
            });
        }
        Seen::Absent
    }

    /// The parameters that are in this account: SSM describes no others.
    async fn parameters(&self, named: &Named, account: &str) -> BTreeMap<String, Seen<ParameterFact>> {
        let places = named.supplies.iter().filter_map(|supply| match &supply.source {
            Source::Parameter(place) if place.account == account => Some(place.clone()),
            _ => None,
        });
        let each = stream::iter(places).map(|place| async move {
            // The ARN of `/a` and of `a` is the same.
            let either = if place.name.contains('/') {
                json!([format!("/{}", place.name)])
            } else {
                json!([place.name, format!("/{}", place.name)])
            };
            let found = self.parameter(&place.region, &either).await;
            let parameter = match seen("ssm:DescribeParameters", found) {
                Seen::Found(Some(parameter)) => Seen::Found(parameter),
                Seen::Found(None) | Seen::Absent => Seen::Absent,
                Seen::Not(not_seen) => Seen::Not(not_seen),
            };
            (place.arn, parameter)
        });
        each.buffered(AT_ONCE).collect().await
    }

    /// A parameter of one of these names. A page may be empty although others follow (docs/internals/aws.md, "What the
    /// command reads").
    async fn parameter(&self, region: &str, names: &Value) -> Result<Option<ParameterFact>, Refused> {
        let filter = json!({"Key": "Name", "Option": "Equals", "Values": names});
        let mut input = json!({"ParameterFilters": [filter]});
        loop {
            let page = asked::ask(&self.config, &asked::SSM, region, "DescribeParameters", input.clone()).await?;
            if let Some(parameter) = page["Parameters"].as_array().and_then(|found| found.first()) {
                let key = parameter["KeyId"].as_str().map(ToOwned::to_owned);
                return Ok(Some(ParameterFact { key }));
            }
            let Some(next) = page["NextToken"].as_str().filter(|next| !next.is_empty()) else {
                return Ok(None);
            };
            input["NextToken"] = next.into();
        }
    }

    async fn secrets(&self, named: &Named, account: &str) -> BTreeMap<String, Seen<SecretFact>> {
        let places = named.supplies.iter().filter_map(|supply| match &supply.source {
            Source::Secret { place, .. } | Source::Reference { secret: place, .. } if place.account == account => {
                Some(place.clone())
            }
            _ => None,
        });
        let each = stream::iter(places).map(|place| async move {
            let input = json!({"SecretId": place.id});
            let service = &asked::SECRETS_MANAGER;
            let found = asked::ask(&self.config, service, &place.region, "DescribeSecret", input).await;
            let found = found.map(|found| secret(&found));
            (place.id, seen("secretsmanager:DescribeSecret", found))
        });
        each.buffered(AT_ONCE).collect().await
    }

    async fn images(&self, named: &Named, account: &str) -> BTreeMap<String, Seen<bool>> {
        let images = named.images.clone().into_iter();
        let images = images.filter(|(_, image)| image.repository.account == account);
        let each = stream::iter(images).map(|(reference, image)| async move {
            let EcrImage {
                repository,
                tag,
                digest,
                ..
            } = image;
            let id = match (tag, digest) {
                (_, Some(digest)) => json!({"imageDigest": digest}),
                (tag, None) => json!({"imageTag": tag}),
            };
            let input = json!({"repositoryName": repository.name, "imageIds": [id]});
            let found = asked::ask(&self.config, &asked::ECR, &repository.region, "DescribeImages", input).await;
            let found = match found {
                Err(refusal) if refusal.is("ImageNotFoundException") => Seen::Found(false),
                found => seen(
                    "ecr:DescribeImages",
                    found.map(|found| found["imageDetails"].as_array().is_some_and(|found| !found.is_empty())),
                ),
            };
            (reference, found)
        });
        each.buffered(AT_ONCE).collect().await
    }

    /// Up to a hundred tasks of the family that have stopped.
    async fn stopped(&self, family: &str, cluster: Option<&str>) -> Seen<Vec<StoppedTask>> {
        let ecs = &self.clients.ecs;
        let list = ecs
            .list_tasks()
            .set_cluster(cluster.map(ToOwned::to_owned))
            .family(family);
        let listed = list.desired_status(DesiredStatus::Stopped).send().await;
        let arns = match listed.map_err(Refused::from) {
            Ok(found) => found.task_arns.unwrap_or_default(),
            Err(refusal) => return seen("ecs:ListTasks", Err(refusal)),
        };
        if arns.is_empty() {
            return Seen::Found(Vec::new());
        }
        let describe = ecs.describe_tasks().set_cluster(cluster.map(ToOwned::to_owned));
        let described = describe.set_tasks(Some(arns)).send().await;
        let described = described.map_err(Refused::from);
        seen(
            "ecs:DescribeTasks",
            described.map(|found| {
                let mut tasks = found.tasks.unwrap_or_default();
                tasks.sort_by(|one, other| other.stopped_at().cmp(&one.stopped_at()));
                tasks.iter().map(stopped).collect()
            }),
        )
    }
}

fn stopped(task: &aws_sdk_ecs::types::Task) -> StoppedTask {
    let containers = task.containers().iter().map(|container| StoppedContainer {
        name: container.name().unwrap_or_default().to_owned(),
        exit_code: container.exit_code(),
        reason: container.reason().map(ToOwned::to_owned),
    });
    StoppedTask {
        id: task
            .task_arn()
            .and_then(|arn| arn.rsplit('/').next())
            .unwrap_or_default()
            .to_owned(),
        code: task.stop_code().map(|code| code.as_str().to_owned()),
        reason: task.stopped_reason().map(ToOwned::to_owned),
        containers: containers.collect(),
    }
}

fn secret(found: &Value) -> SecretFact {
    let stages = |stages: &Value| {
        let stages = stages.as_array().into_iter().flatten().filter_map(Value::as_str);
        stages.map(ToOwned::to_owned).collect()
    };
    let versions = found["VersionIdsToStages"].as_object().into_iter().flatten();
    SecretFact {
        arn: found["ARN"].as_str().unwrap_or_default().to_owned(),
        key: found["KmsKeyId"].as_str().map(ToOwned::to_owned),
        is_being_deleted: !found["DeletedDate"].is_null(),
        versions: versions.map(|(id, of)| (id.clone(), stages(of))).collect(),
    }
}

/// Several things of one kind, a few at once.
async fn looked_at<T, F>(
    keys: impl IntoIterator<Item = String>,
    look: impl Fn(String) -> F,
) -> BTreeMap<String, Seen<T>>
where
    F: Future<Output = Seen<T>>,
{
    let each = stream::iter(keys).map(|key| {
        let seen = look(key.clone());
        async move { (key, seen.await) }
    });
    each.buffered(AT_ONCE).collect().await
}

fn seen<T>(action: &str, answer: Result<T, Refused>) -> Seen<T> {
    match answer {
        Ok(found) => Seen::Found(found),
        Err(refusal) if refusal.is_absent() => Seen::Absent,
        Err(refusal) => not_seen(action, &refusal),
    }
}

fn not_seen<T>(action: &str, refusal: &Refused) -> Seen<T> {
    Seen::Not(NotSeen {
        action: action.to_owned(),
        because: (!refusal.is_denied()).then(|| refusal.to_string()),
    })
}

fn unseen<E>(action: &'static str) -> impl Fn(E) -> NotSeen
where
    Refused: From<E>,
{
    move |error| {
        let refusal = Refused::from(error);
        NotSeen {
            action: action.to_owned(),
            because: (!refusal.is_denied()).then(|| refusal.to_string()),
        }
    }
}
