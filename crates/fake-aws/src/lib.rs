//! One AWS account in memory: ECS task definitions, IAM roles, CloudWatch log groups, CloudFormation's view of
//! stacks, SQS FIFO queues, and what shows whether parameters, secrets and images exist.
//!
//! The real SDK clients run over it, through the SDK's own HTTP client trait or over a loopback port. It does what
//! AWS documents (doc comments give the section of docs/internals/aws.md that a rule comes from), whatever the provider
//! under test happens to need. Time is tokio's, so that a paused clock simulates it; nothing reads the wall clock, and
//! everything random comes from a seed.
//!
//! ```text
//! request ─▶ call ─▶ hold ─▶ fault? ─▶ throttle ─▶ authorise ─▶ perform ─▶ journal ─▶ fault? ─▶ hold ─▶ response
//!  wire      number   pace    fault     throttle    authorise     state                fault     pace     wire
//! ```

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::new_without_default,
    clippy::return_self_not_must_use,
    clippy::duration_suboptimal_units,
    reason = "an account for all tests: no one of them needs everything, and it is private to them all the same"
)]

// The services.
mod cloudformation;
mod ecs;
mod error;
mod home;
mod iam;
mod json;
mod logs;
mod paging;
mod sqs;
mod state;
mod supplies;
mod tags;

// How calls come and go.
mod call;
mod client;
mod query;
mod server;
mod wire;

// What is between a call and its effect.
mod authorise;
mod fault;
mod lag;
mod pace;
mod policy;
mod throttle;

// What tests set up and look at.
mod exchange;
mod journal;
mod settings;
mod setup;
mod view;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

pub use call::{Call, Service};
pub use client::Clients;
pub use error::ApiError;
pub use fault::Fault;
pub use journal::{Outcome, Record};
pub use lag::Lag;
pub use pace::{Held, Moment};
pub use policy::{Demand, Policy, Verdict, verdict};
pub use server::Server;
pub use sqs::{Message, QueueSettings};
pub use view::{LogGroupView, RevisionView, RoleView};

use fault::Faults;
use home::Home;
use lag::{Propagation, Staleness};
use pace::Pace;
use state::State;
use throttle::Throttle;

/// An account. Clones are the same account.
#[derive(Clone)]
pub struct Account {
    inside: Arc<Mutex<Inside>>,
    caller: Arc<str>,
}

/// What is behind the lock.
struct Inside {
    home: Home,
    state: State,
    journal: Vec<Record>,
    faults: Faults,
    staleness: Staleness,
    fresh_roles: Propagation,
    passable_roles: Propagation,
    throttle: Throttle,
    pace: Pace,
    policies: Option<Vec<Policy>>,
    page: usize,
    /// When the account's clock started, and its time then, in milliseconds since 1970.
    began: Option<Instant>,
    beginning: i64,
    crashes: HashMap<Arc<str>, Arc<Notify>>,
}

impl Account {
    /// An empty account, `111122223333` in `us-east-1` of `aws`.
    pub fn new() -> Self {
        Self::at("aws", "us-east-1", "111122223333")
    }

    /// An empty account somewhere else.
    pub fn at(partition: &str, region: &str, account: &str) -> Self {
        let home = Home {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        };
        let inside = Inside {
            home,
            state: State::default(),
            journal: Vec::new(),
            faults: Faults::default(),
            staleness: Staleness::default(),
            fresh_roles: Propagation::default(),
            passable_roles: Propagation::default(),
            throttle: Throttle::default(),
            pace: Pace::default(),
            policies: None,
            page: usize::MAX,
            began: None,
            beginning: exchange::BEGINNING,
            crashes: HashMap::new(),
        };
        Self {
            inside: Arc::new(Mutex::new(inside)),
            caller: Arc::from(""),
        }
    }

    /// The same account, seen by one of several callers: the journal has the name, and crashes strike it alone.
    pub fn caller(&self, name: &str) -> Self {
        Self {
            inside: Arc::clone(&self.inside),
            caller: Arc::from(name),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A panicking test may have held the lock; what it left is still one consistent state.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Account({:?})", self.caller)
    }
}
