//! What a `Custom::BuildkiteAgent` means, without a client: from what an author wrote to everything that AWS is asked for.
//!
//! ```text
//! properties ─▶ composition
//! validate       compose
//! all faults     cannot fail
//! ```
//!
//! [`identity`] holds the names that follow from stack, logical id and family, [`ownership`] the tags that show who owns
//! something, and [`settings`] what the provider's own stack configures.

pub mod settings;

pub mod identity;

pub mod ownership;

pub mod properties;

pub mod composition;

pub mod facts;
pub mod nearest;

mod fault;

pub use facts::partitions as partition;
use fault::quoted;
pub use fault::{Fault, Faults};
