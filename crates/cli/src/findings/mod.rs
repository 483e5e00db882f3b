//! What is found in templates, as other programs take it: GitHub's workflow commands, SARIF, an annotation of Buildkite's.

mod buildkite;
mod github;
mod sarif;

pub use buildkite::buildkite;
pub use github::github;
pub use sarif::sarif;

use crate::{
    migration::{self, Remark},
    plan,
    template::{Extent, Place, Weight},
};

/// How much something means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody would refuse it.
    Error,
    /// Something is left to do.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file's path, as it was given.
    pub file: String,
    /// Where in it.
    pub at: Extent,
    /// How much it means.
    pub level: Level,
    /// What, with the resource that it is about.
    pub text: String,
}

impl Finding {
    /// Of a plan.
    #[must_use]
    pub fn of_plan(file: &str, finding: &plan::Finding) -> Self {
        let of = finding.logical_id.as_ref().map(|id| format!("{id}: "));
        Self {
            file: file.to_owned(),
            at: finding.at,
            level: match finding.weight {
                Weight::Fault => Level::Error,
                Weight::Note => Level::Note,
            },
            text: of.unwrap_or_default() + &finding.sentence,
        }
    }

    /// Of a migration.
    #[must_use]
    pub fn of_migration(file: &str, remark: &Remark) -> Self {
        Self {
            level: match remark.weight {
                migration::Weight::Warning => Level::Warning,
                migration::Weight::Note => Level::Note,
            },
            ..Self::at(file, remark.at, remark.text.clone())
        }
    }

    /// An error at one place.
    #[must_use]
    pub fn at(file: &str, place: Place, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            at: Extent {
                start: place,
                end: place,
            },
            level: Level::Error,
            text: text.into(),
        }
    }
}

/// How many there are of each level, in words; empty where there is none.
fn counted(findings: &[Finding]) -> String {
    let words = [
        (Level::Error, "error"),
        (Level::Warning, "warning"),
        (Level::Note, "note"),
    ];
    let each = words.into_iter().filter_map(|(level, word)| {
        let count = findings.iter().filter(|finding| finding.level == level).count();
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
