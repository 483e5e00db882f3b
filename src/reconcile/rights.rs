//! IAM: what roles may do, their inline policies and the managed ones that are attached.

use std::collections::BTreeSet;

use tokio::join;

use super::{
    Reconciler,
    failure::Failure,
    iam::{Presence, absent_role_is_done},
    refusal::Refusal,
};
use crate::{
    composition::{POLICY_PREFIX, Policy},
    order::managed_policy,
};

/// What a role may have.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleRights {
    /// The names of its inline policies.
    pub(super) inline: Vec<String>,
    /// The ARNs of its managed policies, where they matter.
    pub(super) managed: Vec<String>,
}

impl RoleRights {
    /// Those inline policies that are ours and not the wanted one, and those managed ones that are among `managed`.
    pub(super) fn surplus(&self, wanted: Option<&str>, managed: &BTreeSet<String>) -> Self {
        let inline = self.inline.iter().filter(|policy| policy.starts_with(POLICY_PREFIX));
        let attached = self.managed.iter();
        Self {
            inline: inline
                .filter(|policy| Some(policy.as_str()) != wanted)
                .cloned()
                .collect(),
            managed: attached
                .filter(|arn| managed.contains(&managed_policy(arn)))
                .cloned()
                .collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inline.is_empty() && self.managed.is_empty()
    }
}

impl Reconciler<'_> {
    /// Puts the rights also where a policy of their name is there: somebody may have changed it by hand.
    pub(super) async fn put_rights(&self, name: &str, presence: Presence, policy: &Policy) -> Result<(), Failure> {
        self.settled("iam:PutRolePolicy", name, presence, || {
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

    /// Takes rights away.
    pub(super) async fn remove_rights(&self, role: &str, rights: &RoleRights) -> Result<(), Failure> {
        for policy in &rights.inline {
            self.remove_policy(role, policy).await?;
        }
        for policy in &rights.managed {
            self.detach_policy(role, policy).await?;
        }
        Ok(())
    }

    /// What a role has now; its managed policies where they matter.
    pub(super) async fn rights_of(&self, role: &str, with_managed: bool) -> Result<RoleRights, Failure> {
        let (inline, managed) = join!(self.inline_policies(role), async {
            if with_managed {
                self.attached_policies(role).await
            } else {
                Ok(Vec::new())
            }
        });
        Ok(RoleRights {
            inline: inline?,
            managed: managed?,
        })
    }

    /// The names of the inline policies; none where the role is not there.
    async fn inline_policies(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.all_pages("iam:ListRolePolicies", "rights", name, |marker| async {
            let list = self.clients.iam.list_role_policies().role_name(name);
            let page = list.set_marker(marker).send().await.map_err(Refusal::from)?;
            let marker = page.marker.filter(|_| page.is_truncated);
            Ok((page.policy_names, marker))
        })
        .await
    }

    /// The ARNs of the managed policies; people attach some, too. None where the role is not there.
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

    /// Attaches a managed policy; one that is attached already stays so.
    pub(super) async fn attach_policy(&self, role: &str, presence: Presence, arn: &str) -> Result<(), Failure> {
        // A policy that is not there is said in the same code as a role that IAM does not know yet.
        self.settled("iam:AttachRolePolicy", role, presence, || {
            let attach = self.clients.iam.attach_role_policy();
            attach.role_name(role).policy_arn(arn).send()
        })
        .await
        .map_err(Failure::to(
            format!("attach `{arn}` to the role `{role}`"),
            "iam:AttachRolePolicy",
        ))
    }

    /// Detaches a managed policy.
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
}
