//! The answer to CloudFormation: its fields, and how it is cut to fit.

use serde::Serialize;

use crate::{composition::LogGroup, identity::Identity, reconcile::ensure::Applied, request::Envelope};

/// The whole body's limit in bytes (docs/internals/cloudformation.md, "Answers"); over it CloudFormation reads
/// "Response object is too long."
pub const MAXIMUM_BYTES: usize = 4096;

/// What ends a reason that was cut.
const CUT: &str = " … (cut; the function's log has all of it)";

/// The attributes that `Fn::GetAtt` reads: the same keys on Create and Update, all strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    /// The newest revision's ARN, with the revision.
    pub task_definition_arn: String,
    /// The revision's number.
    pub revision: String,
    /// The task definition's name, by which pipelines ask for it.
    pub task_family: String,
    /// The task role's ARN, the user's own or the one that was made.
    pub task_role_arn: String,
    /// The task role's name.
    pub task_role_name: String,
    /// The task role's unique id (`AROA…`), by which iam-ssh-agent grants keys.
    pub task_role_id: String,
    /// The execution role's ARN.
    pub execution_role_arn: String,
    /// The agents' log group.
    pub log_group_name: String,
}

impl Attributes {
    /// The attributes of what holds now.
    #[must_use]
    pub fn of(identity: &Identity, applied: &Applied, log_group: &LogGroup) -> Self {
        Self {
            task_definition_arn: applied.revision.arn.clone(),
            revision: applied.revision.number.to_string(),
            task_family: identity.family.to_string(),
            task_role_arn: applied.task_role.arn.clone(),
            task_role_name: applied.task_role.name.clone(),
            task_role_id: applied.task_role.id.clone(),
            execution_role_arn: applied.execution_role_arn.clone(),
            log_group_name: log_group.name.clone(),
        }
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success, with what `Fn::GetAtt` reads; a Delete has nothing to read.
    Success(Option<Attributes>),
    /// Failure, for this reason.
    Failed(String),
}

/// The answer, in CloudFormation's words. Optional fields are left out: a `null` makes CloudFormation throw the whole
/// answer away (docs/internals/cloudformation.md, "Answers").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Response {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Attributes>,
}

impl Response {
    /// The answer to the request of that envelope.
    #[must_use]
    pub fn new(envelope: &Envelope, physical_id: String, outcome: Outcome) -> Self {
        let (status, reason, data) = match outcome {
            Outcome::Success(attributes) => ("SUCCESS", None, attributes),
            Outcome::Failed(reason) => ("FAILED", Some(printable(&reason)), None),
        };
        Self {
            status,
            reason,
            physical_resource_id: physical_id,
            stack_id: envelope.stack_id.clone(),
            request_id: envelope.request_id.clone(),
            logical_resource_id: envelope.logical_id.clone(),
            data,
        }
    }

    /// `SUCCESS` or `FAILED`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.status
    }

    /// Why it failed.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The id that CloudFormation gets.
    #[must_use]
    pub fn physical_id(&self) -> &str {
        &self.physical_resource_id
    }

    /// The body to send: JSON within [`MAXIMUM_BYTES`], for which the reason is cut at the end, between characters.
    /// What counts is the serialised length, since JSON's escapes make a text longer.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let whole = self.serialised();
        let Some(reason) = self.reason.as_deref().filter(|_| whole.len() > MAXIMUM_BYTES) else {
            return whole;
        };
        let ends: Vec<usize> = reason.char_indices().map(|(at, _)| at).collect();
        let cut = |end: usize| Self {
            reason: Some(format!("{}{CUT}", &reason[..end])),
            ..self.clone()
        };
        let fitting = ends.partition_point(|&end| cut(end).serialised().len() <= MAXIMUM_BYTES);
        cut(fitting.checked_sub(1).map_or(0, |last| ends[last])).serialised()
    }

    fn serialised(&self) -> Vec<u8> {
        // A map with string keys and no custom `Serialize`: it can't fail, and an empty body would be refused loudly.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The text without control characters, which break the stack's event list (docs/internals/cloudformation.md,
/// "Answers").
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::request::{Request, tests::event};

    fn envelope() -> Envelope {
        Request::parse(&event()).unwrap().envelope
    }

    fn attributes() -> Attributes {
        Attributes {
            task_definition_arn: "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2:7".into(),
            revision: "7".into(),
            task_family: "ruby2".into(),
            task_role_arn: "arn:aws:iam::123456789012:role/BuildkiteAgentTask/ruby2-task-0123456789ab".into(),
            task_role_name: "ruby2-task-0123456789ab".into(),
            task_role_id: "AROAEXAMPLEEXAMPLE123".into(),
            execution_role_arn: "arn:aws:iam::123456789012:role/BuildkiteAgentExecution/ruby2-execution-0123456789ab"
                .into(),
            log_group_name: "/aws/ecs/ruby2".into(),
        }
    }

    #[test]
    fn a_success_says_every_attribute_as_a_string_and_nothing_that_is_null() {
        let response = Response::new(&envelope(), "the-id".into(), Outcome::Success(Some(attributes())));
        insta::assert_snapshot!(serde_json::to_string_pretty(&response).unwrap(), @r#"
        {
          "Status": "SUCCESS",
          "PhysicalResourceId": "the-id",
          "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/pipelines/5f2c1b70-0001-11f0-8de9-0242ac120002",
          "RequestId": "0f3b2f2a-7f6e-4b8c-9a57-2f5d3a6f0d11",
          "LogicalResourceId": "Ruby2",
          "Data": {
            "TaskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2:7",
            "Revision": "7",
            "TaskFamily": "ruby2",
            "TaskRoleArn": "arn:aws:iam::123456789012:role/BuildkiteAgentTask/ruby2-task-0123456789ab",
            "TaskRoleName": "ruby2-task-0123456789ab",
            "TaskRoleId": "AROAEXAMPLEEXAMPLE123",
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/BuildkiteAgentExecution/ruby2-execution-0123456789ab",
            "LogGroupName": "/aws/ecs/ruby2"
          }
        }
        "#);
    }

    #[test]
    fn a_failure_says_why_without_control_characters() {
        let response = Response::new(
            &envelope(),
            "the-id".into(),
            Outcome::Failed("two\nlines and \u{1b}[31mred".into()),
        );
        insta::assert_snapshot!(serde_json::to_string_pretty(&response).unwrap(), @r#"
        {
          "Status": "FAILED",
          "Reason": "two lines and  [31mred",
          "PhysicalResourceId": "the-id",
          "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/pipelines/5f2c1b70-0001-11f0-8de9-0242ac120002",
          "RequestId": "0f3b2f2a-7f6e-4b8c-9a57-2f5d3a6f0d11",
          "LogicalResourceId": "Ruby2"
        }
        "#);
    }

    #[test]
    fn the_longest_names_that_aws_takes_still_fit() {
        let long = |n: usize| "x".repeat(n);
        let mut envelope = envelope();
        envelope.stack_id = format!(
            "arn:aws:cloudformation:us-east-1:123456789012:stack/{}/5f2c1b70-0001-11f0-8de9-0242ac120002",
            long(128)
        );
        envelope.logical_id = long(255);
        let arn = |rest: usize| {
            format!(
                "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:task-definition/{}",
                long(rest)
            )
        };
        let response = Response::new(
            &envelope,
            arn(255),
            Outcome::Success(Some(Attributes {
                task_definition_arn: arn(263),
                revision: "1000000".into(),
                task_family: long(255),
                task_role_arn: long(35 + 512 + 64),
                task_role_name: long(64),
                task_role_id: long(21),
                execution_role_arn: long(35 + 512 + 64),
                log_group_name: long(264),
            })),
        );
        assert!(response.body().len() <= MAXIMUM_BYTES, "{}", response.body().len());
    }

    proptest! {
        #[test]
        fn any_reason_fits_and_is_cut_between_characters(reason in "(\\PC|\"|\\\\){0,6000}") {
            let response = Response::new(&envelope(), "the-id".into(), Outcome::Failed(reason.clone()));
            let body = response.body();
            prop_assert!(body.len() <= MAXIMUM_BYTES);
            let fields: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let shown = fields["Reason"].as_str().unwrap();
            if shown != reason {
                prop_assert!(shown.ends_with("log has all of it)"));
                prop_assert!(body.len() > MAXIMUM_BYTES - 16, "cut more than needed: {}", body.len());
            }
        }
    }
}
