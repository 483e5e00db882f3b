//! The awsQuery protocol: a form goes in, nested by its dotted names, and XML comes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// A form's fields, decoded.
pub fn form(body: &str) -> BTreeMap<String, String> {
    body.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The parameters of a form: `Tags.member.1.Key=k` becomes `{"Tags":[{"Key":"k"}]}`.
pub fn nested(fields: &BTreeMap<String, String>) -> Value {
    let mut root = Map::new();
    for (name, value) in fields {
        if name != "Action" && name != "Version" {
            let segments: Vec<&str> = name.split('.').collect();
            plant(&mut root, &segments, value);
        }
    }
    gather(Value::Object(root))
}

/// A value as XML elements; lists have `<member>` elements, null is left out.
pub fn xml(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escape(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) => list.iter().fold(String::new(), |mut out, item| {
            let _ = write!(out, "<member>{}</member>", xml(item));
            out
        }),
        Value::Object(map) => {
            map.iter()
                .filter(|(_, held)| !held.is_null())
                .fold(String::new(), |mut out, (name, held)| {
                    let _ = write!(out, "<{name}>{}</{name}>", xml(held));
                    out
                })
        }
    }
}

/// Text for an XML element.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn plant(map: &mut Map<String, Value>, segments: &[&str], value: &str) {
    let Some((first, rest)) = segments.split_first() else {
        return;
    };
    if rest.is_empty() {
        map.insert((*first).to_owned(), Value::String(value.to_owned()));
        return;
    }
    let below = map
        .entry((*first).to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(below) = below {
        plant(below, rest, value);
    }
}

/// Turns every `{"member":{"1":…,"2":…}}` into a list, in the order of its numbers.
fn gather(value: Value) -> Value {
    let Value::Object(mut map) = value else {
        return value;
    };
    if map.len() == 1
        && let Some(Value::Object(members)) = map.remove("member")
    {
        let mut numbered: Vec<(usize, Value)> = members
            .into_iter()
            .map(|(index, held)| (index.parse().unwrap_or(usize::MAX), gather(held)))
            .collect();
        numbered.sort_by_key(|(index, _)| *index);
        return Value::Array(numbered.into_iter().map(|(_, held)| held).collect());
    }
    Value::Object(map.into_iter().map(|(name, held)| (name, gather(held))).collect())
}
