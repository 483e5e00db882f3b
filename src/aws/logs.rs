//! CloudWatch Logs: log groups, with their tags, key and retention.

use std::collections::HashMap;

use aws_sdk_cloudwatchlogs::Client;
use tokio::time::sleep;

use super::{CallError, Failure, Kind, READ_LAG, Retry};
use crate::{composition::LogGroup, ownership::Tags};

/// CloudWatch Logs as one run sees it.
#[derive(Clone, Copy, Debug)]
pub struct Logs<'a> {
    client: &'a Client,
    retry: Retry,
}

impl<'a> Logs<'a> {
    pub(super) fn new(client: &'a Client, retry: Retry) -> Self {
        Self { client, retry }
    }

    /// Creates the group with these tags, or returns the tags of the one that exists. Creation is atomic, which makes the
    /// group the claim on its family.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn create(&self, group: &LogGroup, tags: &Tags) -> Result<Option<Tags>, Failure> {
        const ACTION: &str = "logs:CreateLogGroup";
        let tags: HashMap<String, String> = tags.clone().into_iter().collect();
        let mut waiting = self.retry.wait(ACTION, &group.name);
        loop {
            let created = self
                .client
                .create_log_group()
                .log_group_name(&group.name)
                .set_log_group_class(group.other_class().map(Into::into))
                .set_kms_key_id(group.kms_key.clone())
                .set_tags(Some(tags.clone()))
                .send()
                .await;
            let error = match created.map_err(CallError::from) {
                Ok(_) => {
                    waiting.done("created");
                    return Ok(None);
                }
                // Also after an answer that got lost: the tags show that the group is ours.
                Err(error) if error.kind == Kind::Exists => match self.tags(&group.name, &group.arn).await? {
                    Some(tags) => {
                        waiting.done("found");
                        return Ok(Some(tags));
                    }
                    // Exists for one call and not for the other: one of them lags behind.
                    None => error,
                },
                Err(error) => error,
            };
            waiting
                .after(error, |error| error.kind == Kind::Exists)
                .await
                .map_err(Failure::to(format!("create the log group `{}`", group.name), ACTION))?;
        }
    }

    /// Returns the group's tags, if it exists.
    ///
    /// # Errors
    /// What CloudWatch Logs does not show.
    pub async fn tags(&self, name: &str, arn: &str) -> Result<Option<Tags>, Failure> {
        const ACTION: &str = "logs:ListTagsForResource";
        let listed = self
            .retry
            .call(ACTION, name, || {
                self.client.list_tags_for_resource().resource_arn(arn).send()
            })
            .await;
        match listed {
            Ok(listed) => Ok(Some(listed.tags.unwrap_or_default().into_iter().collect())),
            Err(error) if error.kind == Kind::Absent => Ok(None),
            Err(error) => Err(Failure::to(format!("read the tags of the log group `{name}`"), ACTION)(
                error,
            )),
        }
    }

    /// Writes tags; returns whether the group exists.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn tag(&self, group: &LogGroup, tags: &Tags) -> Result<bool, Failure> {
        const ACTION: &str = "logs:TagResource";
        let tags: HashMap<String, String> = tags.clone().into_iter().collect();
        let tagged = self.retry.call(ACTION, &group.name, || {
            let tag = self.client.tag_resource().resource_arn(&group.arn);
            tag.set_tags(Some(tags.clone())).send()
        });
        exists(tagged.await).map_err(Failure::to(format!("tag the log group `{}`", group.name), ACTION))
    }

    /// Removes tags. An absent group is done.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn untag(&self, name: &str, arn: &str, keys: Vec<String>) -> Result<(), Failure> {
        const ACTION: &str = "logs:UntagResource";
        let untagged = self.retry.call(ACTION, name, || {
            let untag = self.client.untag_resource().resource_arn(arn);
            untag.set_tag_keys(Some(keys.clone())).send()
        });
        exists(untagged.await)
            .map(drop)
            .map_err(Failure::to(format!("remove tags from the log group `{name}`"), ACTION))
    }

    /// Sets how long the group keeps its events; returns whether the group exists. A new group may not be known
    /// everywhere yet: `is_new` retries what would otherwise mean that it does not exist.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn put_retention(&self, group: &LogGroup, is_new: bool) -> Result<bool, Failure> {
        const ACTION: &str = "logs:PutRetentionPolicy";
        let propagates = |error: &CallError| is_new && error.kind == Kind::Absent;
        let put = self.retry.call_through(ACTION, &group.name, propagates, || {
            let put = self.client.put_retention_policy().log_group_name(&group.name);
            put.retention_in_days(group.retention_days).send()
        });
        exists(put.await).map_err(Failure::to(
            format!("set the retention of the log group `{}`", group.name),
            ACTION,
        ))
    }

    /// Encrypts the group under the key.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn associate_key(&self, name: &str, key: &str) -> Result<(), Failure> {
        const ACTION: &str = "logs:AssociateKmsKey";
        let associated = self.retry.call(ACTION, name, || {
            let associate = self.client.associate_kms_key().log_group_name(name);
            associate.kms_key_id(key).send()
        });
        associated.await.map(drop).map_err(Failure::to(
            format!("encrypt the log group `{name}` under the key `{key}`"),
            ACTION,
        ))
    }

    /// Encrypts the group under no key of the customer's any more.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn disassociate_key(&self, name: &str) -> Result<(), Failure> {
        const ACTION: &str = "logs:DisassociateKmsKey";
        let disassociated = self.retry.call(ACTION, name, || {
            self.client.disassociate_kms_key().log_group_name(name).send()
        });
        disassociated
            .await
            .map(drop)
            .map_err(Failure::to(format!("remove the key of the log group `{name}`"), ACTION))
    }

    /// Deletes the group. An absent one is done. An attempt whose answer was lost may have deleted it, and another resource may
    /// have created it since: the deletion is tried again only if the tags say, after the longest lag, that it `is_ours`.
    ///
    /// # Errors
    /// What CloudWatch Logs answered to the last attempt.
    pub async fn delete(&self, name: &str, arn: &str, is_ours: impl Fn(&Tags) -> bool) -> Result<(), Failure> {
        const ACTION: &str = "logs:DeleteLogGroup";
        let mut waiting = self.retry.wait(ACTION, name);
        loop {
            let deleted = self.client.delete_log_group().log_group_name(name).send().await;
            let error = match deleted.map_err(CallError::from) {
                Err(error) if error.kind != Kind::Absent => error,
                Ok(_) | Err(_) => {
                    waiting.done("deleted");
                    return Ok(());
                }
            };
            let is_lost = matches!(error.kind, Kind::Server | Kind::Transport);
            let failed = Failure::to(format!("delete the log group `{name}`"), ACTION);
            waiting.after(error, |_| false).await.map_err(failed)?;
            if is_lost {
                sleep(READ_LAG).await;
                if !self.tags(name, arn).await?.as_ref().is_some_and(&is_ours) {
                    waiting.done("deleted");
                    return Ok(());
                }
            }
        }
    }
}

/// Whether the group exists, as a call about it shows.
fn exists<T>(done: Result<T, CallError>) -> Result<bool, CallError> {
    match done {
        Ok(_) => Ok(true),
        Err(error) if error.kind == Kind::Absent => Ok(false),
        Err(error) => Err(error),
    }
}
