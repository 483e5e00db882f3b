//! What a request does in AWS: functions over the adapters, in the order in which a run calls them.
//!
//! - `look`: what exists before the first write.
//! - `ensure`: Create and Update, which claim the family, hold both roles, register, and narrow rights.
//! - `destroy`: Delete.
//! - `prune`: old revisions, after the answer.

mod claim;
pub mod destroy;
pub mod ensure;
pub mod look;
mod narrow;
pub mod prune;
mod roles;

use std::time::Duration;

use crate::aws::READ_LAG;

/// The pause before a second look, where a read that lags behind would refuse something or leave something behind.
const SECOND_LOOK: Duration = READ_LAG;
