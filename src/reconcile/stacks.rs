//! CloudFormation: what an owner's stack is doing, and whether it is still there.

use std::time::Duration;

use aws_sdk_cloudformation::{primitives::DateTime, types::StackStatus};
use tokio::{join, time::timeout};

use super::Reconciler;
use crate::{
    identity::Owner,
    witness::{Seen, SeenResource},
};

/// How long the look at a stack may take: it is a witness, and without it a request counts as open.
const LOOK: Duration = Duration::from_secs(20);

/// How often it is taken when nobody waits: one call that hangs must not be the reason that nothing is known.
const LOOKS: usize = 3;

impl Reconciler<'_> {
    /// Looks at the owner's stack and at the resource in it, side by side. What is denied, throttled or unknown is not
    /// known.
    pub async fn look_at_stack(&self, owner: &Owner) -> Seen {
        let look = async {
            let (stack, resource) = join!(self.stack_status(owner), self.stack_resource(owner));
            seen(stack, resource)
        };
        timeout(LOOK, look).await.unwrap_or_default()
    }

    /// The same look after the last write, when nobody waits for it: the resource after the stack, so that a resource
    /// that is kept is seen to be kept wherever its stack is seen to be taken back.
    pub async fn look_at_stack_again(&self, owner: &Owner) -> Seen {
        let look = || async {
            let stack = self.stack_status(owner).await;
            let resource = self.stack_resource(owner).await;
            seen(stack, resource)
        };
        for _ in 0..LOOKS {
            if let Ok(seen) = timeout(LOOK, look()).await {
                return seen;
            }
        }
        Seen::default()
    }

    /// Its status, and when its last update began.
    async fn stack_status(&self, owner: &Owner) -> Option<(String, Option<i64>)> {
        let stack_id = owner.stack_id.as_str();
        let stacks = self
            .patience
            .call("cloudformation:DescribeStacks", stack_id, || {
                self.clients
                    .cloudformation
                    .describe_stacks()
                    .stack_name(stack_id)
                    .send()
            })
            .await
            .ok()?;
        let ours = stacks.stacks().iter().find(|stack| stack.stack_id() == Some(stack_id));
        let ours = ours?;
        let updated = ours.last_updated_time().and_then(milliseconds);
        Some((ours.stack_status()?.as_str().to_owned(), updated))
    }

    async fn stack_resource(&self, owner: &Owner) -> Option<SeenResource> {
        let (stack_id, logical_id) = (owner.stack_id.as_str(), owner.logical_id.as_str());
        let described = self
            .patience
            .call("cloudformation:DescribeStackResource", logical_id, || {
                let describe = self.clients.cloudformation.describe_stack_resource();
                describe.stack_name(stack_id).logical_resource_id(logical_id).send()
            })
            .await;
        match described {
            Ok(described) => {
                let detail = described.stack_resource_detail()?;
                Some(SeenResource {
                    status: detail.resource_status()?.as_str().to_owned(),
                    physical_id: detail.physical_resource_id().map(str::to_owned),
                    since: detail.last_updated_timestamp().and_then(milliseconds),
                })
            }
            Err(refusal) if refusal.is_absent_resource(logical_id) => Some(SeenResource {
                status: String::new(),
                physical_id: None,
                since: None,
            }),
            Err(_) => None,
        }
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

fn seen(stack: Option<(String, Option<i64>)>, resource: Option<SeenResource>) -> Seen {
    let (stack, updated) = stack.unzip();
    Seen {
        stack,
        updated: updated.flatten(),
        resource,
    }
}

fn milliseconds(time: &DateTime) -> Option<i64> {
    time.to_millis().ok()
}
