//! Revisions of a family: which one already is what is wanted, and which old ones may go.

use crate::{
    identity::Owner,
    ownership::{CONTENT, Ownership, Tags},
};

/// How many of the newest owned revisions a sweep leaves: the current one, and those that a rollback or a consumer
/// that has not been updated yet may still name (design.md section 2, 5).
const KEPT: usize = 3;

/// One ACTIVE revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its ARN, with the number.
    pub arn: String,
    /// Its number; newer ones are larger.
    pub number: i32,
    /// Its tags.
    pub tags: Tags,
}

impl Revision {
    /// The hash of its content, if this provider registered it.
    #[must_use]
    pub fn content(&self) -> Option<&str> {
        self.tags.get(CONTENT).map(String::as_str)
    }

    /// Whether it is ours and of that content, so that nothing is left to register.
    #[must_use]
    pub fn is(&self, content: &str, us: &Owner) -> bool {
        Ownership::told_by(&self.tags, us) == Ownership::Ours && self.content() == Some(content)
    }
}

/// Which owned ACTIVE revisions may go after `replaced` was replaced: those older than the newest three. None, if
/// another one has the replaced one's content: then a rollback or a duplicate lies behind, and somebody may hold an
/// older ARN.
#[must_use]
pub fn sweepable<'a>(owned: &'a [Revision], replaced: &Revision) -> Vec<&'a Revision> {
    let behind = owned
        .iter()
        .any(|revision| revision.number != replaced.number && revision.content() == replaced.content());
    if behind {
        return Vec::new();
    }
    let mut newest_first: Vec<&Revision> = owned.iter().collect();
    newest_first.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    newest_first.into_iter().skip(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: i32, content: &str) -> Revision {
        Revision {
            arn: format!("arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2:{number}"),
            number,
            tags: Tags::from([(CONTENT.to_owned(), content.to_owned())]),
        }
    }

    fn swept(contents: &[&str], replaced: usize) -> Vec<i32> {
        let owned: Vec<Revision> = (1..)
            .zip(contents)
            .map(|(number, content)| revision(number, content))
            .collect();
        sweepable(&owned, &owned[replaced - 1])
            .iter()
            .map(|revision| revision.number)
            .collect()
    }

    #[test]
    fn the_newest_three_stay() {
        assert_eq!(swept(&["a", "b", "c"], 2), [] as [i32; 0]);
        assert_eq!(swept(&["a", "b", "c", "d", "e"], 4), [2, 1]);
    }

    #[test]
    fn nothing_goes_while_a_rollback_lies_behind() {
        assert_eq!(swept(&["a", "b", "c", "d", "b", "e"], 5), [] as [i32; 0]);
    }

    #[test]
    fn an_update_later_the_rollback_is_forgotten() {
        assert_eq!(swept(&["a", "b", "c", "d", "b", "e", "f"], 6), [4, 3, 2, 1]);
    }
}
