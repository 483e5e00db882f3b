//! Reading request parameters out of JSON values: the small accessors that every service shares.

use std::collections::BTreeMap;

use serde_json::Value;

/// The string at `key`, if there is one.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The list at `key`; absent, null and the query protocol's empty list (`Tags=`) are all empty.
pub fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The strings of the list at `key`.
pub fn texts(value: &Value, key: &str) -> Vec<String> {
    items(value, key)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The whole number at `key`, written as a number (JSON protocols) or as digits (query protocol).
pub fn number(value: &Value, key: &str) -> Option<i64> {
    let found = value.get(key)?;
    found
        .as_i64()
        .or_else(|| found.as_str().and_then(|digits| digits.parse().ok()))
}

/// The map of strings at `key`.
pub fn text_map(value: &Value, key: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(map)) = value.get(key) else {
        return BTreeMap::new();
    };
    map.iter()
        .filter_map(|(name, held)| Some((name.clone(), held.as_str()?.to_owned())))
        .collect()
}

/// Whether every character is an ASCII letter or digit or one of `others`, and there are 1 to `longest` of them.
pub fn is_name(name: &str, longest: usize, others: &str) -> bool {
    (1..=longest).contains(&name.chars().count())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}
