//! Adapters, one file for each service: they report what exists and make the calls, and know nothing of requests.

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

pub use cloudformation::{CloudFormation, ObservedResource};
pub use ecs::Ecs;
pub use error::{CallError, Kind};
pub(crate) use failure::SideBySide;
pub use failure::{Failure, Failures};
pub use iam::{Iam, Known, ObservedRole};
pub use logs::Logs;
pub use retry::Retry;
pub use sqs::{Message, Queue};

/// The SDK's clients, made once in the life of the process. Their own retries are off: [`Retry`] knows the deadline and
/// which calls may be repeated.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Task definitions.
    pub ecs: aws_sdk_ecs::Client,
    /// Roles.
    pub iam: aws_sdk_iam::Client,
    /// Log groups.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Stacks, which are only looked at.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// The queue of requests.
    pub sqs: aws_sdk_sqs::Client,
}

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
    pub fn new(clients: &'a Clients, retry: Retry) -> Self {
        Self {
            ecs: Ecs::new(&clients.ecs, retry),
            iam: Iam::new(&clients.iam, retry),
            logs: Logs::new(&clients.logs, retry),
            cloudformation: CloudFormation::new(&clients.cloudformation, retry),
        }
    }
}
