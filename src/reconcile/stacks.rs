//! CloudFormation: what an owner's stack is doing, and whether it is still there.

use std::time::Duration;

use aws_sdk_cloudformation::types::StackStatus;
use tokio::{join, time::timeout};

use super::Reconciler;
use crate::{
    identity::Owner,
    witness::{Seen, SeenResource},
};

/// How long the look at a stack may take: it is a witness, and without it a request counts as open.
const LOOK: Duration = Duration::from_secs(20);

impl Reconciler<'_> {
    /// Looks at the owner's stack and at the resource in it. What is denied, throttled or unknown is not known.
    pub async fn look_at_stack(&self, owner: &Owner) -> Seen {
        timeout(LOOK, self.see_stack(owner)).await.unwrap_or_default()
    }

    async fn see_stack(&self, owner: &Owner) -> Seen {
        let (stack_id, logical_id) = (owner.stack_id.as_str(), owner.logical_id.as_str());
        let brief = self.patience.at_most(LOOK);
        let (stacks, resource) = join!(
            brief.call("cloudformation:DescribeStacks", stack_id, || {
                self.clients
                    .cloudformation
                    .describe_stacks()
                    .stack_name(stack_id)
                    .send()
            }),
            brief.call("cloudformation:DescribeStackResource", logical_id, || {
                let describe = self.clients.cloudformation.describe_stack_resource();
                describe.stack_name(stack_id).logical_resource_id(logical_id).send()
            })
        );
        let stack = stacks.ok().and_then(|stacks| {
            let ours = stacks.stacks().iter().find(|stack| stack.stack_id() == Some(stack_id));
            ours.and_then(|stack| stack.stack_status())
                .map(|status| status.as_str().to_owned())
        });
        let resource = resource.ok().and_then(|resource| {
            let detail = resource.stack_resource_detail()?;
            Some(SeenResource {
                status: detail.resource_status()?.as_str().to_owned(),
                physical_id: detail.physical_resource_id().map(str::to_owned),
            })
        });
        Seen { stack, resource }
    }

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
