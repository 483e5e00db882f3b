//! What is wrong with one agent, and what to do: from what an account shows to findings. No client is known here.
//!
//! ```text
//! task definition ─▶ named ─▶ facts ─▶ findings ─▶ report, document
//! read                        reads    examine     shown
//! ```
//!
//! Whether something exists is all that is ever asked about a secret: no value is read.

mod document;
mod facts;
mod finding;
mod named;
mod report;
mod rights;

// The checks.
mod images;
mod logs;
mod owner;
mod reasons;
mod roles;
mod scheduler;
mod secrets;
mod tasks;

pub use document::document;
pub use facts::{
    Definition, Facts, LogGroupFact, NotSeen, ParameterFact, RoleFact, SecretFact, Seen, StoppedContainer, StoppedTask,
};
pub use finding::{Check, Finding, Outcome};
pub use named::{EcrImage, Named, Source, Supply};
pub use report::report;

/// Holds everything that was looked at against what the provider makes and what a task needs.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let named = facts.named();
    let mut found = owner::examine(facts);
    found.extend(secrets::examine(facts, &named));
    found.extend(images::examine(facts, &named));
    found.extend(logs::examine(facts, &named));
    found.extend(roles::examine(facts, &named));
    found.extend(scheduler::examine(facts, &named));
    found.extend(tasks::examine(facts));
    found
}

#[cfg(test)]
mod tests;
