//! Reads what is written for a word of ECS, by the shape that is declared, into what ECS's API takes.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{
    Words,
    shape::{Form, Key, Rule, Shape},
};
use crate::{
    Faults,
    identity::StackId,
    properties::{
        Launch,
        launch::{COMPATIBILITIES, NETWORK_MODES},
        list,
        secret::{self, SecretSource},
        wire::{Fields, Written},
    },
    quoted,
    settings::Settings,
};

/// Where the words are written: for which places, and in which stack.
#[derive(Debug)]
pub(in crate::properties) struct Site<'a> {
    pub(in crate::properties) launch: &'a Launch,
    pub(in crate::properties) stack: &'a StackId,
    pub(in crate::properties) settings: &'a Settings,
}

impl Site<'_> {
    /// Whether the task may run there, or has that network mode.
    pub(super) fn is_in(&self, place: &str) -> bool {
        self.launch.compatibilities.contains(&place) || self.launch.network_mode == place
    }
}

/// The fields of these keys, and what the execution role is to fetch for them.
pub(in crate::properties) fn read(
    keys: &[&Key],
    fields: &Fields<'_>,
    site: &Site<'_>,
    faults: &mut Faults,
) -> (Words, Vec<SecretSource>) {
    let mut reader = Reader {
        site,
        secrets: Vec::new(),
        faults,
    };
    let values = reader.fields(keys, fields);
    (values.into_iter().collect(), reader.secrets)
}

struct Reader<'a, 'f> {
    site: &'a Site<'a>,
    secrets: Vec<SecretSource>,
    faults: &'f mut Faults,
}

/// The words that alone are legal in a place.
type Only = (&'static str, &'static [&'static str]);

impl Reader<'_, '_> {
    fn fields(&mut self, keys: &[&Key], fields: &Fields<'_>) -> Map<String, Value> {
        let mut values = Map::new();
        for key in keys {
            let Some(written) = fields.get(key.name) else {
                if key.required {
                    self.faults
                        .add(fields.path(key.name), format!("is required{}", hint(&key.shape)));
                }
                continue;
            };
            if let Some(place) = key.not_in().find(|place| self.site.is_in(place)) {
                if !says_nothing(written.value) {
                    self.faults.add(written.path, not_there(key, place));
                }
                continue;
            }
            let only = key.rules.iter().find_map(|rule| match rule {
                Rule::Only(place, words) if self.site.is_in(place) => Some((*place, *words)),
                Rule::Only(..) | Rule::Not(_) => None,
            });
            if let Some(value) = self.value(&key.shape, only, &written) {
                values.insert(key.api_name(), value);
            }
        }
        values
    }

    /// What ECS gets; nothing where nothing is written.
    fn value(&mut self, shape: &Shape, only: Option<Only>, written: &Written<'_>) -> Option<Value> {
        match *shape {
            Shape::Text(form) => {
                let text = written.text(self.faults)?;
                if !form.takes(&text) {
                    self.faults
                        .add(&written.path, format!("is {}; {}", quoted(&text), form.advice));
                    return None;
                }
                Some(text.into())
            }
            Shape::Word(words) => {
                let word = written.word(words, str::eq_ignore_ascii_case, self.faults)?;
                if let Some((place, legal)) = only.filter(|(_, legal)| !legal.contains(&word)) {
                    self.faults.add(
                        &written.path,
                        format!("is {word:?}; legal for {place}: {}", list(legal)),
                    );
                }
                Some(word.into())
            }
            Shape::Whole { unit, least, most } => Some(written.whole(unit, least..=most, self.faults)?.into()),
            Shape::Switch => Some(written.switch(self.faults)?.into()),
            Shape::List { of, each, most } => {
                let elements = written.elements(of, self.faults);
                if elements.len() > most {
                    self.faults
                        .add(&written.path, format!("are {}; ECS takes {most}", elements.len()));
                }
                let values: Vec<Value> = (elements.iter())
                    .filter_map(|element| self.value(each, only, element))
                    .collect();
                (!values.is_empty()).then(|| values.into())
            }
            Shape::Object { keys, together } => {
                let fields = written.fields(&names(keys), &shown(keys), self.faults)?;
                let keys: Vec<&Key> = keys.iter().collect();
                let before = self.faults.iter().count();
                let values = self.fields(&keys, &fields);
                if self.faults.iter().count() == before && !values.is_empty() {
                    together(&written.path, &values, self.site, self.faults);
                }
                (!values.is_empty()).then(|| values.into())
            }
            Shape::Map => {
                let entries = written.entries("{NAME: VALUE}", self.faults)?;
                let values: Map<String, Value> = (entries.into_iter())
                    .filter(|(_, value)| !value.value.is_null())
                    .filter_map(|(name, value)| Some((name.to_owned(), value.text(self.faults)?.into())))
                    .collect();
                (!values.is_empty()).then(|| values.into())
            }
            Shape::Secrets => self.secret_pairs(written),
        }
    }

    /// The pairs of a name and its secret, which the execution role is to fetch.
    fn secret_pairs(&mut self, written: &Written<'_>) -> Option<Value> {
        let items = written.items("ValueFrom", self.faults);
        let secrets = secret::read(&items, self.site.stack, self.faults);
        let pairs = secrets.iter().map(|secret| {
            let pair = [
                ("name", secret.name.as_str()),
                ("valueFrom", secret.source.value_from()),
            ];
            let pair = pair.map(|(name, value)| (name.to_owned(), value.into()));
            Value::Object(pair.into_iter().collect())
        });
        let pairs: Vec<Value> = pairs.collect();
        self.secrets.extend(secrets.into_iter().map(|secret| secret.source));
        (!pairs.is_empty()).then(|| pairs.into())
    }
}

impl Form {
    /// Whether a text has this form. That every pattern is one is for a test.
    fn takes(&self, text: &str) -> bool {
        self.pattern.is_empty() || Regex::new(self.pattern).is_ok_and(|pattern| pattern.is_match(text))
    }
}

/// What is the same as none: an empty list or object, or what is not wanted.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.eq_ignore_ascii_case("false"),
        Value::Bool(wanted) => !wanted,
        Value::Null | Value::Number(_) => false,
    }
}

/// The names, as a template has them.
pub(super) fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

fn shown(keys: &[Key]) -> String {
    format!("{{{}}}", names(keys).join(", "))
}

/// What is legal, for what is missing.
fn hint(shape: &Shape) -> String {
    match shape {
        Shape::Word(words) => format!("; legal: {}", list(words)),
        Shape::Text(form) if !form.advice.is_empty() => format!("; {}", form.advice),
        _ => String::new(),
    }
}

/// The message that a word is not in a place, and where else it is.
pub(super) fn not_there(key: &Key, place: &str) -> String {
    let is_network = NETWORK_MODES.contains(&place);
    let all: &[&str] = if is_network { &NETWORK_MODES } else { &COMPATIBILITIES };
    let others: Vec<&str> = (all.iter().copied())
        .filter(|one| !key.not_in().any(|place| place == *one))
        .collect();
    let others = list(&others);
    if is_network {
        format!("is not supported with the network mode {place}; `NetworkMode` can be {others}")
    } else {
        format!("is not supported on {place}; `RequiresCompatibilities` can be {others}")
    }
}
