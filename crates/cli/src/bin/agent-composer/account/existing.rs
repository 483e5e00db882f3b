//! What a template's stack is made of in an account: the stack, what it imports, and what exists under an agent's names.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use agent_composer_cli::{
    plan::{Composed, Existing},
    template::Given,
};
use agent_composer_model::{
    composition::POLICY_PREFIX,
    ownership::{PREFIX, Tags},
};
use aws_sdk_ecs::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::AfterDeserializationInterceptorContextRef},
    error::BoxError,
    types::TaskDefinitionField,
};
use serde_json::{Value, json};

use super::{Account, absent, failed, message, tags};
use crate::refused::Refused;

impl Account {
    /// Adds what the account knows to what was given, which goes first: exports, and of the stack, if it is there, its
    /// ARN, its parameters and its resources.
    pub(crate) async fn complete(&self, stack_name: &str, given: &mut Given) -> Result<(), String> {
        given.region = Some(self.region.clone());
        let mut exports = self
            .clients
            .cloudformation
            .list_exports()
            .into_paginator()
            .items()
            .send();
        while let Some(export) = exports.next().await {
            let export = export.map_err(failed("cloudformation:ListExports", "the exports"))?;
            if let (Some(name), Some(value)) = (export.name, export.value) {
                given.imports.entry(name).or_insert(value);
            }
        }
        let Some(stack) = self.stack(stack_name).await? else {
            return Ok(());
        };
        given.account = stack
            .stack_id()
            .and_then(|id| id.split(':').nth(4))
            .map(ToOwned::to_owned);
        for parameter in stack.parameters() {
            // What is not to be echoed is shown as asterisks.
            if let (Some(name), Some(value)) = (parameter.parameter_key(), parameter.parameter_value())
                && value != "****"
            {
                given
                    .parameters
                    .entry(name.to_owned())
                    .or_insert_with(|| value.to_owned());
            }
        }
        given.stack_id = stack.stack_id().map(ToOwned::to_owned);
        self.add_resources(stack_name, given).await
    }

    /// A stack by its name, or by its ARN also after its deletion.
    pub(super) async fn stack(&self, name: &str) -> Result<Option<aws_sdk_cloudformation::types::Stack>, String> {
        match self
            .clients
            .cloudformation
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
        {
            Ok(found) => Ok(found.stacks.unwrap_or_default().into_iter().next()),
            Err(error) => {
                let refusal = Refused::from(error);
                if refusal.message.contains("does not exist") {
                    return Ok(None);
                }
                Err(message("cloudformation:DescribeStacks", name, &refusal))
            }
        }
    }

    async fn add_resources(&self, stack_name: &str, given: &mut Given) -> Result<(), String> {
        let list = self
            .clients
            .cloudformation
            .list_stack_resources()
            .stack_name(stack_name);
        let mut resources = list.into_paginator().items().send();
        while let Some(resource) = resources.next().await {
            let resource = resource.map_err(failed("cloudformation:ListStackResources", stack_name))?;
            let (Some(logical_id), Some(physical_id)) = (resource.logical_resource_id, resource.physical_resource_id)
            else {
                continue;
            };
            if resource.resource_type.as_deref() == Some("AWS::CloudFormation::Stack")
                && let Some(nested) = self.stack(&physical_id).await?
            {
                for output in nested.outputs() {
                    if let (Some(name), Some(value)) = (output.output_key(), output.output_value()) {
                        let attribute = format!("{logical_id}.Outputs.{name}");
                        given.attributes.insert(attribute, value.to_owned());
                    }
                }
            }
            given.references.insert(logical_id, physical_id);
        }
        Ok(())
    }

    /// What is under an agent's names.
    pub(crate) async fn existing(&self, composed: &Composed) -> Result<Existing, String> {
        let identity = &composed.identity;
        let (task_definition, execution_role, task_role, log_group) = tokio::try_join!(
            self.task_definition(identity.family.as_str()),
            self.role(identity.execution_role_name()),
            self.role(identity.task_role_name()),
            self.log_group(identity.log_group_name()),
        )?;
        Ok(Existing {
            task_definition,
            execution_role,
            task_role,
            log_group,
        })
    }

    async fn task_definition(&self, family: &str) -> Result<Option<(Value, i64, Tags)>, String> {
        let described = self.described(family).await;
        described.map_err(|refusal| message("ecs:DescribeTaskDefinition", family, &refusal))
    }

    /// The newest ACTIVE revision of a family as ECS describes it, with its number and its tags.
    pub(super) async fn described(&self, family: &str) -> Result<Option<(Value, i64, Tags)>, Refused> {
        let raw = Raw::default();
        let describe = self.clients.ecs.describe_task_definition().task_definition(family);
        let described = (describe.include(TaskDefinitionField::Tags).customize())
            .interceptor(raw.clone())
            .send()
            .await;
        let Some(described) = absent(described)? else {
            return Ok(None);
        };
        let document: Value = raw.taken().map_err(Refused::other)?;
        let document = &document["taskDefinition"];
        if document["status"] != "ACTIVE" {
            return Ok(None);
        }
        let tags = tags(described.tags().iter().map(|tag| (tag.key(), tag.value())));
        let number = document["revision"].as_i64().unwrap_or_default();
        Ok(Some((document.clone(), number, tags)))
    }

    /// A role, as `AWS::IAM::Role` has it, with those of its policies that are the provider's.
    async fn role(&self, name: String) -> Result<Option<Value>, String> {
        let iam = &self.clients.iam;
        let found = absent(iam.get_role().role_name(&name).send().await)
            .map_err(|refusal| message("iam:GetRole", &name, &refusal))?;
        let Some(role) = found.and_then(|found| found.role) else {
            return Ok(None);
        };
        let mut policies = Vec::new();
        let mut names = iam
            .list_role_policies()
            .role_name(&name)
            .into_paginator()
            .items()
            .send();
        while let Some(policy) = names.next().await {
            let policy = policy.map_err(failed("iam:ListRolePolicies", &name))?;
            if policy.starts_with(POLICY_PREFIX) {
                let found = iam.get_role_policy().role_name(&name).policy_name(&policy).send().await;
                let found = found.map_err(failed("iam:GetRolePolicy", &name))?;
                policies.push(json!({"PolicyName": "Rights", "PolicyDocument": document(found.policy_document())}));
            }
        }
        let mut managed = Vec::new();
        let mut attached = iam
            .list_attached_role_policies()
            .role_name(&name)
            .into_paginator()
            .items()
            .send();
        while let Some(policy) = attached.next().await {
            let policy = policy.map_err(failed("iam:ListAttachedRolePolicies", &name))?;
            managed.extend(policy.policy_arn);
        }
        let tags = role.tags().iter().filter(|tag| !tag.key().starts_with(PREFIX));
        let tags: BTreeMap<&str, &str> = tags.map(|tag| (tag.key(), tag.value())).collect();
        let boundary = role
            .permissions_boundary()
            .and_then(|boundary| boundary.permissions_boundary_arn());
        Ok(Some(json!({
            "RoleName": role.role_name(),
            "Path": role.path(),
            "Description": role.description(),
            "AssumeRolePolicyDocument": role.assume_role_policy_document().map(document),
            "Policies": policies,
            "ManagedPolicyArns": managed,
            "PermissionsBoundary": boundary,
            "Tags": tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>(),
        })))
    }

    async fn log_group(&self, name: String) -> Result<Option<Value>, String> {
        let describe = self.clients.logs.describe_log_groups().log_group_name_prefix(&name);
        let mut groups = describe.into_paginator().items().send();
        while let Some(group) = groups.next().await {
            let group = group.map_err(failed("logs:DescribeLogGroups", &name))?;
            if group.log_group_name() != Some(name.as_str()) {
                continue;
            }
            let arn = group
                .log_group_arn()
                .or(group.arn())
                .unwrap_or_default()
                .trim_end_matches(":*");
            let tags = self
                .clients
                .logs
                .list_tags_for_resource()
                .resource_arn(arn)
                .send()
                .await;
            let tags = tags
                .map_err(failed("logs:ListTagsForResource", &name))?
                .tags
                .unwrap_or_default();
            let tags: BTreeMap<String, String> = tags.into_iter().filter(|(key, _)| !key.starts_with(PREFIX)).collect();
            let class = group.log_group_class().map_or("STANDARD", |class| class.as_str());
            return Ok(Some(json!({
                "LogGroupName": name,
                "RetentionInDays": group.retention_in_days(),
                "LogGroupClass": class,
                "KmsKeyId": group.kms_key_id(),
                "Tags": tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>(),
            })));
        }
        Ok(None)
    }
}

/// A document that IAM shows percent-encoded.
pub(super) fn document(encoded: &str) -> Value {
    let text = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Keeps an answer as it came: the documents that ECS describes have no other form that could be compared.
#[derive(Clone, Debug, Default)]
struct Raw(Arc<Mutex<Vec<u8>>>);

impl Raw {
    fn taken(&self) -> Result<Value, String> {
        let bytes = self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default();
        serde_json::from_slice(&bytes).map_err(|error| format!("ECS's answer is not JSON: {error}"))
    }
}

impl Intercept for Raw {
    fn name(&self) -> &'static str {
        "Raw"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(bytes), Ok(mut kept)) = (context.response().body().bytes(), self.0.lock()) {
            *kept = bytes.to_vec();
        }
        Ok(())
    }
}
