//! CloudWatch Logs: the log group, which is the claim on the family, and its retention.

use std::collections::HashMap;

use tokio::time::sleep;

use super::{
    Reconciler, SECOND_LOOK,
    failure::Failure,
    refusal::{Kind, Refusal},
};
use crate::{
    composition::{KMS_KEY, LogGroup},
    identity::Identity,
    order::Record,
    ownership::{self, Ownership, Tags},
};

impl Reconciler<'_> {
    /// Makes the group (`None`), or finds the tags of the one that is there. Making it is atomic: who made it has the
    /// family (design.md section 1).
    /// Its record tells an older request's run, which may be taking away what it made itself, to leave the group.
    pub(super) async fn claim_log_group(&self, group: &LogGroup, record: &Record) -> Result<Option<Tags>, Failure> {
        let tags: HashMap<String, String> = group.tags.clone().into_iter().chain([record.tag()]).collect();
        let mut waiting = self.patience.wait("logs:CreateLogGroup", &group.name);
        loop {
            let made = self
                .clients
                .logs
                .create_log_group()
                .log_group_name(&group.name)
                .set_log_group_class(group.other_class().map(Into::into))
                .set_kms_key_id(group.kms_key.clone())
                .set_tags(Some(tags.clone()))
                .send()
                .await;
            let refusal = match made.map_err(Refusal::from) {
                Ok(_) => {
                    waiting.done("created");
                    return Ok(None);
                }
                // Also after an answer that got lost: the tags tell that the group is ours.
                Err(refusal) if refusal.kind == Kind::Exists => {
                    match self.log_group_tags(&group.name, &group.arn).await? {
                        Some(tags) => {
                            waiting.done("found");
                            return Ok(Some(tags));
                        }
                        None => refusal,
                    }
                }
                Err(refusal) => refusal,
            };
            // There for the one call and not for the other: one of them is behind.
            waiting
                .after(refusal, |refusal| refusal.kind == Kind::Exists)
                .await
                .map_err(Failure::to(
                    format!("create the log group `{}`", group.name),
                    "logs:CreateLogGroup",
                ))?;
        }
    }

    /// Puts the group under its key, or under none, where its tags say another, or where an Update `before` may have set
    /// another and then failed before it wrote the tags. Whether the tags are still to say it is answered.
    pub(super) async fn set_key(
        &self,
        group: &LogGroup,
        seen: &Tags,
        before: Option<&LogGroup>,
    ) -> Result<bool, Failure> {
        let logs = &self.clients.logs;
        let is_sure = before.is_none_or(|before| before.kms_key == group.kms_key);
        match &group.kms_key {
            wanted if is_sure && wanted.as_ref() == seen.get(KMS_KEY) => Ok(false),
            Some(key) => {
                let call = self.patience.call("logs:AssociateKmsKey", &group.name, || {
                    let associate = logs.associate_kms_key().log_group_name(&group.name);
                    associate.kms_key_id(key).send()
                });
                call.await.map(|_| true).map_err(Failure::to(
                    format!("put the log group `{}` under the key `{key}`", group.name),
                    "logs:AssociateKmsKey",
                ))
            }
            None => {
                let call = self.patience.call("logs:DisassociateKmsKey", &group.name, || {
                    logs.disassociate_kms_key().log_group_name(&group.name).send()
                });
                call.await.map_err(Failure::to(
                    format!("take the log group `{}` from under its key", group.name),
                    "logs:DisassociateKmsKey",
                ))?;
                self.untag_log_group(&group.name, &group.arn, vec![KMS_KEY.to_owned()])
                    .await
                    .map(|()| false)
            }
        }
    }

    /// Whether the group is there.
    pub(super) async fn log_group_stands(&self, group: &LogGroup) -> Result<bool, Failure> {
        self.log_group_tags(&group.name, &group.arn)
            .await
            .map(|tags| tags.is_some())
    }

    /// Writes the wanted tags, also over those of an owner that is gone; whether the group was there is said.
    pub(super) async fn tag_log_group(&self, group: &LogGroup, record: Option<&Record>) -> Result<bool, Failure> {
        let tags: HashMap<String, String> = group.tags.clone().into_iter().chain(record.map(Record::tag)).collect();
        let tagged = self
            .patience
            .call("logs:TagResource", &group.name, || {
                let tag = self.clients.logs.tag_resource().resource_arn(&group.arn);
                tag.set_tags(Some(tags.clone())).send()
            })
            .await;
        match tagged {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.kind == Kind::Absent => Ok(false),
            Err(refusal) => Err(Failure::to(
                format!("tag the log group `{}`", group.name),
                "logs:TagResource",
            )(refusal)),
        }
    }

    /// How long the group keeps its events. It takes no retention when it is made (aws.md section 5), and may not be
    /// known everywhere then.
    pub(super) async fn put_retention(&self, group: &LogGroup) -> Result<(), Failure> {
        self.retention(group, |refusal| refusal.kind == Kind::Absent)
            .await
            .map_err(not_kept(group))
    }

    /// The same, where the group may go at this very moment; whether it was there is said.
    pub(super) async fn put_retention_if_there(&self, group: &LogGroup) -> Result<bool, Failure> {
        match self.retention(group, |_| false).await {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.kind == Kind::Absent => Ok(false),
            Err(refusal) => Err(not_kept(group)(refusal)),
        }
    }

    async fn retention(&self, group: &LogGroup, settles: impl Fn(&Refusal) -> bool) -> Result<(), Refusal> {
        self.patience
            .call_through("logs:PutRetentionPolicy", &group.name, settles, || {
                let put = self.clients.logs.put_retention_policy();
                put.log_group_name(&group.name)
                    .retention_in_days(group.retention_days)
                    .send()
            })
            .await
            .map(drop)
    }

    /// Takes the group away if it is ours. While somebody else's revisions of the family log to it, it stays and only
    /// our tags go. One that is not there, or somebody else's, is looked at twice: a read may be behind its creation or
    /// its tags. One that was made for a request after `order` stays, too.
    pub(super) async fn remove_log_group(
        &self,
        identity: &Identity,
        still_used: bool,
        order: u64,
    ) -> Result<(), Failure> {
        let (name, arn) = (identity.log_group_name(), identity.log_group_arn());
        let owner_of = |tags: &Tags| Ownership::told_by(tags, &identity.owner);
        let mut seen = self.log_group_tags(&name, &arn).await?;
        // One of nobody's was never ours.
        let is_settled = |owner| matches!(owner, Ownership::Ours | Ownership::Nobodys);
        if !seen.as_ref().map(owner_of).is_some_and(is_settled) {
            sleep(SECOND_LOOK).await;
            seen = self.log_group_tags(&name, &arn).await?;
        }
        let Some(tags) = seen else { return Ok(()) };
        if owner_of(&tags) != Ownership::Ours || Record::is_any_after(order, &tags) {
            tracing::info!(on = name, "the log group is not ours, or a newer request's, and stays");
            return Ok(());
        }
        if still_used {
            let keys = tags.into_keys().filter(|key| key.starts_with(ownership::PREFIX));
            return self.untag_log_group(&name, &arn, keys.collect()).await;
        }
        absent_is_done(
            self.patience
                .call("logs:DeleteLogGroup", &name, || {
                    self.clients.logs.delete_log_group().log_group_name(&name).send()
                })
                .await,
        )
        .map_err(Failure::to(
            format!("delete the log group `{name}`"),
            "logs:DeleteLogGroup",
        ))
    }

    /// Removes tags from the group.
    pub(super) async fn untag_log_group(&self, name: &str, arn: &str, keys: Vec<String>) -> Result<(), Failure> {
        let untagged = self.patience.call("logs:UntagResource", name, || {
            let untag = self.clients.logs.untag_resource();
            untag.resource_arn(arn).set_tag_keys(Some(keys.clone())).send()
        });
        absent_is_done(untagged.await).map_err(Failure::to(
            format!("remove tags from the log group `{name}`"),
            "logs:UntagResource",
        ))
    }

    /// The group's tags, if it is there.
    pub(super) async fn log_group_tags(&self, name: &str, arn: &str) -> Result<Option<Tags>, Failure> {
        let listed = self
            .patience
            .call("logs:ListTagsForResource", name, || {
                self.clients.logs.list_tags_for_resource().resource_arn(arn).send()
            })
            .await;
        match listed {
            Ok(listed) => Ok(Some(listed.tags.unwrap_or_default().into_iter().collect())),
            Err(refusal) if refusal.kind == Kind::Absent => Ok(None),
            Err(refusal) => Err(Failure::to(
                format!("read the tags of the log group `{name}`"),
                "logs:ListTagsForResource",
            )(refusal)),
        }
    }
}

fn not_kept(group: &LogGroup) -> impl FnOnce(Refusal) -> Failure {
    Failure::to(
        format!("set the retention of the log group `{}`", group.name),
        "logs:PutRetentionPolicy",
    )
}

/// What is not there needs no taking away.
fn absent_is_done<T>(done: Result<T, Refusal>) -> Result<(), Refusal> {
    match done {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.kind == Kind::Absent => Ok(()),
        Err(refusal) => Err(refusal),
    }
}
