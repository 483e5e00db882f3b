//! What there is of agents in a Region, and of whatever looks like it.

use std::collections::{BTreeMap, BTreeSet};

use agent_composer_cli::inventory::{Found, FoundGroup, FoundRevision, FoundRole, StackState};
use aws_sdk_ecs::types::{TaskDefinitionFamilyStatus, TaskDefinitionField};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{AT_ONCE, Account, absent, failed, message, tags};

/// How the names of agents' log groups begin.
const LOG_GROUPS: &str = "/aws/ecs/";

impl Account {
    /// Everything that may be an agent's; roles under `role_paths` and where agents have theirs.
    pub(crate) async fn inventory(&self, role_paths: &[String]) -> Result<Found, String> {
        let (revisions, groups) = tokio::try_join!(self.revisions(), self.groups())?;
        let mut found = Found {
            revisions,
            groups,
            ..Found::default()
        };
        found.roles = self.roles(found.role_paths(role_paths)).await?;
        found.stacks = self.stacks(found.stack_ids(self.region())).await?;
        Ok(found)
    }

    async fn revisions(&self) -> Result<Vec<FoundRevision>, String> {
        let list = self.clients.ecs.list_task_definition_families();
        let list = list.status(TaskDefinitionFamilyStatus::Active);
        let families: Vec<String> = list
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(failed("ecs:ListTaskDefinitionFamilies", "the Region"))?;
        let each = stream::iter(families).map(|family| self.revision(family));
        let found: Vec<Option<FoundRevision>> = each.buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The newest ACTIVE revision; it may have been deregistered since the family was listed.
    async fn revision(&self, family: String) -> Result<Option<FoundRevision>, String> {
        let describe = self.clients.ecs.describe_task_definition().task_definition(&family);
        let described = describe.include(TaskDefinitionField::Tags).send().await;
        let described =
            absent(described).map_err(|refusal| message("ecs:DescribeTaskDefinition", &family, &refusal))?;
        let Some((described, definition)) =
            described.and_then(|described| Some((described.tags, described.task_definition?)))
        else {
            return Ok(None);
        };
        let containers = definition.container_definitions();
        let agent = containers.iter().find(|container| container.name() == Some("agent"));
        let roles = [definition.execution_role_arn(), definition.task_role_arn()];
        Ok(Some(FoundRevision {
            arn: definition.task_definition_arn().unwrap_or_default().to_owned(),
            number: i64::from(definition.revision()),
            image: agent.and_then(|agent| agent.image()).map(ToOwned::to_owned),
            roles: roles.into_iter().flatten().map(ToOwned::to_owned).collect(),
            tags: tags(described.iter().flatten().map(|tag| (tag.key(), tag.value()))),
            family,
        }))
    }

    async fn groups(&self) -> Result<Vec<FoundGroup>, String> {
        let describe = self
            .clients
            .logs
            .describe_log_groups()
            .log_group_name_prefix(LOG_GROUPS);
        let groups: Vec<_> = describe
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(failed("logs:DescribeLogGroups", LOG_GROUPS))?;
        let named = groups.into_iter().filter_map(|group| {
            let arn = group.log_group_arn().or(group.arn())?;
            Some((arn.trim_end_matches(":*").to_owned(), group.log_group_name?))
        });
        let each = stream::iter(named).map(|(arn, name)| self.group(arn, name));
        let found: Vec<Option<FoundGroup>> = each.buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn group(&self, arn: String, name: String) -> Result<Option<FoundGroup>, String> {
        let tags = self.clients.logs.list_tags_for_resource().resource_arn(arn);
        let tags = absent(tags.send().await).map_err(|refusal| message("logs:ListTagsForResource", &name, &refusal))?;
        Ok(tags.map(|found| FoundGroup {
            name,
            tags: found.tags.unwrap_or_default().into_iter().collect(),
        }))
    }

    /// The roles under paths: a list shows neither tags nor boundaries.
    async fn roles(&self, paths: BTreeSet<String>) -> Result<Vec<FoundRole>, String> {
        let mut names = BTreeSet::new();
        for path in paths {
            let list = self.clients.iam.list_roles().path_prefix(&path);
            let mut roles = list.into_paginator().items().send();
            while let Some(role) = roles.next().await {
                let role = role.map_err(failed("iam:ListRoles", &path))?;
                names.insert(role.role_name);
            }
        }
        let each = stream::iter(names).map(|name| self.found_role(name));
        let found: Vec<Option<FoundRole>> = each.buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn found_role(&self, name: String) -> Result<Option<FoundRole>, String> {
        let found = absent(self.clients.iam.get_role().role_name(&name).send().await)
            .map_err(|refusal| message("iam:GetRole", &name, &refusal))?;
        let role = found.and_then(|found| found.role);
        Ok(role.map(|role| FoundRole {
            name,
            boundary: (role.permissions_boundary())
                .and_then(|boundary| boundary.permissions_boundary_arn())
                .map(ToOwned::to_owned),
            tags: tags(role.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value())))),
            arn: role.arn,
        }))
    }

    async fn stacks(&self, ids: BTreeSet<String>) -> Result<BTreeMap<String, StackState>, String> {
        let each = stream::iter(ids).map(|id| async move {
            let stack = self.stack(&id).await?;
            let status = stack.as_ref().and_then(|stack| Some(stack.stack_status()?.as_str()));
            Ok((id, StackState::of(status)))
        });
        each.buffered(AT_ONCE).try_collect().await
    }
}
