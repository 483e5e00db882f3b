//! The log group of a family's agents.

use crate::{
    identity::Identity,
    ownership::{self, Tags},
    properties::Properties,
};

/// The class of a log group of ours: only a read of all groups of an account would show it.
const CLASS: &str = "agent-composer:log-group-class";
/// The key that it is encrypted under.
pub const KMS_KEY: &str = "agent-composer:kms-key";
/// The retention that was last set, in days, so that an update which leaves it alone need not set it again.
pub const RETENTION: &str = "agent-composer:log-retention-in-days";
/// The class of a group without the tag.
const STANDARD: &str = "STANDARD";

/// The desired log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// `/aws/ecs/FAMILY`.
    pub name: String,
    /// Its ARN, without `:*`.
    pub arn: String,
    /// How long it keeps events, in days.
    pub retention_days: i32,
    /// `STANDARD` or another class, fixed when it is made.
    pub class: &'static str,
    /// The ARN of the KMS key that it is under.
    pub kms_key: Option<String>,
    /// The author's tags and the owner's, and those that say what it is.
    pub tags: Tags,
}

impl LogGroup {
    pub(super) fn compose(identity: &Identity, properties: &Properties) -> Self {
        let wanted = &properties.log_group;
        let mut tags = ownership::tagged(&properties.tags, &identity.owner);
        if wanted.class != STANDARD {
            tags.insert(CLASS.to_owned(), wanted.class.to_owned());
        }
        tags.insert(RETENTION.to_owned(), wanted.retention_days.to_string());
        tags.extend(wanted.kms_key.iter().map(|key| (KMS_KEY.to_owned(), key.clone())));
        Self {
            name: identity.log_group_name(),
            arn: identity.log_group_arn(),
            retention_days: wanted.retention_days,
            class: wanted.class,
            kms_key: wanted.kms_key.clone(),
            tags,
        }
    }

    /// The class that has to be given when the group is made.
    #[must_use]
    pub fn other_class(&self) -> Option<&'static str> {
        Some(self.class).filter(|class| *class != STANDARD)
    }

    /// The class of a group of ours with these tags.
    #[must_use]
    pub fn class_from_tags(tags: &Tags) -> &str {
        tags.get(CLASS).map_or(STANDARD, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::composition::tests::{composed_with, settings};

    #[test]
    fn another_class_than_the_standard_one_is_given_and_known_by_its_tag() {
        for (written, class, other) in [
            ("", "STANDARD", None),
            ("STANDARD", "STANDARD", None),
            ("INFREQUENT_ACCESS", "INFREQUENT_ACCESS", Some("INFREQUENT_ACCESS")),
        ] {
            let written = json!({"Image": "ruby", "LogGroupClass": written});
            let group = composed_with(&written, &settings(&[])).log_group;
            assert_eq!(group.class, class);
            assert_eq!(group.other_class(), other);
            assert_eq!(group.tags.get(CLASS).map(String::as_str), other);
            assert_eq!(LogGroup::class_from_tags(&group.tags), class);
        }
        assert_eq!(LogGroup::class_from_tags(&Tags::new()), "STANDARD");
    }
}
