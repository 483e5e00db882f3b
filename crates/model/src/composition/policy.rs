//! IAM policy documents: the little of their grammar that is used here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::identity::hash;

/// A condition: operator → key → values.
pub(super) type Condition = BTreeMap<&'static str, BTreeMap<&'static str, Vec<String>>>;

/// A policy document. `Version` is always written: without it, IAM reads the language of 2008 (docs/internals/aws.md,
/// "Names and quotas").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<AnyStatement>,
}

/// A statement of the provider's, or one as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum AnyStatement {
    Composed(Statement),
    Written(Value),
}

/// One statement, which allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) sid: String,
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<BTreeMap<&'static str, &'static str>>,
    action: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: Condition,
}

impl Statement {
    /// Allows `action` on `resource`, each once, in order.
    pub(super) fn allow(sid: impl Into<String>, action: &[&'static str], mut resource: Vec<String>) -> Self {
        resource.sort();
        resource.dedup();
        Self {
            sid: sid.into(),
            effect: "Allow",
            principal: None,
            action: action.to_vec(),
            resource,
            condition: Condition::new(),
        }
    }

    /// Allows ECS's tasks to take a role on; the service's name is the same in all partitions (docs/internals/aws.md,
    /// "Trust policies").
    pub(super) fn trust_ecs_tasks() -> Self {
        Self {
            principal: Some(BTreeMap::from([("Service", "ecs-tasks.amazonaws.com")])),
            ..Self::allow("EcsTasks", &["sts:AssumeRole"], Vec::new())
        }
    }

    /// … only if `key` is one of `values` under `operator`.
    #[must_use]
    pub(super) fn only_if(mut self, operator: &'static str, key: &'static str, mut values: Vec<String>) -> Self {
        values.sort();
        values.dedup();
        self.condition.entry(operator).or_default().insert(key, values);
        self
    }
}

impl Policy {
    /// A document of these statements.
    pub(super) fn of(statement: Vec<Statement>) -> Self {
        Self {
            version: "2012-10-17",
            statement: statement.into_iter().map(AnyStatement::Composed).collect(),
        }
    }

    /// The same with an author's statements after them. A `Sid` may be used once in a document: the author's keeps it.
    #[must_use]
    pub(super) fn and(mut self, written: &[Value]) -> Self {
        for ours in &mut self.statement {
            if let AnyStatement::Composed(ours) = ours
                && written.iter().any(|one| one["Sid"] == ours.sid.as_str())
            {
                ours.sid.clear();
            }
        }
        self.statement
            .extend(written.iter().cloned().map(AnyStatement::Written));
        self
    }

    /// Whether it says nothing, which IAM would not take.
    pub(super) fn is_empty(&self) -> bool {
        self.statement.is_empty()
    }

    /// The document as IAM takes it.
    #[must_use]
    pub fn document(&self) -> String {
        // Maps with string keys only: it can't fail, and IAM would refuse an empty document.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The inline policy's name, by its content: the wanted one can stand beside the one before
    /// (docs/internals/architecture.md, "Updates and rollbacks").
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = hash(&[&self.document()]);
        name.truncate(16);
        format!("{POLICY_PREFIX}{name}")
    }
}

/// How every inline policy's name begins that is this provider's: others on the role are left alone until Delete.
pub const POLICY_PREFIX: &str = "agent-composer-";
