//! Everything that the account holds, and what an operation needs to know beside it.

use serde_json::{Value, json};

use super::call::{Call, Service};
use super::cloudformation::Stacks;
use super::ecs::Ecs;
use super::error::ApiError;
use super::home::Home;
use super::iam::Iam;
use super::logs::Logs;
use super::sqs::Sqs;
use super::supplies::Supplies;

/// The whole account.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Task definitions.
    pub ecs: Ecs,
    /// Roles.
    pub iam: Iam,
    /// Log groups.
    pub logs: Logs,
    /// Stacks, which only tests change.
    pub stacks: Stacks,
    /// Queues.
    pub sqs: Sqs,
    /// What agents are started with.
    pub supplies: Supplies,
}

/// What an operation needs to know beside the state.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Where the account is.
    pub home: Home,
    /// Simulated time, in milliseconds since 1970.
    pub now: i64,
    /// The most items on any page, below each service's own maximum.
    pub page: usize,
}

impl State {
    /// Performs an operation.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        match call.service {
            Service::Ecs => self.ecs.perform(call, scene),
            Service::Iam => self.iam.perform(call, scene),
            Service::Logs => self.logs.perform(call, scene),
            Service::CloudFormation => self.stacks.perform(call, scene),
            Service::Sqs => self.sqs.perform(call, scene),
            Service::Ssm | Service::SecretsManager | Service::Ecr => self.supplies.perform(call, scene),
            Service::Unknown => Err(unknown(call)),
        }
    }

    /// The state as one value to compare with another, without times.
    pub fn snapshot(&self, home: &Home) -> Value {
        json!({
            "taskDefinitions": self.ecs.snapshot(home),
            "roles": self.iam.snapshot(home),
            "logGroups": self.logs.snapshot(),
            "stacks": self.stacks.snapshot(),
        })
    }
}

/// What a service answers to an operation that it does not have.
pub fn unknown(call: &Call) -> ApiError {
    if call.service.speaks_json() {
        ApiError::bad("UnknownOperationException", "")
    } else {
        ApiError::bad("InvalidAction", format!("Could not find operation {}", call.operation))
    }
}

/// Whether an error says that there is no such operation.
pub fn is_unknown(error: &ApiError) -> bool {
    ["UnknownOperationException", "InvalidAction"].contains(&error.code.as_str())
}
