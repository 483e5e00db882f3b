//! Entries of a mapping and elements of a list, added and removed in the layout that they have.

use std::ops::Range;

use super::draft::Draft;
use crate::template::{Entry, Kind, Node};

impl Draft<'_> {
    /// Puts entries before all others of the mapping that is an entry's value; false if that is not a mapping of this place.
    pub(super) fn put_first(&mut self, holder: &Entry, entries: &[(&str, String)]) -> bool {
        let (layout, mapping) = (self.layout, &holder.value);
        let within = mapping.start.offset..mapping.end.offset;
        if !matches!(mapping.kind, Kind::Mapping(_)) || layout.is_alias(mapping) {
            return false;
        }
        let first = (mapping.entries().iter())
            .map(|entry| entry.at.offset)
            .filter(|at| within.contains(at))
            .min();
        let lines: Vec<String> = (entries.iter())
            .map(|(name, value)| format!("{}: {value}", layout.word(name)))
            .collect();
        if layout.is_flow(mapping) {
            let brace = layout.content(mapping) + 1;
            let Some(first) = first else {
                self.edits.insert(brace, lines.join(", "));
                return true;
            };
            let indent = layout.before(first);
            if indent.trim().is_empty() && layout.line_start(first) > brace {
                let line_break = layout.line_break(brace);
                let added: String = lines.iter().flat_map(|line| [indent, line, ",", line_break]).collect();
                self.edits.insert(layout.next_line(brace), added);
            } else {
                let added: String = lines.iter().flat_map(|line| [line, ", "]).collect();
                self.edits.insert(first, added);
            }
            return true;
        }
        // Below the holder's own line, so that a comment on the first entry stays on it.
        let indent = layout.before(first.unwrap_or(within.start));
        let line_break = layout.line_break(holder.until.offset);
        let added: String = lines.iter().flat_map(|line| [indent, line, line_break]).collect();
        self.edits.insert(layout.next_line(holder.until.offset), added);
        true
    }

    /// Removes the entry of a mapping.
    pub(super) fn remove_entry(&mut self, mapping: &Node, name: &str) -> bool {
        let spans: Vec<_> = (mapping.entries().iter())
            .map(|entry| entry.at.offset..self.layout.end(&entry.value).max(entry.until.offset))
            .collect();
        let gone = mapping.entries().iter().map(|entry| entry.name == name).collect();
        self.remove(mapping, &spans, gone)
    }

    /// Removes elements of a list: those that are gone.
    pub(super) fn remove_elements(&mut self, list: &Node, gone: Vec<bool>) -> bool {
        let flow = self.layout.is_flow(list);
        let elements = list.elements().unwrap_or_default();
        let spans: Vec<_> = (elements.iter())
            .map(|element| {
                let start = element.start.offset;
                let dash = self.layout.text[..start].rfind('-').filter(|_| !flow);
                dash.unwrap_or(start)..self.layout.end(element)
            })
            .collect();
        self.remove(list, &spans, gone)
    }

    fn remove(&mut self, collection: &Node, spans: &[Range<usize>], gone: Vec<bool>) -> bool {
        if self.layout.is_flow(collection) {
            let gone: Vec<usize> = (0..spans.len())
                .zip(gone)
                .filter(|(_, gone)| *gone)
                .map(|(at, _)| at)
                .collect();
            for run in gone.chunk_by(|one, next| one + 1 == *next) {
                let (Some(&first), Some(&last)) = (run.first(), run.last()) else {
                    continue;
                };
                // With its comma: the one after it, or if it is the last the one before it.
                let range = match (spans.get(last + 1), first.checked_sub(1)) {
                    (Some(next), _) => spans[first].start..next.start,
                    (None, Some(before)) => spans[before].end..spans[last].end,
                    (None, None) => spans[first].start..spans[last].end,
                };
                self.edits.remove(range);
            }
            return true;
        }
        let gone = || {
            spans
                .iter()
                .zip(&gone)
                .filter(|(_, gone)| **gone)
                .map(|(span, _)| span.clone())
        };
        if gone().any(|span| !self.layout.before(span.start).trim().is_empty()) {
            return false;
        }
        for span in gone() {
            self.remove_lines(span);
        }
        true
    }

    /// Removes whole lines, but not those that are a comment; and of two empty lines that would then meet, one.
    fn remove_lines(&mut self, span: Range<usize>) {
        let layout = self.layout;
        let indent = layout.before(span.start);
        let (start, end) = (layout.line_start(span.start), layout.next_line(span.end));
        let mut at = start;
        let mut commented = false;
        while at < end {
            let next = layout.next_line(at);
            let line = &layout.text[at..next];
            let spaces = line.len() - line.trim_start().len();
            if line[spaces..].starts_with('#') {
                commented = true;
                // Further in, it would become the text of what is in block style above.
                self.edits.replace(at..at + spaces, indent);
            } else {
                self.edits.remove(at..next);
            }
            at = next;
        }
        let empty = |line: &str| line.trim().is_empty();
        let above = start == 0 || empty(&layout.text[layout.line_start(start - 1)..start]);
        let below = end < layout.text.len() && empty(&layout.text[end..layout.next_line(end)]);
        if above && below && !commented {
            self.edits.remove(end..layout.next_line(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::read;

    fn with(text: &str, change: impl FnOnce(&mut Draft<'_>, &Node)) -> String {
        let node = read(text).unwrap();
        let mut draft = Draft::of(text);
        change(&mut draft, &node);
        let (written, remarks) = draft.done();
        assert_eq!(remarks, []);
        read(&written).unwrap();
        written
    }

    #[test]
    fn entries_are_added_in_the_layout_of_the_others() {
        for (text, expected) in [
            ("p:\n  # of a\n  a: 1\n", "p:\n  x: !Y z\n  # of a\n  a: 1\n"),
            ("p: # of p\n    a: 1\n", "p: # of p\n    x: !Y z\n    a: 1\n"),
            ("p:\r\n  a: 1\r\n", "p:\r\n  x: !Y z\r\n  a: 1\r\n"),
            ("p:\n\n  a: 1", "p:\n  x: !Y z\n\n  a: 1"),
            ("p: &p\n  a: 1\n", "p: &p\n  x: !Y z\n  a: 1\n"),
            ("p: {a: 1}\n", "p: {x: !Y z, a: 1}\n"),
            ("p: {}\n", "p: {x: !Y z}\n"),
            ("p: {\n  a: 1 }\n", "p: {\n  x: !Y z,\n  a: 1 }\n"),
            ("p: { a: 1,\n     b: 2 }\n", "p: { x: !Y z, a: 1,\n     b: 2 }\n"),
        ] {
            let written = with(text, |draft, node| {
                assert!(draft.put_first(node.entry("p").unwrap(), &[("x", "!Y z".to_owned())]));
            });
            assert_eq!(written, expected);
        }
        let json = "{\r\n\t\"p\": {\r\n\t\t\"a\": 1\r\n\t}\r\n}";
        let written = with(json, |draft, node| {
            assert!(draft.put_first(
                node.entry("p").unwrap(),
                &[("x", "2".to_owned()), ("y", "3".to_owned())]
            ));
        });
        assert_eq!(
            written,
            "{\r\n\t\"p\": {\r\n\t\t\"x\": 2,\r\n\t\t\"y\": 3,\r\n\t\t\"a\": 1\r\n\t}\r\n}"
        );
    }

    #[test]
    fn nothing_is_added_to_what_is_not_a_mapping_of_its_place() {
        for text in ["p: 1\n", "p:\n", "q: &q {a: 1}\np: *q\n"] {
            let written = with(text, |draft, node| {
                assert!(!draft.put_first(node.entry("p").unwrap(), &[("x", "1".to_owned())]));
            });
            assert_eq!(written, text);
        }
    }

    #[test]
    fn an_entry_goes_with_its_lines_and_comments_stay() {
        for (text, expected) in [
            ("a: 1\np: 2 # of p\nb: 3\n", "a: 1\nb: 3\n"),
            ("# of p\np:\n  # of x\n  - x\n\nb: 3\n", "# of p\n# of x\n\nb: 3\n"),
            ("a: >\n  1\np:\n    # of x\n  - x\n", "a: >\n  1\n# of x\n"),
            ("a: 1\n\np: 2\n\nb: 3\n", "a: 1\n\nb: 3\n"),
            ("a: 1\r\n\r\np: 2\r\n\r\nb: 3\r\n", "a: 1\r\n\r\nb: 3\r\n"),
            ("a: 1\np: 2", "a: 1\n"),
            ("{\"a\": 1, \"p\": 2, \"b\": 3}", "{\"a\": 1, \"b\": 3}"),
            ("{\n  \"a\": 1,\n  \"p\": 2\n}\n", "{\n  \"a\": 1\n}\n"),
            ("{\n  \"p\": 1,\n  \"a\": 2\n}\n", "{\n  \"a\": 2\n}\n"),
        ] {
            let written = with(text, |draft, node| assert!(draft.remove_entry(node, "p")));
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn elements_go_and_the_others_stay() {
        for (text, gone, expected) in [
            ("p:\n- a # of a\n- b\n", vec![true, false], "p:\n- b\n"),
            (
                "p:\n  - a\n  # of b\n  - b\n",
                vec![false, true],
                "p:\n  - a\n  # of b\n",
            ),
            ("p:\n  - a:\n      - b\n  - c\n", vec![true, false], "p:\n  - c\n"),
            ("p: [a, b, c]\n", vec![true, true, false], "p: [c]\n"),
            ("p: [a, b, c]\n", vec![false, true, true], "p: [a]\n"),
            ("p: [a, b, c]\n", vec![true, false, true], "p: [b]\n"),
        ] {
            let written = with(text, |draft, node| {
                assert!(draft.remove_elements(node.get("p").unwrap(), gone));
            });
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn what_shares_its_line_with_others_is_not_removed() {
        let text = "p:\n- - a\n  - b\n";
        let written = with(text, |draft, node| {
            let inner = &node.get("p").unwrap().elements().unwrap()[0];
            assert!(!draft.remove_elements(inner, vec![true, false]));
        });
        assert_eq!(written, text);
    }
}
