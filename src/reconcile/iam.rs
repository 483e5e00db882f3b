//! IAM: roles, their boundaries, trust and tags.

use serde_json::Value;

use super::{
    Reconciler,
    failure::Failure,
    refusal::{Kind, Refusal},
};
use crate::{
    composition::{Policy, Role},
    identity::Owner,
    order::Record,
    ownership::{Ownership, Tags},
    properties,
};

/// A role as a request wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedRole<'a> {
    pub(super) role: &'a Role,
    pub(super) us: &'a Owner,
    pub(super) record: &'a Record,
    /// Whether it is the one of the two that keeps the records of all requests.
    pub(super) keeps_records: bool,
}

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

/// How much is known of a role's being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// A read showed it, which may be behind its deletion: a write that does not find the role is right.
    Seen,
    /// A write showed it: one that does not find the role is behind its creation.
    Sure,
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

/// A role that is ours and carries its tags.
#[derive(Clone, Debug)]
pub(super) struct ClaimedRole {
    seen: SeenRole,
    presence: Presence,
    /// Whether this request made it.
    fresh: bool,
}

impl<'a> WantedRole<'a> {
    /// The task role that goes with an execution role, which keeps the records of both.
    pub(super) fn beside(self, role: &'a Role) -> Self {
        Self {
            role,
            keeps_records: false,
            ..self
        }
    }
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

impl SeenRole {
    fn standing(self, name: &str, fresh: bool) -> StandingRole {
        StandingRole {
            arn: self.arn,
            name: name.to_owned(),
            id: self.id,
            fresh,
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
            Some(seen) if seen.arn == *arn => Ok(seen.standing(name, false)),
            Some(seen) => Err(Failure::Taken(format!(
                "`TaskRoleArn` is {arn:?}, but the role of that name is `{}`; write that",
                seen.arn
            ))),
            None => Err(Failure::Taken(format!(
                "`TaskRoleArn` is {arn:?}, which IAM does not show"
            ))),
        }
    }

    /// Makes the role, or brings the one that is there to the wanted state.
    pub(super) async fn ensure_role(
        &self,
        wanted: WantedRole<'_>,
        seen: Option<SeenRole>,
    ) -> Result<StandingRole, Failure> {
        let claimed = self.claim_role(wanted, seen).await?;
        self.equip_role(wanted, claimed).await
    }

    /// Makes the role, or finds it ours, with its tags. One that was seen, and of which a write says that it is not
    /// there, was deleted moments ago: it is made anew.
    pub(super) async fn claim_role(
        &self,
        wanted: WantedRole<'_>,
        seen: Option<SeenRole>,
    ) -> Result<ClaimedRole, Failure> {
        if let Some(seen) = seen {
            match self.write_tags(wanted, &seen, Presence::Seen).await {
                Err(Failure::Call { refusal, .. }) if refusal.is_absent_role(&wanted.role.name) => {}
                Err(failure) => return Err(failure),
                Ok(()) => {
                    return Ok(ClaimedRole {
                        seen,
                        presence: Presence::Seen,
                        fresh: false,
                    });
                }
            }
        }
        let (seen, fresh) = self.create_role(wanted.role, wanted.record).await?;
        let presence = Presence::Sure;
        self.write_tags(wanted, &seen, presence).await?;
        Ok(ClaimedRole { seen, presence, fresh })
    }

    /// Gives the role its boundary, its trust and then its rights, which only widen here: [`Self::remove_rights`]
    /// follows after the registration.
    pub(super) async fn equip_role(
        &self,
        wanted: WantedRole<'_>,
        claimed: ClaimedRole,
    ) -> Result<StandingRole, Failure> {
        let role = wanted.role;
        let claimed = match self.give(role, &claimed).await {
            Err(Failure::Call { refusal, .. })
                if claimed.presence == Presence::Seen && refusal.is_absent_role(&role.name) =>
            {
                let again = self.claim_role(wanted, None).await?;
                self.give(role, &again).await?;
                again
            }
            given => {
                given?;
                claimed
            }
        };
        let ClaimedRole { seen, fresh, .. } = claimed;
        Ok(seen.standing(&role.name, fresh))
    }

    async fn write_tags(&self, wanted: WantedRole<'_>, seen: &SeenRole, presence: Presence) -> Result<(), Failure> {
        let WantedRole {
            role,
            us,
            record,
            keeps_records,
        } = wanted;
        let Role { name, arn, tags, .. } = role;
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
        let record = Some(record).filter(|record| keeps_records && !seen.tags.contains_key(&record.key()));
        let differ = tags.iter().filter(|(key, value)| seen.tags.get(*key) != Some(*value));
        let wanted: Tags = (differ.map(|(key, value)| (key.clone(), value.clone())))
            .chain(record.map(Record::tag))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        self.tag_role(name, presence, &wanted).await
    }

    async fn give(&self, role: &Role, claimed: &ClaimedRole) -> Result<(), Failure> {
        let Role {
            name,
            path: _,
            arn: _,
            description: _,
            trust,
            policy,
            tags: _,
            managed_policies,
            boundary,
        } = role;
        let ClaimedRole { seen, presence, .. } = claimed;
        let presence = *presence;
        // A boundary that the provider no longer asks for stays: taking it away would widen the role's rights.
        if let Some(boundary) = boundary
            .as_deref()
            .filter(|wanted| seen.boundary.as_deref() != Some(wanted))
        {
            self.put_boundary(name, presence, boundary).await?;
        }
        if seen.trust != serde_json::to_value(trust).ok() {
            self.put_trust(name, presence, trust).await?;
        }
        if let Some(policy) = policy {
            self.put_rights(name, presence, policy).await?;
        }
        for policy in managed_policies {
            self.attach_policy(name, presence, policy).await?;
        }
        Ok(())
    }

    /// Makes the role; whether this request did is said too. One that is there already may be an earlier attempt's.
    /// Its record tells an older request's run, which may be taking away what it made itself, to leave the role.
    async fn create_role(&self, role: &Role, record: &Record) -> Result<(SeenRole, bool), Failure> {
        let Role {
            name,
            path,
            arn: _,
            description,
            trust,
            policy: _,
            tags,
            managed_policies: _,
            boundary,
        } = role;
        let failed = || Failure::to(format!("create the role `{name}`"), "iam:CreateRole");
        let mut all = tags.clone();
        all.extend([record.tag()]);
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

    async fn tag_role(&self, name: &str, presence: Presence, tags: &Tags) -> Result<(), Failure> {
        let failed = || {
            Failure::to(
                format!("tag the role `{name}`, also with which request is the newest"),
                "iam:TagRole",
            )
        };
        let tags = iam_tags(tags).map_err(|refusal| failed()(refusal))?;
        self.settled("iam:TagRole", name, presence, || {
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

    /// Removes tags: the author's that are wanted no more, and the records of requests that are older than the newest.
    pub(super) async fn untag_role(&self, name: &str, keys: Vec<String>) -> Result<(), Failure> {
        let call = self.patience.call("iam:UntagRole", name, || {
            self.clients
                .iam
                .untag_role()
                .role_name(name)
                .set_tag_keys(Some(keys.clone()))
                .send()
        });
        absent_role_is_done(call.await, name).map_err(Failure::to(
            format!("remove tags from the role `{name}`"),
            "iam:UntagRole",
        ))
    }

    async fn put_trust(&self, name: &str, presence: Presence, trust: &Policy) -> Result<(), Failure> {
        self.settled("iam:UpdateAssumeRolePolicy", name, presence, || {
            let update = self.clients.iam.update_assume_role_policy();
            update.role_name(name).policy_document(trust.document()).send()
        })
        .await
        .map_err(Failure::to(
            format!("change who may take on the role `{name}`"),
            "iam:UpdateAssumeRolePolicy",
        ))
    }

    async fn put_boundary(&self, name: &str, presence: Presence, boundary: &str) -> Result<(), Failure> {
        self.settled("iam:PutRolePermissionsBoundary", name, presence, || {
            let put = self.clients.iam.put_role_permissions_boundary();
            put.role_name(name).permissions_boundary(boundary).send()
        })
        .await
        .map_err(Failure::to(
            format!("set the permissions boundary of the role `{name}`"),
            "iam:PutRolePermissionsBoundary",
        ))
    }

    /// Takes a role away, with all that hangs on it, if it is ours and no request after `order` is on its record. It is
    /// looked at twice, as a read may be behind its creation. One that is not seen is not deleted by its name: a newer
    /// request may be making it just now.
    pub(super) async fn remove_role(&self, name: &str, us: &Owner, order: u64) -> Result<(), Failure> {
        let failed = || Failure::to(format!("delete the role `{name}`"), "iam:DeleteRole");
        let mut waiting = self.patience.wait("iam:DeleteRole", name);
        loop {
            let mut seen = self.look_at_role(name).await?;
            if seen.is_none() {
                seen = self.look_at_role(name).await?;
            }
            let Some(seen) = seen else {
                waiting.done("absent");
                return Ok(());
            };
            if Ownership::told_by(&seen.tags, us) != Ownership::Ours {
                tracing::warn!(on = seen.arn, "a role of our name does not carry our tags and stays");
                return Ok(());
            }
            if Record::is_any_after(order, &seen.tags) {
                tracing::warn!(on = seen.arn, "a newer request has come to need this role: it stays");
                return Ok(());
            }
            let rights = self.rights_of(name, true).await?;
            self.remove_rights(name, &rights).await?;
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

    /// A write to a role. Where it is sure to be there, `NoSuchEntity` means that IAM does not know it everywhere yet.
    pub(super) async fn settled<T, E, F>(
        &self,
        action: &'static str,
        name: &str,
        presence: Presence,
        attempt: impl FnMut() -> F,
    ) -> Result<(), Refusal>
    where
        F: Future<Output = Result<T, E>>,
        Refusal: From<E>,
    {
        self.patience
            .call_through(
                action,
                name,
                |refusal| presence == Presence::Sure && refusal.is_absent_role(name),
                attempt,
            )
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

/// What is not there needs no taking away.
pub(super) fn absent_role_is_done<T>(done: Result<T, Refusal>, role: &str) -> Result<(), Refusal> {
    match done {
        Err(refusal) if !refusal.is_absent_role(role) => Err(refusal),
        Ok(_) | Err(_) => Ok(()),
    }
}
