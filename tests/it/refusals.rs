//! Malformed properties and events: refused with their path, before any call that writes, and safe to delete.

use serde_json::{Value, json};

use crate::{
    account::Account,
    granted::policies_of,
    stack::{Stack, TIMEOUT, cargo, cargo_of, without_view_or_marks},
};

/// The parameters of a provider that serves families with a prefix alone.
const RIGHTS: [(&str, &str); 2] = [("FamilyPrefix", "ci-"), ("PermissionsBoundaryArn", "none")];

#[tokio::test(start_paused = true)]
async fn outside_of_the_family_prefix_a_refused_create_can_be_deleted_and_a_refused_rename_taken_back() {
    let stack = Stack::configured(&Account::new(), "pipelines", &[("FAMILY_PREFIX", "ci-")]);
    stack.account.enforce_all(&policies_of("HandlerRole", &RIGHTS));
    let of_family = |family: &str| cargo_of(Some(family));
    for refused in [cargo_of(None), of_family("rust")] {
        let answer = stack.create("CargoPublish", &refused).await;
        let id = answer.id.clone();
        assert!(answer.failure().contains("`FamilyPrefix`"));
        stack.delete("CargoPublish", &id, &refused).await.success();
    }
    let invented = "pipelines-CargoPublish-1A2B3C4D5E6F";
    stack.delete("CargoPublish", invented, &cargo_of(None)).await.success();

    let id = stack.create("CargoPublish", &of_family("ci-rust")).await.success().id;
    for refused in ["rust", "ci.rust"] {
        let (old, new) = (of_family("ci-rust"), of_family(refused));
        stack.update("CargoPublish", &id, &old, &new).await.failure();
        stack.update("CargoPublish", &id, &new, &old).await.success();
    }
    stack.delete("CargoPublish", &id, &of_family("ci-rust")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_before_there_was_a_family_prefix_is_not_left_behind_unseen() {
    let account = Account::new();
    let stack = Stack::in_account(&account, "pipelines");
    let id = stack.create("CargoPublish", &cargo("rust:1")).await.success().id;
    let stack = stack.reconfigured(&[("FAMILY_PREFIX", "ci-")]);
    account.enforce_all(&policies_of("HandlerRole", &RIGHTS));
    let reason = stack.delete("CargoPublish", &id, &cargo("rust:1")).await.failure();
    assert!(reason.contains("logs:ListTagsForResource"), "{reason}");
}

/// One policy, whose statement has this condition.
fn conditional(condition: &Value) -> Value {
    let statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition});
    json!([{"PolicyName": "a", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}])
}

/// One change each to sound properties: the property that is changed, and its value.
pub fn malformed() -> Vec<(&'static str, Value)> {
    [malformed_images_and_policies(), malformed_values_and_sizes()].concat()
}

fn malformed_images_and_policies() -> Vec<(&'static str, Value)> {
    vec![
        ("Image", json!("")),
        ("Image", json!(["ruby"])),
        ("Image", json!("Ruby 2.7")),
        ("Image", json!("https://ghcr.io/a/b")),
        ("Image", json!("ruby@sha256:beef")),
        ("BuildkiteAgentImage", json!("not an image")),
        ("BuildkiteAgentImage", json!({"a": "b"})),
        ("Imgae", json!("ruby")),
        ("Labels", json!([])),
        ("Tags", json!([{"Key": "aws:team", "Value": "a"}])),
        ("Tags", json!([{"Key": "Agent-Composer:team", "Value": "a"}])),
        ("Tags", json!([{"Key": "team", "Value": "Aws:a"}])),
        ("Sidecars", json!([{"Name": "agent", "Image": "alpine"}])),
        ("TaskRolePolicies", json!([])),
        (
            "TaskRolePolicies",
            conditional(&json!({"StringEqual": {"aws:SourceIp": "10.0.0.1"}})),
        ),
        (
            "TaskRolePolicies",
            conditional(&json!({"NullIfExists": {"aws:SourceIp": "true"}})),
        ),
        (
            "TaskRolePolicies",
            conditional(&json!({"StringEquals": {"SourceIp": "10.0.0.1"}})),
        ),
        ("TaskRolePolicies", conditional(&json!({"StringEquals": {}}))),
        (
            "SshAgentBackend",
            json!("https://a1b2c3.execute-api.us-east-1.amazonaws.com/Prod"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws:execute-api:us-east-1:111122223333:a1b2c3"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws-cn:execute-api:cn-north-1:111122223333:a1b2c3/Prod"),
        ),
    ]
}

fn malformed_values_and_sizes() -> Vec<(&'static str, Value)> {
    let secret = |value_from: &str| json!([{"Name": "A", "ValueFrom": value_from}]);
    let variable = |name: &str| json!([{"Name": name, "Value": "1"}]);
    vec![
        ("Secrets", json!("CARGO_REGISTRY_TOKEN")),
        ("Secrets", json!({"Name": "A", "ValueFrom": "/a"})),
        ("Secrets", json!(["/cargo/registry-token"])),
        ("Secrets", json!([{"Name": "A"}])),
        ("Secrets", json!([{"ValueFrom": "/a"}])),
        ("Secrets", json!([{"Name": "A", "ValueFrom": "/a", "Value": "b"}])),
        ("Secrets", secret("/a//b")),
        ("Secrets", secret("arn:aws:s3:::bucket/key")),
        (
            "Secrets",
            secret("arn:aws:secretsmanager:us-east-1:111122223333:deploy"),
        ),
        (
            "Secrets",
            secret("arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbC123:key"),
        ),
        ("Secrets", json!([{"Name": "BUILDKITE_AGENT_TOKEN", "ValueFrom": "/a"}])),
        (
            "Secrets",
            json!([{"Name": "A", "ValueFrom": "/a"}, {"Name": "A", "ValueFrom": "/b"}]),
        ),
        ("Environment", json!("A=1")),
        ("Environment", json!([{"Name": "A"}])),
        ("Environment", json!([{"Name": "A", "Value": ["1"]}])),
        ("Environment", variable("1A")),
        ("Environment", variable("A=B")),
        ("Environment", variable("BUILDKITE_AGENT_TOKEN")),
        ("Environment", variable("SSH_AUTH_SOCK")),
        (
            "Environment",
            json!([{"Name": "A", "Value": "1"}, {"Name": "A", "Value": "2"}]),
        ),
        ("Environment", json!([{"Name": "BIG", "Value": "x".repeat(64_000)}])),
        ("TaskFamily", json!("cargo publish")),
        ("TaskFamily", json!("x".repeat(256))),
        ("TaskMemory", json!("lots")),
        ("TaskMemory", json!("3000")),
        ("TaskCpu", json!("2 cores")),
        ("TaskCpu", json!("300")),
        ("TaskRoleArn", json!("arn:aws:iam::111122223333:role/deploy")),
        (
            "TaskRoleArn",
            json!("arn:aws:iam::999999999999:role/BuildkiteAgentTask/deploy"),
        ),
        ("BuildkiteAgentTokenParameterPath", json!("no parameter")),
    ]
}

#[tokio::test(start_paused = true)]
async fn forty_malformed_property_sets_are_refused_by_name_without_a_write_and_their_delete_succeeds() {
    let cases = malformed();
    assert!(cases.len() >= 40);
    for (property, value) in cases {
        let stack = Stack::new();
        let mut properties = cargo("rust:1");
        properties[property] = value.clone();
        let answer = stack.create("CargoPublish", &properties).await;
        let reason = answer.clone().failure();
        assert!(
            reason.contains(&format!("`{property}")),
            "{property}: {value}: {reason}"
        );
        assert!(stack.account.writes().is_empty(), "{property}: {value}");
        stack.delete("CargoPublish", &answer.id, &properties).await.success();
        assert!(stack.account.leftovers().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_update_changes_nothing_and_answers_with_its_id() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let before = without_view_or_marks(stack.account.snapshot());
    for (property, value) in malformed() {
        let mut properties = cargo("rust:2");
        properties[property] = value;
        let answer = stack
            .update("CargoPublish", &created.id, &cargo("rust:1"), &properties)
            .await;
        assert_eq!(answer.id, created.id);
        answer.failure();
        let back = stack
            .update("CargoPublish", &created.id, &properties, &cargo("rust:1"))
            .await
            .success();
        assert_eq!(back.id, created.id);
    }
    assert_eq!(without_view_or_marks(stack.account.snapshot()), before);
}

#[tokio::test(start_paused = true)]
async fn a_family_at_fault_is_answered_with_the_default_ones_id() {
    let stack = Stack::new();
    let mut properties = cargo("rust:1");
    properties["TaskFamily"] = json!("cargo publish");
    let answer = stack.create("CargoPublish", &properties).await;
    assert_eq!(
        answer.id,
        "arn:aws:ecs:us-east-1:111122223333:task-definition/cargopublish"
    );
}

#[tokio::test(start_paused = true)]
async fn malformed_events_are_answered_where_they_can_be() {
    let stack = Stack::new();
    for (field, value) in [
        ("RequestType", json!("Replace")),
        ("RequestType", json!(null)),
        ("StackId", json!("pipelines")),
        ("ResourceProperties", json!("none")),
    ] {
        let mut event = stack.event("Create", "Ruby2", None, &cargo("rust:1"));
        event[field] = value;
        let reason = stack.deliver(&event).await.unwrap().failure();
        assert!(reason.contains(&format!("`{field}`")), "{reason}");
    }
    for missing in ["PhysicalResourceId", "LogicalResourceId"] {
        let mut event = stack.event("Delete", "Ruby2", Some("an-id"), &cargo("rust:1"));
        event[missing] = json!("");
        let reason = stack.deliver(&event).await.unwrap().failure();
        assert!(reason.contains(&format!("`{missing}`")), "{reason}");
    }
    assert!(stack.account.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_whole_is_answered_all_the_same() {
    let stack = Stack::new();
    let event = stack.event("Create", "Ruby2", None, &json!("PROPERTIES")).to_string();
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for properties in [deep.as_str(), "{\"Image\": \"\\udc00\"}", "{\"TaskCpu\": -1e999}"] {
        let already = stack.inbox.taken();
        stack
            .hand_over_text(&event.replace("\"PROPERTIES\"", properties), TIMEOUT)
            .await
            .unwrap();
        let answer = &stack.inbox.since(already)[0];
        assert_eq!(answer["Status"], "FAILED");
        assert_eq!(answer["RequestId"], "request-0");
        assert_eq!(
            answer["PhysicalResourceId"],
            "arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2"
        );
        assert!(
            answer["Reason"].as_str().unwrap().contains("can't be read as JSON"),
            "{answer}"
        );
    }
    assert!(stack.account.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_an_event_of_cloudformations_is_an_error_to_lambda() {
    let stack = Stack::new();
    for event in [json!({}), json!("ping"), json!({"ResponseURL": 5})] {
        assert!(stack.handled(&event).await.is_err());
    }
    assert_eq!(stack.inbox.taken(), 0);
}
