//! The two roles: created or checked to be ours, tagged, and given their rights. Rights only widen here; `narrow` removes
//! what is left over after the registration.

use crate::{
    aws::{Failure, Iam, Known, ObservedRole},
    composition::Role,
    identity::Owner,
    ownership::{self, Ownership, Tags},
};

/// A role that is ours and carries its tags.
#[derive(Clone, Debug)]
pub(super) struct HeldRole {
    pub(super) observed: ObservedRole,
    pub(super) known: Known,
    /// Whether this run created it: then it has no rights of before.
    pub(super) is_new: bool,
    /// The names of its inline policies, where they were listed.
    pub(super) policies: Option<Vec<String>>,
}

/// Creates the role, or checks that the existing one is ours, and writes the tags that it lacks. A role that was observed,
/// and that a write does not find, was deleted a moment ago: it is created.
pub(super) async fn hold(
    iam: &Iam<'_>,
    role: &Role,
    us: &Owner,
    tags: &Tags,
    observed: Option<(ObservedRole, Vec<String>)>,
) -> Result<HeldRole, Failure> {
    if let Some((observed, policies)) = observed {
        match write_tags(iam, role, us, tags, &observed, Known::ByRead).await {
            Err(Failure::Call { error, .. }) if error.is_absent_role(&role.name) => {}
            Err(failure) => return Err(failure),
            Ok(()) => {
                return Ok(HeldRole {
                    observed,
                    known: Known::ByRead,
                    is_new: false,
                    policies: Some(policies),
                });
            }
        }
    }
    let (observed, is_new) = iam.create_role(role, tags).await?;
    write_tags(iam, role, us, tags, &observed, Known::ByWrite).await?;
    Ok(HeldRole {
        observed,
        known: Known::ByWrite,
        is_new,
        policies: is_new.then(Vec::new),
    })
}

async fn write_tags(
    iam: &Iam<'_>,
    role: &Role,
    us: &Owner,
    tags: &Tags,
    observed: &ObservedRole,
    known: Known,
) -> Result<(), Failure> {
    if Ownership::from_tags(&observed.tags, us) != Ownership::Ours {
        return Err(Failure::Taken(format!(
            "the role `{}` exists and does not carry this resource's tags; it was not changed: delete it, or give it \
             the tags `{}` and `{}` of this resource",
            observed.arn,
            ownership::STACK_ID,
            ownership::LOGICAL_ID
        )));
    }
    if observed.arn != role.arn {
        return Err(Failure::Taken(format!(
            "the role `{}` was created under another path than the provider now uses, and a role's path can't be changed: set \
             the provider's path back",
            observed.arn
        )));
    }
    let lacking = tags
        .iter()
        .filter(|(key, value)| observed.tags.get(*key) != Some(*value));
    let lacking: Tags = lacking.map(|(key, value)| (key.clone(), value.clone())).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    iam.tag_role(&role.name, known, &lacking).await
}

/// Sets boundary, trust and policies where they are not as wanted.
pub(super) async fn equip(iam: &Iam<'_>, role: &Role, held: &HeldRole) -> Result<(), Failure> {
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
    let HeldRole {
        observed,
        known,
        is_new: _,
        policies,
    } = held;
    // A boundary that the provider no longer asks for stays: removing it would widen the role's rights.
    if let Some(boundary) = boundary
        .as_deref()
        .filter(|wanted| observed.boundary.as_deref() != Some(wanted))
    {
        iam.put_boundary(name, *known, boundary).await?;
    }
    if observed.trust != serde_json::to_value(trust).ok() {
        iam.put_trust(name, *known, trust).await?;
    }
    if let Some(policy) = policy {
        // A policy's name is the hash of its content.
        let is_there = policies
            .as_ref()
            .is_some_and(|policies| policies.contains(&policy.name()));
        if !is_there {
            iam.put_policy(name, *known, policy).await?;
        }
    }
    for policy in managed_policies {
        iam.attach_policy(name, *known, policy).await?;
    }
    Ok(())
}

/// Deletes a role of ours with its policies: first those that it is expected to have, and all others only if IAM refuses to
/// delete the role because of them.
pub(super) async fn delete(iam: &Iam<'_>, name: &str, expected_policies: &[String]) -> Result<(), Failure> {
    for policy in expected_policies {
        iam.delete_policy(name, policy).await?;
    }
    iam.delete_role(name, || empty(iam, name)).await
}

async fn empty(iam: &Iam<'_>, name: &str) -> Result<(), Failure> {
    for policy in iam.inline_policies(name).await? {
        iam.delete_policy(name, &policy).await?;
    }
    for policy in iam.attached_policies(name).await? {
        iam.detach_policy(name, &policy).await?;
    }
    Ok(())
}

/// Whether a failure says that the role was not found by the first write after a read.
pub(super) fn is_gone(failure: &Failure, role: &Role, held: &HeldRole) -> bool {
    match failure {
        Failure::Call { error, .. } => held.known == Known::ByRead && error.is_absent_role(&role.name),
        Failure::Taken(_) => false,
    }
}
