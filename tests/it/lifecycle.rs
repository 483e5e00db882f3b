//! What Create, Update and Delete leave, on a good day.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    account::{Account, Fault, Lag, Record, Service},
    answer::Answer,
    stack::{Stack, cargo, ruby},
};

#[tokio::test(start_paused = true)]
async fn create_makes_everything_and_says_where_it_is() {
    let stack = Stack::new();
    let answer = stack.create("CargoPublish", &cargo("rust:1")).await.success();

    assert_eq!(
        answer.id,
        "arn:aws:ecs:us-east-1:111122223333:task-definition/cargo-publish"
    );
    let revision = stack.account.newest_revision("cargo-publish").unwrap();
    let roles = stack.account.roles();
    let role = |kind: &str| roles.iter().find(|role| role.name.contains(kind)).unwrap();
    assert_eq!(
        Value::from(answer.data),
        json!({
            "TaskDefinitionArn": revision.arn,
            "Revision": "1",
            "TaskFamily": "cargo-publish",
            "TaskRoleArn": role("-task-").arn,
            "TaskRoleName": role("-task-").name,
            "TaskRoleId": role("-task-").id,
            "ExecutionRoleArn": role("-execution-").arn,
            "LogGroupName": "/aws/ecs/cargo-publish",
        })
    );
    assert_eq!(roles.len(), 2);
    assert_eq!(
        stack.account.log_group("/aws/ecs/cargo-publish").unwrap().retention,
        Some(1)
    );
    assert_eq!(stack.account.unknown_calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn everything_carries_its_owner() {
    let stack = Stack::new();
    stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    let mut tagged = vec![
        stack.account.newest_revision("ruby2").unwrap().tags,
        stack.account.log_group("/aws/ecs/ruby2").unwrap().tags,
    ];
    tagged.extend(stack.account.roles().into_iter().map(|role| role.tags));
    assert_eq!(tagged.len(), 4);
    for tags in tagged {
        assert_eq!(tags.get("agent-composer:stack-id"), Some(&stack.id));
        assert_eq!(tags.get("agent-composer:logical-id").map(String::as_str), Some("Ruby2"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_group_and_the_rights_are_there_before_the_registration() {
    let stack = Stack::new();
    stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let writes: Vec<String> = stack.account.writes().iter().map(Record::action).collect();
    assert_eq!(writes.last().map(String::as_str), Some("ecs:RegisterTaskDefinition"));
    assert_eq!(writes.len(), 7, "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn delete_leaves_nothing() {
    let stack = Stack::new();
    let answer = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    stack.delete("Ruby2", &answer.id, &ruby("ruby:2.7")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn delete_of_nothing_is_done() {
    let stack = Stack::new();
    let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2";
    for id in [id, "pipelines-Ruby2-1ABCDEFGHIJK"] {
        let answer = stack.delete("Ruby2", id, &ruby("ruby:2.7")).await.success();
        assert_eq!(answer.id, id, "a Delete never moves the id");
    }
}

#[tokio::test(start_paused = true)]
async fn delete_with_an_invented_id_finds_what_was_made_by_family_or_logical_id() {
    for properties in [cargo("rust:1"), ruby("ruby:2.7")] {
        let stack = Stack::new();
        stack.create("Ruby2", &properties).await.success();
        stack
            .delete("Ruby2", "pipelines-Ruby2-1ABCDEFGHIJK", &properties)
            .await
            .success();
        assert_eq!(stack.account.leftovers(), [] as [String; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn delete_goes_by_the_id_and_not_by_the_properties() {
    let stack = Stack::new();
    let answer = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    stack
        .delete(
            "CargoPublish",
            &answer.id,
            &json!({"TaskFamily": "another", "Nonsense": [1]}),
        )
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_changes_nothing_registers_nothing() {
    let stack = Stack::new();
    let created = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    let mut same = ruby("ruby:2.7");
    same["TaskCpu"] = json!(1024);
    same["ServiceTimeout"] = json!("60");
    let updated = stack
        .update("Ruby2", &created.id, &ruby("ruby:2.7"), &same)
        .await
        .success();
    assert_eq!(updated, created);
    assert_eq!(stack.account.calls_to("ecs:RegisterTaskDefinition").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn twelve_image_updates_keep_one_id_one_task_role_and_few_revisions() {
    let stack = Stack::new();
    let image = |n: usize| cargo(&format!("rust:1.{n}"));
    let mut answers = vec![stack.create("CargoPublish", &image(0)).await.success()];
    for n in 1..=12 {
        let id = answers[0].id.clone();
        answers.push(
            stack
                .update("CargoPublish", &id, &image(n - 1), &image(n))
                .await
                .success(),
        );
    }
    let distinct = |name: fn(&Answer) -> String| answers.iter().map(name).collect::<BTreeSet<_>>().len();
    assert_eq!(distinct(|answer| answer.id.clone()), 1);
    assert_eq!(distinct(|answer| answer.attribute("TaskRoleId").to_owned()), 1);
    assert_eq!(distinct(|answer| answer.attribute("TaskDefinitionArn").to_owned()), 13);
    let active = stack.account.active_revisions("cargo-publish");
    assert!((1..=4).contains(&active.len()), "{}", active.len());
    let newest = stack.account.newest_revision("cargo-publish").unwrap();
    assert_eq!(newest.arn, answers[12].attribute("TaskDefinitionArn"));
    assert!(
        newest.container("agent").unwrap()["image"]
            .as_str()
            .unwrap()
            .ends_with("rust:1.12")
    );

    stack.delete("CargoPublish", &answers[0].id, &image(12)).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_update_registers_the_old_content_and_keeps_every_arn_that_was_reported() {
    let stack = Stack::new();
    let (old, new) = (ruby("ruby:2.7"), ruby("ruby:3.4"));
    let created = stack.create("Ruby2", &old).await.success();
    let updated = stack.update("Ruby2", &created.id, &old, &new).await.success();
    let back = stack.update("Ruby2", &created.id, &new, &old).await.success();
    assert_eq!([&updated.id, &back.id], [&created.id, &created.id]);
    assert_eq!(
        stack
            .account
            .newest_revision("ruby2")
            .unwrap()
            .container("agent")
            .unwrap()["image"],
        "ruby:2.7"
    );
    assert_eq!(back.attribute("TaskRoleId"), created.attribute("TaskRoleId"));

    // More than pruning keeps where nothing was rolled back.
    let forward = stack.update("Ruby2", &created.id, &old, &new).await.success();
    for answer in [&created, &updated, &back, &forward] {
        let arn = answer.attribute("TaskDefinitionArn");
        assert_eq!(stack.account.revision(arn).unwrap().status, "ACTIVE", "{arn}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_in_the_same_second_as_the_one_that_it_takes_back_does_not_trust_a_read_that_lags_behind() {
    let stack = Stack::new();
    let (old, new) = (ruby("ruby:2.7"), ruby("ruby:3.4"));
    let id = stack.create("Ruby2", &old).await.success().id;
    let forward = stack.update_event("Ruby2", &id, &old, &new);
    let mut reverse = stack.update_event("Ruby2", &id, &new, &old);
    reverse["ResponseURL"] = forward["ResponseURL"].clone();
    // The first look of the reverse still shows the revision of the Create.
    stack
        .account
        .stale_after("ecs:RegisterTaskDefinition", 1, Lag::Calls(1));
    stack.deliver(&forward).await.unwrap().success();
    stack.deliver(&reverse).await.unwrap().success();
    let newest = stack.account.newest_revision("ruby2").unwrap();
    assert_eq!(newest.container("agent").unwrap()["image"], "ruby:2.7");
}

/// `Ruby2` after an update from `ruby:2.7` to `ruby:3.4` whose revision lags behind, and its id.
async fn updated(lag: Lag) -> (Stack, String) {
    let stack = Stack::new();
    let (old, new) = (ruby("ruby:2.7"), ruby("ruby:3.4"));
    let id = stack.create("Ruby2", &old).await.success().id;
    stack.account.stale_after("ecs:RegisterTaskDefinition", 1, lag);
    stack.update("Ruby2", &id, &old, &new).await.success();
    (stack, id)
}

/// Takes it back, and the newest revision has the old image.
async fn is_taken_back(stack: &Stack, id: &str) {
    stack
        .update("Ruby2", id, &ruby("ruby:3.4"), &ruby("ruby:2.7"))
        .await
        .success();
    let newest = stack.account.newest_revision("ruby2").unwrap();
    assert_eq!(newest.container("agent").unwrap()["image"], "ruby:2.7");
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_for_five_seconds_do_not_hide_the_update_that_is_taken_back() {
    let (stack, id) = updated(Lag::Time(Duration::from_secs(5))).await;
    is_taken_back(&stack, &id).await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_right_after_updates_whose_revisions_lag_for_five_seconds_leaves_nothing() {
    let stack = Stack::new();
    let (first, second, third) = (ruby("ruby:2.7"), ruby("ruby:3.4"), ruby("ruby:4.0"));
    let id = stack.create("Ruby2", &first).await.success().id;
    stack.update("Ruby2", &id, &first, &second).await.success();
    stack
        .account
        .stale_after("ecs:RegisterTaskDefinition", 1, Lag::Time(Duration::from_secs(5)));
    stack.update("Ruby2", &id, &second, &third).await.success();
    stack.delete("Ruby2", &id, &third).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_is_tried_again_does_not_take_an_older_revision_for_its_own() {
    // The first look of the reverse shows the newest revision, the one before its second attempt does not.
    let (stack, id) = updated(Lag::CallWithin(2, Duration::from_secs(60))).await;
    stack.account.fault_on("ecs:RegisterTaskDefinition", 1, Fault::Throttle);
    is_taken_back(&stack, &id).await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_right_after_an_update_that_ran_late_leaves_nothing() {
    let stack = Stack::new();
    let (old, new) = (ruby("ruby:2.7"), ruby("ruby:3.4"));
    let id = stack.create("Ruby2", &old).await.success().id;
    let update = stack.update_event("Ruby2", &id, &old, &new);
    // It waits in the queue, and the first look of the Delete shows the revision of the Create as the newest.
    sleep(Duration::from_secs(100)).await;
    stack
        .account
        .stale_after("ecs:RegisterTaskDefinition", 1, Lag::Calls(1));
    stack.deliver(&update).await.unwrap().success();
    stack.delete("Ruby2", &id, &new).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_family_shares_nothing_with_the_old_one() {
    let stack = Stack::new();
    let mut renamed = cargo("rust:1");
    renamed["TaskFamily"] = json!("cargo-release");
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let before = stack.account.snapshot();
    let updated = stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &renamed)
        .await
        .success();
    assert_eq!(
        updated.id,
        "arn:aws:ecs:us-east-1:111122223333:task-definition/cargo-release"
    );
    assert_eq!(stack.account.roles().len(), 4);

    // Rolled back by a Delete of the new id alone (E11): the old one is as it was.
    let rolled_back = stack.delete("CargoPublish", &updated.id, &renamed).await.success();
    assert_eq!(rolled_back.id, updated.id);
    assert_eq!(stack.account.active_revisions("cargo-publish").len(), 1);
    let now = stack.account.snapshot();
    for part in ["roles", "logGroups"] {
        assert!(before[part].is_object());
        assert_eq!(now[part], before[part], "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_rename_the_cleanup_takes_the_old_family_and_nothing_else() {
    let stack = Stack::new();
    let mut renamed = cargo("rust:1");
    renamed["TaskFamily"] = json!("cargo-release");
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let updated = stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &renamed)
        .await
        .success();
    stack
        .delete("CargoPublish", &created.id, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(stack.account.families().len(), 2);
    assert_eq!(stack.account.active_revisions("cargo-publish").len(), 0);
    assert_eq!(stack.account.active_revisions("cargo-release").len(), 1);
    assert_eq!(stack.account.roles().len(), 2);
    stack.delete("CargoPublish", &updated.id, &renamed).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_reverse_update_sweeps_a_family_that_nothing_else_will_delete() {
    let stack = Stack::new();
    let mut renamed = cargo("rust:1");
    renamed["TaskFamily"] = json!("cargo-release");
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    stack
        .update("CargoPublish", &created.id, &cargo("rust:1"), &renamed)
        .await
        .success();
    // H3: the reverse Update comes with the old id.
    let back = stack
        .update("CargoPublish", &created.id, &renamed, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(back.id, created.id);
    assert_eq!(stack.account.active_revisions("cargo-release").len(), 0);
    assert_eq!(stack.account.roles().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sixty_resources_of_one_stack_come_up_and_go_under_the_accounts_rates() {
    let account = Account::new();
    account.set_latency(7, std::time::Duration::from_millis(50));
    let stack = Stack::in_account(&account, "pipelines");
    let events: Vec<Value> = (0..60)
        .map(|n| stack.event("Create", &format!("Agent{n}"), None, &ruby("ruby:2.7")))
        .collect();
    let run = async |events: Vec<Value>| {
        let answered = stack.inbox.taken();
        let done = join_all(events.iter().map(|event| stack.handled(event))).await;
        assert!(done.iter().all(Result::is_ok));
        let answers = stack.inbox.since(answered);
        assert_eq!(answers.len(), 60);
        for answer in answers {
            assert_eq!(answer["Status"], "SUCCESS", "{answer}");
        }
    };
    run(events).await;
    assert_eq!(account.roles().len(), 120);
    assert!(
        account
            .families()
            .iter()
            .all(|family| account.active_revisions(family).len() == 1)
    );

    let events: Vec<Value> = (0..60)
        .map(|n| {
            let id = format!("arn:aws:ecs:us-east-1:111122223333:task-definition/agent{n}");
            stack.event("Delete", &format!("Agent{n}"), Some(&id), &ruby("ruby:2.7"))
        })
        .collect();
    run(events).await;
    assert_eq!(account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn lists_are_read_to_their_last_page() {
    let stack = Stack::new();
    stack.account.set_page_size(1);
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    for n in 2..6 {
        stack
            .update(
                "CargoPublish",
                &created.id,
                &cargo(&format!("rust:{}", n - 1)),
                &cargo(&format!("rust:{n}")),
            )
            .await
            .success();
    }
    let role = created.attribute("TaskRoleName");
    let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]);
    let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    for name in ["by-hand-1", "by-hand-2"] {
        let policy = json!({"RoleName": role, "PolicyName": name, "PolicyDocument": document});
        stack.account.plant(Service::Iam, "PutRolePolicy", policy);
    }
    stack
        .delete("CargoPublish", &created.id, &cargo("rust:5"))
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn every_arn_is_of_the_stacks_own_partition() {
    let account = Account::at("aws-cn", "cn-north-1", "111122223333");
    let stack = Stack::in_account(&account, "pipelines");
    let answer = stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    let shown = format!("{answer:?} {}", account.snapshot());
    let arns: Vec<&str> = shown.split("arn:").skip(1).collect();
    assert!(arns.len() > 10, "{shown}");
    for arn in arns {
        assert!(arn.starts_with("aws-cn:"), "arn:{arn}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_answers_every_attribute_that_the_create_answered() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    for (old, new) in [("rust:1", "rust:2"), ("rust:2", "rust:1"), ("rust:1", "rust:1")] {
        let (old, new) = (cargo(old), cargo(new));
        let updated = stack.update("CargoPublish", &created.id, &old, &new).await.success();
        let keys = |answer: &Answer| answer.data.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&updated), keys(&created), "{old} to {new}");
        assert!(updated.data.values().all(|value| value != ""), "{:?}", updated.data);
    }
}
