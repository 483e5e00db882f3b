//! What CloudFormation says about stacks.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};

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
