//! Late, duplicate and cancelled requests, by name; each over many interleavings.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{join, time::sleep};

use crate::{
    account::{Account, Fault, Service},
    stack::{Stack, cargo, ruby},
};

const SEEDS: u64 = 40;
const INVENTED: &str = "pipelines-CargoPublish-1ABCDEFGHIJK";

/// A stack in an account whose calls take a while, each another one.
fn stack(seed: u64) -> Stack {
    let account = Account::new();
    account.set_latency(seed, Duration::from_millis(400));
    Stack::in_account(&account, "pipelines")
}

/// Nothing of the stack is left.
#[track_caller]
fn nothing_is_left(stack: &Stack, seed: u64) {
    assert_eq!(
        stack.account.leftovers(),
        [] as [String; 0],
        "seed {seed}:\n{}",
        stack.account.story()
    );
}

/// The newest revision and the rights are exactly those of these properties.
#[track_caller]
fn holds(stack: &Stack, properties: &Value, seed: u64) {
    let family = properties["TaskFamily"].as_str().unwrap();
    let story = || format!("seed {seed}:\n{}", stack.account.story());
    let newest = stack
        .account
        .newest_revision(family)
        .unwrap_or_else(|| panic!("{}", story()));
    assert_eq!(
        newest.container("agent").unwrap()["image"],
        properties["Image"],
        "{}",
        story()
    );
    let secret = properties["Secrets"][0]["ValueFrom"].as_str().unwrap();
    let roles = stack.account.roles();
    assert_eq!(roles.len(), 2, "{}", story());
    for role in &roles {
        assert_eq!(role.inline.len(), 1, "{}: {}", role.name, story());
    }
    let execution = roles.iter().find(|role| role.name.contains("-execution-")).unwrap();
    let parameter = format!("arn:aws:ssm:us-east-1:111122223333:parameter{secret}");
    assert!(execution.allows("ssm:GetParameters", &parameter, &[]), "{}", story());
}

/// Other rights and another image than `cargo("rust:1")`.
fn changed() -> Value {
    let mut changed = cargo("rust:2");
    changed["Secrets"][0]["ValueFrom"] = json!("/cargo/another-token");
    changed
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_an_invented_id_beside_a_running_create_leaves_nothing() {
    for seed in 0..SEEDS {
        let stack = stack(seed);
        stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
        let create = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
        let delete = stack.event("Delete", "CargoPublish", Some(INVENTED), &cargo("rust:1"));
        let (created, ()) = join!(stack.handled(&create), async {
            sleep(Duration::from_millis(seed * 100)).await;
            stack.account.set_stack(&stack.id, "ROLLBACK_IN_PROGRESS");
            stack.handled(&delete).await.unwrap();
            stack.account.set_stack(&stack.id, "ROLLBACK_COMPLETE");
        });
        if created.is_err() {
            // Lambda's next delivery.
            stack.handled(&create).await.unwrap();
        }
        if seed * 100 < 2000 {
            nothing_is_left(&stack, seed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_for_a_newer_request_is_left_also_where_the_role_with_the_records_is_gone() {
    let stack = Stack::new();
    let late = stack.event("Delete", "Ruby2", Some(INVENTED), &ruby("ruby:2.7"));
    stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    // As an older run that undoes a cancelled Create may just have met it: one role not made yet, the other things made.
    let execution = stack
        .account
        .roles()
        .into_iter()
        .find(|role| role.name.contains("-execution-"))
        .unwrap();
    for policy in execution.inline.keys() {
        let named = json!({"RoleName": execution.name, "PolicyName": policy});
        stack.account.plant(Service::Iam, "DeleteRolePolicy", named);
    }
    stack
        .account
        .plant(Service::Iam, "DeleteRole", json!({"RoleName": execution.name}));
    stack.deliver(&late).await.unwrap().success();
    assert_eq!(stack.account.roles().len(), 1, "{}", stack.account.story());
    assert!(stack.account.log_group("/aws/ecs/ruby2").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_create_that_died_and_is_delivered_again_after_its_rollback_leaves_nothing() {
    for nth in 8..16 {
        let stack = Stack::new();
        stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
        let create = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
        stack.account.fault_in(nth, Fault::CrashAfter);
        tokio::select! {
            _ = stack.handled(&create) => {}
            () = stack.account.crashed() => {}
        }
        stack.account.set_stack(&stack.id, "ROLLBACK_COMPLETE");
        let again = stack.deliver(&create).await;
        assert!(again.is_ok(), "{again:?}");
        nothing_is_left(&stack, nth as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reverse_update_beside_a_running_update_ends_with_the_old_properties() {
    for seed in 0..SEEDS {
        let stack = stack(seed);
        stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
        let (old, new) = (cargo("rust:1"), changed());
        let created = stack.create("CargoPublish", &old).await.success();
        stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
        let forward = stack.update_event("CargoPublish", &created.id, &old, &new);
        let reverse = stack.update_event("CargoPublish", &created.id, &new, &old);
        let (one, other) = join!(stack.handled(&forward), async {
            sleep(Duration::from_millis(seed * 80)).await;
            stack.account.set_stack(&stack.id, "UPDATE_ROLLBACK_IN_PROGRESS");
            stack.handled(&reverse).await
        });
        assert!(one.is_ok() && other.is_ok(), "seed {seed}: {one:?} {other:?}");
        holds(&stack, &old, seed);
        let arn = created.attribute("TaskDefinitionArn");
        assert_eq!(stack.account.revision(arn).unwrap().status, "ACTIVE");
        let role = stack.account.role(created.attribute("TaskRoleName")).unwrap();
        assert_eq!(role.id, created.attribute("TaskRoleId"));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_made_in_one_second_are_ordered_by_the_rollback() {
    for seed in 0..SEEDS {
        let stack = stack(seed);
        let (old, new) = (cargo("rust:1"), changed());
        let created = stack.create("CargoPublish", &old).await.success();
        stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
        let forward = stack.update_event("CargoPublish", &created.id, &old, &new);
        let mut reverse = stack.update_event("CargoPublish", &created.id, &new, &old);
        reverse["ResponseURL"] = forward["ResponseURL"].clone();
        let (one, other) = join!(stack.handled(&forward), async {
            sleep(Duration::from_millis(800 + seed * 50)).await;
            stack.account.set_stack(&stack.id, "UPDATE_ROLLBACK_IN_PROGRESS");
            stack.handled(&reverse).await
        });
        assert!(one.is_ok() && other.is_ok(), "seed {seed}");
        // … and a late duplicate of the forward one changes nothing.
        stack.handled(&forward).await.unwrap();
        holds(&stack, &old, seed);
    }
}

#[tokio::test(start_paused = true)]
async fn duplicates_that_run_together_come_to_the_same() {
    for seed in 0..SEEDS {
        let stack = stack(seed);
        let (old, new) = (cargo("rust:1"), changed());
        let create = stack.event("Create", "CargoPublish", None, &old);
        let (one, other) = join!(stack.handled(&create), stack.handled(&create));
        assert!(one.is_ok() && other.is_ok(), "seed {seed}");
        holds(&stack, &old, seed);
        assert!(
            stack.account.active_revisions("cargo-publish").len() <= 2,
            "seed {seed}"
        );

        let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/cargo-publish";
        let update = stack.update_event("CargoPublish", id, &old, &new);
        let (one, other) = join!(stack.handled(&update), stack.handled(&update));
        assert!(one.is_ok() && other.is_ok(), "seed {seed}");
        holds(&stack, &new, seed);

        let delete = stack.event("Delete", "CargoPublish", Some(id), &new);
        let (one, other) = join!(stack.handled(&delete), stack.handled(&delete));
        assert!(one.is_ok() && other.is_ok(), "seed {seed}");
        nothing_is_left(&stack, seed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_forward_update_delivered_again_after_its_rollback_changes_nothing() {
    let stack = Stack::new();
    let (old, new) = (cargo("rust:1"), changed());
    let created = stack.create("CargoPublish", &old).await.success();
    let mut forward = stack.update_event("CargoPublish", &created.id, &old, &new);
    stack.deliver(&forward).await.unwrap().success();
    stack.update("CargoPublish", &created.id, &new, &old).await.success();
    let before = stack.account.snapshot();

    // Told by the order of the requests alone …
    let reason = stack.deliver(&forward).await.unwrap().failure();
    assert!(reason.contains("a newer request"), "{reason}");
    assert_eq!(stack.account.snapshot(), before);
    // … and by the stack's status alone.
    stack.account.set_stack(&stack.id, "UPDATE_ROLLBACK_COMPLETE");
    let before = stack.account.snapshot();
    forward["ResponseURL"] = json!("https://answers.example/?X-Amz-Date=20261123T220000Z&X-Amz-Expires=7200");
    let reason = stack.deliver(&forward).await.unwrap().failure();
    assert!(reason.contains("this request is over"), "{reason}");
    assert_eq!(stack.account.snapshot(), before);
}

#[tokio::test(start_paused = true)]
async fn a_late_create_or_delete_does_not_touch_what_came_after() {
    let stack = Stack::new();
    let (old, new) = (cargo("rust:1"), changed());
    let create = stack.event("Create", "CargoPublish", None, &old);
    let created = stack.deliver(&create).await.unwrap().success();
    let delete = stack.event("Delete", "CargoPublish", Some(&created.id), &old);
    stack.deliver(&delete).await.unwrap().success();
    let again = stack.create("CargoPublish", &new).await.success();
    let before = stack.account.snapshot();
    stack.deliver(&delete).await.unwrap().success();
    stack.deliver(&create).await.unwrap().failure();
    assert_eq!(stack.account.snapshot(), before);
    assert_eq!(again.id, created.id);
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
async fn a_cancelled_rename_leaves_the_old_family_alone_standing() {
    for seed in 0..SEEDS {
        let stack = stack(seed);
        let old = cargo("rust:1");
        let mut renamed = changed();
        renamed["TaskFamily"] = json!("cargo-release");
        let created = stack.create("CargoPublish", &old).await.success();
        stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
        let forward = stack.update_event("CargoPublish", &created.id, &old, &renamed);
        let reverse = stack.update_event("CargoPublish", &created.id, &renamed, &old);
        let (one, other) = join!(stack.handled(&forward), async {
            sleep(Duration::from_millis(seed * 80)).await;
            stack.account.set_stack(&stack.id, "UPDATE_ROLLBACK_IN_PROGRESS");
            stack.handled(&reverse).await
        });
        assert!(one.is_ok() && other.is_ok(), "seed {seed}: {one:?} {other:?}");
        assert_eq!(
            stack.account.active_revisions("cargo-release").len(),
            0,
            "seed {seed}:\n{}",
            stack.account.story()
        );
        holds(&stack, &old, seed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_an_update_removes_goes_also_where_its_status_does_not_say_so() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let id = Some(created.id.as_str());
    let kind = "Custom::BuildkiteAgent";
    (stack.account).set_stack_resource(&stack.id, "CargoPublish", id, kind, "CREATE_COMPLETE");
    sleep(Duration::from_secs(60)).await;
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    stack
        .delete("CargoPublish", &created.id, &cargo("rust:1"))
        .await
        .success();
    nothing_is_left(&stack, 0);
}

#[tokio::test(start_paused = true)]
async fn a_delete_for_a_predecessor_spares_what_stands_under_its_id() {
    let stack = Stack::new();
    let failed = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    let created = stack.create("CargoPublish", &changed()).await.success();
    let live = |status: &str| {
        let id = Some(created.id.as_str());
        stack
            .account
            .set_stack_resource(&stack.id, "CargoPublish", id, "Custom::BuildkiteAgent", status);
    };
    live("CREATE_COMPLETE");
    stack
        .delete("CargoPublish", &failed.id, &cargo("rust:1"))
        .await
        .success();
    stack.delete("CargoPublish", INVENTED, &cargo("rust:1")).await.success();
    holds(&stack, &changed(), 0);
    // The same Delete, when it is for the resource itself.
    live("DELETE_IN_PROGRESS");
    stack.delete("CargoPublish", &created.id, &changed()).await.success();
    nothing_is_left(&stack, 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_found_out_of_the_stack_is_carried_on() {
    for fault in [Fault::Deny, Fault::Throttle, Fault::Hang] {
        let stack = Stack::new();
        for action in ["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource"] {
            stack.account.fault_always(action, fault.clone());
        }
        let created = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
        stack
            .update("Ruby2", &created.id, &ruby("ruby:2.7"), &ruby("ruby:3.4"))
            .await
            .success();
        stack.delete("Ruby2", &created.id, &ruby("ruby:3.4")).await.success();
        nothing_is_left(&stack, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_behind_for_a_moment_fails_nothing() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "UPDATE_COMPLETE");
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    let (created, ()) = join!(stack.deliver(&event), async {
        sleep(Duration::from_secs(1)).await;
        stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    });
    created.unwrap().success();
}

#[tokio::test(start_paused = true)]
async fn two_stacks_that_race_for_a_family_have_one_winner_and_the_loser_leaves_nothing() {
    for seed in 0..SEEDS {
        let account = Account::new();
        account.set_latency(seed, Duration::from_millis(400));
        let (one, other) = (Stack::in_account(&account, "one"), Stack::in_account(&account, "other"));
        for stack in [&one, &other] {
            account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
        }
        let (mine, theirs) = (cargo("rust:1"), cargo("rust:2"));
        let (first, second) = join!(one.create("Agent", &mine), other.create("Agent", &theirs));
        assert!(first.succeeded != second.succeeded, "seed {seed}: {first:?} {second:?}");
        let (loser, answer, image) = if first.succeeded {
            (&other, &second, "rust:1")
        } else {
            (&one, &first, "rust:2")
        };
        loser.delete("Agent", &answer.id, &cargo("rust:3")).await.success();
        holds(&one, &cargo(image), seed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_cancelled_create_left_and_could_not_take_away_is_left_to_the_next_delivery() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
    let create = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
    stack.account.set_hook({
        let (account, id) = (stack.account.clone(), stack.id.clone());
        move |call, _| {
            if call.action() == "ecs:RegisterTaskDefinition" {
                account.set_stack(&id, "ROLLBACK_IN_PROGRESS");
            }
            Box::pin(std::future::ready(()))
        }
    });
    stack.account.fault_always("iam:DeleteRole", Fault::Deny);
    let unfinished = stack.handled(&create).await.unwrap_err().to_string();
    assert!(unfinished.contains("iam:DeleteRole"), "{unfinished}");
    assert_eq!(stack.inbox.taken(), 1, "it was answered all the same");

    stack.account.clear_faults();
    stack.handled(&create).await.unwrap();
    nothing_is_left(&stack, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_after_cloudformation_has_given_up_changes_nothing_for_the_rollback() {
    let stack = Stack::new();
    let (old, new) = (cargo("rust:1"), changed());
    let created = stack.create("CargoPublish", &old).await.success();
    stack.account.set_stack(&stack.id, "UPDATE_IN_PROGRESS");
    let forward = stack.update_event("CargoPublish", &created.id, &old, &new);
    let reverse = stack.update_event("CargoPublish", &created.id, &new, &old);
    // The registration has to wait for minutes, and meanwhile the rollback is begun and over.
    for occurrence in 1..=8 {
        stack
            .account
            .fault_on("ecs:RegisterTaskDefinition", occurrence, Fault::Throttle);
    }
    let (one, other) = join!(stack.handled(&forward), async {
        sleep(Duration::from_secs(2)).await;
        stack.account.set_stack(&stack.id, "UPDATE_ROLLBACK_IN_PROGRESS");
        let done = stack.handled(&reverse).await;
        stack.account.set_stack(&stack.id, "UPDATE_ROLLBACK_COMPLETE");
        done
    });
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    holds(&stack, &old, 0);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_cancelled_and_then_runs_out_of_time_leaves_nothing() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
    let create = stack.event("Create", "CargoPublish", None, &cargo("rust:1"));
    stack.account.fault_always("ecs:RegisterTaskDefinition", Fault::Hang);
    let (created, ()) = join!(stack.handled(&create), async {
        sleep(Duration::from_secs(60)).await;
        stack.account.set_stack(&stack.id, "ROLLBACK_IN_PROGRESS");
    });
    if created.is_err() {
        stack.handled(&create).await.unwrap();
    }
    nothing_is_left(&stack, 0);
}
