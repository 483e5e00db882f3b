//! `LogRetentionInDays`, `LogGroupClass` and `LogGroupKmsKeyId`: the log group of the agents.

use super::{
    keys, list,
    wire::{Fields, whole},
};
use crate::{Faults, facts::logs::RETENTION_DAYS, identity::StackId, quoted, settings::Settings};

/// The classes that an agent can log to; a third takes Lambda's logs alone (docs/internals/aws.md, "CloudWatch Logs").
pub(crate) const CLASSES: [&str; 2] = ["STANDARD", "INFREQUENT_ACCESS"];

/// The log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// How long it keeps its events, in days.
    pub retention_days: i32,
    /// `STANDARD` or `INFREQUENT_ACCESS`; it is fixed when the group is made.
    pub class: &'static str,
    /// The ARN of the KMS key under which its events are; CloudWatch Logs' own where there is none.
    pub kms_key: Option<String>,
}

impl LogGroup {
    /// Reads all three.
    pub(super) fn read(fields: &Fields<'_>, stack: &StackId, settings: &Settings, faults: &mut Faults) -> Self {
        Self {
            retention_days: retention(fields, faults).unwrap_or(settings.log_retention_days),
            class: fields.one_of("LogGroupClass", &CLASSES, faults).unwrap_or(CLASSES[0]),
            kms_key: kms_key(fields, stack, faults),
        }
    }
}

fn kms_key(fields: &Fields<'_>, stack: &StackId, faults: &mut Faults) -> Option<String> {
    let arn = fields.text("LogGroupKmsKeyId", faults)?;
    keys::of_stacks_region("LogGroupKmsKeyId", &arn, stack, faults)
}

fn retention(fields: &Fields<'_>, faults: &mut Faults) -> Option<i32> {
    let text = fields.text("LogRetentionInDays", faults)?;
    let days = whole(&text).and_then(|days| i32::try_from(days).ok());
    let legal = days.filter(|days| RETENTION_DAYS.contains(days));
    if legal.is_none() {
        faults.add(
            "LogRetentionInDays",
            format!(
                "is {text}, which CloudWatch Logs does not take; legal: {}",
                list(&RETENTION_DAYS),
                text = quoted(&text)
            ),
        );
    }
    legal
}
