//! CloudFormation: whether an owner's stack is still there.

use std::time::Duration;

use aws_sdk_cloudformation::types::StackStatus;

use super::Reconciler;

impl Reconciler<'_> {
    /// Whether the stack of that ARN is deleted. CloudFormation remembers one for 90 days; one that can't be found out
    /// counts as there.
    pub(super) async fn stack_is_gone(&self, stack_id: &str) -> bool {
        let described = self
            .patience
            .at_most(Duration::from_secs(10))
            .call("cloudformation:DescribeStacks", stack_id, || {
                self.clients
                    .cloudformation
                    .describe_stacks()
                    .stack_name(stack_id)
                    .send()
            })
            .await;
        described.is_ok_and(|described| {
            described.stacks().iter().any(|stack| {
                stack.stack_id() == Some(stack_id) && stack.stack_status() == Some(&StackStatus::DeleteComplete)
            })
        })
    }
}
