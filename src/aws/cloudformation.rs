//! CloudFormation: what an owner's stack is doing, and which status a resource has in it.

use std::time::Duration;

use aws_sdk_cloudformation::{
    Client,
    types::{self, StackStatus},
};

use super::{Failure, Retry};
use crate::{identity::Owner, ownership::Tags};

/// How long the look at another owner's stack may take: it is only asked whether that stack is gone.
const ANOTHERS: Duration = Duration::from_secs(10);

/// CloudFormation as one run sees it.
#[derive(Clone, Copy, Debug)]
pub struct CloudFormation<'a> {
    client: &'a Client,
    retry: Retry,
}

/// A resource as `DescribeStackResource` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedResource {
    /// `ResourceStatus`, such as `CREATE_IN_PROGRESS`.
    pub status: String,
    /// `PhysicalResourceId`; absent before the resource has one.
    pub physical_id: Option<String>,
    /// `LastUpdatedTimestamp`, in seconds since 1970.
    pub since: Option<i64>,
}

impl<'a> CloudFormation<'a> {
    pub(super) fn new(client: &'a Client, retry: Retry) -> Self {
        Self { client, retry }
    }

    /// Returns the owner's resource; `None` where the stack has no such resource, or does not exist.
    ///
    /// # Errors
    /// What CloudFormation does not show.
    pub async fn resource(&self, owner: &Owner) -> Result<Option<ObservedResource>, Failure> {
        const ACTION: &str = "cloudformation:DescribeStackResource";
        let (stack_id, logical_id) = (owner.stack_id.as_str(), owner.logical_id.as_str());
        let described = self
            .retry
            .call(ACTION, logical_id, || {
                let describe = self.client.describe_stack_resource();
                describe.stack_name(stack_id).logical_resource_id(logical_id).send()
            })
            .await;
        match described {
            Ok(described) => Ok(described.stack_resource_detail().and_then(|detail| {
                Some(ObservedResource {
                    status: detail.resource_status()?.as_str().to_owned(),
                    physical_id: detail.physical_resource_id().map(str::to_owned),
                    since: detail
                        .last_updated_timestamp()
                        .map(aws_sdk_cloudformation::primitives::DateTime::secs),
                })
            })),
            Err(error) if error.is_absent_stack_or_resource() => Ok(None),
            Err(error) => Err(Failure::to(
                format!("look at the resource `{logical_id}` in its stack"),
                ACTION,
            )(error)),
        }
    }

    /// Returns the stack's status, such as `UPDATE_IN_PROGRESS`; `None` where no such stack exists.
    ///
    /// # Errors
    /// What CloudFormation does not show.
    pub async fn stack_status(&self, stack_id: &str) -> Result<Option<StackStatus>, Failure> {
        let stack = self.stack(stack_id, self.retry).await?;
        Ok(stack.and_then(|stack| stack.stack_status))
    }

    /// Returns the stack's tags; none where no such stack exists.
    ///
    /// # Errors
    /// What CloudFormation does not show.
    pub async fn stack_tags(&self, stack_id: &str) -> Result<Tags, Failure> {
        let stack = self.stack(stack_id, self.retry).await?;
        let tags = stack.and_then(|stack| stack.tags).unwrap_or_default();
        Ok(tags.into_iter().filter_map(|tag| tag.key.zip(tag.value)).collect())
    }

    /// Returns whether that stack is deleted. CloudFormation remembers one for 90 days; one that can't be looked up
    /// counts as existing.
    pub async fn stack_is_gone(&self, stack_id: &str) -> bool {
        let stack = self.stack(stack_id, self.retry.at_most(ANOTHERS)).await;
        matches!(stack, Ok(Some(stack)) if stack.stack_status == Some(StackStatus::DeleteComplete))
    }

    async fn stack(&self, stack_id: &str, retry: Retry) -> Result<Option<types::Stack>, Failure> {
        const ACTION: &str = "cloudformation:DescribeStacks";
        let described = retry
            .call(ACTION, stack_id, || {
                self.client.describe_stacks().stack_name(stack_id).send()
            })
            .await;
        match described {
            Ok(described) => {
                let stacks = described.stacks.unwrap_or_default();
                Ok(stacks.into_iter().find(|stack| stack.stack_id() == Some(stack_id)))
            }
            Err(error) if error.is_absent_stack_or_resource() => Ok(None),
            Err(error) => Err(Failure::to(format!("look at the stack `{stack_id}`"), ACTION)(error)),
        }
    }
}
