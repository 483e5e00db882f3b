//! Whether a role's documents allow an action: yes, no, or not known where a statement is not understood.
//!
//! That is enough for what the provider writes. Service control policies, and policies of keys, secrets and repositories, are
//! not looked at.

use serde_json::Value;

use super::facts::{NotSeen, RoleFact, Seen};

/// What is asked for.
pub(super) struct Demand<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// Condition keys and their values.
    pub(super) context: &'a [(&'a str, &'a str)],
}

/// What documents say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is allowed.
    Allowed,
    /// Nothing allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
    /// The boundary does not allow it.
    Bounded,
    /// A statement is about it that is not understood.
    NotKnown,
    /// The documents could not be read.
    NotSeen(NotSeen),
}

/// Whether a role may do it.
pub(super) fn may(role: &RoleFact, demand: &Demand<'_>) -> Verdict {
    let own = match &role.policies {
        Seen::Found(policies) => verdict(policies, demand),
        Seen::Absent => Verdict::NotAllowed,
        Seen::Not(not_seen) => return Verdict::NotSeen(not_seen.clone()),
    };
    match (&role.boundary, own) {
        (Some((_, boundary)), Verdict::Allowed) => match boundary {
            Seen::Found(document) => match verdict(std::slice::from_ref(document), demand) {
                Verdict::NotAllowed => Verdict::Bounded,
                verdict => verdict,
            },
            Seen::Absent => Verdict::Bounded,
            Seen::Not(not_seen) => Verdict::NotSeen(not_seen.clone()),
        },
        (_, own) => own,
    }
}

/// Whether something is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Yes,
    No,
    NotKnown,
}

impl Met {
    fn of(is_met: bool) -> Self {
        if is_met { Self::Yes } else { Self::No }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::NotKnown,
        }
    }
}

/// What documents say together.
pub(super) fn verdict(documents: &[Value], demand: &Demand<'_>) -> Verdict {
    let mut verdict = Verdict::NotAllowed;
    let mut may_be_denied = false;
    for statement in documents.iter().flat_map(|document| list(&document["Statement"])) {
        match (statement["Effect"].as_str(), met(statement, demand)) {
            (Some("Deny"), Met::Yes) => return Verdict::Denied,
            (Some("Deny"), Met::NotKnown) => may_be_denied = true,
            (Some("Allow"), Met::Yes) => verdict = Verdict::Allowed,
            (Some("Allow"), Met::NotKnown) if verdict == Verdict::NotAllowed => verdict = Verdict::NotKnown,
            _ => {}
        }
    }
    if may_be_denied { Verdict::NotKnown } else { verdict }
}

/// One value is written without a list.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

fn met(statement: &Value, demand: &Demand<'_>) -> Met {
    let action = demand.action.to_ascii_lowercase();
    let actions = matches(statement, "Action", |pattern| {
        glob(&pattern.to_ascii_lowercase(), &action)
    });
    let resources = matches(statement, "Resource", |pattern| glob(pattern, demand.resource));
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    let conditions = conditions.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| condition(operator, key, values, demand))
    });
    conditions.fold(actions.and(resources), Met::and)
}

/// Whether one of the patterns under `element`, or none of those under its negation, matches.
fn matches(statement: &Value, element: &str, is_matched: impl Fn(&str) -> bool) -> Met {
    let any = |patterns: &Value| {
        let mut patterns = list(patterns).into_iter().filter_map(Value::as_str);
        patterns.any(&is_matched)
    };
    let negated = &statement[format!("Not{element}")];
    // A variable of a policy's is in the place of what is not known here.
    let has_variable = list(&statement[element])
        .into_iter()
        .chain(list(negated))
        .any(|pattern| pattern.as_str().is_some_and(|pattern| pattern.contains("${")));
    match (negated.is_null(), has_variable) {
        (true, false) => Met::of(any(&statement[element])),
        (false, false) => Met::of(!any(negated)),
        (true, true) if any(&statement[element]) => Met::Yes,
        (_, true) => Met::NotKnown,
    }
}

fn condition(operator: &str, key: &str, values: &Value, demand: &Demand<'_>) -> Met {
    let known = demand.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    let Some((_, actual)) = known else {
        return Met::NotKnown;
    };
    let values: Vec<&str> = list(values).into_iter().filter_map(Value::as_str).collect();
    match operator {
        "StringEquals" => Met::of(values.contains(actual)),
        "StringEqualsIgnoreCase" => Met::of(values.iter().any(|value| value.eq_ignore_ascii_case(actual))),
        "StringNotEquals" => Met::of(!values.contains(actual)),
        "StringLike" | "ArnLike" | "ArnEquals" => Met::of(values.iter().any(|value| glob(value, actual))),
        _ => Met::NotKnown,
    }
}

/// Whether a pattern with `*` and `?` is a text.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut position) = (0, 0);
    // Where the last asterisk is, and what it was taken for so far.
    let mut back: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at, position));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[position] => {
                at += 1;
                position += 1;
            }
            _ => match back {
                Some((star, taken)) => {
                    back = Some((star, taken + 1));
                    at = star + 1;
                    position = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allowed(statement: &Value) -> Verdict {
        let demand = Demand {
            action: "ssm:GetParameters",
            resource: "arn:aws:ssm:us-east-1:111122223333:parameter/a/token",
            context: &[("kms:ViaService", "ssm.us-east-1.amazonaws.com")],
        };
        verdict(&[json!({"Version": "2012-10-17", "Statement": statement})], &demand)
    }

    #[test]
    fn patterns_match_as_in_policies() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*", "abc", true),
            ("*c", "abcbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*d", "abcd", true),
            ("*b*d", "abc", false),
            ("arn:secret:a-??????", "arn:secret:a-AbCd3f", true),
            ("arn:secret:a-??????", "arn:secret:a-b-AbCd3f", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn every_element_of_a_statement_counts() {
        let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/a/token";
        let allow = |more: Value| {
            let mut statement = json!({"Effect": "Allow", "Action": ["ssm:GetParameters"], "Resource": [arn]});
            for (key, value) in more.as_object().unwrap() {
                statement[key] = value.clone();
            }
            statement
        };
        let rows = [
            (json!({}), Verdict::Allowed),
            (json!({"Action": "SSM:getparam*"}), Verdict::Allowed),
            (json!({"Action": "ssm:GetParameter"}), Verdict::NotAllowed),
            (json!({"Action": null, "NotAction": "iam:*"}), Verdict::Allowed),
            (json!({"Action": null, "NotAction": "ssm:*"}), Verdict::NotAllowed),
            (json!({"Resource": "*"}), Verdict::Allowed),
            (
                json!({"Resource": "arn:aws:ssm:us-east-1:111122223333:parameter/b/*"}),
                Verdict::NotAllowed,
            ),
            (
                json!({"Resource": "arn:aws:ssm:*:*:parameter/${aws:PrincipalTag/x}"}),
                Verdict::NotKnown,
            ),
            (json!({"Resource": null, "NotResource": arn}), Verdict::NotAllowed),
            (
                json!({"Condition": {"StringEquals": {"KMS:viaservice": "ssm.us-east-1.amazonaws.com"}}}),
                Verdict::Allowed,
            ),
            (
                json!({"Condition": {"StringEquals": {"kms:ViaService": ["other"]}}}),
                Verdict::NotAllowed,
            ),
            (
                json!({"Condition": {"StringLike": {"kms:ViaService": "ssm.*"}}}),
                Verdict::Allowed,
            ),
            (
                json!({"Condition": {"StringEquals": {"aws:PrincipalTag/x": "y"}}}),
                Verdict::NotKnown,
            ),
            (
                json!({"Condition": {"IpAddress": {"kms:ViaService": "10.0.0.0/8"}}}),
                Verdict::NotKnown,
            ),
            (json!({"Effect": "Deny"}), Verdict::Denied),
        ];
        for (more, expected) in rows {
            assert_eq!(allowed(&json!([allow(more.clone())])), expected, "{more}");
        }
        let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
        let perhaps =
            json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:x": "true"}}});
        assert_eq!(allowed(&json!([allow(json!({})), deny])), Verdict::Denied);
        assert_eq!(allowed(&json!([allow(json!({})), perhaps])), Verdict::NotKnown);
        assert_eq!(
            allowed(&allow(json!({}))),
            Verdict::Allowed,
            "one statement without a list"
        );
        assert_eq!(allowed(&json!(null)), Verdict::NotAllowed);
    }
}
