//! The schema of ECS's words, by the shapes that are declared, and what of their rules about places it can say.

use serde_json::{Map, Value, json};

use super::{
    read::not_there,
    shape::{Key, Rule, Shape},
};
use crate::properties::{
    schema::{advised, list, object, one_of, optional, pattern, secret, switch, text, whole},
    together::yes,
};

/// The schema of each key, by its name.
pub(in crate::properties) fn schemas(keys: &[&Key]) -> Vec<(&'static str, Value)> {
    keys.iter().map(|key| (key.name, of_key(key))).collect()
}

fn of_key(key: &Key) -> Value {
    match key.shape {
        Shape::Text(form) if !form.pattern.is_empty() && !key.required => optional(pattern(form.pattern, form.advice)),
        Shape::Word(words) if !key.required => one_of(words),
        shape => of(&shape),
    }
}

fn of(shape: &Shape) -> Value {
    match *shape {
        Shape::Text(form) if form.pattern.is_empty() => text(),
        Shape::Text(form) => pattern(form.pattern, form.advice),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::Whole { least, most, .. } => whole(least..=most),
        Shape::Switch => switch(),
        Shape::List { each, most, .. } => {
            let mut list = list(of(each));
            if most < usize::MAX {
                list["maxItems"] = most.into();
            }
            list
        }
        Shape::Object { keys, .. } => {
            let fields: Vec<(&str, Value)> = keys.iter().map(|key| (key.name, of_key(key))).collect();
            let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
            object(&fields, &required)
        }
        Shape::Map => json!({"type": "object", "additionalProperties": text()}),
        Shape::Secrets => list(secret()),
    }
}

/// What is different for a place, as the schema of an object with these keys.
pub(in crate::properties) fn not_in_place(keys: &[&Key], place: &str) -> Map<String, Value> {
    (keys.iter())
        .filter_map(|key| Some((key.name.to_owned(), in_place(key, place)?)))
        .collect()
}

fn in_place(key: &Key, place: &str) -> Option<Value> {
    if key.not_in().any(|one| one == place) {
        return Some(advised(
            nothing(&key.shape),
            format!("`{}` {}", key.name, not_there(key, place)),
        ));
    }
    let only = key.rules.iter().find_map(|rule| match rule {
        Rule::Only(one, words) if *one == place => Some(*words),
        Rule::Only(..) | Rule::Not(_) => None,
    });
    if let Some(words) = only {
        let words: Vec<&str> = words.iter().copied().chain([""]).collect();
        let one = json!({"enum": words});
        return Some(match key.shape {
            Shape::List { .. } => json!({"items": one}),
            _ => one,
        });
    }
    let keys: Vec<&Key> = key.inner().iter().collect();
    let inner = not_in_place(&keys, place);
    (!inner.is_empty()).then(|| match key.shape {
        Shape::List { .. } => json!({"items": {"properties": inner}}),
        _ => json!({"properties": inner}),
    })
}

/// What is nothing where such a shape is expected, as far as that shows in a reference of a template's.
fn nothing(shape: &Shape) -> Value {
    match *shape {
        Shape::Object { .. } | Shape::Map => json!({"not": {"type": "object", "minProperties": 1}}),
        Shape::List {
            each: Shape::Object { .. },
            ..
        }
        | Shape::Secrets => json!({"not": {"type": "array", "minItems": 1, "items": {"type": "object"}}}),
        Shape::Switch => json!({"not": yes()}),
        Shape::Word(words) => json!({"not": {"enum": words}}),
        // A template's schema does not look at types, as a reference may have any.
        Shape::Text(_) | Shape::Whole { .. } | Shape::List { .. } => json!({"type": "string", "maxLength": 0}),
    }
}
