//! What a test can look at: the journal, and the account as it really is, staleness or not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Account;
use super::call::Service;
use super::ecs::{self, Revision, Status};
use super::home::Home;
use super::iam::Role;
use super::journal::{Outcome, Record};
use super::policy::{Context, Demand, Policy, Verdict, verdict};
use super::state::is_unknown;
use super::tags::Tags;

/// One revision.
#[derive(Clone, Debug, PartialEq)]
pub struct RevisionView {
    /// The ARN, with the revision.
    pub arn: String,
    /// The family.
    pub family: String,
    /// The revision.
    pub number: i64,
    /// `ACTIVE`, `INACTIVE` or `DELETE_IN_PROGRESS`.
    pub status: &'static str,
    /// The definition as Describe shows it, but for the status.
    pub definition: Value,
    /// Tags.
    pub tags: Tags,
}

impl RevisionView {
    /// A container by name.
    pub fn container(&self, name: &str) -> Option<&Value> {
        self.definition["containerDefinitions"]
            .as_array()?
            .iter()
            .find(|container| container["name"] == name)
    }
}

/// One role.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleView {
    /// The name.
    pub name: String,
    /// The path.
    pub path: String,
    /// The ARN, with the path.
    pub arn: String,
    /// `AROA…`.
    pub id: String,
    /// The trust policy.
    pub trust: Value,
    /// The description.
    pub description: Option<String>,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// Inline policies by name.
    pub inline: BTreeMap<String, Value>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

impl RoleView {
    /// Whether the role's inline policies allow an action on a resource, with these condition keys.
    pub fn allows(&self, action: &str, resource: &str, keys: &[(&str, &str)]) -> bool {
        let policies: Vec<Policy> = self
            .inline
            .values()
            .filter_map(|document| Policy::parse(document).ok())
            .collect();
        let context: Context = keys
            .iter()
            .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
            .collect();
        let demand = Demand {
            action: action.to_owned(),
            resource: resource.to_owned(),
            named: resource.to_owned(),
            context,
        };
        verdict(&policies, &demand) == Verdict::Allowed
    }
}

/// One log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroupView {
    /// The name.
    pub name: String,
    /// Days; absent is for ever.
    pub retention: Option<i64>,
    /// `STANDARD` or another class.
    pub class: String,
    /// The KMS key, if any.
    pub key: Option<String>,
    /// Tags.
    pub tags: Tags,
}

// The journal.
impl Account {
    /// All calls so far, by number.
    pub fn calls(&self) -> Vec<Record> {
        self.lock().journal.clone()
    }

    /// How many calls there were: what [`calls_since`](Self::calls_since) takes.
    pub fn mark(&self) -> usize {
        self.lock().journal.len()
    }

    /// The calls after a mark.
    pub fn calls_since(&self, mark: usize) -> Vec<Record> {
        self.lock().journal.iter().skip(mark).cloned().collect()
    }

    /// The calls of this caller.
    pub fn own_calls(&self) -> Vec<Record> {
        self.calls()
            .into_iter()
            .filter(|record| record.call.caller == *self.caller)
            .collect()
    }

    /// The calls of one action.
    pub fn calls_to(&self, action: &str) -> Vec<Record> {
        self.calls()
            .into_iter()
            .filter(|record| record.action() == action)
            .collect()
    }

    /// The write actions that were called, whatever became of them.
    pub fn writes(&self) -> Vec<Record> {
        self.calls()
            .into_iter()
            .filter(|record| !record.call.is_read())
            .collect()
    }

    /// Calls that the account does not know. A test that leaves any has not been run against AWS's behaviour.
    pub fn unknown_calls(&self) -> Vec<Record> {
        self.calls()
            .into_iter()
            .filter(|record| {
                record.call.service == Service::Unknown
                    || matches!(&record.outcome, Outcome::Refused(error) if is_unknown(error))
            })
            .collect()
    }

    /// Calls that were not allowed, or would not have been: a test of a policy looks here.
    pub fn denied_calls(&self) -> Vec<Record> {
        self.calls()
            .into_iter()
            .filter(|record| {
                matches!(&record.outcome, Outcome::Refused(error)
                    if ["AccessDenied", "AccessDeniedException"].contains(&error.code.as_str()))
            })
            .collect()
    }

    /// The journal as a story, a line for each call.
    pub fn story(&self) -> String {
        let lines: Vec<String> = self.calls().iter().map(Record::to_string).collect();
        lines.join("\n")
    }
}

// The account.
impl Account {
    /// Everything, comparable, without times. INACTIVE revisions are in it, and roles' unique ids.
    pub fn snapshot(&self) -> Value {
        let inside = self.lock();
        inside.state.snapshot(&inside.home)
    }

    /// What a user would call left: roles, log groups, and ACTIVE revisions, by ARN or name.
    pub fn leftovers(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .families()
            .iter()
            .flat_map(|family| self.active_revisions(family))
            .map(|revision| revision.arn)
            .collect();
        all.extend(self.roles().into_iter().map(|role| role.arn));
        all.extend(self.log_groups().into_iter().map(|group| group.name));
        all
    }

    /// All families that ever were.
    pub fn families(&self) -> Vec<String> {
        self.lock().state.ecs.families.keys().cloned().collect()
    }

    /// A family's revisions of every status, oldest first.
    pub fn revisions(&self, family: &str) -> Vec<RevisionView> {
        let inside = self.lock();
        let Some(revisions) = inside.state.ecs.families.get(family) else {
            return Vec::new();
        };
        revisions
            .iter()
            .map(|(number, revision)| revision_view(family, *number, revision, &inside.home))
            .collect()
    }

    /// A family's ACTIVE revisions, oldest first.
    pub fn active_revisions(&self, family: &str) -> Vec<RevisionView> {
        self.revisions(family)
            .into_iter()
            .filter(|revision| revision.status == Status::Active.name())
            .collect()
    }

    /// The revision that a task started by family name runs.
    pub fn newest_revision(&self, family: &str) -> Option<RevisionView> {
        self.active_revisions(family).pop()
    }

    /// A revision by its ARN.
    pub fn revision(&self, arn: &str) -> Option<RevisionView> {
        let (family, number) = ecs::parse(arn, &self.lock().home)?;
        self.revisions(&family)
            .into_iter()
            .find(|revision| Some(revision.number) == number)
    }

    /// All roles.
    pub fn roles(&self) -> Vec<RoleView> {
        let inside = self.lock();
        let roles = inside.state.iam.roles.values();
        roles.map(|role| role_view(role, &inside.home)).collect()
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<RoleView> {
        let inside = self.lock();
        inside.state.iam.find(name).map(|role| role_view(role, &inside.home))
    }

    /// All log groups.
    pub fn log_groups(&self) -> Vec<LogGroupView> {
        let inside = self.lock();
        let groups = inside.state.logs.groups.iter();
        groups
            .map(|(name, group)| LogGroupView {
                name: name.clone(),
                retention: group.retention,
                class: group.class.clone(),
                key: group.key.clone(),
                tags: group.tags.clone(),
            })
            .collect()
    }

    /// A log group by name.
    pub fn log_group(&self, name: &str) -> Option<LogGroupView> {
        self.log_groups().into_iter().find(|group| group.name == name)
    }
}

fn revision_view(family: &str, number: i64, revision: &Revision, home: &Home) -> RevisionView {
    RevisionView {
        arn: home.task_definition(&format!("{family}:{number}")),
        family: family.to_owned(),
        number,
        status: revision.status.name(),
        definition: revision.definition.clone(),
        tags: revision.tags.clone(),
    }
}

fn role_view(role: &Role, home: &Home) -> RoleView {
    let document = |written: &String| serde_json::from_str(written).unwrap_or_default();
    RoleView {
        name: role.name.clone(),
        path: role.path.clone(),
        arn: role.arn(home),
        id: role.id.clone(),
        trust: document(&role.trust),
        description: role.description.clone(),
        boundary: role.boundary.clone(),
        inline: role
            .inline
            .iter()
            .map(|(name, written)| (name.clone(), document(written)))
            .collect(),
        attached: role.attached.iter().cloned().collect(),
        tags: role.tags.clone(),
    }
}
