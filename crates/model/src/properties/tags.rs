//! `Tags`: the author's own, on the revision, the roles and the log group.

use std::collections::BTreeMap;

use unicode_properties::UnicodeGeneralCategory;

use super::wire::Fields;
use crate::{Faults, ownership::PREFIX, quoted};

/// How many of the fifty tags of a thing are left beside ours: the owner's and the records of requests.
pub(crate) const MOST: usize = 30;

/// How AWS's own keys and values begin.
pub(super) const AWS: &str = "aws:";
/// How keys begin that others set.
pub(super) const RESERVED: [(&str, &str); 2] = [(AWS, "AWS"), (PREFIX, "this provider")];

/// Reads the tags (docs/internals/aws.md, "Names and limits": the limits of ECS, which IAM and CloudWatch Logs share).
pub(super) fn read(fields: &Fields<'_>, faults: &mut Faults) -> BTreeMap<String, String> {
    let shape = "{Key, Value}";
    let mut tags = BTreeMap::new();
    let elements = fields.list("Tags", shape, faults);
    for element in &elements {
        let Some(fields) = element.fields(&["Key", "Value"], shape, faults) else {
            continue;
        };
        let Some(key) = fields.required("Key", "", faults) else {
            continue;
        };
        let value = fields.text("Value", faults).unwrap_or_default();
        if key.chars().count() > 128 || !is_legal(&key) {
            faults.add(
                fields.path("Key"),
                format!(
                    "is not a valid tag key: {key}; legal: 1 to 128 letters, digits, spaces and `_.:/=+-@`",
                    key = quoted(&key)
                ),
            );
        } else if let Some((_, owner)) = RESERVED.iter().find(|(prefix, _)| begins_with(&key, prefix)) {
            faults.add(
                fields.path("Key"),
                format!("is {key}, which is for {owner} to set", key = quoted(&key)),
            );
        }
        if value.chars().count() > 256 {
            faults.add(
                fields.path("Value"),
                format!("has {} characters; legal: up to 256", value.chars().count()),
            );
        } else if !is_legal(&value) {
            faults.add(
                fields.path("Value"),
                format!(
                    "is not a valid tag value: {value}; legal: letters, digits, spaces and `_.:/=+-@`",
                    value = quoted(&value)
                ),
            );
        } else if begins_with(&value, AWS) {
            faults.add(
                fields.path("Value"),
                format!(
                    "is {value}; only AWS's own tags have values that begin with `aws:`",
                    value = quoted(&value)
                ),
            );
        }
        // IAM ignores case, so one that differs in these alone would be refused there.
        let twice = tags
            .keys()
            .any(|other: &String| other.to_lowercase() == key.to_lowercase());
        if twice {
            faults.add(
                fields.path("Key"),
                format!("is {key}, which is given twice", key = quoted(&key)),
            );
        }
        tags.insert(key, value);
    }
    if tags.len() > MOST {
        faults.add(
            "Tags",
            format!(
                "has {} tags; at most {MOST} are allowed, because the provider adds its own",
                tags.len()
            ),
        );
    }
    tags
}

/// Whether it does to IAM, which ignores case.
fn begins_with(text: &str, prefix: &str) -> bool {
    text.to_ascii_lowercase().starts_with(prefix)
}

/// IAM's rule, the strictest of the three services': `[\p{L}\p{Z}\p{N}_.:/=+\-@]` (IAM's API reference, `Tag`). Combining marks
/// are outside of it.
fn is_legal(text: &str) -> bool {
    use unicode_properties::GeneralCategoryGroup::{Letter, Number, Separator};
    text.chars()
        .all(|c| matches!(c.general_category_group(), Letter | Number | Separator) || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::properties::tests::validated;

    #[test]
    fn letters_numbers_and_separators_of_every_script_are_legal_and_marks_are_not() {
        for legal in ["", "team", "größe 2", "部署", "Ⅳ", "a\u{a0}b", "_.:/=+-@"] {
            assert!(is_legal(legal), "{legal:?}");
        }
        for illegal in ["e\u{301}", "हिन्दी", "tab\t", "new\nline", "a,b", "🚀", "a*", "\0"] {
            assert!(!is_legal(illegal), "{illegal:?}");
        }
    }

    #[test]
    fn a_key_a_value_and_a_list_of_tags_have_their_longest() {
        let tag = |key: &str, value: &str| json!([{"Key": key, "Value": value}]);
        let many = |count: usize| (0..count).map(|n| json!({"Key": format!("k{n}")})).collect::<Value>();
        for (tags, is_taken) in [
            (tag(&"k".repeat(128), "v"), true),
            (tag(&"k".repeat(129), "v"), false),
            (tag("k", &"v".repeat(256)), true),
            (tag("k", &"v".repeat(257)), false),
            // Characters are counted, not bytes.
            (tag(&"ö".repeat(128), &"ö".repeat(256)), true),
            (tag(&"ö".repeat(129), "v"), false),
            (tag("k", &"ö".repeat(257)), false),
            (many(30), true),
            (many(31), false),
        ] {
            let read = validated(&json!({"Image": "ruby", "Tags": tags}));
            assert_eq!(read.is_ok(), is_taken, "{tags}");
        }
    }
}
