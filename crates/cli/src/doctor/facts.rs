//! What an account shows of one agent.

use std::collections::BTreeMap;

use agent_composer_model::{
    identity::{Family, Identity, Owner, StackId},
    ownership::{LOGICAL_ID, STACK_ID, Tags},
};
use serde_json::Value;

use super::named::Named;

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The family.
    pub family: String,
    /// The Region.
    pub region: String,
    /// The newest ACTIVE revision.
    pub definition: Seen<Definition>,
    /// The number of the newest INACTIVE revision, where none is ACTIVE.
    pub inactive: Option<i64>,
    /// The status of the stack that the revision's tags name.
    pub stack: Option<Seen<String>>,
    /// The parameters that the revision names, by ARN.
    pub parameters: BTreeMap<String, Seen<ParameterFact>>,
    /// The secrets that it names, by the id that they were looked up with.
    pub secrets: BTreeMap<String, Seen<SecretFact>>,
    /// The repositories and images that it names, by reference; absent is the repository, and `false` the image in it.
    pub images: BTreeMap<String, Seen<bool>>,
    /// The log groups, by name.
    pub log_groups: BTreeMap<String, Seen<LogGroupFact>>,
    /// The roles that it names and that of the scheduler, by ARN.
    pub roles: BTreeMap<String, Seen<RoleFact>>,
    /// The ARN of the role that starts tasks, if it was given.
    pub scheduler: Option<String>,
    /// The cluster that was looked in; absent for the one that ECS takes where none is named.
    pub cluster: Option<String>,
    /// Tasks that have stopped; absent is the cluster.
    pub tasks: Seen<Vec<StoppedTask>>,
}

/// What a look at something shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    /// It is there.
    Found(T),
    /// It does not exist.
    Absent,
    /// It could not be looked at.
    Not(NotSeen),
}

/// Why something could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSeen {
    /// The IAM action.
    pub action: String,
    /// What AWS answered; absent if it denied the action.
    pub because: Option<String>,
}

/// A revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The task definition as ECS describes it.
    pub document: Value,
    /// Its tags.
    pub tags: Tags,
}

/// An SSM parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterFact {
    /// The key that it is encrypted with, as SSM shows it: an id, an ARN or an alias.
    pub key: Option<String>,
}

/// A secret of Secrets Manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFact {
    /// Its whole ARN.
    pub arn: String,
    /// The key that it is encrypted with, if that is not the account's default.
    pub key: Option<String>,
    /// Whether it is scheduled for deletion.
    pub is_being_deleted: bool,
    /// The stages of each version.
    pub versions: BTreeMap<String, Vec<String>>,
}

/// A log group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogGroupFact {
    /// How many days it keeps lines; absent is for ever.
    pub retention: Option<i32>,
    /// Its tags, if they could be read.
    pub tags: Option<Tags>,
}

/// A role with its documents.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleFact {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
    /// Its trust policy.
    pub trust: Value,
    /// Its policies, inline and attached.
    pub policies: Seen<Vec<Value>>,
    /// The ARN of its permissions boundary, and its document.
    pub boundary: Option<(String, Seen<Value>)>,
}

/// A task that has stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its id.
    pub id: String,
    /// ECS's word for why.
    pub code: Option<String>,
    /// ECS's sentence for why.
    pub reason: Option<String>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a task that has stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// What it ended with, if it was started.
    pub exit_code: Option<i32>,
    /// ECS's sentence for what became of it.
    pub reason: Option<String>,
}

impl Definition {
    /// The revision's number.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.document["revision"].as_i64().unwrap_or_default()
    }

    /// The ARN of the stack that it belongs to.
    #[must_use]
    pub fn stack_id(&self) -> Option<&str> {
        self.tags.get(STACK_ID).map(String::as_str)
    }
}

impl Facts {
    /// What the revision names; nothing if there is none.
    #[must_use]
    pub fn named(&self) -> Named {
        match &self.definition {
            Seen::Found(definition) => Named::of(&definition.document),
            Seen::Absent | Seen::Not(_) => Named::default(),
        }
    }

    /// Who the agent is, by the revision's tags.
    pub(super) fn identity(&self) -> Option<Identity> {
        let Seen::Found(definition) = &self.definition else {
            return None;
        };
        let owner = Owner {
            stack_id: StackId::parse(definition.tags.get(STACK_ID)?)?,
            logical_id: definition.tags.get(LOGICAL_ID)?.clone(),
        };
        let family = Family::parse(&self.family)?;
        Some(Identity { owner, family })
    }

    /// A role that was looked at.
    pub(super) fn role(&self, arn: &str) -> &Seen<RoleFact> {
        self.roles.get(arn).unwrap_or(&Seen::Absent)
    }
}
