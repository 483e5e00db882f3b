//! How a word of ECS is declared: its name, its shape, and where it is not.

use serde_json::{Map, Value};

use super::read::Site;
use crate::Faults;

/// One word of ECS, in CloudFormation's casing.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in a template.
    pub name: &'static str,
    /// Its name in ECS's API, where that is not the same with a small first letter.
    pub(super) in_api: Option<&'static str>,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// Where it is not, or less; the first that applies is reported.
    pub(super) rules: &'static [Rule],
    /// What it is, in Markdown, as the documents have it.
    pub about: &'static str,
}

/// What may stand somewhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A text of that form.
    Text(Form),
    /// One of these words, in any capitals.
    Word(&'static [&'static str]),
    /// A whole number of `unit`.
    Whole { unit: &'static str, least: i32, most: i32 },
    /// `true` or `false`.
    Switch,
    /// A list.
    List {
        /// What the elements are, for a message.
        of: &'static str,
        each: &'static Self,
        most: usize,
    },
    /// An object, and what its keys must be together.
    Object { keys: &'static [Key], together: Check },
    /// Names of the author's own, and texts.
    Map,
    /// A list of `{Name, ValueFrom}`, which the execution role may fetch.
    Secrets,
}

/// A text's form: a pattern without look-around, for the reader as for the schema, and what would be right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) pattern: &'static str,
    pub(super) advice: &'static str,
}

/// Where a word is not, or which words are: a compatibility or a network mode.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Not there.
    Not(&'static str),
    /// Only these words are there.
    Only(&'static str, &'static [&'static str]),
}

/// Finds what is wrong with an object that is sound key by key: its path, its fields in ECS's names.
pub(super) type Check = fn(&str, &Map<String, Value>, &Site<'_>, &mut Faults);

/// Finds nothing.
pub(super) const fn alone(_: &str, _: &Map<String, Value>, _: &Site<'_>, _: &mut Faults) {}

pub(super) const fn key(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        in_api: None,
        shape,
        required: false,
        rules: &[],
        about: "",
    }
}

pub(super) const fn object(keys: &'static [Key]) -> Shape {
    Shape::Object { keys, together: alone }
}

pub(super) const fn list(of: &'static str, each: &'static Shape) -> Shape {
    Shape::List {
        of,
        each,
        most: usize::MAX,
    }
}

impl Key {
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) const fn in_api(self, name: &'static str) -> Self {
        Self {
            in_api: Some(name),
            ..self
        }
    }

    pub(super) const fn rules(self, rules: &'static [Rule]) -> Self {
        Self { rules, ..self }
    }

    pub(super) const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// Its name in ECS's API.
    #[must_use]
    pub fn api_name(&self) -> String {
        self.in_api.map_or_else(
            || {
                let mut letters = self.name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                first.into_iter().chain(letters).collect()
            },
            ToOwned::to_owned,
        )
    }

    /// The keys of the object, or of each object, that it holds.
    pub(super) fn inner(&self) -> &'static [Self] {
        match self.shape {
            Shape::Object { keys, .. }
            | Shape::List {
                each: &Shape::Object { keys, .. },
                ..
            } => keys,
            _ => &[],
        }
    }

    /// The places where it is not.
    pub(super) fn not_in(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().filter_map(|rule| match rule {
            Rule::Not(place) => Some(*place),
            Rule::Only(..) => None,
        })
    }
}
