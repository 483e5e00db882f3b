//! What template.yml lets the function do: nothing else may ever be called.

use serde_json::{Value, json};

use super::world::World;
use crate::account::Record;

/// The actions, of which the last is no call of its own.
const ACTIONS: [&str; 30] = [
    "cloudformation:DescribeStackResource",
    "cloudformation:DescribeStacks",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ecs:RegisterTaskDefinition",
    "ecs:TagResource",
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "logs:AssociateKmsKey",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DisassociateKmsKey",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
    "logs:CreateLogStream and PutLogEvents, by the runtime",
    "iam:PassRole",
];

/// The same as a policy, with template.yml's resources and conditions where there is no boundary.
pub fn policy() -> Value {
    let allow =
        |actions: &[&str], resource: Value| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let of = |service: &str| {
        let all = ACTIONS
            .iter()
            .filter(|action| action.starts_with(service) && !action.contains(' '));
        all.copied().collect::<Vec<_>>()
    };
    let roles = json!([
        "arn:aws:iam::111122223333:role/BuildkiteAgentExecution/*",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/*"
    ]);
    let made: Vec<&str> = of("iam:")
        .into_iter()
        .filter(|action| *action != "iam:PassRole")
        .collect();
    let mut pass = allow(&["iam:PassRole"], roles.clone());
    pass["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    let task_definitions = "arn:aws:ecs:us-east-1:111122223333:task-definition/*";
    let mut tag = allow(&["ecs:TagResource"], task_definitions.into());
    tag["Condition"] = json!({ "StringEquals": { "ecs:CreateAction": "RegisterTaskDefinition" } });
    json!({ "Version": "2012-10-17", "Statement": [
        allow(&["ecs:RegisterTaskDefinition"], task_definitions.into()),
        tag,
        allow(&["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions", "ecs:DeregisterTaskDefinition"], "*".into()),
        allow(&made, roles),
        pass,
        allow(&of("logs:"), "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/*".into()),
        allow(&of("cloudformation:"), "arn:aws:cloudformation:us-east-1:111122223333:stack/*".into()),
    ]})
}

impl World {
    /// Holds every call against the policy.
    pub fn check_permissions(&self) {
        if let Some(call) = self.account.unknown_calls().first() {
            self.breach(format!("the account does not know {call}"));
        }
        let foreign = self
            .account
            .calls()
            .into_iter()
            .find(|call| !ACTIONS.contains(&call.action().as_str()));
        if let Some(call) = foreign {
            self.breach(format!("template.yml does not allow {call}"));
        }
        // What is denied under a bare name is a role that is not there (see the account's `authorise`).
        let denied = self.account.denied_calls().into_iter().find(|call| {
            let Record { fault, outcome, .. } = call;
            let said = format!("{outcome:?}");
            fault.is_none() && !said.contains("resource: role ") && !said.contains("iam:PassRole")
        });
        if let Some(call) = denied {
            self.breach(format!("template.yml does not allow {call}"));
        }
    }
}

#[test]
fn the_actions_are_those_of_the_template() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yml")).unwrap();
    let mut written: Vec<&str> = template
        .lines()
        .map(|line| line.trim().trim_start_matches("- ").trim_start_matches("Action: "))
        .filter(|line| {
            ["ecs:", "iam:", "logs:", "cloudformation:"]
                .iter()
                .any(|service| line.starts_with(service))
                && line
                    .split_once(':')
                    .is_some_and(|(_, action)| action.chars().all(char::is_alphanumeric))
        })
        .filter(|action| !["logs:CreateLogStream", "logs:PutLogEvents"].contains(action))
        .collect();
    written.sort_unstable();
    written.dedup();
    let mut expected: Vec<&str> = ACTIONS.into_iter().filter(|action| !action.contains(' ')).collect();
    expected.sort_unstable();
    assert_eq!(written, expected);
}
