//! What was found in a Region, also of other people's, and what to look at next because of it.

use std::collections::{BTreeMap, BTreeSet};

use agent_composer_model::{
    identity::StackId,
    ownership::{STACK_ID, Tags},
};

/// What was found in a Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The newest ACTIVE revision of each family.
    pub revisions: Vec<FoundRevision>,
    /// Log groups under `/aws/ecs/`.
    pub groups: Vec<FoundGroup>,
    /// Roles under the paths of agents' roles; those are the account's, of all Regions.
    pub roles: Vec<FoundRole>,
    /// The stacks that tags name, by ARN.
    pub stacks: BTreeMap<String, StackState>,
}

/// The newest ACTIVE revision of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundRevision {
    /// Its ARN.
    pub arn: String,
    /// The family.
    pub family: String,
    /// Its number.
    pub number: i64,
    /// The image of the container `agent`, if there is one.
    pub image: Option<String>,
    /// The ARNs of its roles.
    pub roles: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A log group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundGroup {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundRole {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Whether a stack exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackState {
    /// It exists, in this status.
    Exists(String),
    /// It is deleted, or CloudFormation does not know it.
    Gone,
}

impl StackState {
    /// Reads what CloudFormation shows of a stack: its status, or nothing.
    #[must_use]
    pub fn of(status: Option<&str>) -> Self {
        match status {
            None | Some("DELETE_COMPLETE") => Self::Gone,
            Some(status) => Self::Exists(status.to_owned()),
        }
    }
}

impl Found {
    /// The paths to look for roles under: those that are given, and those of the roles of agents that were found.
    #[must_use]
    pub fn role_paths(&self, given: &[String]) -> BTreeSet<String> {
        let agents = self.revisions.iter().filter(|found| found.tags.contains_key(STACK_ID));
        let used = agents.flat_map(|found| &found.roles).filter_map(|arn| path_of(arn));
        // A task role of the author's own may be anywhere, and `/` has every role of the account.
        let used = used.filter(|path| path != "/");
        given.iter().cloned().chain(used).collect()
    }

    /// The stacks of a Region that tags name.
    #[must_use]
    pub fn stack_ids(&self, region: &str) -> BTreeSet<String> {
        let revisions = self.revisions.iter().map(|found| &found.tags);
        let groups = self.groups.iter().map(|found| &found.tags);
        let roles = self.roles.iter().map(|found| &found.tags);
        let tags = revisions.chain(groups).chain(roles);
        let ids = tags.filter_map(|tags| tags.get(STACK_ID));
        let of_region = ids.filter(|id| StackId::parse(id).is_none_or(|id| id.region == region));
        of_region.cloned().collect()
    }
}

/// `/PATH/` of `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
fn path_of(arn: &str) -> Option<String> {
    let (_, rest) = arn.split_once(":role/")?;
    Some(match rest.rsplit_once('/') {
        Some((path, _)) => format!("/{path}/"),
        None => "/".to_owned(),
    })
}
