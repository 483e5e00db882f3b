//! IAM: roles, their boundaries and inline policies.

use serde_json::Value;

use super::{
    Reconciler,
    failure::Failure,
    refusal::{Kind, Refusal},
};
use crate::{
    composition::{POLICY_PREFIX, Policy, Role},
    identity::Owner,
    order::Record,
    ownership::{self, Ownership, Tags},
    properties,
};

/// A role that stands as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRole {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its unique id, `AROA…`.
    pub id: String,
    /// Whether this request made it: then it holds no rights of before.
    pub fresh: bool,
}

/// A role as IAM shows it.
#[derive(Clone, Debug)]
pub(super) struct SeenRole {
    arn: String,
    id: String,
    trust: Option<Value>,
    boundary: Option<String>,
    /// When it was made, in seconds since 1970.
    pub(super) made: i64,
    pub(super) tags: Tags,
}

impl From<&aws_sdk_iam::types::Role> for SeenRole {
    fn from(role: &aws_sdk_iam::types::Role) -> Self {
        let trust = role
            .assume_role_policy_document()
            .map(|document| percent_encoding::percent_decode_str(document).decode_utf8_lossy());
        Self {
            arn: role.arn().to_owned(),
            id: role.role_id().to_owned(),
            trust: trust.and_then(|document| serde_json::from_str(&document).ok()),
            boundary: role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn())
                .map(str::to_owned),
            made: role.create_date().secs(),
            tags: role
                .tags()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect(),
        }
    }
}

impl Reconciler<'_> {
    /// Looks whether a role is there.
    pub(super) async fn look_at_role(&self, name: &str) -> Result<Option<SeenRole>, Failure> {
        match self
            .patience
            .call("iam:GetRole", name, || {
                self.clients.iam.get_role().role_name(name).send()
            })
            .await
        {
            Ok(found) => Ok(found.role.as_ref().map(SeenRole::from)),
            Err(refusal) if refusal.is_absent_role(name) => Ok(None),
            Err(refusal) => Err(Failure::to(format!("look at the role `{name}`"), "iam:GetRole")(
                refusal,
            )),
        }
    }

    /// Looks at the author's own role. ECS would take one that is not there, and only its tasks would fail
    /// (aws.md 2.2); the stack may have made it moments ago.
    pub(super) async fn look_at_own_role(&self, own: &properties::TaskRole) -> Result<StandingRole, Failure> {
        let properties::TaskRole { arn, name } = own;
        let found = self
            .patience
            .call_through(
                "iam:GetRole",
                name,
                |refusal| refusal.is_absent_role(name),
                || self.clients.iam.get_role().role_name(name).send(),
            )
            .await
            .map_err(Failure::to(
                format!("look at the role of `TaskRoleArn`, `{arn}`"),
                "iam:GetRole",
            ))?;
        let seen = found.role.as_ref().map(SeenRole::from);
        match seen {
            Some(seen) if seen.arn == *arn => Ok(StandingRole {
                arn: seen.arn,
                name: name.clone(),
                id: seen.id,
                fresh: false,
            }),
            Some(seen) => Err(Failure::Taken(format!(
                "`TaskRoleArn` is {arn:?}, but the role of that name is `{}`; write that",
                seen.arn
            ))),
            None => Err(Failure::Taken(format!(
                "`TaskRoleArn` is {arn:?}, which IAM does not show"
            ))),
        }
    }

    /// Makes the role, or brings the one that is there to the wanted state: boundary, then trust, then rights. Its
    /// rights only widen here; [`Self::remove_rights`] follows after the registration.
    pub(super) async fn ensure_role(
        &self,
        role: &Role,
        seen: Option<SeenRole>,
        us: &Owner,
        record: Option<&Record>,
    ) -> Result<StandingRole, Failure> {
        let Role {
            name,
            path: _,
            arn,
            description: _,
            trust,
            policy,
            boundary,
        } = role;
        let (seen, fresh) = match seen {
            Some(seen) => (seen, false),
            None => self.create_role(role, us, record).await?,
        };
        if Ownership::told_by(&seen.tags, us) != Ownership::Ours {
            return Err(Failure::Taken(format!(
                "the role `{}` is there and does not carry this resource's tags; nothing of it was changed: remove or rename it",
                seen.arn
            )));
        }
        if seen.arn != *arn {
            return Err(Failure::Taken(format!(
                "the role `{}` was made under another path than the provider's is now; a role's path can't be changed: set the provider's path back",
                seen.arn
            )));
        }
        // Before the rights: whoever sees these finds what they are for.
        if let Some(record) = record.filter(|record| !seen.tags.contains_key(&record.key())) {
            self.tag_role(name, record.tag()).await?;
        }
        // A boundary that the provider no longer asks for stays: taking it away would widen the role's rights.
        if let Some(boundary) = boundary
            .as_deref()
            .filter(|wanted| seen.boundary.as_deref() != Some(wanted))
        {
            self.put_boundary(name, boundary).await?;
        }
        if seen.trust != serde_json::to_value(trust).ok() {
            self.put_trust(name, trust).await?;
        }
        if let Some(policy) = policy {
            self.put_rights(name, policy).await?;
        }
        Ok(StandingRole {
            arn: seen.arn,
            name: name.clone(),
            id: seen.id,
            fresh,
        })
    }

    /// Makes the role; whether this request did is said too. One that is there already may be an earlier attempt's.
    async fn create_role(&self, role: &Role, us: &Owner, record: Option<&Record>) -> Result<(SeenRole, bool), Failure> {
        let Role {
            name,
            path,
            arn: _,
            description,
            trust,
            policy: _,
            boundary,
        } = role;
        let failed = || Failure::to(format!("create the role `{name}`"), "iam:CreateRole");
        let mut all = ownership::tags(us);
        all.extend(record.map(Record::tag));
        let tags = iam_tags(&all).map_err(|refusal| failed()(refusal))?;
        let mut waiting = self.patience.wait("iam:CreateRole", name);
        loop {
            let made = self
                .clients
                .iam
                .create_role()
                .role_name(name)
                .path(path)
                .description(description)
                .assume_role_policy_document(trust.document())
                .set_permissions_boundary(boundary.clone())
                .set_tags(Some(tags.clone()))
                .send()
                .await;
            let refusal = match made.map_err(Refusal::from) {
                Ok(made) => match made.role.as_ref() {
                    Some(made) => {
                        waiting.done("created");
                        // The answer need not repeat what was asked for.
                        let seen = SeenRole {
                            trust: serde_json::to_value(trust).ok(),
                            boundary: boundary.clone(),
                            tags: all.clone(),
                            ..SeenRole::from(made)
                        };
                        return Ok((seen, true));
                    }
                    None => Refusal::of(Kind::Server, "NoRole", "the answer holds no role"),
                },
                Err(refusal) if refusal.kind == Kind::Exists => match self.look_at_role(name).await? {
                    Some(seen) => {
                        waiting.done("found");
                        return Ok((seen, false));
                    }
                    None => refusal,
                },
                Err(refusal) => refusal,
            };
            waiting
                .after(refusal, |refusal| refusal.kind == Kind::Exists)
                .await
                .map_err(failed())?;
        }
    }

    async fn tag_role(&self, name: &str, tag: (String, String)) -> Result<(), Failure> {
        let failed = || {
            Failure::to(
                format!("write on the role `{name}` which request is the newest"),
                "iam:TagRole",
            )
        };
        let tags = iam_tags(&Tags::from([tag])).map_err(|refusal| failed()(refusal))?;
        self.settled("iam:TagRole", name, || {
            self.clients
                .iam
                .tag_role()
                .role_name(name)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await
        .map_err(failed())
    }

    /// Removes the records of requests that are older than the newest.
    pub(super) async fn forget_records(&self, name: &str, older: Vec<String>) -> Result<(), Failure> {
        let call = self.patience.call("iam:UntagRole", name, || {
            self.clients
                .iam
                .untag_role()
                .role_name(name)
                .set_tag_keys(Some(older.clone()))
                .send()
        });
        absent_role_is_done(call.await, name).map_err(Failure::to(
            format!("tidy the tags of the role `{name}`"),
            "iam:UntagRole",
        ))
    }

    async fn put_trust(&self, name: &str, trust: &Policy) -> Result<(), Failure> {
        self.settled("iam:UpdateAssumeRolePolicy", name, || {
            let update = self.clients.iam.update_assume_role_policy();
            update.role_name(name).policy_document(trust.document()).send()
        })
        .await
        .map_err(Failure::to(
            format!("change who may take on the role `{name}`"),
            "iam:UpdateAssumeRolePolicy",
        ))
    }

    async fn put_boundary(&self, name: &str, boundary: &str) -> Result<(), Failure> {
        self.settled("iam:PutRolePermissionsBoundary", name, || {
            let put = self.clients.iam.put_role_permissions_boundary();
            put.role_name(name).permissions_boundary(boundary).send()
        })
        .await
        .map_err(Failure::to(
            format!("set the permissions boundary of the role `{name}`"),
            "iam:PutRolePermissionsBoundary",
        ))
    }

    /// Puts the rights also where a policy of their name is there: somebody may have changed it by hand.
    pub(super) async fn put_rights(&self, name: &str, policy: &Policy) -> Result<(), Failure> {
        self.settled("iam:PutRolePolicy", name, || {
            let put = self.clients.iam.put_role_policy();
            put.role_name(name)
                .policy_name(policy.name())
                .policy_document(policy.document())
                .send()
        })
        .await
        .map_err(Failure::to(
            format!("give the role `{name}` its rights"),
            "iam:PutRolePolicy",
        ))
    }

    /// Takes inline policies away.
    pub(super) async fn remove_rights(&self, role: &str, policies: &[String]) -> Result<(), Failure> {
        for policy in policies {
            self.remove_policy(role, policy).await?;
        }
        Ok(())
    }

    /// Takes a role away, with all that hangs on it, if it is ours and no request after `order` is on its record.
    pub(super) async fn remove_role(&self, name: &str, us: &Owner, order: u64) -> Result<(), Failure> {
        let failed = || Failure::to(format!("delete the role `{name}`"), "iam:DeleteRole");
        let mut waiting = self.patience.wait("iam:DeleteRole", name);
        loop {
            let seen = self.look_at_role(name).await?;
            if let Some(seen) = &seen {
                if Ownership::told_by(&seen.tags, us) != Ownership::Ours {
                    tracing::warn!(on = seen.arn, "a role of our name does not carry our tags and stays");
                    return Ok(());
                }
                if Record::is_any_after(order, &seen.tags) {
                    tracing::warn!(on = seen.arn, "a newer request has come to need this role: it stays");
                    return Ok(());
                }
                self.remove_rights(name, &self.inline_policies(name).await?).await?;
                for policy in self.attached_policies(name).await? {
                    self.detach_policy(name, &policy).await?;
                }
            }
            // Also where it does not seem to be there: a read may be behind the creation by seconds, and only this
            // answer is final. The name holds a hash of the owner, and a role that has rights is not deleted by it.
            let deleted = self.clients.iam.delete_role().role_name(name).send().await;
            match deleted.map_err(Refusal::from) {
                Ok(_) => {
                    waiting.done("deleted");
                    return Ok(());
                }
                Err(refusal) if refusal.is_absent_role(name) => {
                    waiting.done("absent");
                    return Ok(());
                }
                Err(refusal) => waiting
                    .after(refusal, |refusal| refusal.kind == Kind::Conflict)
                    .await
                    .map_err(failed())?,
            }
        }
    }

    /// The names of the inline policies; none where the role is not there.
    pub(super) async fn inline_policies(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.all_pages("iam:ListRolePolicies", "rights", name, |marker| async {
            let list = self.clients.iam.list_role_policies().role_name(name);
            let page = list.set_marker(marker).send().await.map_err(Refusal::from)?;
            let marker = page.marker.filter(|_| page.is_truncated);
            Ok((page.policy_names, marker))
        })
        .await
    }

    /// Managed policies; this provider attaches none, but people do.
    async fn attached_policies(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.all_pages(
            "iam:ListAttachedRolePolicies",
            "managed policies",
            name,
            |marker| async {
                let list = self.clients.iam.list_attached_role_policies().role_name(name);
                let page = list.set_marker(marker).send().await.map_err(Refusal::from)?;
                let marker = page.marker.filter(|_| page.is_truncated);
                let attached = page.attached_policies.unwrap_or_default();
                Ok((
                    attached.into_iter().filter_map(|policy| policy.policy_arn).collect(),
                    marker,
                ))
            },
        )
        .await
    }

    /// All pages of a list about a role; empty where the role is not there.
    async fn all_pages<F>(
        &self,
        action: &'static str,
        what: &str,
        name: &str,
        page: impl Fn(Option<String>) -> F,
    ) -> Result<Vec<String>, Failure>
    where
        F: Future<Output = Result<(Vec<String>, Option<String>), Refusal>>,
    {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            match self.patience.call(action, name, || page(marker.clone())).await {
                Ok((some, next)) => {
                    all.extend(some);
                    marker = next;
                }
                Err(refusal) if refusal.is_absent_role(name) => return Ok(all),
                Err(refusal) => {
                    return Err(Failure::to(format!("list the {what} of the role `{name}`"), action)(
                        refusal,
                    ));
                }
            }
            if marker.is_none() {
                return Ok(all);
            }
        }
    }

    async fn remove_policy(&self, role: &str, policy: &str) -> Result<(), Failure> {
        let call = self.patience.call("iam:DeleteRolePolicy", role, || {
            self.clients
                .iam
                .delete_role_policy()
                .role_name(role)
                .policy_name(policy)
                .send()
        });
        absent_role_is_done(call.await, role).map_err(Failure::to(
            format!("take the rights `{policy}` from the role `{role}`"),
            "iam:DeleteRolePolicy",
        ))
    }

    async fn detach_policy(&self, role: &str, arn: &str) -> Result<(), Failure> {
        let call = self.patience.call("iam:DetachRolePolicy", role, || {
            self.clients
                .iam
                .detach_role_policy()
                .role_name(role)
                .policy_arn(arn)
                .send()
        });
        absent_role_is_done(call.await, role).map_err(Failure::to(
            format!("detach `{arn}` from the role `{role}`"),
            "iam:DetachRolePolicy",
        ))
    }

    /// A write to a role that is known to be there: `NoSuchEntity` means that IAM does not know it everywhere yet.
    async fn settled<T, E, F>(
        &self,
        action: &'static str,
        name: &str,
        attempt: impl FnMut() -> F,
    ) -> Result<(), Refusal>
    where
        F: Future<Output = Result<T, E>>,
        Refusal: From<E>,
    {
        self.patience
            .call_through(action, name, |refusal| refusal.is_absent_role(name), attempt)
            .await
            .map(drop)
    }
}

fn iam_tags(tags: &Tags) -> Result<Vec<aws_sdk_iam::types::Tag>, Refusal> {
    tags.iter()
        .map(|(key, value)| aws_sdk_iam::types::Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Refusal::of(Kind::Other, "BuildError", error.to_string()))
}

/// Those inline policies that are ours and not the wanted one.
pub(super) fn surplus(standing: &[String], wanted: Option<&str>) -> Vec<String> {
    let ours = standing.iter().filter(|policy| policy.starts_with(POLICY_PREFIX));
    ours.filter(|policy| Some(policy.as_str()) != wanted).cloned().collect()
}

/// What is not there needs no taking away.
fn absent_role_is_done<T>(done: Result<T, Refusal>, role: &str) -> Result<(), Refusal> {
    match done {
        Err(refusal) if !refusal.is_absent_role(role) => Err(refusal),
        Ok(_) | Err(_) => Ok(()),
    }
}
