//! How a template is laid out: its lines, its indentation, and where what is written really ends.

use std::ops::Range;

use crate::template::{Kind, Node};

/// A template's text, and whether it is JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout<'t> {
    /// The whole text.
    pub(super) text: &'t str,
    /// Whether it is JSON, which has no short forms and no words without quotes.
    pub(super) json: bool,
}

impl<'t> Layout<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        Self { text, json }
    }

    /// Where the line of a byte begins.
    pub(super) fn line_start(self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |before| before + 1)
    }

    /// Where the line after that of a byte begins.
    pub(super) fn next_line(self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |end| at + end + 1)
    }

    /// What comes before a byte in its line.
    pub(super) fn before(self, at: usize) -> &'t str {
        &self.text[self.line_start(at)..at]
    }

    /// How the line of a byte is ended; the last line as the one before it.
    pub(super) fn line_break(self, at: usize) -> &'static str {
        let line = &self.text[..self.next_line(at)];
        let before = if line.ends_with('\n') { line } else { self.text };
        if before.ends_with("\r\n") || !line.ends_with('\n') && before.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// Whether a node is between brackets or braces.
    pub(super) fn is_flow(self, node: &Node) -> bool {
        self.text[self.content(node)..].starts_with(['[', '{'])
    }

    /// Whether a node only names an anchor: what it holds is elsewhere.
    pub(super) fn is_alias(self, node: &Node) -> bool {
        self.text[node.start.offset..].starts_with('*')
    }

    /// Where a node begins without its anchor.
    pub(super) fn tagged(self, node: &Node) -> usize {
        self.skipped(node, &['&'])
    }

    /// Where a node begins without anchor and short form.
    pub(super) fn content(self, node: &Node) -> usize {
        self.skipped(node, &['&', '!'])
    }

    fn skipped(self, node: &Node, signs: &[char]) -> usize {
        let Range { start, end } = node.start.offset..node.end.offset;
        let mut at = start;
        while self.text[at..end].starts_with(signs) {
            let rest = &self.text[at..end];
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            at += word + (rest[word..].len() - rest[word..].trim_start().len());
        }
        at
    }

    /// Where a node ends, without what is empty after it. Of what the reader says only the end of a scalar is
    /// taken: that of a collection may be before or behind a comment at its end.
    pub(super) fn end(self, node: &Node) -> usize {
        let within = node.start.offset..node.end.offset;
        let last = match &node.kind {
            Kind::Scalar(..) => None,
            Kind::Sequence(elements) => elements
                .iter()
                .filter(|element| within.contains(&element.start.offset))
                .map(|element| self.end(element))
                .max(),
            Kind::Mapping(entries) => entries
                .iter()
                .filter(|entry| within.contains(&entry.at.offset))
                .map(|entry| self.end(&entry.value).max(entry.until.offset))
                .max(),
        };
        if !matches!(node.kind, Kind::Scalar(..)) && self.is_flow(node) {
            return self.closed(last.unwrap_or(self.content(node) + 1));
        }
        last.unwrap_or_else(|| self.text[..within.end].trim_end().len().max(within.start))
    }

    /// Behind the bracket or brace that closes what ends here but for commas and comments.
    fn closed(self, from: usize) -> usize {
        let mut comment = false;
        for (at, sign) in self.text[from..].char_indices() {
            match sign {
                '#' => comment = true,
                '\n' => comment = false,
                ']' | '}' if !comment => return from + at + 1,
                _ => {}
            }
        }
        self.text.len()
    }

    /// What is written of a node.
    pub(super) fn written(self, node: &Node) -> &'t str {
        &self.text[node.start.offset..self.end(node)]
    }

    /// A function with its argument, as this text writes it.
    pub(super) fn call(self, name: &str, argument: &str) -> String {
        match (self.json, name) {
            (true, "Ref") => format!("{{\"Ref\": \"{argument}\"}}"),
            (true, _) => format!("{{\"Fn::{name}\": \"{argument}\"}}"),
            (false, _) => format!("!{name} {argument}"),
        }
    }

    /// A word, as this text writes it.
    pub(super) fn word(self, word: &str) -> String {
        if self.json {
            format!("\"{word}\"")
        } else {
            word.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::read;

    #[test]
    fn a_node_ends_with_what_is_written_of_it() {
        for (value, written) in [
            ("!Ref X   # why", "!Ref X"),
            ("&a !Ref 'X'", "&a !Ref 'X'"),
            ("[x, y]  # why", "[x, y]"),
            ("[x, {y: }, ]  # why ]", "[x, {y: }, ]"),
            ("{x: [], # ]}\n  }", "{x: [], # ]}\n  }"),
            ("{ }  # why", "{ }"),
            ("{x: y}\n\n", "{x: y}"),
            ("\n  - x\n  - - y # why\n\n# more", "- x\n  - - y"),
            ("\n  x:\n    y: z\n\n  # more\n", "x:\n    y: z"),
            ("!Sub |\n  x\n  y\n\n", "!Sub |\n  x\n  y"),
        ] {
            for line_break in ["\n", "\r\n"] {
                let text = format!("é: ü\na: {value}\nb: 1\n").replace('\n', line_break);
                let node = read(&text).unwrap();
                assert_eq!(
                    Layout::of(&text).written(node.get("a").unwrap()),
                    written.replace('\n', line_break),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_between_brackets_is_distinguished_from_what_is_not() {
        for (value, flow) in [
            ("&a [x]", true),
            ("!Sub [x]", true),
            ("{x: y}", true),
            ("\n  - [x]", false),
            ("\n  x: {}", false),
        ] {
            let text = format!("a: {value}\n");
            let node = read(&text).unwrap();
            assert_eq!(Layout::of(&text).is_flow(node.get("a").unwrap()), flow, "{text}");
        }
    }

    #[test]
    fn lines_are_ended_as_those_around() {
        assert_eq!(Layout::of("a\r\nb").line_break(0), "\r\n");
        assert_eq!(Layout::of("a\r\nb").line_break(3), "\r\n");
        assert_eq!(Layout::of("a\nb").line_break(2), "\n");
        assert_eq!(Layout::of("a").line_break(0), "\n");
    }
}
