//! Who owns something, by its tags: what does not carry our tags is never changed or deleted.

use std::collections::BTreeMap;

use crate::identity::Owner;

/// How the keys of all our tags begin.
pub const PREFIX: &str = "agent-composer:";
/// The stack's ARN.
pub const STACK_ID: &str = "agent-composer:stack-id";
/// The resource's name in the template.
pub const LOGICAL_ID: &str = "agent-composer:logical-id";
/// The hash of a revision's content.
pub const CONTENT: &str = "agent-composer:content";
/// The version of the provider that made or last changed something.
pub const VERSION: &str = "agent-composer:version";

/// Tags as every service means them.
pub type Tags = BTreeMap<String, String>;

/// The tags that say that something is `owner`'s.
#[must_use]
pub fn tags(owner: &Owner) -> Tags {
    Tags::from([
        (STACK_ID.to_owned(), owner.stack_id.as_str().to_owned()),
        (LOGICAL_ID.to_owned(), owner.logical_id.clone()),
    ])
}

/// An author's tags, with those that say that something is `owner`'s.
#[must_use]
pub fn tagged(authors: &Tags, owner: &Owner) -> Tags {
    authors.clone().into_iter().chain(tags(owner)).collect()
}

/// The owner of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This resource's.
    Ours,
    /// No resource's of this provider: made by hand, or by something else.
    Nobodys,
    /// Another resource's of this provider.
    Anothers {
        /// Its stack's ARN.
        stack_id: String,
        /// Its logical id.
        logical_id: String,
    },
}

impl Ownership {
    /// Reads the tags.
    #[must_use]
    pub fn from_tags(tags: &Tags, us: &Owner) -> Self {
        match (tags.get(STACK_ID), tags.get(LOGICAL_ID)) {
            (None, None) => Self::Nobodys,
            (Some(stack), Some(logical_id)) if stack == us.stack_id.as_str() && *logical_id == us.logical_id => {
                Self::Ours
            }
            (stack_id, logical_id) => Self::Anothers {
                stack_id: stack_id.cloned().unwrap_or_default(),
                logical_id: logical_id.cloned().unwrap_or_default(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::identity;

    #[test]
    fn the_stack_and_the_logical_id_together_are_the_owner() {
        let us = identity("Ruby2", "ruby2").owner;
        let changed = |key: &str, value: Option<&str>| {
            let mut tags = tags(&us);
            tags.insert("team".into(), "platform".into());
            match value {
                Some(value) => tags.insert(key.into(), value.into()),
                None => tags.remove(key),
            };
            Ownership::from_tags(&tags, &us)
        };
        assert_eq!(changed("team", None), Ownership::Ours);
        assert!(
            matches!(changed(LOGICAL_ID, Some("Ruby3")), Ownership::Anothers { logical_id, .. } if logical_id == "Ruby3")
        );
        assert!(
            matches!(changed(STACK_ID, Some("arn:other")), Ownership::Anothers { stack_id, .. } if stack_id == "arn:other")
        );
        assert!(matches!(changed(STACK_ID, None), Ownership::Anothers { .. }));
        assert_eq!(
            Ownership::from_tags(&Tags::from([("team".into(), "platform".into())]), &us),
            Ownership::Nobodys
        );
    }
}
