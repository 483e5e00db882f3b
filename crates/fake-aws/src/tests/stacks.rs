//! What CloudFormation says about stacks.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};

use std::time::Duration;

use tokio::time::sleep;

use super::{code, refusal};
use crate::Account;

#[tokio::test]
async fn a_deleted_stack_answers_to_its_id_only() {
    let account = Account::new();
    let client = account.clients().cloudformation;
    let (old, new) = (account.stack_id("web", "1"), account.stack_id("web", "2"));
    let status = async |name: &str| {
        let answer = client
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
            .expect("is there");
        let stack = answer.stacks()[0].clone();
        (
            stack.stack_id.unwrap_or_default(),
            stack.stack_status.expect("has a status"),
        )
    };
    account.set_stack(&old, "CREATE_IN_PROGRESS");
    assert_eq!(status("web").await, (old.clone(), StackStatus::CreateInProgress));
    account.set_stack(&old, "DELETE_COMPLETE");
    assert_eq!(status(&old).await, (old.clone(), StackStatus::DeleteComplete));
    let gone = client.describe_stacks().stack_name("web").send().await;
    assert_eq!(
        refusal(gone),
        (
            "ValidationError".to_owned(),
            "Stack with id web does not exist".to_owned()
        )
    );
    account.set_stack(&new, "UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(status("web").await.0, new);
    account.forget_stack(&old);
    assert_eq!(
        code(client.describe_stacks().stack_name(&old).send().await),
        "ValidationError"
    );
}

#[tokio::test]
async fn a_stack_resource_has_its_id_once_it_is_made() {
    let account = Account::new();
    let client = account.clients().cloudformation;
    let stack = account.stack_id("web", "1");
    let kind = "Custom::BuildkiteAgent";
    account.set_stack(&stack, "CREATE_IN_PROGRESS");
    let describe = || {
        client
            .describe_stack_resource()
            .stack_name(&stack)
            .logical_resource_id("Ruby2")
            .send()
    };
    assert_eq!(
        refusal(describe().await).1,
        "Resource Ruby2 does not exist for stack web"
    );
    account.set_stack_resource(&stack, "Ruby2", None, kind, "CREATE_IN_PROGRESS");
    let detail = describe()
        .await
        .expect("is there")
        .stack_resource_detail
        .expect("in the answer");
    assert_eq!(detail.physical_resource_id(), None);
    account.set_stack_resource(&stack, "Ruby2", Some("ruby2"), kind, "CREATE_COMPLETE");
    let detail = describe()
        .await
        .expect("is there")
        .stack_resource_detail
        .expect("in the answer");
    assert_eq!(detail.physical_resource_id(), Some("ruby2"));
    assert_eq!(detail.resource_status(), Some(&ResourceStatus::CreateComplete));
    account.remove_stack_resource(&stack, "Ruby2");
    assert_eq!(code(describe().await), "ValidationError");
}

#[tokio::test(start_paused = true)]
async fn a_resource_has_the_stamp_that_a_test_gives_it_and_the_view_may_lag() {
    let account = Account::new();
    let client = account.clients().cloudformation;
    let stack = account.stack_id("web", "1");
    let shown = async || {
        let describe = client
            .describe_stack_resource()
            .stack_name(&stack)
            .logical_resource_id("Ruby2");
        let detail = describe
            .send()
            .await
            .expect("is there")
            .stack_resource_detail
            .expect("has details");
        let stamp = detail.last_updated_timestamp().expect("is stamped").secs();
        (detail.resource_status.expect("has a status"), stamp)
    };
    let set = |status: &str| account.set_stack_resource(&stack, "Ruby2", None, "Custom::BuildkiteAgent", status);
    account.set_time(1_795_464_900);
    account.set_stack(&stack, "CREATE_IN_PROGRESS");
    set("CREATE_IN_PROGRESS");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(shown().await, (ResourceStatus::CreateInProgress, 1_795_464_900));
    account.stamp_stack_resource(&stack, "Ruby2", 1_795_464_890);
    assert_eq!(shown().await.1, 1_795_464_890);
    account.set_stack_lag(Duration::from_secs(5));
    set("CREATE_FAILED");
    sleep(Duration::from_secs(3)).await;
    set("DELETE_IN_PROGRESS");
    assert_eq!(shown().await, (ResourceStatus::CreateInProgress, 1_795_464_890));
    sleep(Duration::from_secs(2)).await;
    assert_eq!(shown().await.0, ResourceStatus::CreateFailed);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(shown().await.0, ResourceStatus::DeleteInProgress);
}
