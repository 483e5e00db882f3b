//! The desired state, made to hold in AWS, or taken away. Only this directory and the binary name AWS clients; what
//! to do with what they see is decided by [`ownership`](crate::ownership) and [`revision`](crate::revision).

mod claim;
mod destroy;
mod ecs;
mod ensure;
mod failure;
mod iam;
mod logs;
mod patience;
mod refusal;
mod registration;
mod rights;
mod settle;
mod stacks;
mod sweep;

use std::time::Duration;

pub use destroy::Surveyed;
pub use ensure::{Applied, Looked, Replaced};
pub use failure::{Failure, Failures};
pub use iam::StandingRole;
pub use patience::Patience;
pub use refusal::{Kind, Refusal};
pub use settle::Done;

/// The AWS clients, made once in the life of the process. Their own retries are off: [`Patience`] knows the deadline
/// and which calls may be repeated.
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
}

/// How long after a look that may be behind what was just written the next one comes.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// The clients for one request, with the time that it has.
#[derive(Clone, Debug)]
pub struct Reconciler<'a> {
    clients: &'a Clients,
    patience: Patience,
}

impl<'a> Reconciler<'a> {
    /// A reconciler that stops waiting when `patience` ends.
    #[must_use]
    pub fn new(clients: &'a Clients, patience: Patience) -> Self {
        Self { clients, patience }
    }
}
