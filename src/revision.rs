//! Revisions of a family: which one already has the wanted content, and which old ones can be pruned.

use crate::{
    identity::Owner,
    ownership::{CONTENT, Ownership, Tags},
};

/// How many of the newest owned revisions pruning keeps: the current one, and those that a rollback or a consumer which
/// has not been updated yet may still name.
pub const KEPT: usize = 3;

/// How many of the newest owned revisions are kept at most: some fifty updates in a row that were all rolled back, or
/// contents that alternate.
const KEPT_AT_MOST: usize = 100;

/// One ACTIVE revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its ARN, with the number.
    pub arn: String,
    /// Its number; newer ones are larger.
    pub number: i32,
    /// The task role that it names.
    pub task_role_arn: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Revision {
    /// The hash of its content, if this provider registered it.
    #[must_use]
    pub fn content(&self) -> Option<&str> {
        self.tags.get(CONTENT).map(String::as_str)
    }

    /// Whether the resource registered it.
    #[must_use]
    pub fn is_owned(&self, us: &Owner) -> bool {
        Ownership::from_tags(&self.tags, us) == Ownership::Ours
    }

    /// Whether it is ours with that content, so that nothing is left to register.
    #[must_use]
    pub fn has(&self, content: &str, us: &Owner) -> bool {
        self.is_owned(us) && self.content() == Some(content)
    }
}

/// Which owned ACTIVE revisions can be pruned after `replaced` was replaced by `current`: those older than the newest
/// three. If another one has the content of either, a rollback lies behind, and somebody may hold an older ARN: then
/// only those older than the newest hundred.
#[must_use]
pub fn prunable<'a>(owned: &'a [Revision], replaced: &Revision, current: &Revision) -> Vec<&'a Revision> {
    let repeated = |one: &Revision| {
        owned
            .iter()
            .any(|revision| revision.number != one.number && revision.content() == one.content())
    };
    let kept = if repeated(replaced) || repeated(current) {
        KEPT_AT_MOST
    } else {
        KEPT
    };
    let mut newest_first: Vec<&Revision> = owned.iter().collect();
    newest_first.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    newest_first.into_iter().skip(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ownership::tags,
        request::{Request, tests::event},
    };

    fn revision(number: i32, content: &str) -> Revision {
        Revision {
            arn: format!("arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2:{number}"),
            number,
            task_role_arn: None,
            tags: Tags::from([(CONTENT.to_owned(), content.to_owned())]),
        }
    }

    /// What is pruned after the last but one of these contents was replaced by the last.
    fn pruned(contents: &[&str]) -> Vec<i32> {
        let owned: Vec<Revision> = (1..)
            .zip(contents)
            .map(|(number, content)| revision(number, content))
            .collect();
        let [.., replaced, current] = owned.as_slice() else {
            panic!("two revisions at least")
        };
        let pruned = prunable(&owned, replaced, current);
        pruned.iter().map(|revision| revision.number).collect()
    }

    const NONE: [i32; 0] = [];

    #[test]
    fn nothing_is_left_to_register_only_where_a_revision_of_ours_has_the_content() {
        let us = Request::parse(&event()).unwrap().owner;
        let others = Owner {
            logical_id: "Ruby3".to_owned(),
            ..us.clone()
        };
        let mut ours = revision(1, "a");
        ours.tags.extend(tags(&us));
        for (revision, by, is_owned, has) in [
            (&ours, &us, true, true),
            (&ours, &others, false, false),
            (&revision(1, "a"), &us, false, false),
        ] {
            assert_eq!(revision.is_owned(by), is_owned);
            assert_eq!(revision.has("a", by), has);
        }
        assert!(!ours.has("b", &us));
    }

    #[test]
    fn the_newest_three_stay() {
        assert_eq!(pruned(&["a", "b", "c"]), NONE);
        assert_eq!(pruned(&["a", "b", "c", "d", "e"]), [2, 1]);
    }

    #[test]
    fn nothing_goes_while_a_rollback_lies_behind() {
        assert_eq!(pruned(&["a", "b", "c", "d", "b"]), NONE, "in the reverse update");
        assert_eq!(pruned(&["a", "b", "c", "d", "b", "e"]), NONE, "in the update after it");
    }

    #[test]
    fn an_update_later_the_rollback_is_forgotten() {
        assert_eq!(pruned(&["a", "b", "c", "d", "b", "e", "f"]), [4, 3, 2, 1]);
    }

    #[test]
    fn contents_that_go_to_and_fro_do_not_pile_up_for_ever() {
        let contents: Vec<&str> = (0..110).map(|n| if n % 2 == 0 { "a" } else { "b" }).collect();
        assert_eq!(pruned(&contents).len(), 10);
    }
}
