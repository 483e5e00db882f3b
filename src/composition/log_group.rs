//! The log group of a family's agents.

use crate::{
    identity::Identity,
    ownership::{self, Tags},
    properties::Properties,
};

/// The desired log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// `/aws/ecs/FAMILY`.
    pub name: String,
    /// Its ARN, without `:*`.
    pub arn: String,
    /// How long it keeps events, in days.
    pub retention_days: i32,
    /// The author's tags and the owner's.
    pub tags: Tags,
}

impl LogGroup {
    pub(super) fn compose(identity: &Identity, properties: &Properties) -> Self {
        Self {
            name: identity.log_group_name(),
            arn: identity.log_group_arn(),
            retention_days: properties.log_retention_days,
            tags: ownership::tagged(&properties.tags, &identity.owner),
        }
    }
}
