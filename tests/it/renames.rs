//! Renames of the family and of the logical id, one family twice, and what a Retain policy keeps.

use serde_json::{Value, json};

use crate::{
    account::Fault,
    stack::{Stack, cargo_of},
};

fn of_family(family: &str) -> Value {
    cargo_of(Some(family))
}

#[tokio::test(start_paused = true)]
async fn a_swap_of_two_families_is_refused_and_safe_to_take_back() {
    let stack = Stack::new();
    let one = stack.create("One", &of_family("red")).await.success();
    let other = stack.create("Other", &of_family("blue")).await.success();
    let reason = stack
        .update("One", &one.id, &of_family("red"), &of_family("blue"))
        .await
        .failure();
    assert!(
        reason.contains("belongs to the resource `Other` of this stack"),
        "{reason}"
    );
    stack
        .update("Other", &other.id, &of_family("blue"), &of_family("red"))
        .await
        .failure();
    stack
        .update("One", &one.id, &of_family("blue"), &of_family("red"))
        .await
        .success();
    stack
        .update("Other", &other.id, &of_family("red"), &of_family("blue"))
        .await
        .success();
    for (logical_id, answer, family) in [("One", one, "red"), ("Other", other, "blue")] {
        assert_eq!(stack.account.active_revisions(family).len(), 1);
        stack.delete(logical_id, &answer.id, &of_family(family)).await.success();
    }
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_fails_is_answered_with_the_old_id_and_leaves_no_new_family_after_the_reverse_update() {
    for nth in 1..=15 {
        let stack = Stack::new();
        let created = stack.create("CargoPublish", &of_family("red")).await.success();
        stack
            .account
            .fault_in(nth, Fault::error(400, "ValidationError", "it can't be"));
        let renamed = stack
            .update("CargoPublish", &created.id, &of_family("red"), &of_family("blue"))
            .await;
        stack.account.clear_faults();
        if renamed.succeeded {
            stack
                .delete("CargoPublish", &renamed.id, &of_family("blue"))
                .await
                .success();
        } else {
            assert_eq!(renamed.id, created.id, "call {nth}");
            stack
                .update("CargoPublish", &created.id, &of_family("blue"), &of_family("red"))
                .await
                .success();
        }
        assert_eq!(
            stack.account.active_revisions("blue").len(),
            0,
            "call {nth}:\n{}",
            stack.account.story()
        );
        assert_eq!(stack.account.active_revisions("red").len(), 1, "call {nth}");
        assert_eq!(
            (stack.account.roles().len(), stack.account.log_groups().len()),
            (2, 1),
            "call {nth}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_logical_id_and_a_family_renamed_together_share_nothing() {
    let stack = Stack::new();
    let old = stack.create("Old", &of_family("red")).await.success();
    let new = stack.create("New", &of_family("blue")).await.success();
    stack.delete("Old", &old.id, &of_family("red")).await.success();
    assert_eq!(stack.account.active_revisions("blue").len(), 1);
    assert_eq!(stack.account.roles().len(), 2);
    stack.delete("New", &new.id, &of_family("blue")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn of_two_resources_with_one_family_one_has_it_and_the_other_gets_the_name_of_its_owner() {
    let stack = Stack::new();
    let one = stack.create("One", &of_family("red")).await.success();
    let refused = stack.create("Two", &of_family("red")).await;
    assert!(
        refused.clone().failure().contains("the resource `One` of this stack"),
        "{}",
        refused.reason
    );
    stack.delete("Two", &refused.id, &of_family("red")).await.success();
    assert_eq!(stack.account.active_revisions("red").len(), 1);
    stack.delete("One", &one.id, &of_family("red")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_retain_policy_keeps_stays_and_is_taken_up_again_by_the_same_resource_alone() {
    let stack = Stack::new();
    let created = stack.create("Red", &of_family("red")).await.success();
    // The resource leaves the stack, with `DeletionPolicy: Retain`: no event. Then another wants its family …
    stack.create("Other", &of_family("red")).await.failure();
    // … and then it comes back.
    let again = stack.create("Red", &of_family("red")).await.success();
    assert_eq!(
        again.attribute("TaskDefinitionArn"),
        created.attribute("TaskDefinitionArn")
    );
    assert_eq!(again.attribute("TaskRoleId"), created.attribute("TaskRoleId"));
}

#[tokio::test(start_paused = true)]
async fn a_family_that_is_kept_after_a_rename_stays_whole() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &of_family("red")).await.success();
    let before = stack.account.log_group("/aws/ecs/red");
    let renamed = stack
        .update("CargoPublish", &created.id, &of_family("red"), &of_family("blue"))
        .await
        .success();
    // `UpdateReplacePolicy: Retain`: no Delete of the old one. The new one goes.
    stack
        .delete("CargoPublish", &renamed.id, &of_family("blue"))
        .await
        .success();
    assert_eq!(stack.account.active_revisions("red").len(), 1);
    assert_eq!(
        (stack.account.roles().len(), stack.account.log_group("/aws/ecs/red")),
        (2, before)
    );
}

#[tokio::test(start_paused = true)]
async fn a_kept_family_survives_an_update_that_named_it_and_was_refused() {
    let default = cargo_of(None);
    let refused = [
        ("an invalid name counts as the default one", "cargo.publish", "256"),
        ("its own name, beside another fault", "cargopublish", "7"),
    ];
    for (what, family, cpu) in refused {
        let stack = Stack::new();
        let created = stack.create("CargoPublish", &default).await.success();
        // `UpdateReplacePolicy: Retain`: no Delete of the old one.
        let renamed = stack
            .update("CargoPublish", &created.id, &default, &of_family("red"))
            .await
            .success();
        let before = stack.account.snapshot();
        let mut refused = of_family(family);
        refused["TaskCpu"] = json!(cpu);
        let red = of_family("red");
        stack
            .update("CargoPublish", &renamed.id, &red, &refused)
            .await
            .failure();
        stack
            .update("CargoPublish", &renamed.id, &refused, &red)
            .await
            .success();
        let now = stack.account.snapshot();
        for part in ["taskDefinitions", "logGroups"] {
            assert!(before[part].is_object());
            assert_eq!(now[part], before[part], "{what}: {part}");
        }
        assert_eq!(stack.account.roles().len(), 4, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reverse_update_that_failed_to_remove_the_new_family_removes_it_when_it_is_sent_again() {
    let stack = Stack::new();
    let (red, blue) = (of_family("red"), of_family("blue"));
    let created = stack.create("CargoPublish", &red).await.success();
    stack.update("CargoPublish", &created.id, &red, &blue).await.success();
    stack
        .account
        .fault_always("iam:DeleteRole", Fault::error(400, "ValidationError", "it can't be"));
    stack.update("CargoPublish", &created.id, &blue, &red).await.failure();
    stack.account.clear_faults();
    stack.update("CargoPublish", &created.id, &blue, &red).await.success();
    assert_eq!(stack.account.active_revisions("blue").len(), 0);
    assert_eq!(stack.account.roles().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_rolled_back_and_kept_is_not_deleted() {
    let stack = Stack::new();
    stack.account.set_stack(&stack.id, "CREATE_IN_PROGRESS");
    stack.account.set_hook({
        let (account, id) = (stack.account.clone(), stack.id.clone());
        move |call, _| {
            if call.action() == "ecs:RegisterTaskDefinition" {
                account.set_stack(&id, "ROLLBACK_IN_PROGRESS");
                account.set_stack_resource(&id, "Red", None, "Custom::BuildkiteAgent", "DELETE_SKIPPED");
            }
            Box::pin(std::future::ready(()))
        }
    });
    stack.create("Red", &of_family("red")).await.success();
    assert_eq!(stack.account.active_revisions("red").len(), 1);
}
