//! Late, duplicate and forged requests: only what CloudFormation waits for is carried out.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{join, select, time::sleep};

use crate::{
    account::{Account, Fault, Lag},
    stack::{Stack, cargo, ruby},
};

const INVENTED: &str = "pipelines-CargoPublish-1ABCDEFGHIJK";

/// What was answered to an event that is delivered whatever CloudFormation shows, if anything was.
async fn answered(stack: &Stack, event: &Value) -> Option<Value> {
    let already = stack.inbox.taken();
    stack.deliver_unexpected(event).await.unwrap();
    stack.inbox.since(already).into_iter().next()
}

fn status(answer: Option<&Value>) -> &str {
    answer.map_or("nothing", |answer| answer["Status"].as_str().unwrap())
}

/// Delivers an event that must change nothing; returns the status that was answered, or `nothing`.
#[track_caller]
fn unchanged(stack: &Stack, before: &Value) {
    assert_eq!(&stack.account.snapshot(), before, "{}", stack.account.story());
}

/// A stack at rest with its resource, and the resource's id.
async fn at_rest() -> (Stack, String) {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    (stack, created.id)
}

#[tokio::test(start_paused = true)]
async fn a_forged_request_for_a_resource_at_rest_changes_nothing() {
    let (stack, id) = at_rest().await;
    let before = stack.account.snapshot();
    let other = json!({"Image": "evil", "TaskFamily": "cargo-publish"});
    for (event, expected) in [
        (stack.event("Create", "CargoPublish", None, &other), "FAILED"),
        (
            stack.update_event("CargoPublish", &id, &cargo("rust:1"), &other),
            "FAILED",
        ),
        (stack.event("Delete", "CargoPublish", Some(&id), &other), "SUCCESS"),
        (stack.event("Delete", "CargoPublish", Some(INVENTED), &other), "SUCCESS"),
        (stack.event("Create", "Other", None, &other), "FAILED"),
        (stack.event("Delete", "Other", Some(INVENTED), &other), "SUCCESS"),
    ] {
        assert_eq!(status(answered(&stack, &event).await.as_ref()), expected, "{event}");
        unchanged(&stack, &before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_request_while_its_stack_changes_something_else_changes_nothing() {
    let (stack, id) = at_rest().await;
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    let before = stack.account.snapshot();
    let other = json!({"Image": "evil", "TaskFamily": "cargo-publish"});
    for event in [
        stack.event("Create", "CargoPublish", None, &other),
        stack.update_event("CargoPublish", &id, &cargo("rust:1"), &other),
        stack.event("Delete", "CargoPublish", Some(&id), &other),
        // It resolves to the family that is live.
        stack.event("Delete", "CargoPublish", Some(INVENTED), &other),
    ] {
        answered(&stack, &event).await;
        unchanged(&stack, &before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_of_a_stack_that_does_not_exist_changes_nothing() {
    let stack = Stack::new();
    let create = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
    let answer = answered(&stack, &create).await.unwrap();
    assert!(
        answer["Reason"].as_str().unwrap().contains("this request is over"),
        "{answer}"
    );
    let delete = stack.event("Delete", "CargoPublish", Some(INVENTED), &cargo("rust:1"));
    assert_eq!(status(answered(&stack, &delete).await.as_ref()), "SUCCESS");
    assert!(stack.account.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stack_of_another_account_region_or_partition_is_refused_before_any_call() {
    let stack = Stack::new();
    for (there, elsewhere) in [
        ("111122223333", "444455556666"),
        ("us-east-1", "eu-west-1"),
        ("arn:aws:", "arn:aws-cn:"),
    ] {
        for (request_type, expected) in [("Create", "FAILED"), ("Delete", "SUCCESS")] {
            let mut event = stack.event(request_type, "Ruby2", Some(INVENTED), &ruby("ruby:2.7"));
            event["StackId"] = stack.id.replace(there, elsewhere).into();
            assert_eq!(status(answered(&stack, &event).await.as_ref()), expected, "{elsewhere}");
        }
    }
    assert!(stack.account.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_time_in_the_future_is_refused_and_locks_nothing() {
    let (stack, id) = at_rest().await;
    for query in [
        "Expires=99999999999&Signature=s",
        "Expires=18446744073709551615",
        "X-Amz-Date=20261123T203000Z&X-Amz-Expires=7200",
    ] {
        for request_type in ["Create", "Update", "Delete"] {
            let mut event = stack.event(request_type, "CargoPublish", Some(&id), &cargo("rust:9"));
            event["ResponseURL"] = json!(format!("https://answers.example/?{query}"));
            stack.waits_for(&event);
            assert_eq!(status(answered(&stack, &event).await.as_ref()), "FAILED", "{query}");
        }
    }
    stack.delete("CargoPublish", &id, &cargo("rust:1")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_lies_too_far_ahead_counts_as_absent() {
    let (stack, id) = at_rest().await;
    let role = stack
        .account
        .roles()
        .into_iter()
        .find(|role| role.name.contains("-execution-"))
        .unwrap();
    let tags = json!([{"Key": agent_composer::mark::KEY, "Value": "9999999999/-/-/-/-"}]);
    let params = json!({"RoleName": role.name, "Tags": tags});
    stack.account.plant(crate::account::Service::Iam, "TagRole", params);
    stack
        .update("CargoPublish", &id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .success();
}

#[tokio::test(start_paused = true)]
async fn an_expired_event_does_not_act_and_does_not_answer() {
    let stack = Stack::new();
    for ended in ["X-Amz-Date=20261123T181400Z&X-Amz-Expires=7200", "Expires=1795464899"] {
        for request_type in ["Create", "Delete"] {
            let mut event = stack.event(request_type, "CargoPublish", Some("an-id"), &cargo("rust:1"));
            event["ResponseURL"] = json!(format!("https://answers.example/?{ended}&Signature=s"));
            stack.handled(&event).await.unwrap();
        }
    }
    assert!(stack.account.calls().is_empty());
    assert_eq!(stack.inbox.taken(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_url_without_a_time_is_answered_only_where_its_host_is_allowed() {
    let stack = Stack::new();
    let mut event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    event["ResponseURL"] = "https://bucket.s3.amazonaws.com/answer".into();
    stack.waits_for(&event);
    let answer = answered(&stack, &event).await.unwrap();
    assert!(
        answer["Reason"].as_str().unwrap().contains("carries no time"),
        "{answer}"
    );
    assert!(stack.account.calls().is_empty());

    // A local cloud shows no status of a resource while an operation is in progress.
    event["ResponseURL"] = "https://answers.example/answer".into();
    stack.account.remove_stack_resource(&stack.id, "Ruby2");
    assert_eq!(status(answered(&stack, &event).await.as_ref()), "SUCCESS");
    stack.account.set_stack(&stack.id, "CREATE_COMPLETE");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(status(answered(&stack, &event).await.as_ref()), "FAILED");
}

#[tokio::test(start_paused = true)]
async fn a_request_past_its_service_timeout_is_over() {
    let stack = Stack::new();
    let mut properties = ruby("ruby:2.7");
    properties["ServiceTimeout"] = "60".into();
    let event = stack.event("Create", "Ruby2", None, &properties);
    sleep(Duration::from_secs(61)).await;
    let reason = stack.deliver(&event).await.unwrap().failure();
    assert!(reason.contains("ServiceTimeout has passed"), "{reason}");
    assert!(stack.account.writes().is_empty());
    // One that was answered before is not answered once more.
    stack.show(&event, None, "CREATE_COMPLETE");
    stack.stamp(&event, 9);
    assert_eq!(answered(&stack, &event).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_forward_update_that_arrives_after_its_reverse_changes_nothing() {
    let (stack, id) = at_rest().await;
    let (old, new) = (cargo("rust:1"), cargo("rust:2"));
    let forward = stack.update_event("CargoPublish", &id, &old, &new);
    let reverse = stack.update_event("CargoPublish", &id, &new, &old);
    stack.deliver(&reverse).await.unwrap().success();

    // The mark is newer, also where the view lags behind …
    stack.waits_for(&forward);
    let before = stack.account.snapshot();
    let answer = answered(&stack, &forward).await.unwrap();
    assert!(answer["Reason"].as_str().unwrap().contains("a newer one"), "{answer}");
    unchanged(&stack, &before);
    // … and the view shows that it has been answered.
    stack.show(&forward, Some(&id), "UPDATE_COMPLETE");
    stack.stamp(&forward, 5);
    let before = stack.account.snapshot();
    assert_eq!(answered(&stack, &forward).await, None);
    unchanged(&stack, &before);
}

#[tokio::test(start_paused = true)]
async fn a_forward_rename_that_arrives_after_its_reverse_makes_no_new_family() {
    let (stack, id) = at_rest().await;
    let (old, mut new) = (cargo("rust:1"), cargo("rust:2"));
    new["TaskFamily"] = "renamed".into();
    let forward = stack.update_event("CargoPublish", &id, &old, &new);
    let reverse = stack.update_event("CargoPublish", &id, &new, &old);
    stack.deliver(&reverse).await.unwrap().success();
    stack.waits_for(&forward);
    let before = stack.account.snapshot();
    let answer = answered(&stack, &forward).await.unwrap();
    assert!(answer["Reason"].as_str().unwrap().contains("a newer one"), "{answer}");
    unchanged(&stack, &before);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_arrives_after_a_rename_does_not_make_the_old_family_again() {
    let (stack, id) = at_rest().await;
    let (old, mut renamed) = (cargo("rust:1"), cargo("rust:3"));
    renamed["TaskFamily"] = "renamed".into();
    let late = stack.update_event("CargoPublish", &id, &old, &cargo("rust:2"));
    let new_id = stack.update("CargoPublish", &id, &old, &renamed).await.success().id;
    // The old family goes, and with it the mark.
    stack.delete("CargoPublish", &id, &old).await.success();
    let next = stack.update_event("CargoPublish", &new_id, &renamed, &renamed);
    stack.waits_for(&next);
    let before = stack.account.snapshot();
    let answer = answered(&stack, &late).await.unwrap();
    assert!(answer["Reason"].as_str().unwrap().contains("a newer one"), "{answer}");
    unchanged(&stack, &before);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_arrives_after_its_own_delete_makes_nothing() {
    let stack = Stack::new();
    let create = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
    let delete = stack.event("Delete", "CargoPublish", Some(INVENTED), &cargo("rust:1"));
    stack.deliver(&delete).await.unwrap().success();
    stack.stamp(&create, 20);
    assert_eq!(
        answered(&stack, &create).await,
        None,
        "it was cancelled: nobody waits for an answer"
    );
    assert!(stack.account.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_late_create_is_not_taken_for_a_newer_one_with_another_family() {
    let stack = Stack::new();
    let mut other = cargo("rust:2");
    other["TaskFamily"] = "other".into();
    let late = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
    sleep(Duration::from_secs(90)).await;
    let newer = stack.event("Create", "CargoPublish", None, &other);
    stack.waits_for(&newer);
    stack.stamp(&newer, 0);
    assert_eq!(answered(&stack, &late).await, None);
    assert!(stack.account.writes().is_empty());
    stack.deliver(&newer).await.unwrap().success();
}

#[tokio::test(start_paused = true)]
async fn a_deletes_late_duplicate_does_not_touch_what_came_after() {
    let (stack, id) = at_rest().await;
    let delete = stack.event("Delete", "CargoPublish", Some(&id), &cargo("rust:1"));
    stack.deliver(&delete).await.unwrap().success();
    stack.create("CargoPublish", &cargo("rust:2")).await.success();
    let before = stack.account.snapshot();
    stack.stamp(&delete, 30);
    answered(&stack, &delete).await;
    unchanged(&stack, &before);
    // Also while the stack changes something else.
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    let before = stack.account.snapshot();
    answered(&stack, &delete).await;
    unchanged(&stack, &before);
}

#[tokio::test(start_paused = true)]
async fn a_delete_for_a_predecessor_spares_what_is_live_under_its_id() {
    let (stack, id) = at_rest().await;
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    let before = stack.account.snapshot();
    for id in [id.as_str(), INVENTED] {
        let event = stack.event("Delete", "CargoPublish", Some(id), &cargo("rust:1"));
        stack.stamp(&event, -10);
        assert_eq!(status(answered(&stack, &event).await.as_ref()), "SUCCESS");
        unchanged(&stack, &before);
    }
    stack.delete("CargoPublish", &id, &cargo("rust:1")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_leaves_something_while_its_stack_is_deleted_fails() {
    let (stack, id) = at_rest().await;
    let early = stack.event("Delete", "CargoPublish", Some(&id), &cargo("rust:1"));
    sleep(Duration::from_secs(10)).await;
    stack
        .update("CargoPublish", &id, &cargo("rust:1"), &cargo("rust:2"))
        .await
        .success();
    let reason = stack.deliver(&early).await.unwrap().failure();
    assert!(reason.contains("remains: delete the stack again"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_lags_behind_is_asked_for_again() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    let (answer, ()) = join!(answered(&stack, &event), async {
        sleep(Duration::from_secs(4)).await;
        stack.waits_for(&event);
    });
    assert_eq!(status(answer.as_ref()), "SUCCESS");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_denied_is_a_fault_of_the_deployment_and_one_that_fails_is_retried() {
    let stack = Stack::new();
    stack
        .account
        .fault_always("cloudformation:DescribeStackResource", Fault::Deny);
    let reason = stack.create("Ruby2", &ruby("ruby:2.7")).await.failure();
    assert!(
        reason.contains("cloudformation:DescribeStackResource: AccessDenied")
            && reason.contains("update the provider's stack"),
        "{reason}"
    );
    assert!(stack.account.writes().is_empty());
    stack.account.clear_faults();
    for fault in [Fault::Throttle, Fault::Status500, Fault::Reset] {
        stack.account.fault_each(3, fault);
        let created = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
        stack.delete("Ruby2", &created.id, &ruby("ruby:2.7")).await.success();
        stack.account.clear_faults();
    }
}

#[tokio::test(start_paused = true)]
async fn two_stacks_that_race_for_a_family_have_one_winner_and_the_loser_leaves_nothing() {
    for seed in 0..40 {
        let account = Account::new();
        account.set_latency(seed, Duration::from_millis(400));
        let (one, other) = (Stack::in_account(&account, "one"), Stack::in_account(&account, "other"));
        // In half of them the log group is nobody's, and so no claim.
        if seed % 2 == 0 {
            account.plant_log_group("/aws/ecs/cargo-publish", &[]);
        }
        let (mine, theirs) = (cargo("rust:1"), cargo("rust:2"));
        let (first, second) = join!(one.create("Agent", &mine), other.create("Agent", &theirs));
        assert!(first.succeeded != second.succeeded, "seed {seed}: {first:?} {second:?}");
        let (loser, answer, image) = if first.succeeded {
            (&other, &second, "rust:1")
        } else {
            (&one, &first, "rust:2")
        };
        let shown = || {
            let newest = account.newest_revision("cargo-publish").unwrap();
            newest.container("agent").unwrap()["image"].as_str().unwrap().to_owned()
        };
        // What a scheduler starts meanwhile, too.
        assert!(
            shown().ends_with(image),
            "seed {seed}: {}\n{}",
            shown(),
            account.story()
        );
        loser.delete("Agent", &answer.id, &cargo("rust:3")).await.success();
        assert!(
            shown().ends_with(image),
            "seed {seed}: {}\n{}",
            shown(),
            account.story()
        );
        assert_eq!(account.roles().len(), 2, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_loser_that_dies_after_its_registration_takes_it_back_when_it_is_delivered_again() {
    let account = Account::new();
    let (one, other) = (Stack::in_account(&account, "one"), Stack::in_account(&account, "other"));
    account.plant_log_group("/aws/ecs/cargo-publish", &[]);
    // Neither its own list nor the other one's look shows it.
    account.stale_after("ecs:RegisterTaskDefinition", 1, Lag::Calls(2));
    one.create("Agent", &cargo("rust:1")).await.success();
    account.fault_on("ecs:RegisterTaskDefinition", 1, Fault::CrashAfter);
    let event = other.event("Create", "Agent", None, &cargo("rust:2"));
    select! {
        answered = other.deliver(&event) => panic!("it lives: {answered:?}"),
        () = account.crashed() => {}
    }
    other.deliver(&event).await.unwrap().failure();
    let newest = account.newest_revision("cargo-publish").unwrap();
    let image = newest.container("agent").unwrap()["image"].as_str().unwrap();
    assert!(image.ends_with("rust:1"), "{image}");
}
