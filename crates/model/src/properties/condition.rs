//! The `Condition` of a policy's statement.

use serde_json::{Map, Value};

use super::wire::Written;
use crate::{Faults, nearest::nearest};

/// The operators of IAM, but `Null`, which alone takes no `IfExists`.
pub(super) const OPERATORS: [&str; 26] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
];

/// What may stand before an operator, for keys of several values.
pub(super) const SETS: [&str; 2] = ["ForAllValues:", "ForAnyValue:"];

const SHAPE: &str = "{OPERATOR: {KEY: VALUE}}";

/// Reads a condition; one that names no operator is none. Within it nothing is taken for absent: that would widen what
/// the statement gives.
pub(super) fn read(written: &Written<'_>, faults: &mut Faults) -> Option<Value> {
    let operators = written.entries(SHAPE, faults)?;
    let mut condition = Map::new();
    for (operator, keys) in operators {
        if !is_operator(operator) {
            faults.add(&keys.path, unknown(operator));
        }
        let Some(entries) = keys.entries("{KEY: VALUE}", faults) else {
            continue;
        };
        if entries.is_empty() {
            faults.add(&keys.path, "names no key; write {KEY: VALUE}, or leave it out");
        }
        let mut tests = Map::new();
        for (key, values) in entries {
            if !key
                .split_once(':')
                .is_some_and(|(of, name)| !of.is_empty() && !name.is_empty())
            {
                faults.add(
                    &values.path,
                    "is not a condition key; write SERVICE:NAME, such as aws:SourceIp",
                );
            }
            let (_, value) = values.one_or_many("values", faults);
            tests.insert(key.to_owned(), value);
        }
        condition.insert(operator.to_owned(), tests.into());
    }
    (!condition.is_empty()).then(|| condition.into())
}

fn is_operator(written: &str) -> bool {
    let one = SETS.iter().find_map(|set| written.strip_prefix(set)).unwrap_or(written);
    one == "Null" || OPERATORS.contains(&one.strip_suffix("IfExists").unwrap_or(one))
}

fn unknown(operator: &str) -> String {
    match nearest(operator, OPERATORS.iter().copied()) {
        Some(one) => format!("is not an IAM operator; did you mean `{one}`?"),
        None => "is not an IAM operator; legal: those like StringEquals, StringLike, ArnLike, Bool and Null, \
                 also with IfExists after them, or ForAllValues: or ForAnyValue: before them"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operators_are_those_of_iam_with_what_may_be_around_them() {
        for legal in [
            "StringEquals",
            "StringLikeIfExists",
            "NumericLessThanEquals",
            "ForAllValues:StringLike",
            "ForAnyValue:StringEqualsIfExists",
            "Null",
            "BoolIfExists",
        ] {
            assert!(is_operator(legal), "{legal}");
        }
        for other in [
            "stringEquals",
            "Equals",
            "NullIfExists",
            "ForAnyValue",
            "ForSomeValues:Bool",
            "IfExists",
            "",
        ] {
            assert!(!is_operator(other), "{other}");
        }
    }

    #[test]
    fn a_condition_key_has_a_service_and_a_name() {
        for (key, is_one) in [
            ("aws:SourceIp", true),
            ("s3:ExistingObjectTag/team", true),
            ("aws:ResourceTag/a:b", true),
            ("SourceIp", false),
            (":SourceIp", false),
            ("aws:", false),
            (":", false),
            ("", false),
        ] {
            let mut faults = Faults::default();
            let path = "Condition".to_owned();
            let value = &json!({"StringEquals": {key: "x"}});
            read(&Written { path, value }, &mut faults);
            assert_eq!(faults.is_empty(), is_one, "{key}: {faults}");
        }
    }
}
