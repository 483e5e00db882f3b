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

/// The pause before a second look, where a read that lags behind would refuse something or leave something behind: ECS, IAM
/// and CloudWatch Logs are eventually consistent, and say no bound. Five seconds are the bound that we rely on
/// (docs/internals/aws.md, "Consistency").
const SECOND_LOOK: Duration = Duration::from_secs(5);
