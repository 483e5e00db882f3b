//! Every kind of bad day, at every call: what holds on a good day holds on these.

use std::time::Duration;

use serde_json::Value;
use tokio::{select, time::timeout};

use crate::{
    account::{Account, Fault, Lag},
    answer::Answer,
    stack::{Stack, TIMEOUT, cargo},
};

/// The operations, each after what comes before it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Create,
    Update,
    Delete,
}

use Operation::{Create, Delete, Update};

/// A stack in which the operations before this one have been done, and its event.
async fn before(operation: Operation) -> (Stack, Value) {
    let stack = Stack::new();
    let (old, new) = (cargo("rust:1"), cargo("rust:2"));
    if operation == Create {
        let event = stack.event("Create", "CargoPublish", None, &old);
        return (stack, event);
    }
    let id = stack.create("CargoPublish", &old).await.success().id;
    if operation == Update {
        let mut event = stack.event("Update", "CargoPublish", Some(&id), &new);
        // Other secrets, so that rights change too.
        event["ResourceProperties"]["Secrets"][0]["ValueFrom"] = "/cargo/another-token".into();
        event["OldResourceProperties"] = old;
        return (stack, event);
    }
    stack.update("CargoPublish", &id, &old, &new).await.success();
    let event = stack.event("Delete", "CargoPublish", Some(&id), &new);
    (stack, event)
}

/// What an operation comes to when nothing goes wrong: the account, the answer, and how many calls it made.
async fn undisturbed(operation: Operation) -> (Value, Answer, usize) {
    let (stack, event) = before(operation).await;
    let mark = stack.account.mark();
    let answer = stack.deliver(&event).await.unwrap().success();
    (stack.account.snapshot(), answer, stack.account.calls_since(mark).len())
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_at_any_point_of_a_create_leaves_nothing_after_the_delete() {
    let (_, _, calls) = undisturbed(Create).await;
    assert!(calls >= 10, "{calls}");
    for nth in 1..=calls {
        let (stack, event) = before(Create).await;
        stack.account.fault_in(nth, Fault::Deny);
        let answer = stack.deliver(&event).await.unwrap();
        stack.account.clear_faults();
        stack
            .delete("CargoPublish", &answer.id, &cargo("rust:1"))
            .await
            .success();
        assert_eq!(
            stack.account.leftovers(),
            [] as [String; 0],
            "call {nth}:\n{}",
            stack.account.story()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_action_is_named_with_what_to_do_and_reported_within_minutes() {
    for action in [
        "logs:CreateLogGroup",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "ecs:RegisterTaskDefinition",
    ] {
        let (stack, event) = before(Create).await;
        stack.account.fault_always(action, Fault::Deny);
        let reason = timeout(Duration::from_secs(120), stack.deliver(&event))
            .await
            .expect(action)
            .unwrap()
            .failure();
        assert!(reason.contains(action) && reason.contains("AccessDenied"), "{reason}");
        assert!(reason.contains("update the provider's stack"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_at_any_call_changes_nothing_in_the_outcome() {
    for operation in [Create, Update, Delete] {
        let (account, answer, calls) = undisturbed(operation).await;
        for nth in 1..=calls {
            for fault in [
                Fault::Throttle,
                Fault::Status500,
                Fault::Unavailable,
                Fault::BadGateway,
                Fault::Late500,
                Fault::Reset,
                Fault::LostAnswer,
                Fault::Timeout,
                Fault::LateTimeout,
            ] {
                let (stack, event) = before(operation).await;
                stack.account.fault_in(nth, fault.clone());
                let told = stack.deliver(&event).await.unwrap();
                let story = || format!("{operation:?}, call {nth}: {fault:?}\n{}", stack.account.story());
                assert_eq!(told, answer, "{}", story());
                assert_eq!(stack.account.snapshot(), account, "{}", story());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn three_faults_at_each_call_change_nothing_in_the_outcome() {
    for operation in [Create, Update, Delete] {
        let (account, answer, _) = undisturbed(operation).await;
        for fault in [
            Fault::Throttle,
            Fault::Status500,
            Fault::Late500,
            Fault::Reset,
            Fault::LostAnswer,
            Fault::LateTimeout,
        ] {
            let (stack, event) = before(operation).await;
            stack.account.fault_each(3, fault.clone());
            let told = stack.deliver(&event).await.unwrap();
            let story = || format!("{operation:?}: {fault:?}\n{}", stack.account.story());
            assert_eq!(told, answer, "{}", story());
            assert_eq!(stack.account.snapshot(), account, "{}", story());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_time_mends_is_waited_out() {
    for (action, fault) in [
        ("ecs:RegisterTaskDefinition", Fault::concurrent_revision()),
        ("ecs:RegisterTaskDefinition", Fault::DenyPassRole),
        ("logs:CreateLogGroup", Fault::operation_aborted()),
        ("logs:PutRetentionPolicy", Fault::operation_aborted()),
        ("iam:CreateRole", Fault::concurrent_modification()),
        ("iam:PutRolePolicy", Fault::concurrent_modification()),
        (
            "iam:PutRolePolicy",
            Fault::error(404, "NoSuchEntity", "The role cannot be found."),
        ),
        (
            "iam:DeleteRole",
            Fault::error(
                409,
                "DeleteConflict",
                "Cannot delete entity, must delete policies first.",
            ),
        ),
    ] {
        let operation = if action == "iam:DeleteRole" { Delete } else { Create };
        let (account, answer, _) = undisturbed(operation).await;
        let (stack, event) = before(operation).await;
        for occurrence in 1..=3 {
            stack.account.fault_on(action, occurrence, fault.clone());
        }
        assert_eq!(stack.deliver(&event).await.unwrap(), answer, "{action}: {fault:?}");
        assert_eq!(stack.account.snapshot(), account, "{action}: {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_takes_a_while_to_be_known_is_waited_for() {
    let (account, answer, _) = undisturbed(Create).await;
    let (stack, event) = before(Create).await;
    stack.account.set_role_lag(Lag::Time(Duration::from_secs(15)));
    stack.account.set_pass_role_lag(Lag::Time(Duration::from_secs(25)));
    assert_eq!(stack.deliver(&event).await.unwrap(), answer);
    assert_eq!(stack.account.snapshot(), account);
}

/// Delivers an event to a function that dies at some call; whether it lived to answer is said.
async fn dies(stack: &Stack, event: &Value) -> bool {
    select! {
        answered = stack.handled(event) => { answered.unwrap(); false }
        () = stack.account.crashed() => true,
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_call_and_delivered_again_the_result_is_the_same() {
    for operation in [Create, Update, Delete] {
        let (account, answer, calls) = undisturbed(operation).await;
        let mut deaths = 0;
        for nth in 1..=calls {
            for fault in [Fault::CrashBefore, Fault::CrashAfter] {
                let (stack, event) = before(operation).await;
                stack.account.fault_in(nth, fault.clone());
                let story = || format!("{operation:?}, call {nth}: {fault:?}\n{}", stack.account.story());
                if dies(&stack, &event).await {
                    deaths += 1;
                    assert_eq!(stack.deliver(&event).await.unwrap(), answer, "{}", story());
                }
                assert_eq!(stack.account.snapshot(), account, "{}", story());
            }
        }
        assert!(deaths >= calls, "{operation:?}: {deaths} deaths in {calls} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_delivered_twice_is_done_once() {
    for operation in [Create, Update, Delete] {
        let (account, answer, _) = undisturbed(operation).await;
        let (stack, event) = before(operation).await;
        assert_eq!(stack.deliver(&event).await.unwrap(), answer);
        assert_eq!(stack.deliver(&event).await.unwrap(), answer);
        assert_eq!(stack.account.snapshot(), account, "{operation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_is_taken_back_by_the_reverse_update() {
    let (_, _, calls) = undisturbed(Update).await;
    for nth in 1..=calls {
        let (stack, event) = before(Update).await;
        let before = stack.account.newest_revision("cargo-publish").unwrap();
        stack.account.fault_in(nth, Fault::Deny);
        let told = stack.deliver(&event).await.unwrap();
        stack.account.clear_faults();
        assert_eq!(told.id, event["PhysicalResourceId"].as_str().unwrap());
        let (new, old) = (&event["ResourceProperties"], &event["OldResourceProperties"]);
        stack.update("CargoPublish", &told.id, new, old).await.success();
        let now = stack.account.newest_revision("cargo-publish").unwrap();
        assert_eq!(
            now.definition["containerDefinitions"], before.definition["containerDefinitions"],
            "call {nth}"
        );
        assert_eq!(
            stack.account.revision(&before.arn).unwrap().status,
            "ACTIVE",
            "call {nth}"
        );
        for role in stack.account.roles() {
            assert_eq!(
                role.inline.len(),
                1,
                "call {nth}: the rights of the new properties are gone again"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_look_at_what_was_just_made_leaves_nothing_after_the_delete() {
    let account = Account::new();
    let stack = Stack::in_account(&account, "pipelines");
    account.stale_each(Lag::Calls(1));
    let answer = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    stack
        .delete("CargoPublish", &answer.id, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(account.leftovers(), [] as [String; 0], "{}", account.story());
}

#[tokio::test(start_paused = true)]
async fn throttling_that_does_not_end_is_said_before_the_function_ends() {
    let (stack, event) = before(Create).await;
    stack
        .account
        .fault_always("ecs:RegisterTaskDefinition", Fault::Throttle);
    let reason = timeout(TIMEOUT, stack.deliver(&event))
        .await
        .unwrap()
        .unwrap()
        .failure();
    assert!(
        reason.contains("Rate exceeded (after ") && reason.contains("try again when less is deployed"),
        "{reason}"
    );
}
