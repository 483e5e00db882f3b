//! Stand-ins in texts and documents, turned back into what they stand for.

use serde_json::{Map, Value, json};

use super::Unknown;

/// A text with `${…}` for each stand-in.
#[must_use]
pub fn shown(text: &str, unknowns: &[Unknown]) -> String {
    split(text, unknowns)
        .into_iter()
        .fold(String::new(), |whole, part| match part {
            Part::Text(text) => whole + text,
            Part::Unknown(unknown) if is_a_text(unknown) => whole + &unknown.shown,
            Part::Unknown(unknown) => whole + "${" + &unknown.shown + "}",
        })
}

/// Whether something is shown as a text already: a dynamic reference, or a text in which others are `${…}`.
fn is_a_text(unknown: &Unknown) -> bool {
    let is_composed = unknown.expression.get("Fn::Sub").is_some() && !unknown.shown.starts_with('!');
    unknown.expression.is_string() || is_composed
}

/// What is known of a text, between its stand-ins: one part if all is known, else what comes before the first, between
/// each two, and behind the last, each of which may be empty.
#[must_use]
pub fn known_parts(text: &str, unknowns: &[Unknown]) -> Vec<String> {
    let mut parts = vec![String::new()];
    for part in split(text, unknowns) {
        match (part, parts.last_mut()) {
            (Part::Text(text), Some(last)) => last.push_str(text),
            (Part::Text(_), None) | (Part::Unknown(_), _) => parts.push(String::new()),
        }
    }
    parts
}

/// A text as a JSON template has it: as it is, the expression behind it, or `Fn::Sub`.
#[must_use]
pub fn expression(text: &str, unknowns: &[Unknown]) -> Value {
    let parts = split(text, unknowns);
    match parts.as_slice() {
        [] => return "".into(),
        [Part::Text(text)] => return (*text).into(),
        [Part::Unknown(unknown)] => return unknown.expression.clone(),
        _ => {}
    }
    let plain = parts.iter().map(|part| match part {
        Part::Text(text) => Some(*text),
        Part::Unknown(unknown) => unknown.expression.as_str(),
    });
    if let Some(plain) = plain.collect::<Option<String>>() {
        return plain.into();
    }
    let mut whole = String::new();
    let mut variables = Map::new();
    for part in parts {
        match part {
            Part::Text(text) => whole.push_str(&text.replace("${", "${!")),
            Part::Unknown(Unknown {
                expression: Value::String(text),
                ..
            }) => whole.push_str(&text.replace("${", "${!")),
            Part::Unknown(Unknown { expression, .. }) => {
                let name = inline(expression).unwrap_or_else(|| {
                    let name = format!("Value{}", variables.len() + 1);
                    variables.insert(name.clone(), expression.clone());
                    name
                });
                whole.extend(["${", &name, "}"]);
            }
        }
    }
    if variables.is_empty() {
        return json!({"Fn::Sub": whole});
    }
    json!({"Fn::Sub": [whole, variables]})
}

/// A document as a JSON template has it.
#[must_use]
pub fn expression_in(value: &Value, unknowns: &[Unknown]) -> Value {
    each(value, &|text| expression(text, unknowns))
}

/// `Ref` and `GetAtt` have a place in `Fn::Sub`.
fn inline(expression: &Value) -> Option<String> {
    let (name, argument) = expression.as_object()?.iter().next()?;
    match name.as_str() {
        "Ref" => argument.as_str().map(ToOwned::to_owned),
        "Fn::GetAtt" => match argument.as_array()?.as_slice() {
            [id, attribute] => Some(format!("{}.{}", id.as_str()?, attribute.as_str()?)),
            _ => None,
        },
        _ => None,
    }
}

enum Part<'a> {
    Text(&'a str),
    Unknown(&'a Unknown),
}

/// Takes a text apart at its stand-ins, the longest first where several begin at one place.
fn split<'a>(text: &'a str, unknowns: &'a [Unknown]) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let found = (unknowns.iter())
            .filter(|unknown| !unknown.text.is_empty())
            .filter_map(|unknown| Some((rest.find(&unknown.text)?, unknown)))
            .min_by_key(|(at, unknown)| (*at, std::cmp::Reverse(unknown.text.len())));
        let Some((at, unknown)) = found else { break };
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        parts.push(Part::Unknown(unknown));
        rest = &rest[at + unknown.text.len()..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// A document in which each text and each name is what the function makes of it; a name stays where that is not a text.
#[must_use]
pub fn each(value: &Value, text: &impl Fn(&str) -> Value) -> Value {
    match value {
        Value::String(string) => text(string),
        Value::Array(elements) => elements.iter().map(|element| each(element, text)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| {
                let name = match text(name) {
                    Value::String(name) => name,
                    _ => name.clone(),
                };
                (name, each(field, text))
            });
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
