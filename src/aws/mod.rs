//! Adapters, one file for each service: they report what exists and make the calls, and know nothing of requests.

mod clients;
mod cloudformation;
mod document;
mod ecs;
mod error;
mod failure;
mod iam;
mod logs;
mod registration;
mod retry;
mod sqs;

use std::time::Duration;

pub use clients::{Clients, Lazy, ResourceClients};
pub use cloudformation::{CloudFormation, ObservedResource};
pub use ecs::Ecs;
pub use error::{CallError, Kind};
pub(crate) use failure::SideBySide;
pub use failure::{Failure, Failures};
pub use iam::{Iam, Known, ObservedRole};
pub use logs::Logs;
pub use retry::Retry;
pub use sqs::{Message, Queue};

/// How long a read may lag behind a write: ECS, IAM and CloudWatch Logs are eventually consistent, and AWS publishes no bound.
/// We rely on five seconds (docs/internals/aws.md, "Consistency").
pub const READ_LAG: Duration = Duration::from_secs(5);

/// The services as one run sees them: each with the time that the run has.
#[derive(Clone, Copy, Debug)]
pub struct Aws<'a> {
    /// Task definitions.
    pub ecs: Ecs<'a>,
    /// Roles.
    pub iam: Iam<'a>,
    /// Log groups.
    pub logs: Logs<'a>,
    /// Stacks.
    pub cloudformation: CloudFormation<'a>,
}

impl<'a> Aws<'a> {
    /// The services, called until `retry` ends.
    #[must_use]
    pub fn new(clients: &'a ResourceClients, retry: Retry) -> Self {
        Self {
            ecs: Ecs::new(&clients.ecs, retry),
            iam: Iam::new(&clients.iam, retry),
            logs: Logs::new(&clients.logs, retry),
            cloudformation: CloudFormation::new(&clients.cloudformation, retry),
        }
    }
}
