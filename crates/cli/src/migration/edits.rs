//! Changes of a text, each at its bytes: what no edit touches stays as it was written.

use std::{cmp::Reverse, ops::Range};

/// What is to be changed in one text.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<Edit>);

#[derive(Debug, PartialEq, Eq)]
struct Edit {
    range: Range<usize>,
    text: String,
}

impl Edits {
    /// Writes a text in the place of these bytes.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let text = text.into();
        self.0.push(Edit { range, text });
    }

    /// Writes a text before this byte.
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Removes these bytes.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// The text with every edit. One that is given twice is made once, as what an anchor names is met more than once; one
    /// inside of another has nothing left to change.
    pub(super) fn applied_to(mut self, source: &str) -> String {
        self.0
            .sort_by_key(|edit| (edit.range.start, !edit.range.is_empty(), Reverse(edit.range.end)));
        self.0.dedup();
        let mut written = String::with_capacity(source.len());
        let mut at = 0;
        for Edit { range, text } in &self.0 {
            if range.start < at {
                continue;
            }
            written.push_str(&source[at..range.start]);
            written.push_str(text);
            at = range.end;
        }
        written.push_str(&source[at..]);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edited(source: &str, edits: &[(Range<usize>, &str)]) -> String {
        let mut made = Edits::default();
        for (range, text) in edits {
            made.replace(range.clone(), *text);
        }
        made.applied_to(source)
    }

    #[test]
    fn edits_are_made_in_the_order_of_their_places() {
        assert_eq!(edited("abcdef", &[(4..5, "E"), (0..1, "A"), (2..2, "-")]), "Ab-cdEf");
        assert_eq!(edited("abc", &[(1..2, "B"), (1..1, "-")]), "a-Bc");
    }

    #[test]
    fn an_edit_that_is_there_twice_is_made_once() {
        assert_eq!(edited("abc", &[(1..1, "-"), (0..1, "A"), (1..1, "-")]), "A-bc");
    }

    #[test]
    fn an_edit_inside_of_another_is_not_made() {
        assert_eq!(edited("abcdef", &[(2..3, "C"), (1..5, "")]), "af");
    }

    proptest! {
        #[test]
        fn what_no_edit_touches_stays(
            parts in proptest::collection::vec(("[a-zé\r\n:# ]{0,8}", "[A-Z]{1,4}", "[0-9ü]{0,4}"), 0..8),
        ) {
            let (mut source, mut expected, mut edits) = (String::new(), String::new(), Edits::default());
            for (kept, old, new) in &parts {
                source.push_str(kept);
                expected.push_str(kept);
                edits.replace(source.len()..source.len() + old.len(), new.clone());
                source.push_str(old);
                expected.push_str(new);
            }
            prop_assert_eq!(edits.applied_to(&source), expected);
        }
    }
}
