//! From what was found to agents: what carries one owner's tags under one family belongs together.

use std::collections::{BTreeMap, BTreeSet};

use agent_composer_model::{
    identity::{Family, Identity, Owner, StackId},
    ownership::{LOGICAL_ID, STACK_ID, Tags, VERSION},
};

use super::{
    found::{Found, FoundRevision, FoundRole, StackState},
    version::is_older,
};

/// One agent, or what is left of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The family; of roles alone, as far as their names show it.
    pub family: String,
    /// The stack that it belongs to.
    pub stack: Stack,
    /// Its name in the template.
    pub logical_id: String,
    /// Its newest ACTIVE revision.
    pub revision: Option<FoundRevision>,
    /// Its log group, if that is its own.
    pub log_group: Option<String>,
    /// The roles that the provider made for it.
    pub roles: Vec<FoundRole>,
    /// The version of the provider that last changed it.
    pub version: Option<String>,
    /// Whether an older version of the provider than the wanted one changed it last.
    pub is_behind: bool,
}

/// The stack of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status; absent if it is gone.
    pub status: Option<String>,
}

impl Agent {
    /// Whether nobody updates or deletes it any more.
    #[must_use]
    pub fn is_orphan(&self) -> bool {
        self.stack.status.is_none()
    }

    /// Whether an update is due; an orphan gets none.
    #[must_use]
    pub fn needs_refresh(&self) -> bool {
        self.is_behind && !self.is_orphan()
    }

    /// The boundaries of its roles, each once.
    #[must_use]
    pub fn boundaries(&self) -> BTreeSet<&str> {
        let boundaries = self.roles.iter().filter_map(|role| role.boundary.as_deref());
        boundaries.collect()
    }
}

/// What belongs to one owner under one family.
#[derive(Default)]
struct Parts {
    revision: Option<FoundRevision>,
    log_group: Option<(String, Option<String>)>,
    roles: Vec<FoundRole>,
}

/// Stack, logical id and family.
type Key = (String, String, String);

/// The agents of a Region, by family; those that an older version than `wanted` changed last are behind.
#[must_use]
pub fn agents(found: &Found, region: &str, wanted: &str) -> Vec<Agent> {
    let mut all: BTreeMap<Key, Parts> = BTreeMap::new();
    for revision in &found.revisions {
        if let Some((stack, logical_id)) = owner(&revision.tags) {
            let parts = all.entry((stack, logical_id, revision.family.clone())).or_default();
            parts.revision = Some(revision.clone());
        }
    }
    for group in &found.groups {
        let family = group.name.strip_prefix("/aws/ecs/");
        if let (Some((stack, logical_id)), Some(family)) = (owner(&group.tags), family) {
            let parts = all.entry((stack, logical_id, family.to_owned())).or_default();
            parts.log_group = Some((group.name.clone(), group.tags.get(VERSION).cloned()));
        }
    }
    for role in &found.roles {
        let Some((stack, logical_id)) = owner(&role.tags) else {
            continue;
        };
        let Some(id) = StackId::parse(&stack).filter(|id| id.region == region) else {
            continue;
        };
        let known = all.keys().find(|key| is_of(role, key, &id)).cloned();
        let key = known.unwrap_or_else(|| (stack, logical_id, family_in(&role.name)));
        all.entry(key).or_default().roles.push(role.clone());
    }
    let mut agents: Vec<Agent> = (all.into_iter())
        .map(|(key, parts)| agent(key, parts, &found.stacks, wanted))
        .collect();
    agents.sort_by(|one, other| (&one.family, &one.stack.id).cmp(&(&other.family, &other.stack.id)));
    agents
}

fn owner(tags: &Tags) -> Option<(String, String)> {
    Some((tags.get(STACK_ID)?.clone(), tags.get(LOGICAL_ID)?.clone()))
}

/// Whether a role has one of the two names that follow from the key.
fn is_of(role: &FoundRole, key: &Key, id: &StackId) -> bool {
    let (stack, logical_id, family) = key;
    let Some(family) = Family::parse(family).filter(|_| stack == id.as_str()) else {
        return false;
    };
    let owner = Owner {
        stack_id: id.clone(),
        logical_id: logical_id.clone(),
    };
    let identity = Identity { owner, family };
    [identity.execution_role_name(), identity.task_role_name()].contains(&role.name)
}

/// The family in `FAMILY-KIND-HASH`, which may be cut.
fn family_in(role: &str) -> String {
    let parts = role.rsplitn(3, '-').nth(2);
    parts.unwrap_or(role).to_owned()
}

fn agent(key: Key, parts: Parts, stacks: &BTreeMap<String, StackState>, wanted: &str) -> Agent {
    let (stack_id, logical_id, family) = key;
    let Parts {
        revision,
        log_group,
        roles,
    } = parts;
    // An update that registers nothing leaves the revision's tags as they are: log group and roles have the newest.
    let of_roles = roles.iter().find_map(|role| role.tags.get(VERSION).cloned());
    let of_revision = revision.as_ref().and_then(|found| found.tags.get(VERSION).cloned());
    let version = (log_group.as_ref().and_then(|(_, version)| version.clone()))
        .or(of_roles)
        .or(of_revision);
    let status = match stacks.get(&stack_id) {
        Some(StackState::Exists(status)) => Some(status.clone()),
        Some(StackState::Gone) | None => None,
    };
    let name = stack_id.split('/').nth(1).unwrap_or(&stack_id).to_owned();
    Agent {
        family,
        stack: Stack {
            id: stack_id,
            name,
            status,
        },
        logical_id,
        revision,
        log_group: log_group.map(|(name, _)| name),
        roles,
        is_behind: version.as_deref().is_none_or(|version| is_older(version, wanted)),
        version,
    }
}
