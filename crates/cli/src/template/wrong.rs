//! A finding about a place in a template.

use super::{Entry, Kind, Node, Place};

/// A place from where to where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Its first character.
    pub start: Place,
    /// The one behind its last.
    pub end: Place,
}

impl Extent {
    /// Whether another place begins within this one.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        (self.start.offset..self.end.offset.max(self.start.offset + 1)).contains(&other.start.offset)
    }
}

/// How much something means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Somebody would refuse it.
    Fault,
    /// Worth knowing, and perhaps as it should be.
    Note,
}

/// Something in a template that CloudFormation would refuse, or that one should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// How much it means.
    pub weight: Weight,
    /// Where.
    pub at: Extent,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// Where a node is.
#[must_use]
pub fn extent(node: &Node) -> Extent {
    Extent {
        start: node.start,
        end: node.end,
    }
}

/// Where an entry is: what is short is its value, what is long its key.
#[must_use]
pub fn of_entry(entry: &Entry) -> Extent {
    match &entry.value.kind {
        Kind::Scalar(..) if !entry.value.is_null() => extent(&entry.value),
        Kind::Scalar(..) | Kind::Sequence(_) | Kind::Mapping(_) => of_key(entry),
    }
}

/// Where an entry's key is.
#[must_use]
pub fn of_key(entry: &Entry) -> Extent {
    Extent {
        start: entry.at,
        end: entry.until,
    }
}
