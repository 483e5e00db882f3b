//! Everything that one resource is made of, as whole and comparable values. `compose` cannot fail: whatever could be
//! wrong was found by validation.

mod agent;
mod container;
mod labels;
mod limits;
mod log_group;
mod policy;
mod rights;
mod role;
mod sidecars;
mod task_definition;

pub use container::{Container, KeyValue, RepositoryCredentials, Secret};
pub use log_group::{KMS_KEY, LogGroup, RETENTION};
pub use policy::{POLICY_PREFIX, Policy, Statement};
pub use role::{AuthorsRole, Role, TaskRole};
pub use task_definition::{EphemeralStorage, RuntimePlatform, TaskDefinition};

use crate::{
    Faults,
    identity::{Identity, Owner},
    ownership::{self, Tags},
    properties::Properties,
    settings::Settings,
};
use serde_json::{Map, Value};

/// The desired state of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition {
    /// The agents' log group.
    pub log_group: LogGroup,
    /// The role with which ECS starts the task: images, secrets, logs.
    pub execution_role: Role,
    /// The role that the agent has: made, or the author's own.
    pub task_role: TaskRole,
    /// The task definition, which refers to the rest.
    pub task_definition: TaskDefinition,
    /// The author's tags and the owner's, which everything carries.
    pub tags: Tags,
}

impl Composition {
    /// Validates what an author wrote, composes it, and checks that it fits AWS's limits: everything between a template
    /// and the calls.
    ///
    /// # Errors
    /// Every fault.
    pub fn of(written: &Map<String, Value>, owner: &Owner, settings: &Settings) -> Result<(Identity, Self), Faults> {
        let properties = Properties::validate(written, owner, settings)?;
        let identity = Identity {
            owner: owner.clone(),
            family: properties.family.clone(),
        };
        let composition = Self::compose(&identity, &properties, settings).fitting()?;
        Ok((identity, composition))
    }

    /// Composes what the properties mean.
    #[must_use]
    pub fn compose(identity: &Identity, properties: &Properties, settings: &Settings) -> Self {
        let log_group = LogGroup::compose(identity, properties);
        let execution_role = Role::execution(identity, properties, settings);
        let task_role = TaskRole::compose(identity, properties, settings);
        let task_definition = TaskDefinition::compose(identity, properties, &execution_role, &task_role, &log_group);
        Self {
            log_group,
            execution_role,
            task_role,
            task_definition,
            tags: ownership::tagged(&properties.tags, &identity.owner),
        }
    }

    /// Checks the documents' sizes against AWS's limits, which only the whole shows.
    ///
    /// # Errors
    /// What is too large, and what makes it smaller.
    pub fn fitting(self) -> Result<Self, Faults> {
        let faults = limits::faults(&self);
        faults.or(Some(self))
    }
}

#[cfg(test)]
mod tests;
