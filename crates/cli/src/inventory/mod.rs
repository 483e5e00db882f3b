//! What exists of agents in a Region: from what was found there to a list of agents. No client is known here.
//!
//! ```text
//! found ─▶ agents ─▶ table, document
//! reads    gather    shown
//! ```

mod agents;
mod document;
mod found;
mod remarks;
mod table;
mod version;

pub use agents::{Agent, Stack, agents};
pub use document::document;
pub use found::{Found, FoundGroup, FoundRevision, FoundRole, StackState};
pub use remarks::{behind, orphans};
pub use table::table;
pub use version::checked;

#[cfg(test)]
mod tests;
