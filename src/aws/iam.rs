//! IAM: roles, with their tags, trust, boundary and policies.

use std::future::Future;

use aws_sdk_iam::{Client, types};
use serde_json::Value;

use super::{CallError, Failure, Kind, Retry};
use crate::{
    composition::{AuthorsRole, Policy, Role},
    ownership::Tags,
};

/// IAM as one run sees it.
#[derive(Clone, Copy, Debug)]
pub struct Iam<'a> {
    client: &'a Client,
    retry: Retry,
}

/// A role as IAM shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRole {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id, `AROA…`.
    pub id: String,
    /// Its trust policy, if IAM shows a document.
    pub trust: Option<Value>,
    /// Its permissions boundary's ARN.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// How a role is known to exist, which decides what `NoSuchEntity` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// From a read, which may lag behind its deletion: a write that does not find it is right.
    ByRead,
    /// From its creation: a write that does not find it lags behind.
    ByWrite,
}

impl From<&types::Role> for ObservedRole {
    fn from(role: &types::Role) -> Self {
        let trust = role
            .assume_role_policy_document()
            .map(|document| percent_encoding::percent_decode_str(document).decode_utf8_lossy());
        Self {
            name: role.role_name().to_owned(),
            arn: role.arn().to_owned(),
            id: role.role_id().to_owned(),
            trust: trust.and_then(|document| serde_json::from_str(&document).ok()),
            boundary: role
                .permissions_boundary()
                .and_then(types::AttachedPermissionsBoundary::permissions_boundary_arn)
                .map(str::to_owned),
            tags: role
                .tags()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect(),
        }
    }
}

impl<'a> Iam<'a> {
    pub(super) fn new(client: &'a Client, retry: Retry) -> Self {
        Self { client, retry }
    }

    /// Returns the role of that name, if it exists.
    ///
    /// # Errors
    /// What IAM does not show.
    pub async fn role(&self, name: &str) -> Result<Option<ObservedRole>, Failure> {
        const ACTION: &str = "iam:GetRole";
        let found = self
            .retry
            .call(ACTION, name, || self.client.get_role().role_name(name).send())
            .await;
        match found {
            Ok(found) => Ok(found.role.as_ref().map(ObservedRole::from)),
            Err(error) if error.is_absent_role(name) => Ok(None),
            Err(error) => Err(Failure::to(format!("look at the role `{name}`"), ACTION)(error)),
        }
    }

    /// Returns the role that an author gave as `TaskRoleArn`. ECS would register one that does not exist, and only its
    /// tasks would fail (docs/internals/aws.md, "Registering"). The same stack may have created it seconds ago, so an
    /// absent one is looked for again.
    ///
    /// # Errors
    /// A role that does not exist, or that has another ARN.
    pub async fn authors_role(&self, role: &AuthorsRole) -> Result<ObservedRole, Failure> {
        const ACTION: &str = "iam:GetRole";
        let AuthorsRole { arn, name, .. } = role;
        let found = self
            .retry
            .call_through(
                ACTION,
                name,
                |error| error.is_absent_role(name),
                || self.client.get_role().role_name(name).send(),
            )
            .await
            .map_err(Failure::to(
                format!("look at the role of `TaskRoleArn`, `{arn}`"),
                ACTION,
            ))?;
        match found.role.as_ref().map(ObservedRole::from) {
            Some(found) if found.arn == *arn => Ok(found),
            Some(found) => Err(Failure::Taken(format!(
                "`TaskRoleArn` is {arn:?}, but the role of that name is `{}`; write that ARN",
                found.arn
            ))),
            None => Err(Failure::Taken(format!(
                "`TaskRoleArn` is {arn:?}, and IAM does not show that role"
            ))),
        }
    }

    /// Creates the role with these tags, or returns the one that exists; also returns whether this call created it.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn create_role(&self, role: &Role, tags: &Tags) -> Result<(ObservedRole, bool), Failure> {
        const ACTION: &str = "iam:CreateRole";
        let Role {
            name,
            path,
            arn: _,
            description,
            trust,
            policy: _,
            tags: _,
            managed_policies: _,
            boundary,
        } = role;
        let failed = || Failure::to(format!("create the role `{name}`"), ACTION);
        let sent = iam_tags(tags).map_err(failed())?;
        let mut waiting = self.retry.wait(ACTION, name);
        loop {
            let created = self
                .client
                .create_role()
                .role_name(name)
                .path(path)
                .description(description)
                .assume_role_policy_document(trust.document())
                .set_permissions_boundary(boundary.clone())
                .set_tags(Some(sent.clone()))
                .send()
                .await;
            let error = match created.map_err(CallError::from) {
                Ok(created) => match created.role.as_ref() {
                    Some(created) => {
                        waiting.done("created");
                        // The answer need not repeat what was sent.
                        let observed = ObservedRole {
                            trust: serde_json::to_value(trust).ok(),
                            boundary: boundary.clone(),
                            tags: tags.clone(),
                            ..ObservedRole::from(created)
                        };
                        return Ok((observed, true));
                    }
                    None => CallError::of(Kind::Server, "NoRole", "the answer holds no role"),
                },
                Err(error) if error.kind == Kind::Exists => match self.role(name).await? {
                    Some(found) => {
                        waiting.done("found");
                        return Ok((found, false));
                    }
                    // Exists for one call and not for the other: one of them lags behind.
                    None => error,
                },
                Err(error) => error,
            };
            waiting
                .after(error, |error| error.kind == Kind::Exists)
                .await
                .map_err(failed())?;
        }
    }

    /// Writes tags.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn tag_role(&self, name: &str, known: Known, tags: &Tags) -> Result<(), Failure> {
        const ACTION: &str = "iam:TagRole";
        let failed = || Failure::to(format!("tag the role `{name}`"), ACTION);
        let tags = iam_tags(tags).map_err(failed())?;
        self.write(ACTION, name, known, || {
            let tag = self.client.tag_role().role_name(name);
            tag.set_tags(Some(tags.clone())).send()
        })
        .await
        .map_err(failed())
    }

    /// Removes tags.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn untag_role(&self, name: &str, keys: &[String]) -> Result<(), Failure> {
        const ACTION: &str = "iam:UntagRole";
        let untagged = self.retry.call(ACTION, name, || {
            let untag = self.client.untag_role().role_name(name);
            untag.set_tag_keys(Some(keys.to_vec())).send()
        });
        absent_is_done(untagged.await, name).map_err(Failure::to(format!("remove tags from the role `{name}`"), ACTION))
    }

    /// Sets who may assume the role.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn put_trust(&self, name: &str, known: Known, trust: &Policy) -> Result<(), Failure> {
        const ACTION: &str = "iam:UpdateAssumeRolePolicy";
        self.write(ACTION, name, known, || {
            let update = self.client.update_assume_role_policy().role_name(name);
            update.policy_document(trust.document()).send()
        })
        .await
        .map_err(Failure::to(
            format!("change the trust policy of the role `{name}`"),
            ACTION,
        ))
    }

    /// Sets the permissions boundary.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn put_boundary(&self, name: &str, known: Known, boundary: &str) -> Result<(), Failure> {
        const ACTION: &str = "iam:PutRolePermissionsBoundary";
        self.write(ACTION, name, known, || {
            let put = self.client.put_role_permissions_boundary().role_name(name);
            put.permissions_boundary(boundary).send()
        })
        .await
        .map_err(Failure::to(
            format!("set the permissions boundary of the role `{name}`"),
            ACTION,
        ))
    }

    /// Puts an inline policy, under the name that its content gives it.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn put_policy(&self, name: &str, known: Known, policy: &Policy) -> Result<(), Failure> {
        const ACTION: &str = "iam:PutRolePolicy";
        self.write(ACTION, name, known, || {
            let put = self.client.put_role_policy().role_name(name);
            put.policy_name(policy.name()).policy_document(policy.document()).send()
        })
        .await
        .map_err(Failure::to(
            format!("put the inline policy of the role `{name}`"),
            ACTION,
        ))
    }

    /// Attaches a managed policy; attaching it twice is harmless.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn attach_policy(&self, name: &str, known: Known, arn: &str) -> Result<(), Failure> {
        const ACTION: &str = "iam:AttachRolePolicy";
        // IAM answers the same code for an absent policy as for a role that it does not know yet.
        self.write(ACTION, name, known, || {
            let attach = self.client.attach_role_policy().role_name(name);
            attach.policy_arn(arn).send()
        })
        .await
        .map_err(Failure::to(format!("attach `{arn}` to the role `{name}`"), ACTION))
    }

    /// Returns the names of the role's inline policies; none where it does not exist.
    ///
    /// # Errors
    /// What IAM does not show.
    pub async fn inline_policies(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.pages("iam:ListRolePolicies", "inline policies", name, |marker| async {
            let list = self.client.list_role_policies().role_name(name);
            let page = list.set_marker(marker).send().await.map_err(CallError::from)?;
            let marker = page.marker.filter(|_| page.is_truncated);
            Ok((page.policy_names, marker))
        })
        .await
    }

    /// Returns the ARNs of the role's managed policies; none where it does not exist.
    ///
    /// # Errors
    /// What IAM does not show.
    pub async fn attached_policies(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.pages(
            "iam:ListAttachedRolePolicies",
            "managed policies",
            name,
            |marker| async {
                let list = self.client.list_attached_role_policies().role_name(name);
                let page = list.set_marker(marker).send().await.map_err(CallError::from)?;
                let marker = page.marker.filter(|_| page.is_truncated);
                let attached = page.attached_policies.unwrap_or_default();
                let arns = attached.into_iter().filter_map(|policy| policy.policy_arn);
                Ok((arns.collect(), marker))
            },
        )
        .await
    }

    async fn pages<F>(
        &self,
        action: &'static str,
        what: &str,
        name: &str,
        page: impl Fn(Option<String>) -> F,
    ) -> Result<Vec<String>, Failure>
    where
        F: Future<Output = Result<(Vec<String>, Option<String>), CallError>>,
    {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            match self.retry.call(action, name, || page(marker.clone())).await {
                Ok((some, next)) => {
                    all.extend(some);
                    marker = next;
                }
                Err(error) if error.is_absent_role(name) => return Ok(all),
                Err(error) => {
                    return Err(Failure::to(format!("list the {what} of the role `{name}`"), action)(
                        error,
                    ));
                }
            }
            if marker.is_none() {
                return Ok(all);
            }
        }
    }

    /// Deletes an inline policy. An absent one is done.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn delete_policy(&self, name: &str, policy: &str) -> Result<(), Failure> {
        const ACTION: &str = "iam:DeleteRolePolicy";
        let deleted = self.retry.call(ACTION, name, || {
            let delete = self.client.delete_role_policy().role_name(name);
            delete.policy_name(policy).send()
        });
        absent_is_done(deleted.await, name).map_err(Failure::to(
            format!("delete the inline policy `{policy}` of the role `{name}`"),
            ACTION,
        ))
    }

    /// Detaches a managed policy. One that is not attached is done.
    ///
    /// # Errors
    /// What IAM answered to the last attempt.
    pub async fn detach_policy(&self, name: &str, arn: &str) -> Result<(), Failure> {
        const ACTION: &str = "iam:DetachRolePolicy";
        let detached = self.retry.call(ACTION, name, || {
            let detach = self.client.detach_role_policy().role_name(name);
            detach.policy_arn(arn).send()
        });
        absent_is_done(detached.await, name)
            .map_err(Failure::to(format!("detach `{arn}` from the role `{name}`"), ACTION))
    }

    /// Deletes a role. While it still has policies, `empty` is called to remove them, and the deletion is tried again: a
    /// list of policies may lag behind. An absent role is done.
    ///
    /// # Errors
    /// What IAM answered to the last attempt, and what `empty` failed with.
    pub async fn delete_role<F>(&self, name: &str, empty: impl Fn() -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        const ACTION: &str = "iam:DeleteRole";
        let mut waiting = self.retry.wait(ACTION, name);
        loop {
            let deleted = self.client.delete_role().role_name(name).send().await;
            let error = match deleted.map_err(CallError::from) {
                Err(error) if !error.is_absent_role(name) => error,
                Ok(_) | Err(_) => {
                    waiting.done("deleted");
                    return Ok(());
                }
            };
            let is_conflict = |error: &CallError| error.kind == Kind::Conflict;
            if is_conflict(&error) {
                empty().await?;
            }
            let failed = Failure::to(format!("delete the role `{name}`"), ACTION);
            waiting.after(error, is_conflict).await.map_err(failed)?;
        }
    }

    /// A write to a role that is known to exist: after its creation, `NoSuchEntity` means that IAM does not know it
    /// everywhere yet.
    async fn write<T, E, F>(
        &self,
        action: &'static str,
        name: &str,
        known: Known,
        attempt: impl FnMut() -> F,
    ) -> Result<(), CallError>
    where
        F: Future<Output = Result<T, E>>,
        CallError: From<E>,
    {
        let propagates = |error: &CallError| known == Known::ByWrite && error.is_absent_role(name);
        self.retry
            .call_through(action, name, propagates, attempt)
            .await
            .map(drop)
    }
}

fn iam_tags(tags: &Tags) -> Result<Vec<types::Tag>, CallError> {
    tags.iter()
        .map(|(key, value)| types::Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| CallError::of(Kind::Other, "BuildError", error.to_string()))
}

fn absent_is_done<T>(done: Result<T, CallError>, role: &str) -> Result<(), CallError> {
    match done {
        Err(error) if !error.is_absent_role(role) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
