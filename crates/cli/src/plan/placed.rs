//! Where a property goes in what is made of it, found by composing twice: with one value of it, and with another.

use serde_json::{Map, Value};

use super::{Assumed, Documents, settle::known_values};
use crate::template::Evaluator;
use agent_composer_model::composition::Composition;

/// Says of each property that is taken to be something where it goes, if it goes anywhere as it is.
pub(super) fn place(
    evaluator: &Evaluator<'_>,
    assumed: &mut [Assumed],
    values: &Map<String, Value>,
    composition: &Composition,
    compose: impl Fn(&Map<String, Value>) -> Option<Composition>,
) {
    let whole = Value::Object(values.clone());
    let mut known = known_values(evaluator, &whole);
    known.extend(
        [
            "31",
            "60",
            "true",
            "false",
            "awsvpc",
            "ARM64",
            "X86_64",
            "INFREQUENT_ACCESS",
            "DISABLED",
        ]
        .map(ToOwned::to_owned),
    );
    let before = documents(composition);
    for one in assumed {
        let others = known.iter().filter(|other| one.taken.as_ref() != Some(other));
        one.places = others
            .filter_map(|other| {
                let after = documents(&compose(&with(&whole, &one.pointer, other.clone().into())?)?);
                Some((other, after))
            })
            .map(|(other, after)| exact(&before, &after, one.taken.as_deref(), Some(other)))
            .find(|places| places.as_ref().is_none_or(|places| !places.is_empty()))
            .flatten();
    }
}

/// Whether what is made without a property differs from what is made with it in the property alone.
pub(super) fn can_be_left_out(
    pointer: &str,
    values: &Map<String, Value>,
    composition: &Composition,
    compose: impl Fn(&Map<String, Value>) -> Option<Composition>,
) -> bool {
    let whole = Value::Object(values.clone());
    let Some(text) = whole.pointer(pointer).and_then(Value::as_str) else {
        return true;
    };
    let without = with(&whole, pointer, Value::Null).and_then(|values| compose(&values));
    // Where it is required, nobody deploys without it.
    without.is_none_or(|without| exact(&documents(composition), &documents(&without), Some(text), None).is_some())
}

fn with(whole: &Value, pointer: &str, value: Value) -> Option<Map<String, Value>> {
    let mut tried = whole.clone();
    *tried.pointer_mut(pointer)? = value;
    match tried {
        Value::Object(tried) => Some(tried),
        _ => None,
    }
}

/// All documents as one, in which a pointer names a place.
pub(super) fn documents(composition: &Composition) -> Value {
    serde_json::to_value(Documents::of(composition)).unwrap_or_default()
}

/// The places in which two documents differ, if in each of them the one has `one` and the other has `other`.
fn exact(before: &Value, after: &Value, one: Option<&str>, other: Option<&str>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    differences(Some(before), Some(after), String::new(), &mut found);
    let is = |value: Option<&Value>, text: Option<&str>| match (value, text) {
        (Some(Value::String(value)), Some(text)) => value == text,
        (Some(Value::Number(number)), Some(text)) => number.as_i64() == text.parse().ok(),
        (Some(Value::Bool(switch)), Some(text)) => text.parse() == Ok(*switch),
        // Where nothing is given, there may be a default.
        (None | Some(Value::Null | Value::String(_) | Value::Number(_) | Value::Bool(_)), None) => true,
        _ => false,
    };
    let all = found
        .into_iter()
        .map(|(pointer, before, after)| (is(before, one) && is(after, other)).then_some(pointer));
    all.collect()
}

type Difference<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn differences<'a>(
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    pointer: String,
    found: &mut Vec<Difference<'a>>,
) {
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                differences(one.get(name), other.get(name), format!("{pointer}/{escaped}"), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differences(Some(one), Some(other), format!("{pointer}/{index}"), found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push((pointer, one, other)),
    }
}
