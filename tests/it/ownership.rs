//! What is somebody else's stays as it was; what nobody owns any more can be had.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::select;

use crate::{
    account::{Account, Fault, Lag, Moment, Service},
    stack::{Stack, ruby, without_view_or_marks},
};

const GUID: &str = "5f2c1b70-0001-11f0-8de9-0242ac120002";

#[tokio::test(start_paused = true)]
async fn revisions_registered_by_hand_are_registered_upon_and_never_deregistered() {
    let stack = Stack::new();
    let by_hand = stack
        .account
        .plant_revision("ruby2", "by-hand", &[("team", "platform")]);
    let answer = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    assert_eq!(answer.attribute("Revision"), "2");
    for n in 0..6 {
        stack
            .update("Ruby2", &answer.id, &ruby("ruby"), &ruby(&format!("ruby:3.{n}")))
            .await
            .success();
    }
    stack.delete("Ruby2", &answer.id, &ruby("ruby:3.5")).await.success();
    let left = stack.account.active_revisions("ruby2");
    assert_eq!(
        left.iter().map(|revision| &revision.arn).collect::<Vec<_>>(),
        [&by_hand]
    );
    assert_eq!(stack.account.roles().len(), 0);
    let group = stack
        .account
        .log_group("/aws/ecs/ruby2")
        .expect("the other revisions still log to it");
    assert!(
        group.tags.keys().all(|key| !key.starts_with("agent-composer:")),
        "{:?}",
        group.tags
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_was_there_before_is_used_and_left_as_it_was() {
    let stack = Stack::new();
    stack.account.plant_log_group("/aws/ecs/ruby2", &[("team", "platform")]);
    let before = stack.account.log_group("/aws/ecs/ruby2").unwrap();
    let answer = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    assert_eq!(stack.account.log_group("/aws/ecs/ruby2").unwrap(), before);
    stack.delete("Ruby2", &answer.id, &ruby("ruby:2.7")).await.success();
    assert_eq!(stack.account.log_group("/aws/ecs/ruby2").unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_our_name_without_our_tags_is_an_error_and_untouched() {
    let stack = Stack::new();
    let made = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    let name = made.attribute("TaskRoleName").to_owned();
    stack.delete("Ruby2", &made.id, &ruby("ruby:2.7")).await.success();
    stack
        .account
        .plant_role("/BuildkiteAgentTask/", &name, &[("team", "platform")]);
    let before = stack.account.role(&name).unwrap();

    let refused = stack.create("Ruby2", &ruby("ruby:2.7")).await;
    assert!(
        refused
            .clone()
            .failure()
            .contains(&format!("{name}` exists and does not carry")),
        "{}",
        refused.reason
    );
    stack.delete("Ruby2", &refused.id, &ruby("ruby:2.7")).await.success();
    assert_eq!(stack.account.role(&name).unwrap(), before);
    assert_eq!(stack.account.roles().len(), 1);
}

/// Two stacks that want one family.
fn neighbours() -> (Stack, Stack) {
    let account = Account::new();
    let (one, other) = (Stack::in_account(&account, "one"), Stack::in_account(&account, "other"));
    account.set_stack(&one.id, "UPDATE_IN_PROGRESS");
    account.set_stack(&other.id, "CREATE_IN_PROGRESS");
    (one, other)
}

#[tokio::test(start_paused = true)]
async fn another_stacks_family_is_refused_by_name_and_its_delete_takes_nothing_of_it() {
    let (one, other) = neighbours();
    one.create("Ruby2", &ruby("ruby:2.7")).await.success();
    let before = without_view_or_marks(one.account.snapshot());
    let mut wanted = ruby("ruby:3.4");
    wanted["TaskFamily"] = json!("ruby2");

    let refused = other.create("Agent", &wanted).await;
    let reason = refused.clone().failure();
    assert!(
        reason.contains("`ruby2` belongs to the resource `Ruby2`") && reason.contains(&one.id),
        "{reason}"
    );
    assert!(reason.contains("another `TaskFamily`"), "{reason}");
    // Its roles have names of their own, which its Delete finds.
    other.delete("Agent", &refused.id, &wanted).await.success();
    assert_eq!(without_view_or_marks(one.account.snapshot()), before);
}

#[tokio::test(start_paused = true)]
async fn the_log_group_alone_is_claim_enough() {
    let (one, other) = neighbours();
    // What a Create that is under way has done first.
    one.account.plant_log_group(
        "/aws/ecs/agent",
        &[
            ("agent-composer:stack-id", &one.id),
            ("agent-composer:logical-id", "First"),
        ],
    );
    let refused = other.create("Agent", &ruby("ruby:2.7")).await;
    assert_eq!(one.account.calls_to("ecs:RegisterTaskDefinition").len(), 0);
    assert!(
        refused
            .clone()
            .failure()
            .contains("the log group `/aws/ecs/agent` shows"),
        "{}",
        refused.reason
    );
    assert_eq!(one.account.active_revisions("agent").len(), 0);
    other.delete("Agent", &refused.id, &ruby("ruby:2.7")).await.success();
    assert_eq!(one.account.leftovers(), ["/aws/ecs/agent"]);
}

#[tokio::test(start_paused = true)]
async fn a_resource_renamed_in_its_stack_gets_the_two_steps() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    let mut properties = ruby("ruby:2.7");
    properties["TaskFamily"] = json!("ruby");
    stack.create("Ruby2", &properties).await.success();
    let reason = stack.create("Ruby3", &properties).await.failure();
    assert!(
        reason.contains("`Ruby2` of this stack") && reason.contains("two steps"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_family_of_a_deleted_stack_is_free() {
    let (one, other) = neighbours();
    one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.set_stack(&one.id, "DELETE_COMPLETE");
    let left = one.account.newest_revision("agent").unwrap();

    let answer = other.create("Agent", &ruby("ruby:3.4")).await.success();
    let group = one.account.log_group("/aws/ecs/agent").unwrap();
    assert_eq!(group.tags.get("agent-composer:stack-id"), Some(&other.id));
    other.delete("Agent", &answer.id, &ruby("ruby:3.4")).await.success();
    // What a Retain policy left of the first stack is still not ours to take.
    assert_eq!(one.account.revision(&left.arn).unwrap().status, "ACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_goes_while_it_is_taken_over_is_made_again() {
    let (one, other) = neighbours();
    one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.set_stack(&one.id, "DELETE_COMPLETE");
    let account = one.account.clone();
    one.account.set_hook(move |call, moment| {
        if call.action() == "logs:TagResource" && moment == Moment::Arriving {
            account.plant(
                Service::Logs,
                "DeleteLogGroup",
                json!({"logGroupName": "/aws/ecs/agent"}),
            );
        }
        Box::pin(std::future::ready(()))
    });
    other.create("Agent", &ruby("ruby:3.4")).await.success();
    let group = one.account.log_group("/aws/ecs/agent").unwrap();
    assert_eq!(group.tags.get("agent-composer:stack-id"), Some(&other.id));
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_a_third_resource_created_anew_is_not_taken_over() {
    let (one, other) = neighbours();
    let third = Stack::in_account(&one.account, "third");
    one.account.set_stack(&third.id, "CREATE_IN_PROGRESS");
    one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.set_stack(&one.id, "DELETE_COMPLETE");
    let (account, owner) = (one.account.clone(), third.id.clone());
    let is_done = AtomicBool::new(false);
    one.account.set_hook(move |call, moment| {
        if call.action() == "ecs:RegisterTaskDefinition"
            && moment == Moment::Arriving
            && !is_done.swap(true, Ordering::Relaxed)
        {
            let group = json!({"logGroupName": "/aws/ecs/agent"});
            account.plant(Service::Logs, "DeleteLogGroup", group.clone());
            let mut created = group;
            created["tags"] = json!({"agent-composer:stack-id": owner, "agent-composer:logical-id": "Agent"});
            account.plant(Service::Logs, "CreateLogGroup", created);
        }
        Box::pin(std::future::ready(()))
    });
    let refused = other.create("Agent", &ruby("ruby:3.4")).await;
    let id = refused.id.clone();
    assert!(refused.failure().contains("/third/"));
    other.delete("Agent", &id, &ruby("ruby:3.4")).await.success();
    let group = one.account.log_group("/aws/ecs/agent").unwrap();
    assert_eq!(group.tags.get("agent-composer:stack-id"), Some(&third.id));
    let newest = one.account.newest_revision("agent").unwrap();
    assert_eq!(
        newest.tags.get("agent-composer:stack-id"),
        Some(&one.id),
        "what was left"
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_another_resource_created_after_our_lost_deletion_stays() {
    let (one, other) = neighbours();
    let answer = one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.fault_on("logs:DeleteLogGroup", 1, Fault::LostAnswer);
    let (account, owner) = (one.account.clone(), other.id.clone());
    let is_done = AtomicBool::new(false);
    one.account.set_hook(move |call, moment| {
        let is_ours = call.action() == "logs:DeleteLogGroup" && moment == Moment::Answering;
        if is_ours && !is_done.swap(true, Ordering::Relaxed) {
            let tags = [
                ("agent-composer:stack-id", owner.as_str()),
                ("agent-composer:logical-id", "Agent"),
            ];
            account.plant_log_group("/aws/ecs/agent", &tags);
        }
        Box::pin(std::future::ready(()))
    });
    one.delete("Agent", &answer.id, &ruby("ruby:2.7")).await.success();
    let group = one.account.log_group("/aws/ecs/agent").unwrap();
    assert_eq!(group.tags.get("agent-composer:stack-id"), Some(&other.id));
}

#[tokio::test(start_paused = true)]
async fn a_reverse_update_that_is_delivered_again_takes_back_no_revision_of_before() {
    let stack = Stack::new();
    let account = &stack.account;
    account.plant_log_group("/aws/ecs/ruby2", &[]);
    let (old, new) = (ruby("ruby:2.7"), ruby("ruby:3.4"));
    let created = stack.create("Ruby2", &old).await.success();
    account.fault_on("ecs:RegisterTaskDefinition", 1, Fault::Deny);
    stack.update("Ruby2", &created.id, &old, &new).await.failure();
    let reverse = stack.update_event("Ruby2", &created.id, &new, &old);
    account.fault_on("ecs:ListTaskDefinitions", 1, Fault::CrashBefore);
    select! {
        answered = stack.deliver(&reverse) => panic!("it lives: {answered:?}"),
        () = account.crashed() => {}
    }
    account.fault_on("ecs:ListTaskDefinitions", 1, Fault::Deny);
    stack.deliver(&reverse).await.unwrap().failure();
    assert_eq!(account.active_revisions("ruby2").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_still_sees_the_former_owners_tags_looks_again() {
    let (one, other) = neighbours();
    one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.set_stack(&one.id, "DELETE_COMPLETE");
    // The Delete's first look.
    one.account
        .stale_when(|call| (call.action() == "logs:TagResource").then_some(Lag::Calls(1)));
    let answer = other.create("Agent", &ruby("ruby:3.4")).await.success();
    other.delete("Agent", &answer.id, &ruby("ruby:3.4")).await.success();
    // It is still logged to by what the first stack left, and nobody's now.
    let group = one.account.log_group("/aws/ecs/agent").unwrap();
    assert_eq!(group.tags.get("agent-composer:stack-id"), None);
}

#[tokio::test(start_paused = true)]
async fn a_family_that_another_stack_just_gave_up_is_free() {
    let (one, other) = neighbours();
    let answer = one.create("Agent", &ruby("ruby:2.7")).await.success();
    // The Delete's own list does not show that the revision is gone, and neither does the first look of the Create.
    one.account
        .stale_when(|call| (call.action() == "ecs:DeregisterTaskDefinition").then_some(Lag::Calls(2)));
    one.delete("Agent", &answer.id, &ruby("ruby:2.7")).await.success();
    // The resource was removed from a stack that stays.
    one.account.set_stack(&one.id, "UPDATE_COMPLETE");
    other.create("Agent", &ruby("ruby:3.4")).await.success();
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_another_stack_just_gave_up_is_nobodys() {
    let (one, other) = neighbours();
    // Something else logs to it, so the Delete leaves the group, without its tags.
    one.account.plant_revision("agent", "by-hand", &[]);
    let answer = one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.stale_after("logs:UntagResource", 1, Lag::Calls(1));
    one.delete("Agent", &answer.id, &ruby("ruby:2.7")).await.success();
    one.account.set_stack(&one.id, "UPDATE_COMPLETE");
    let answer = other.create("Agent", &ruby("ruby:3.4")).await.success();
    let group = || one.account.log_group("/aws/ecs/agent").unwrap();
    let before = group();
    assert_eq!(before.tags.get("agent-composer:stack-id"), None);
    other.delete("Agent", &answer.id, &ruby("ruby:3.4")).await.success();
    assert_eq!(group(), before);
}

/// Creates and deletes `Agent`; the next look at its log group does not show that it is gone.
async fn just_deleted(stack: &Stack) {
    let answer = stack.create("Agent", &ruby("ruby:2.7")).await.success();
    stack.account.stale_after("logs:DeleteLogGroup", 1, Lag::Calls(1));
    stack.delete("Agent", &answer.id, &ruby("ruby:2.7")).await.success();
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_another_stack_created_after_our_delete_is_not_taken_for_ours() {
    let (one, other) = neighbours();
    just_deleted(&one).await;
    let account = &one.account;
    // What a Create that is under way has done first.
    let owner = [
        ("agent-composer:stack-id", other.id.as_str()),
        ("agent-composer:logical-id", "Agent"),
    ];
    account.plant_log_group("/aws/ecs/agent", &owner);
    let before = account.log_group("/aws/ecs/agent");
    let reason = one.create("Agent", &ruby("ruby:3.4")).await.failure();
    assert!(reason.contains(&other.id), "{reason}");
    assert_eq!(account.log_group("/aws/ecs/agent"), before);
}

#[tokio::test(start_paused = true)]
async fn a_log_group_whose_creation_was_answered_late_gets_its_retention() {
    let (one, other) = neighbours();
    // The look after the creation still shows the group of the stack before.
    just_deleted(&one).await;
    let account = &one.account;
    account.set_stack(&one.id, "DELETE_COMPLETE");
    account.fault_on("logs:CreateLogGroup", 1, Fault::Late500);
    other.create("Agent", &ruby("ruby:3.4")).await.success();
    let group = account.log_group("/aws/ecs/agent").unwrap();
    assert_eq!(group.tags.get("agent-composer:stack-id"), Some(&other.id));
    assert_eq!(group.retention, Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_family_of_a_stack_that_cannot_be_found_out_is_not_free() {
    let (one, other) = neighbours();
    one.create("Agent", &ruby("ruby:2.7")).await.success();
    one.account.forget_stack(&one.id);
    let reason = other.create("Agent", &ruby("ruby:3.4")).await.failure();
    assert!(reason.contains("remove the tags `agent-composer:stack-id`"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_stack_made_again_under_its_name_is_another_owner() {
    let account = Account::new();
    let first = Stack::in_account(&account, "pipelines");
    first.create("Ruby2", &ruby("ruby:2.7")).await.success();
    account.set_stack(&first.id, "DELETE_COMPLETE");
    let mut second = Stack::in_account(&account, "pipelines");
    second.id = account.stack_id("pipelines", &GUID.replace('5', "6"));
    let answer = second.create("Ruby2", &ruby("ruby:2.7")).await.success();
    assert_eq!(account.roles().len(), 4, "roles are named by the stack's ARN");
    second.delete("Ruby2", &answer.id, &ruby("ruby:2.7")).await.success();
    assert_eq!(account.roles().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn families_that_begin_alike_are_not_each_others() {
    let stack = Stack::new();
    let mut longer = ruby("ruby:2.7");
    longer["TaskFamily"] = json!("ruby2-extra");
    stack.create("Longer", &longer).await.success();
    let answer = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    stack.delete("Ruby2", &answer.id, &Value::Null).await.success();
    assert_eq!(stack.account.active_revisions("ruby2-extra").len(), 1);
}
