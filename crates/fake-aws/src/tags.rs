//! Tags: how each service writes them, and which it refuses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::ApiError;
use super::json::{items, text};

/// A resource's tags.
pub type Tags = BTreeMap<String, String>;

/// The most tags that one resource may have, in every service here (docs/internals/aws.md, "Names and limits" and
/// "Names and quotas").
pub const MOST: usize = 50;

/// How a service spells a tag in its lists.
#[derive(Clone, Copy)]
pub struct Spelling {
    /// `key` or `Key`.
    pub key: &'static str,
    /// `value` or `Value`.
    pub value: &'static str,
}

/// ECS.
pub const ECS: Spelling = Spelling {
    key: "key",
    value: "value",
};

/// IAM.
pub const IAM: Spelling = Spelling {
    key: "Key",
    value: "Value",
};

impl Spelling {
    /// The pairs of the list at `field`, as written: duplicates are kept.
    pub fn pairs(self, params: &Value, field: &str) -> Vec<(String, String)> {
        items(params, field)
            .iter()
            .map(|tag| {
                let part = |name| text(tag, name).unwrap_or_default().to_owned();
                (part(self.key), part(self.value))
            })
            .collect()
    }

    /// Tags as the service lists them.
    pub fn list(self, tags: &Tags) -> Value {
        tags.iter()
            .map(|(key, value)| json!({ self.key: key, self.value: value }))
            .collect()
    }
}

/// Refuses what no service takes: a bad character, a bad length, the reserved prefix (docs/internals/aws.md, "Names and
/// limits").
pub fn check(pairs: &[(String, String)], code: &str) -> Result<(), ApiError> {
    for (key, value) in pairs {
        let fault = if !(1..=128).contains(&key.chars().count()) {
            "a tag key has 1 to 128 characters"
        } else if value.chars().count() > 256 {
            "a tag value has at most 256 characters"
        } else if !legal(key) || !legal(value) {
            "a tag holds a character that is not allowed"
        } else if [key, value]
            .iter()
            .any(|part| part.to_ascii_lowercase().starts_with("aws:"))
        {
            "no part of a tag may begin with aws:"
        } else {
            continue;
        };
        return Err(ApiError::bad(code, format!("{fault}: {key}={value}")));
    }
    Ok(())
}

/// The first key that is given twice; without regard to case where the service has none.
pub fn repeated(pairs: &[(String, String)], ignoring_case: bool) -> Option<&str> {
    let fold = |key: &str| {
        if ignoring_case {
            key.to_lowercase()
        } else {
            key.to_owned()
        }
    };
    pairs.iter().enumerate().find_map(|(index, (key, _))| {
        pairs[..index]
            .iter()
            .any(|(other, _)| fold(other) == fold(key))
            .then_some(key.as_str())
    })
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
fn legal(part: &str) -> bool {
    part.chars()
        .all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
}
