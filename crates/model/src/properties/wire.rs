//! What was written in the template, read by its shape: names, scalars, lists and objects, each with its path.
//!
//! CloudFormation turns numbers and booleans into strings at every depth (docs/internals/cloudformation.md, "Values");
//! other callers need not. Absent, `null`, `''` and `['']` are the same: templates pass `!Ref SomeParameter` whose
//! default is `''`, and of a parameter that is a list, CloudFormation makes `['']`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{list, native, reference};
use crate::{Faults, nearest::nearest, quoted};

/// Something written, and where.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    /// Its path, such as `Secrets[1].Name`.
    pub(super) path: String,
    pub(super) value: &'a Value,
}

/// An object's fields, of which all names are known.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    path: String,
    written: &'a Map<String, Value>,
}

/// One element of a list of `{Name, Value}` or `{Name, ValueFrom}`.
#[derive(Debug)]
pub(super) struct Item {
    /// Its path, such as `Secrets[1]`.
    pub(super) path: String,
    /// `Name`, unless it is absent, which is a fault by then.
    pub(super) name: Option<String>,
    /// `Value` or `ValueFrom`, likewise.
    pub(super) value: Option<String>,
}

impl<'a> Fields<'a> {
    /// The properties, with a fault for each that is not one of `known`.
    pub(super) fn root(written: &'a Map<String, Value>, known: &[&str], own: &[&str], faults: &mut Faults) -> Self {
        for unknown in written.keys().map(String::as_str) {
            if !known.contains(&unknown) && !own.contains(&unknown) {
                let (problem, known) = unknown_name(PROPERTY, unknown, known, native::of_a_task(unknown));
                faults.add_unknown(unknown, problem, known);
            }
        }
        Self {
            path: String::new(),
            written,
        }
    }

    /// The path of a field of this name.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// What is written under that name, unless it is nothing.
    pub(super) fn get(&self, name: &str) -> Option<Written<'a>> {
        self.even_empty(name).filter(|written| !is_nothing(written.value))
    }

    /// What is written under that name, where an empty string is a value.
    fn even_empty(&self, name: &str) -> Option<Written<'a>> {
        let value = self.written.get(name).filter(|value| !value.is_null())?;
        Some(Written {
            path: self.path(name),
            value,
        })
    }

    /// A string, if it is written.
    pub(super) fn text(&self, name: &str, faults: &mut Faults) -> Option<String> {
        self.get(name)?.text(faults)
    }

    /// A string that must be there.
    pub(super) fn required(&self, name: &str, hint: &str, faults: &mut Faults) -> Option<String> {
        let written = self.get(name);
        if written.is_none() {
            faults.add(self.path(name), format!("is required{hint}"));
        }
        written?.text(faults)
    }

    /// `true` or `false`, if it is written.
    pub(super) fn switch(&self, name: &str, faults: &mut Faults) -> Option<bool> {
        self.get(name)?.switch(faults)
    }

    /// One of some words, if it is written. Capitals say nothing here: `arm64` is how everybody else writes it.
    pub(super) fn one_of(
        &self,
        name: &str,
        legal: &'static [&'static str],
        faults: &mut Faults,
    ) -> Option<&'static str> {
        self.get(name)?.word(legal, str::eq_ignore_ascii_case, faults)
    }

    /// One of some words, if it is written, in just these capitals.
    pub(super) fn exactly_one_of(
        &self,
        name: &str,
        legal: &'static [&'static str],
        faults: &mut Faults,
    ) -> Option<&'static str> {
        self.get(name)?.word(legal, |one, text| one == text, faults)
    }

    /// A whole number within limits, if it is written.
    pub(super) fn whole(&self, name: &str, unit: &str, legal: RangeInclusive<i32>, faults: &mut Faults) -> Option<i32> {
        self.get(name)?.whole(unit, legal, faults)
    }

    /// A list, if it is written; `of` says of what.
    pub(super) fn list(&self, name: &str, of: &str, faults: &mut Faults) -> Vec<Written<'a>> {
        self.get(name)
            .map(|written| written.elements(of, faults))
            .unwrap_or_default()
    }

    /// A list of strings, if it is written.
    pub(super) fn texts(&self, name: &str, faults: &mut Faults) -> Vec<(String, String)> {
        let elements = self.list(name, "strings", faults);
        (elements.into_iter())
            .filter_map(|element| Some((element.path.clone(), element.text(faults)?)))
            .collect()
    }

    /// A list of `{Name, VALUE}`, if it is written.
    pub(super) fn items(&self, name: &str, value_name: &'static str, faults: &mut Faults) -> Vec<Item> {
        self.get(name)
            .map(|written| written.items(value_name, faults))
            .unwrap_or_default()
    }
}

impl<'a> Written<'a> {
    /// `true` or `false`.
    pub(super) fn switch(&self, faults: &mut Faults) -> Option<bool> {
        let text = self.text(faults)?;
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                faults.add(&self.path, format!("is {}; write `true` or `false`", quoted(&text)));
                None
            }
        }
    }

    /// One of some words.
    pub(super) fn word(
        &self,
        legal: &'static [&'static str],
        is_it: impl Fn(&str, &str) -> bool,
        faults: &mut Faults,
    ) -> Option<&'static str> {
        let text = self.text(faults)?;
        let found = legal.iter().find(|one| is_it(one, &text)).copied();
        if found.is_none() {
            faults.add(&self.path, format!("is {}; legal: {}", quoted(&text), list(legal)));
        }
        found
    }

    /// A whole number within limits.
    pub(super) fn whole(&self, unit: &str, legal: RangeInclusive<i32>, faults: &mut Faults) -> Option<i32> {
        let text = self.text(faults)?;
        let found = signed(&text).filter(|number| legal.contains(number));
        if found.is_none() {
            let range = match legal.into_inner() {
                (least, i32::MAX) => format!("{least} {unit} and more"),
                (least, most) => format!("{least} to {most} {unit}"),
            };
            faults.add(
                &self.path,
                format!("is {}; legal: {range}, a whole number", quoted(&text)),
            );
        }
        found
    }

    /// A list of `{Name, VALUE}`.
    pub(super) fn items(&self, value_name: &'static str, faults: &mut Faults) -> Vec<Item> {
        let shape = format!("{{Name, {value_name}}}");
        let elements = self.elements(&shape, faults);
        (elements.iter())
            .filter_map(|element| {
                let fields = element.fields(&["Name", value_name], &shape, faults)?;
                let name = fields.required("Name", "", faults);
                // An empty variable is not the same as none: it is how a default of the provider's is emptied.
                let value = if value_name == "Value" {
                    match fields.even_empty("Value") {
                        Some(written) => written.text_of(name.as_deref(), faults),
                        None => fields.required("Value", " (write '' for an empty one)", faults),
                    }
                } else {
                    fields.required(value_name, "", faults)
                };
                Some(Item {
                    path: element.path.clone(),
                    name,
                    value,
                })
            })
            .collect()
    }

    /// A string, or what CloudFormation would have made one of.
    pub(super) fn text(&self, faults: &mut Faults) -> Option<String> {
        self.text_of(None, faults)
    }

    /// The same, where it is the value of that variable.
    fn text_of(&self, variable: Option<&str>, faults: &mut Faults) -> Option<String> {
        match self.value {
            // It ends a text for the programs of a container (docs/internals/aws.md, "Names and limits").
            Value::String(text) if text.contains('\0') => {
                faults.add(
                    &self.path,
                    "holds a NUL character, which no variable and no argument can; leave it out",
                );
                None
            }
            Value::String(text) => match reference::problem(text, variable) {
                Some(problem) => {
                    faults.add(&self.path, problem);
                    None
                }
                None => Some(text.clone()),
            },
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                faults.add(&self.path, format!("must be a string, not {}", kind(self.value)));
                None
            }
        }
    }

    /// An object's fields, with a fault for each that is not one of `known`; `shape` shows them.
    pub(super) fn fields(&self, known: &[&str], shape: &str, faults: &mut Faults) -> Option<Fields<'a>> {
        self.fields_but(known, |_| None, shape, faults)
    }

    /// The same, where of some that are not known `instead` says what to do.
    pub(super) fn fields_but(
        &self,
        known: &[&str],
        instead: impl Fn(&str) -> Option<String>,
        shape: &str,
        faults: &mut Faults,
    ) -> Option<Fields<'a>> {
        let Value::Object(written) = self.value else {
            faults.add(&self.path, format!("must be {shape}, not {}", kind(self.value)));
            return None;
        };
        for unknown in written.keys().filter(|key| !known.contains(&key.as_str())) {
            let (problem, known) = unknown_name(&place(&self.path), unknown, known, instead(unknown));
            faults.add_unknown(format!("{}.{unknown}", self.path), problem, known);
        }
        Some(Fields {
            path: self.path.clone(),
            written,
        })
    }

    /// An object's entries, whatever their names; `shape` shows them.
    pub(super) fn entries(&self, shape: &str, faults: &mut Faults) -> Option<Vec<(&'a str, Written<'a>)>> {
        let Value::Object(written) = self.value else {
            faults.add(&self.path, format!("must be {shape}, not {}", kind(self.value)));
            return None;
        };
        let entry = |(name, value): (&'a String, &'a Value)| {
            let path = format!("{}.{name}", self.path);
            (name.as_str(), Written { path, value })
        };
        Some(written.iter().map(entry).collect())
    }

    /// One string or a list of them, of which there must be some: each with its path, and all as they were written.
    pub(super) fn one_or_many(&self, of: &str, faults: &mut Faults) -> (Vec<(String, String)>, Value) {
        if !self.value.is_array() {
            let one = self.text(faults);
            let texts = one.iter().map(|one| (self.path.clone(), one.clone())).collect();
            return (texts, one.into());
        }
        let elements = self.some_elements(of, faults);
        let texts: Vec<(String, String)> = (elements.into_iter())
            .filter_map(|element| Some((element.path.clone(), element.text(faults)?)))
            .collect();
        let values = texts.iter().map(|(_, text)| text.clone()).collect();
        (texts, values)
    }

    /// A list's elements, of which there must be some.
    pub(super) fn some_elements(&self, of: &str, faults: &mut Faults) -> Vec<Written<'a>> {
        let elements = self.elements(of, faults);
        if self.value.is_array() && elements.is_empty() {
            faults.add(&self.path, format!("is an empty list of {of}; write at least one"));
        }
        elements
    }

    /// A list's elements. A `null` among them is left out: nothing is known of how `AWS::NoValue` arrives inside a list.
    pub(super) fn elements(&self, of: &str, faults: &mut Faults) -> Vec<Written<'a>> {
        let Value::Array(elements) = self.value else {
            faults.add(&self.path, format!("must be a list of {of}, not {}", kind(self.value)));
            return Vec::new();
        };
        if elements.len() > MOST_ELEMENTS {
            let count = elements.len();
            faults.add(
                &self.path,
                format!("is a list of {count} elements; legal: at most {MOST_ELEMENTS}"),
            );
            return Vec::new();
        }
        elements
            .iter()
            .enumerate()
            .filter(|(_, element)| !element.is_null())
            .map(|(index, value)| Written {
                path: format!("{}[{index}]", self.path),
                value,
            })
            .collect()
    }
}

/// The most elements of a list that are looked at: more than fit a task definition, whose 64 KB hold some 2,000 of the
/// shortest variables (docs/internals/aws.md, "Names and limits"). What is compared pair by pair stays affordable.
const MOST_ELEMENTS: usize = 2000;

/// `''`, or the list that CloudFormation makes of it. A list of several has its empty texts: an argument may be one.
fn is_nothing(value: &Value) -> bool {
    value == ""
        || value
            .as_array()
            .is_some_and(|list| matches!(&list[..], [only] if only == ""))
}

/// A whole number, also in the scientific notation that some tools write (`1.024E3`, docs/internals/cloudformation.md,
/// "Values").
pub(super) fn whole(text: &str) -> Option<u32> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        // Written out without an exponent, which is a whole number or has a point.
        format!("{number}").parse().ok()
    })
}

/// The same, also below zero.
fn signed(text: &str) -> Option<i32> {
    match text.trim().strip_prefix('-') {
        Some(number) => i32::try_from(-i64::from(whole(number)?)).ok(),
        None => i32::try_from(whole(text)?).ok(),
    }
}

/// What JSON calls it, with its article.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What something unknown at the top is not.
const PROPERTY: &str = "a property of Custom::BuildkiteAgent";

/// What something unknown at that path is not.
fn place(path: &str) -> String {
    let in_a_list = path.ends_with(']');
    let name = path
        .rsplit('.')
        .next()
        .unwrap_or(path)
        .split('[')
        .next()
        .unwrap_or(path);
    match name {
        "Sidecars" => "a key of a sidecar".to_owned(),
        name if in_a_list => format!("a key of an element of `{name}`"),
        name => format!("a key of `{name}`"),
    }
}

/// What to say of an unknown name, and the known ones where they help: one of ECS's words has an answer of its own, and
/// another may be near to a name.
fn unknown_name(what: &str, unknown: &str, known: &[&str], instead: Option<String>) -> (String, Option<String>) {
    if let Some(instead) = instead {
        return (instead, None);
    }
    let problem = format!("is not {what}");
    match nearest(unknown, known.iter().copied()) {
        Some(name) => (format!("{problem}; did you mean `{name}`?"), None),
        None => (problem, Some(known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_cloudformation_writes_them() {
        for (text, number) in [
            ("1024", Some(1024)),
            ("5.12E2", Some(512)),
            ("1024.0", Some(1024)),
            ("0.5", None),
            ("-1", None),
            ("1e99", None),
            ("NaN", None),
            ("2 GB", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
    }
}
