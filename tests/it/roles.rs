//! Rights, boundaries, paths, and roles of the user's own.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    account::{Account, Fault, Lag, Record, Service},
    stack::{Stack, cargo, ruby},
};

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/BuildkiteAgentBoundary";
const OWN: &str = "arn:aws:iam::111122223333:role/BuildkiteAgentTask/deploy";

fn with_own_role(mut properties: Value) -> Value {
    properties["TaskRoleArn"] = json!(OWN);
    properties
}

#[tokio::test(start_paused = true)]
async fn rights_widen_before_the_registration_and_narrow_after_it() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let mut changed = cargo("rust:2");
    changed["Secrets"] = json!([{"Name": "ANOTHER", "ValueFrom": "/another"}]);
    let mark = stack.account.mark();
    stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &changed)
        .await
        .success();
    let calls: Vec<String> = stack.account.calls_since(mark).iter().map(Record::action).collect();
    let place = |action: &str| {
        calls
            .iter()
            .position(|call| call == action)
            .unwrap_or_else(|| panic!("{action}: {calls:?}"))
    };
    assert!(place("iam:PutRolePolicy") < place("ecs:RegisterTaskDefinition"));
    assert!(place("ecs:RegisterTaskDefinition") < place("iam:DeleteRolePolicy"));

    let role = stack
        .account
        .roles()
        .into_iter()
        .find(|role| role.name.contains("-execution-"))
        .unwrap();
    assert_eq!(role.inline.len(), 1);
    assert!(role.allows(
        "ssm:GetParameters",
        "arn:aws:ssm:us-east-1:111122223333:parameter/another",
        &[]
    ));
    assert!(!role.allows(
        "ssm:GetParameters",
        "arn:aws:ssm:us-east-1:111122223333:parameter/cargo/registry-token",
        &[]
    ));
}

#[tokio::test(start_paused = true)]
async fn rights_that_no_longer_have_a_statement_are_removed() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let mut without_ssh = cargo("rust:1");
    without_ssh["SshAgentBackend"] = json!("");
    let updated = stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &without_ssh)
        .await
        .success();
    let role = stack.account.role(updated.attribute("TaskRoleName")).unwrap();
    assert_eq!(
        (role.inline.len(), role.id.as_str()),
        (0, created.attribute("TaskRoleId"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_people_hang_on_a_role_stays_in_an_update_and_does_not_hinder_the_delete() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let role = created.attribute("TaskRoleName").to_owned();
    let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]);
    let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let policy = json!({"RoleName": role, "PolicyName": "by-hand", "PolicyDocument": document});
    stack.account.plant(Service::Iam, "PutRolePolicy", policy);
    let managed = json!({"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    stack.account.plant(Service::Iam, "AttachRolePolicy", managed);

    stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .success();
    assert!(stack.account.role(&role).unwrap().inline.contains_key("by-hand"));
    stack
        .delete("CargoPublish", &created.id, &cargo("rust:2"))
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_was_removed_and_a_trust_that_was_changed_by_hand_are_mended_by_the_next_update() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let before = stack.account.role(created.attribute("TaskRoleName")).unwrap();
    let name = before.inline.keys().next().unwrap();
    let statement = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let removed = json!({"RoleName": before.name, "PolicyName": name});
    stack.account.plant(Service::Iam, "DeleteRolePolicy", removed);
    let trust = json!({"RoleName": before.name, "PolicyDocument": document.replace("\"Resource\":\"*\"", "\"Principal\":\"*\"")});
    stack.account.plant(Service::Iam, "UpdateAssumeRolePolicy", trust);
    stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .success();
    assert_eq!(stack.account.role(&before.name).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_boundary_is_on_every_role_before_its_rights() {
    let stack = Stack::new().reconfigured(&[("PERMISSIONS_BOUNDARY_ARN", BOUNDARY)]);
    stack.create("CargoPublish", &cargo("rust:1")).await.success();
    assert!(
        stack
            .account
            .roles()
            .iter()
            .all(|role| role.boundary.as_deref() == Some(BOUNDARY))
    );
    assert!(
        stack.account.calls_to("iam:PutRolePermissionsBoundary").is_empty(),
        "it is set at creation"
    );
}

#[tokio::test(start_paused = true)]
async fn a_boundary_that_is_configured_later_reaches_roles_with_their_next_update_and_does_not_hinder_a_delete() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let bounded = stack.reconfigured(&[("PERMISSIONS_BOUNDARY_ARN", BOUNDARY)]);
    let mark = stack.account.mark();
    bounded
        .update("CargoPublish", &created.id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .success();
    assert!(
        stack
            .account
            .roles()
            .iter()
            .all(|role| role.boundary.as_deref() == Some(BOUNDARY))
    );
    for role in stack.account.roles() {
        let of_role = |record: &&Record| record.resource() == role.arn;
        let calls: Vec<String> = stack
            .account
            .calls_since(mark)
            .iter()
            .filter(of_role)
            .map(Record::action)
            .collect();
        assert!(
            calls.contains(&"iam:PutRolePermissionsBoundary".to_owned()),
            "{calls:?}"
        );
    }
    // … and taking the setting back widens nothing.
    stack
        .update("CargoPublish", &created.id, &cargo("rust:2"), &cargo("rust:3"))
        .await
        .success();
    assert!(
        stack
            .account
            .roles()
            .iter()
            .all(|role| role.boundary.as_deref() == Some(BOUNDARY))
    );
    stack
        .delete("CargoPublish", &created.id, &cargo("rust:3"))
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_changed_later_is_reported_and_what_was_made_can_still_be_deleted() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let moved = stack.reconfigured(&[("EXECUTION_ROLE_PATH", "/elsewhere/")]);
    let reason = moved
        .update("CargoPublish", &created.id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .failure();
    assert!(reason.contains("was created under another path"), "{reason}");
    moved
        .delete("CargoPublish", &created.id, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_cannot_be_used_is_answered_and_does_not_hinder_a_delete() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let broken = stack.reconfigured(&[("LOG_RETENTION_IN_DAYS", "2")]);
    let reason = broken
        .update("CargoPublish", &created.id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .failure();
    assert!(reason.contains("`LOG_RETENTION_IN_DAYS` is \"2\""), "{reason}");
    broken
        .delete("CargoPublish", &created.id, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_the_users_own_is_looked_up_and_never_touched() {
    let stack = Stack::new();
    stack.account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let own = stack.account.role("deploy").unwrap();
    let answer = stack.create("Ruby2", &with_own_role(ruby("ruby:2.7"))).await.success();
    assert_eq!(answer.attribute("TaskRoleArn"), own.arn);
    assert_eq!(answer.attribute("TaskRoleName"), "deploy");
    assert_eq!(answer.attribute("TaskRoleId"), own.id);
    assert_eq!(
        stack.account.newest_revision("ruby2").unwrap().definition["taskRoleArn"],
        own.arn
    );
    stack
        .delete("Ruby2", &answer.id, &with_own_role(ruby("ruby:2.7")))
        .await
        .success();
    assert_eq!(stack.account.roles(), [own]);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_the_authors_without_the_boundary_is_refused_before_any_write() {
    let account = Account::new();
    account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let bounded = Stack::configured(&account, "pipelines", &[("PERMISSIONS_BOUNDARY_ARN", BOUNDARY)]);
    let properties = with_own_role(ruby("ruby:2.7"));
    let reason = bounded.create("Ruby2", &properties).await.failure();
    assert!(
        reason.contains(OWN) && reason.contains(BOUNDARY) && reason.contains("is not set"),
        "{reason}"
    );
    assert!(account.writes().is_empty());

    let other = "arn:aws:iam::111122223333:policy/Other";
    for (boundary, fits) in [(other, false), (BOUNDARY, true)] {
        let boundary = json!({"RoleName": "deploy", "PermissionsBoundary": boundary});
        account.plant(Service::Iam, "PutRolePermissionsBoundary", boundary);
        let answer = bounded.create("Ruby2", &properties).await;
        assert_eq!(answer.reason.is_empty(), fits, "{}", answer.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_of_the_authors_needs_no_boundary_where_the_provider_is_configured_so() {
    let account = Account::new();
    account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let settings = [
        ("PERMISSIONS_BOUNDARY_ARN", BOUNDARY),
        ("TASK_ROLE_ARN_NEEDS_BOUNDARY", "false"),
    ];
    let stack = Stack::configured(&account, "pipelines", &settings);
    stack.create("Ruby2", &with_own_role(ruby("ruby:2.7"))).await.success();
}

#[tokio::test(start_paused = true)]
async fn a_role_that_the_provider_made_for_another_resource_is_refused_before_any_write() {
    let stack = Stack::new();
    let other = Stack::in_account(&stack.account, "other");
    let victim = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    for role in [victim.attribute("TaskRoleArn"), victim.attribute("ExecutionRoleArn")] {
        let mut properties = ruby("evil");
        properties["TaskRoleArn"] = role.into();
        let mark = stack.account.mark();
        let paths = [(
            "TASK_ROLE_PATH",
            if role.contains("-task-") {
                "/BuildkiteAgentTask/"
            } else {
                "/BuildkiteAgentExecution/"
            },
        )];
        let paths = [paths[0], ("EXECUTION_ROLE_PATH", "/elsewhere/")];
        let reason = other.reconfigured(&paths).create("Ruby2", &properties).await.failure();
        assert!(
            reason.contains("made for `CargoPublish` of the stack") && reason.contains(&stack.id),
            "{reason}"
        );
        assert!(stack.account.calls_since(mark).iter().all(|call| !call.wrote()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_of_the_users_own_that_is_not_there_is_reported_before_any_write() {
    let stack = Stack::new();
    let reason = stack.create("Ruby2", &with_own_role(ruby("ruby:2.7"))).await.failure();
    assert!(
        reason.contains(&format!("the role of `TaskRoleArn`, `{OWN}`")),
        "{reason}"
    );
    assert!(stack.account.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_of_the_users_own_that_was_just_made_is_waited_for() {
    let stack = Stack::new();
    stack.account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    for occurrence in 1..=6 {
        stack.account.fault_when({
            let mut left = occurrence;
            move |call| {
                let own = call.action() == "iam:GetRole" && call.params["RoleName"] == "deploy" && left > 0;
                own.then(|| {
                    left -= 1;
                    Fault::error(404, "NoSuchEntity", "The role with name deploy cannot be found.")
                })
            }
        });
    }
    stack.create("Ruby2", &with_own_role(ruby("ruby:2.7"))).await.success();
}

#[tokio::test(start_paused = true)]
async fn a_made_task_role_outlives_the_users_own_until_the_delete() {
    let stack = Stack::new();
    stack.account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let (made, own) = (ruby("ruby:2.7"), with_own_role(ruby("ruby:2.7")));
    let created = stack.create("Ruby2", &made).await.success();
    let changed = stack.update("Ruby2", &created.id, &made, &own).await.success();
    assert_eq!(changed.attribute("TaskRoleName"), "deploy");
    let back = stack.update("Ruby2", &created.id, &own, &made).await.success();
    assert_eq!(back.attribute("TaskRoleId"), created.attribute("TaskRoleId"));
    stack.delete("Ruby2", &created.id, &own).await.success();
    assert_eq!(stack.account.leftovers(), [OWN]);
}

#[tokio::test(start_paused = true)]
async fn a_made_task_role_has_lost_its_rights_before_the_change_to_another_role_is_answered() {
    let stack = Stack::new();
    stack.account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let (made, own) = (cargo("rust:1"), with_own_role(cargo("rust:1")));
    let created = stack.create("CargoPublish", &made).await.success();
    let task_role = created.attribute("TaskRoleName").to_owned();
    assert!(!stack.account.role(&task_role).unwrap().inline.is_empty());
    // Slow enough for an answer before the last call to be seen.
    stack.account.set_hook(|_, _| Box::pin(sleep(Duration::from_secs(1))));
    stack.update("CargoPublish", &created.id, &made, &own).await.success();
    assert!(stack.account.role(&task_role).unwrap().inline.is_empty());
    assert_eq!(
        stack.inbox.last_taken(),
        Some(Instant::now()),
        "nothing is done after the answer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_deleted_by_hand_is_made_again() {
    let stack = Stack::new();
    let created = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    let role = json!({"RoleName": created.attribute("TaskRoleName")});
    stack.account.plant(Service::Iam, "DeleteRole", role);
    stack.account.set_role_lag(Lag::Calls(2));
    let updated = stack
        .update("Ruby2", &created.id, &ruby("ruby:2.7"), &ruby("ruby:3.4"))
        .await
        .success();
    assert_eq!(stack.account.roles().len(), 2);
    assert_ne!(updated.attribute("TaskRoleId"), created.attribute("TaskRoleId"));
}

#[tokio::test(start_paused = true)]
async fn no_role_may_make_the_log_group_anew_after_its_delete() {
    let stack = Stack::new();
    stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let group = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/cargo-publish";
    let stream = format!("{group}:log-stream:agent/agent/1");
    for role in stack.account.roles() {
        for resource in [group, &format!("{group}:*"), &stream] {
            assert!(
                !role.allows("logs:CreateLogGroup", resource, &[]),
                "{} {resource}",
                role.name
            );
        }
        let writes = role.name.contains("-execution-");
        assert_eq!(role.allows("logs:PutLogEvents", &stream, &[]), writes, "{}", role.name);
    }
}
