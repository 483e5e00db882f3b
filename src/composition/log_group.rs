//! The log group of a family's agents.

use crate::{identity::Identity, settings::Settings};

/// The desired log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// `/aws/ecs/FAMILY`.
    pub name: String,
    /// Its ARN, without `:*`.
    pub arn: String,
    /// How long it keeps events, in days.
    pub retention_days: i32,
}

impl LogGroup {
    pub(super) fn compose(identity: &Identity, settings: &Settings) -> Self {
        Self {
            name: identity.log_group_name(),
            arn: identity.log_group_arn(),
            retention_days: settings.log_retention_days,
        }
    }
}
