//! What is in a template, and where: scalars, sequences and mappings, each with its place and its short-form
//! intrinsic.

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Bytes before it.
    pub offset: usize,
    /// Its line; the first is 1.
    pub line: usize,
    /// Its column in characters; the first is 1.
    pub column: usize,
}

impl fmt::Display for Place {
    /// Writes it as compilers do, `LINE:COLUMN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The short form's name: `Ref` for `!Ref X`.
    pub tag: Option<String>,
    /// Where it begins; its tag and its quotes belong to it.
    pub start: Place,
    /// Where it ends; one in block style may end at the beginning of what follows it.
    pub end: Place,
}

/// The three things that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, and whether it is without quotes, so that it may be a number, a boolean or null.
    Scalar(String, bool),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values, in their order, no key twice.
    Mapping(Vec<Entry>),
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub name: String,
    /// Where the key begins.
    pub at: Place,
    /// Where the key ends.
    pub until: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What a mapping has under a name; without short form.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// The entry of a mapping.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// A mapping's entries; none if it is not a mapping.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar(..) | Kind::Sequence(_) => &[],
        }
    }

    /// A list's elements, if it is a list without short form.
    #[must_use]
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Sequence(elements) if self.tag.is_none() => Some(elements),
            Kind::Sequence(_) | Kind::Scalar(..) | Kind::Mapping(_) => None,
        }
    }

    /// A scalar's text, if it is one without short form.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) if self.tag.is_none() => Some(text),
            Kind::Scalar(..) | Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// Whether it is nothing: `null`, `~`, or not there at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.tag.is_none()
            && matches!(&self.kind, Kind::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}
