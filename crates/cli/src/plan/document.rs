//! A plan as documents: what would be made, in the words of the services, and what is wrong.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Agent, Assumed, Composed, Finding, Outcome, Plan};
use crate::template::Weight;
use agent_composer_model::{
    composition::{self, Composition, Policy, TaskRole},
    ownership::PREFIX,
};

/// What one resource is made of: the task definition in the words of ECS's API, the rest as CloudFormation has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Documents {
    /// `RegisterTaskDefinition`'s input, without the provider's tags.
    pub task_definition: Value,
    /// The properties of an `AWS::IAM::Role`.
    pub execution_role: Value,
    /// The same; none where the role is the author's own.
    pub task_role: Option<Value>,
    /// The properties of an `AWS::Logs::LogGroup`.
    pub log_group: Value,
}

impl Documents {
    /// Those of a composition.
    #[must_use]
    pub fn of(composition: &Composition) -> Self {
        let Composition {
            log_group,
            execution_role,
            task_role,
            task_definition,
            tags: _,
        } = composition;
        let authors_tags = tags(&task_definition.tags);
        Self {
            task_definition: serde_json::to_value(task_definition).unwrap_or_default(),
            execution_role: role(execution_role),
            task_role: match task_role {
                TaskRole::Made(made) => Some(role(made)),
                TaskRole::Own(_) => None,
            },
            log_group: without_nothing(json!({
                "LogGroupName": log_group.name,
                "RetentionInDays": log_group.retention_days,
                "LogGroupClass": log_group.class,
                "KmsKeyId": log_group.kms_key,
                "Tags": authors_tags,
            })),
        }
    }
}

fn role(role: &composition::Role) -> Value {
    let mut authors = role.tags.clone();
    authors.retain(|key, _| !key.starts_with(PREFIX));
    let policies = role
        .policy
        .iter()
        .map(|policy| json!({"PolicyName": "Rights", "PolicyDocument": policy_document(policy)}));
    without_nothing(json!({
        "RoleName": role.name,
        "Path": role.path,
        "Description": role.description,
        "AssumeRolePolicyDocument": policy_document(&role.trust),
        "Policies": policies.collect::<Vec<_>>(),
        "ManagedPolicyArns": role.managed_policies,
        "PermissionsBoundary": role.boundary,
        "Tags": tags(&authors),
    }))
}

/// A policy as a value.
pub(super) fn policy_document(policy: &Policy) -> Value {
    serde_json::to_value(policy).unwrap_or_default()
}

fn tags(tags: &std::collections::BTreeMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// Removes fields that are null or empty lists.
fn without_nothing(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let kept = fields
        .into_iter()
        .filter(|(_, field)| !matches!(field, Value::Null) && *field != json!([]));
    Value::Object(kept.collect())
}

/// The whole plan, with `${…}` for what is not known.
#[must_use]
pub fn document(plan: &Plan) -> Value {
    let resources: Map<String, Value> = (plan.agents.iter())
        .map(|agent| (agent.logical_id.clone(), resource(plan, agent)))
        .collect();
    let of = |weight: Weight, word: &str| -> Vec<Value> {
        let found = plan.findings.iter().filter(|finding| finding.weight == weight);
        found.map(|finding| located(finding, word)).collect()
    };
    json!({
        "resources": resources,
        "faults": of(Weight::Fault, "fault"),
        "notes": of(Weight::Note, "note"),
        "notLookedAt": plan.not_looked_at,
    })
}

fn resource(plan: &Plan, agent: &Agent) -> Value {
    let composed = match &agent.outcome {
        Outcome::Left(condition) => return json!({"outcome": "left out", "condition": condition}),
        Outcome::Refused => return json!({"outcome": "refused"}),
        Outcome::NotKnown => return json!({"outcome": "not known"}),
        Outcome::Composed(composed) => composed,
    };
    let Composed {
        identity,
        properties: _,
        composition,
        assumed,
        may_be_absent,
        inferred,
    } = &**composed;
    let Documents {
        task_definition,
        execution_role,
        task_role,
        log_group,
    } = Documents::of(composition);
    let assumed = assumed.iter().map(
        |Assumed {
             path, written, taken, ..
         }| json!({"path": path, "written": written, "taken": taken}),
    );
    let inferred = inferred
        .iter()
        .map(|(what, value)| json!({"what": what, "value": value}));
    let whole = json!({
        "outcome": "composed",
        "condition": agent.condition,
        "physicalId": identity.physical_id(),
        "taskDefinition": task_definition,
        "executionRole": execution_role,
        "taskRole": task_role.unwrap_or_else(|| json!({"Arn": composition.task_role.arn()})),
        "logGroup": log_group,
        "notKnown": assumed.collect::<Vec<_>>(),
        "mayBeAbsent": may_be_absent,
        "inferred": inferred.collect::<Vec<_>>(),
    });
    plan.shown_in(&without_nothing(whole))
}

fn located(finding: &Finding, word: &str) -> Value {
    json!({
        "resource": finding.logical_id,
        "path": finding.path,
        "line": finding.at.start.line,
        "column": finding.at.start.column,
        word: finding.sentence,
    })
}
