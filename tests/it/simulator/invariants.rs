//! What must hold: of what CloudFormation believes in, of what is left, of what has been answered.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use agent_composer::{
    composition::{Composition, LogGroup, Role, TaskRole},
    identity::{Family, Identity, Owner, StackId},
    mark,
    ownership::{CONTENT, LOGICAL_ID, PREFIX, STACK_ID},
    properties::Properties,
};
use serde_json::{Value, json};

use super::{
    request::{Kind, Request},
    template::{FAMILIES, LOGICAL_IDS, MALFORMED_CPU, STACK_TAGS, settings},
    world::{Resource, Stack, Thing, World, family_of},
};
use crate::{
    account::{Call, LogGroupView, RoleView},
    answer::Answer,
};

/// How closely rights are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    /// At least those that are needed.
    Enough,
    /// Those, and no others of the provider's.
    Exact,
}

impl World {
    /// Everything that can be checked at this moment.
    pub fn check(&self, when: &str) {
        if let Some(thing) = self.foreign.changed(&self.account) {
            self.breach(format!("{when}: {thing} is not ours, and was changed"));
        }
        let stacks = self.stacks().clone();
        for stack in &stacks {
            for (logical, resource) in &stack.resources {
                for arn in resource.held.iter().chain(&resource.given) {
                    if self
                        .account
                        .revision(arn)
                        .is_none_or(|revision| revision.status != "ACTIVE")
                    {
                        self.breach(format!(
                            "{when}: {logical} may be rolled back to {arn}, which is not ACTIVE"
                        ));
                    }
                }
                if !stack.operating && resource.sound && !self.is_busy(&stack.id, logical) {
                    let family = resource.physical.as_deref().and_then(family_of).unwrap_or_default();
                    if let Err(fault) = self.holds(&stack.id, logical, &family, &resource.properties(), Rights::Exact)
                        && !self.is_contended(&family, &stack.id, logical)
                    {
                        self.breach(format!("{when}: {logical} of {}: {fault}", stack.id));
                    }
                }
            }
            for (id, logical, family) in &stack.retained {
                let owner = |tags: &BTreeMap<String, String>| tags.get(STACK_ID) == Some(id);
                let kept = self
                    .account
                    .active_revisions(family)
                    .into_iter()
                    .any(|one| owner(&one.tags));
                if !kept {
                    self.breach(format!("{when}: a policy keeps {family} of {logical}, and it is gone"));
                }
            }
        }
        self.check_leftovers(when, &stacks);
    }

    /// Checks that a success which CloudFormation received is true.
    pub fn succeeded(&self, request: &Request, answer: &Answer) {
        if request.kind == Kind::Delete {
            return;
        }
        let (stack, logical) = (request.text("StackId"), request.which.logical);
        let family = family_of(&answer.id).unwrap_or_default();
        let key = (stack.to_owned(), logical, family.clone());
        if request.properties().get("TaskRoleArn").is_none() {
            let id = answer.attribute("TaskRoleId").to_owned();
            let first = self
                .role_ids
                .lock()
                .unwrap()
                .entry(key)
                .or_insert_with(|| id.clone())
                .clone();
            if first != id {
                self.breach(format!("the task role of {family} was {first}, and is {id}"));
            }
        }
        if let Err(fault) = self.holds(stack, logical, &family, request.properties(), Rights::Enough)
            && !self.is_contended(&family, stack, logical)
        {
            self.breach(format!("{} is reported as done: {fault}", request.id));
        }
    }

    /// Whether another resource's run, which is still going, has registered the newest revision: where a log group is not
    /// a claim, a contender has the newest revision until it gives way. One whose time ended before it had looked gives
    /// way in its stack's rollback.
    fn is_contended(&self, family: &str, stack: &str, logical: &str) -> bool {
        let newest = self.account.newest_revision(family);
        let owner = newest
            .as_ref()
            .and_then(|newest| Some((newest.tags.get(STACK_ID)?, newest.tags.get(LOGICAL_ID)?)));
        owner.is_some_and(|(id, other)| {
            (id, other.as_str()) != (&stack.to_owned(), logical)
                && (self.is_busy(id, other) || self.is_to_be_rolled_back(id, other))
        })
    }

    /// Whether the resource's last request is not done, and its stack goes on.
    fn is_to_be_rolled_back(&self, stack: &str, logical: &str) -> bool {
        let stacks = self.stacks();
        let there = stacks.iter().find(|there| there.operating && there.id == stack);
        there
            .and_then(|there| there.resources.get(logical))
            .is_some_and(|resource| !resource.sound)
    }

    /// Checks that a failure which CloudFormation received has a reason.
    pub fn failed(&self, request: &Request, answer: &Answer) {
        let says = |text: &str| answer.reason.contains(text);
        let is_anothers = || request.was_anothers.load(Ordering::Relaxed) || self.is_anothers(request);
        let refused = says("belongs to the resource") && is_anothers()
            || says("has the class") && self.is_of_another_class(request)
            || says("`TaskCpu`") && request.properties()["TaskCpu"] == MALFORMED_CPU;
        let given_up = says("no attempt finished") && self.story.may_be_given_up(&request.which);
        // The provider keeps to the time that CloudFormation waits, and then says what it last waited for.
        let is_late = request.properties().get("ServiceTimeout").is_some()
            && (says("time for this request ended") || says("ServiceTimeout has passed") || says(" attempts in "));
        let is_out = says("failed to put the request") && self.story.outage.is_some();
        if !given_up && !is_late && !is_out && !refused && !self.story.may_fail(&request.which) {
            self.breach(format!("{} failed for no reason: {}", request.id, answer.reason));
        }
    }

    /// Whether the log group that exists is not of the class that a request wants.
    fn is_of_another_class(&self, request: &Request) -> bool {
        let wanted = request.properties()["LogGroupClass"].as_str().unwrap_or("STANDARD");
        let there = self.account.log_group(&format!("/aws/ecs/{}", request.family()));
        there.is_some_and(|group| group.class != wanted)
    }

    /// The family need not live any more.
    pub fn forget_role(&self, thing: &Thing) {
        self.role_ids.lock().unwrap().remove(thing);
    }

    /// Invariant 1: the newest revision is ACTIVE and of exactly these properties; both roles have their rights; the
    /// log group is there.
    fn holds(
        &self,
        stack: &str,
        logical: &str,
        family: &str,
        properties: &Value,
        rights: Rights,
    ) -> Result<(), String> {
        let (identity, composition) = wanted(stack, logical, family, properties)?;
        let newest = self.account.newest_revision(family).ok_or("no revision is ACTIVE")?;
        let is = |key: &str, value: &str| newest.tags.get(key).map(String::as_str) == Some(value);
        if !is(STACK_ID, stack) || !is(LOGICAL_ID, logical) {
            return Err(format!("{} is another's", newest.arn));
        }
        let mut document: Value =
            serde_json::from_str(&composition.task_definition.document()).map_err(|e| e.to_string())?;
        // A registration takes the tags, and a description has them beside the task definition.
        document.as_object_mut().map(|document| document.remove("tags"));
        if let Some((key, _)) = composition.tags.iter().find(|(key, value)| !is(key, value)) {
            return Err(format!("{} has not the current tag {key}", newest.arn));
        }
        if !is(CONTENT, &composition.task_definition.content()) || !is_of(&newest.definition, &document) {
            return Err(format!("{} has not the current properties", newest.arn));
        }
        self.has_rights(&composition.execution_role, rights)?;
        if let TaskRole::Made(role) = &composition.task_role {
            let there = self.has_rights(role, rights)?;
            let key = LOGICAL_IDS
                .iter()
                .find(|one| **one == logical)
                .map(|one| (stack.to_owned(), *one, family.to_owned()));
            let first = key.and_then(|key| self.role_ids.lock().unwrap().get(&key).cloned());
            if first.is_some_and(|first| first != there.id) {
                return Err(format!("the task role was made anew: {}", there.id));
            }
        }
        let group = identity.log_group_name();
        let there = self
            .account
            .log_group(&group)
            .ok_or_else(|| format!("{group} is not there"))?;
        if rights == Rights::Exact {
            let is_shared = self.foreign.uses(family) || self.was_anothers(family, stack, logical);
            is_as_wanted(&there, &composition.log_group, is_shared)?;
        }
        Ok(())
    }

    fn has_rights(&self, role: &Role, rights: Rights) -> Result<RoleView, String> {
        let there = self
            .account
            .role(&role.name)
            .ok_or_else(|| format!("{} is not there", role.name))?;
        let mut ours: BTreeMap<String, Value> = there.inline.clone();
        if let Some(policy) = &role.policy {
            let document: Value = serde_json::from_str(&policy.document()).map_err(|error| error.to_string())?;
            if ours.remove(&policy.name()) != Some(document) {
                return Err(format!("{} has not the rights it needs", role.name));
            }
        }
        let attached = |arn: &String| there.attached.contains(arn);
        if let Some(arn) = role.managed_policies.iter().find(|arn| !attached(arn)) {
            return Err(format!("{} has not the rights it needs: {arn}", role.name));
        }
        let mut others = there.attached.iter().filter(|arn| !role.managed_policies.contains(arn));
        if rights == Rights::Exact
            && let Some(name) = ours.keys().next().or_else(|| others.next())
        {
            return Err(format!("{} has rights that it does not need: {name}", role.name));
        }
        let mut tags = there.tags.clone();
        tags.remove(mark::KEY);
        if rights == Rights::Exact && tags != role.tags {
            return Err(format!("{} has the tags {tags:?}", role.name));
        }
        Ok(there)
    }

    /// At every moment the newest revision's tasks have the rights that they need, for the scheduler may start them.
    pub fn check_rights(&self, call: &Call) {
        if ![
            "PutRolePolicy",
            "DeleteRolePolicy",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "RegisterTaskDefinition",
        ]
        .contains(&call.operation.as_str())
        {
            return;
        }
        for stack in &*self.stacks() {
            for (logical, resource) in &stack.resources {
                let Some(family) = resource.physical.as_deref().and_then(family_of) else {
                    continue;
                };
                let is_believed = !resource.status.starts_with("DELETE_") && resource.status != "CREATE_FAILED";
                if !is_believed {
                    continue;
                }
                let Some(newest) = self.account.newest_revision(&family) else {
                    continue;
                };
                let needed = wanted(&stack.id, logical, &family, &resource.properties()).ok();
                let Some((_, needed)) = needed.filter(|(_, one)| {
                    newest.tags.get(CONTENT).map(String::as_str) == Some(one.task_definition.content().as_str())
                }) else {
                    continue;
                };
                let roles = [Some(&needed.execution_role), needed.task_role.made()];
                for role in roles.into_iter().flatten() {
                    if let Err(fault) = self.has_rights(role, Rights::Enough) {
                        self.breach(format!("after #{}, of {}: {fault}", call.number, newest.arn));
                    }
                }
            }
        }
    }

    /// Invariant 2: everything that carries a stack's tags belongs to something that CloudFormation believes in.
    fn check_leftovers(&self, when: &str, stacks: &[Stack]) {
        let owner =
            |tags: &BTreeMap<String, String>| Some((tags.get(STACK_ID)?.clone(), tags.get(LOGICAL_ID)?.clone()));
        let mut things = Vec::new();
        for family in self.account.families() {
            for revision in self.account.active_revisions(&family) {
                things.extend(owner(&revision.tags).map(|owner| (owner, Some(family.clone()), revision.arn)));
            }
        }
        for role in self.account.roles() {
            things.extend(owner(&role.tags).map(|owner| {
                let family = family_of_role(&owner, &role.name);
                (owner, family, role.arn)
            }));
        }
        for group in self.account.log_groups() {
            let family = group.name.strip_prefix("/aws/ecs/").map(str::to_owned);
            things.extend(owner(&group.tags).map(|owner| (owner, family, group.name)));
        }
        for ((id, logical), family, what) in things {
            let Some(stack) = stacks.iter().find(|stack| stack.ids.contains(&id)) else {
                continue;
            };
            if !self.may_be(stack, &id, &logical, family.as_deref()) {
                self.breach(format!("{when}: {what} of {logical} is left over"));
            }
        }
    }

    fn may_be(&self, stack: &Stack, id: &str, logical: &str, family: Option<&str>) -> bool {
        if self.is_busy(id, logical) || (stack.id == id && stack.operating) {
            return true;
        }
        let Some(family) = family else {
            return false;
        };
        let allowed = |(one, other, of): &Thing| one == id && *other == logical && of == family;
        let believed = |resource: &Resource| {
            !resource.sound || resource.physical.as_deref().and_then(family_of).as_deref() == Some(family)
        };
        stack.allowed.iter().any(allowed) || (stack.id == id && stack.resources.get(logical).is_some_and(believed))
    }
}

/// What the properties mean.
fn wanted(stack: &str, logical: &str, family: &str, properties: &Value) -> Result<(Identity, Composition), String> {
    let settings = settings().map_err(|faults| faults.to_string())?;
    let owner = Owner {
        stack_id: StackId::parse(stack).ok_or("no stack")?,
        logical_id: logical.to_owned(),
    };
    let written = properties.as_object().ok_or("no properties")?;
    let properties = Properties::validate(written, &owner, &settings).map_err(|faults| faults.to_string())?;
    if properties.family.as_str() != family {
        return Err(format!("the id names {family}, the properties {}", properties.family));
    }
    let identity = Identity {
        owner,
        family: properties.family.clone(),
    };
    let tags = STACK_TAGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let composition = Composition::compose(&identity, &properties, &settings);
    let composition = composition.labelled(agent_composer::VERSION, &tags.into(), &settings);
    Ok((identity, composition))
}

/// The family of a role, by its name.
fn family_of_role((stack, logical): &(String, String), name: &str) -> Option<String> {
    let stack_id = StackId::parse(stack)?;
    let defaults = LOGICAL_IDS
        .iter()
        .copied()
        .chain([logical.as_str()])
        .map(str::to_lowercase);
    FAMILIES
        .iter()
        .map(|family| (*family).to_owned())
        .chain(defaults)
        .find(|family| {
            let identity = Family::parse(family).map(|family| Identity {
                owner: Owner {
                    stack_id: stack_id.clone(),
                    logical_id: logical.clone(),
                },
                family,
            });
            identity.is_some_and(|one| one.execution_role_name() == name || one.task_role_name() == name)
        })
}

/// Whether a log group has its retention, key, class and tags, and no others. One that others use or used may be
/// nobody's, or keep their tags.
fn is_as_wanted(there: &LogGroupView, wanted: &LogGroup, is_shared: bool) -> Result<(), String> {
    let name = &there.name;
    if is_shared && !there.tags.contains_key(STACK_ID) {
        return Ok(());
    }
    if there.retention != Some(wanted.retention_days.into()) {
        return Err(format!("{name} keeps its events for {:?} days", there.retention));
    }
    if there.key != wanted.kms_key {
        return Err(format!("{name} is under the key {:?}", there.key));
    }
    if there.class != wanted.class {
        return Err(format!("{name} is of the class {}", there.class));
    }
    let mut tags = there.tags.clone();
    let may_be_anothers = |key: &String| is_shared && !key.starts_with(PREFIX) && !wanted.tags.contains_key(key);
    tags.retain(|key, _| !may_be_anothers(key));
    if tags != wanted.tags {
        return Err(format!("{name} has the tags {tags:?}"));
    }
    Ok(())
}

/// What a description of a task definition says beside what was registered.
const OF_THE_REVISION: [&str; 6] = [
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// Whether a task definition was registered from that document: beside it ECS says only what it fills in.
fn is_of(there: &Value, document: &Value) -> bool {
    let (Some(there), Some(document)) = (there.as_object(), document.as_object()) else {
        return false;
    };
    there.iter().all(|(name, value)| {
        OF_THE_REVISION.contains(&name.as_str())
            || match (document.get(name), name.as_str()) {
                (Some(written), "containerDefinitions") => {
                    let (there, written) = (value.as_array(), written.as_array());
                    let (there, written) = (there.into_iter().flatten(), written.into_iter().flatten());
                    there.clone().count() == written.clone().count()
                        && there.zip(written).all(|(there, written)| is_filled_in(there, written))
                }
                (Some(written), _) => value == written,
                (None, _) => *value == Value::Array(Vec::new()),
            }
    }) && document.keys().all(|name| there.contains_key(name))
}

/// Whether a container is the written one with ECS's defaults.
fn is_filled_in(there: &Value, written: &Value) -> bool {
    let (Some(there), Some(written)) = (there.as_object(), written.as_object()) else {
        return false;
    };
    let default = |name: &str| match name {
        "essential" => json!(true),
        "cpu" => json!(0),
        _ => json!([]),
    };
    there
        .iter()
        .all(|(name, value)| *value == written.get(name).cloned().unwrap_or_else(|| default(name)))
        && written.keys().all(|name| there.contains_key(name))
}
