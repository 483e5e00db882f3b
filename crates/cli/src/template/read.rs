//! From a text to nodes: YAML, of which JSON is a part, with CloudFormation's short forms as tags.

use std::{collections::HashMap, fmt};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::{Entry, Extent, Kind, Node, Place, yaml_1_1};

/// Far more than fits into the largest template, 1 MB; aliases could make a small file as large as they please.
const MOST: usize = 1_000_000;

/// Why a text is not a template, and where it ceases to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub problem: String,
    /// Where.
    pub at: Place,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Unreadable {}

/// A word without quotes of which CloudFormation makes another text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reread {
    /// Where.
    pub at: Extent,
    /// The word.
    pub written: String,
    /// What arrives.
    pub arrives: String,
}

/// Reads a template's text as CloudFormation does.
///
/// # Errors
/// The first thing that is not valid YAML or JSON, a key that is given twice, a second document, or nothing at all.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    read_and_compare(text).map(|(node, _)| node)
}

/// Reads a template's text as CloudFormation does, and says what it makes another text of.
///
/// # Errors
/// As [`read`].
pub fn read_and_compare(text: &str) -> Result<(Node, Vec<Reread>), Unreadable> {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    events(text, !is_json)
}

/// Reads a text as it is written.
///
/// # Errors
/// As [`read`].
pub fn read_as_written(text: &str) -> Result<Node, Unreadable> {
    events(text, false).map(|(node, _)| node)
}

fn events(text: &str, as_yaml_1_1: bool) -> Result<(Node, Vec<Reread>), Unreadable> {
    let mut reader = Reader {
        places: Places::of(text),
        anchors: HashMap::new(),
        open: Vec::new(),
        made: 0,
        whole: None,
        as_yaml_1_1,
        reread: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Unreadable {
            problem: format!("is neither YAML nor JSON: {}", error.info()),
            at: reader.places.place(*error.marker()),
        })?;
        reader.take(event, span)?;
    }
    let whole = reader.whole.ok_or_else(|| Unreadable {
        problem: "is empty".to_owned(),
        at: Place {
            offset: 0,
            line: 1,
            column: 1,
        },
    })?;
    Ok((whole, reader.reread))
}

/// Bytes before each character: the parser counts in characters.
struct Places(Vec<usize>);

impl Places {
    fn of(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn place(&self, marker: Marker) -> Place {
        let last = self.0.last().copied().unwrap_or_default();
        Place {
            offset: self.0.get(marker.index()).copied().unwrap_or(last),
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

struct Reader {
    places: Places,
    anchors: HashMap<usize, Node>,
    /// What has begun and not ended, the innermost last.
    open: Vec<Open>,
    made: usize,
    whole: Option<Node>,
    as_yaml_1_1: bool,
    reread: Vec<Reread>,
}

struct Open {
    node: Node,
    anchor: usize,
    /// A mapping's key, until its value is there.
    key: Option<(String, Place, Place)>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let (start, end) = (self.places.place(span.start), self.places.place(span.end));
        let node = |kind, tag: Option<std::borrow::Cow<'_, Tag>>| Node {
            kind,
            tag: tag.and_then(|tag| short_form(&tag)),
            start,
            end,
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                // What has a tag is what the tag says.
                let arrives = (self.as_yaml_1_1 && plain && tag.is_none())
                    .then(|| yaml_1_1::made(&text))
                    .flatten();
                let mut node = node(Kind::Scalar(text.into_owned(), plain), tag);
                if let (Some(arrives), Kind::Scalar(written, _)) = (arrives, &mut node.kind) {
                    self.reread.push(Reread {
                        at: Extent { start, end },
                        written: std::mem::replace(written, arrives.clone()),
                        arrives,
                    });
                }
                self.complete(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(node(Kind::Sequence(Vec::new()), tag), anchor);
                Ok(())
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(node(Kind::Mapping(Vec::new()), tag), anchor);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { mut node, anchor, .. }) => {
                    node.end = end;
                    merge(&mut node);
                    self.complete(node, anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(anchored) => {
                    let (kind, tag) = (anchored.kind.clone(), anchored.tag.clone());
                    self.made += size(&kind);
                    self.complete(Node { kind, tag, start, end }, 0)
                }
                None => Err(Unreadable {
                    problem: "refers to an anchor that is not there".to_owned(),
                    at: start,
                }),
            },
            Event::DocumentStart(_) if self.whole.is_some() => Err(Unreadable {
                problem: "is a second document; a template is one".to_owned(),
                at: start,
            }),
            Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => {
                Ok(())
            }
        }
    }

    fn begin(&mut self, node: Node, anchor: usize) {
        self.open.push(Open {
            node,
            anchor,
            key: None,
        });
    }

    /// Puts what is whole into what is open.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        self.made += 1;
        if self.made > MOST {
            return Err(Unreadable {
                problem: "is larger than any template, with its aliases".to_owned(),
                at: node.start,
            });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.whole = Some(node);
            return Ok(());
        };
        match (&mut open.node.kind, open.key.take()) {
            (Kind::Sequence(elements), _) => elements.push(node),
            (Kind::Mapping(entries), Some((name, at, until))) => add(
                entries,
                Entry {
                    name,
                    at,
                    until,
                    value: node,
                },
            )?,
            (Kind::Mapping(_), None) => match node.kind {
                Kind::Scalar(name, _) => open.key = Some((name, node.start, node.end)),
                Kind::Sequence(_) | Kind::Mapping(_) => {
                    return Err(Unreadable {
                        problem: "is a key that is not a text".to_owned(),
                        at: node.start,
                    });
                }
            },
            (Kind::Scalar(..), _) => {}
        }
        Ok(())
    }
}

/// Adds a key with its value to a mapping.
fn add(entries: &mut Vec<Entry>, entry: Entry) -> Result<(), Unreadable> {
    if let Some(before) = entries.iter().find(|before| before.name == entry.name) {
        return Err(Unreadable {
            problem: format!(
                "has the key `{}` twice; the first is in line {}",
                entry.name, before.at.line
            ),
            at: entry.at,
        });
    }
    entries.push(entry);
    Ok(())
}

/// Puts in the place of `<<` what the mappings have that it names, unless it is written: CloudFormation itself has no
/// such merge, but `aws cloudformation package` resolves it.
fn merge(node: &mut Node) {
    let Kind::Mapping(entries) = &mut node.kind else { return };
    let Some(at) = entries.iter().position(|entry| entry.name == "<<") else {
        return;
    };
    let merged = entries.remove(at).value;
    let others = match merged.kind {
        Kind::Sequence(others) => others,
        Kind::Mapping(_) | Kind::Scalar(..) => vec![merged],
    };
    for entry in others.iter().flat_map(Node::entries) {
        if !entries.iter().any(|written| written.name == entry.name) {
            entries.push(entry.clone());
        }
    }
}

/// How many nodes there are in it.
fn size(kind: &Kind) -> usize {
    match kind {
        Kind::Scalar(..) => 1,
        Kind::Sequence(elements) => 1 + elements.iter().map(|element| size(&element.kind)).sum::<usize>(),
        Kind::Mapping(entries) => 1 + entries.iter().map(|entry| size(&entry.value.kind)).sum::<usize>(),
    }
}

/// `!Ref` is `Ref`; YAML's own tags, such as `!!str`, are not short forms.
fn short_form(tag: &Tag) -> Option<String> {
    (tag.handle == "!" && !tag.suffix.is_empty()).then(|| tag.suffix.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node as JSON, short forms in their long form.
    fn shown(node: &Node) -> String {
        let inner = match &node.kind {
            Kind::Scalar(text, true) => text.clone(),
            Kind::Scalar(text, false) => format!("{text:?}"),
            Kind::Sequence(elements) => {
                let elements: Vec<String> = elements.iter().map(shown).collect();
                format!("[{}]", elements.join(", "))
            }
            Kind::Mapping(entries) => {
                let entries: Vec<String> = (entries.iter())
                    .map(|entry| format!("{}: {}", entry.name, shown(&entry.value)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        };
        match &node.tag {
            Some(tag) => format!("!{tag} {inner}"),
            None => inner,
        }
    }

    #[test]
    fn yaml_and_json_are_read_with_short_forms_aliases_and_merges() {
        for (text, expected) in [
            ("a: 1\nb: '1'\n", "{a: 1, b: \"1\"}"),
            (
                "a: !Ref B\nc: !If [X, !GetAtt Y.Z, '']",
                "{a: !Ref B, c: !If [X, !GetAtt Y.Z, \"\"]}",
            ),
            ("a: !Sub |\n  x\n  y\n", "{a: !Sub \"x\\ny\\n\"}"),
            ("a: &x {b: 1}\nc: *x\n", "{a: {b: 1}, c: {b: 1}}"),
            (
                "a: &x {b: 1, d: 2}\nc:\n  <<: *x\n  b: 3\n",
                "{a: {b: 1, d: 2}, c: {b: 3, d: 2}}",
            ),
            (
                "{\"a\": {\"Fn::Sub\": \"x\"},\n\t\"b\": [true, null, 1.5]}",
                "{a: {Fn::Sub: \"x\"}, b: [true, null, 1.5]}",
            ),
            ("a: !!str 1", "{a: 1}"),
            (
                "a: 0022\nb: !!str 0022\nc: '0022'\n0x1F: !Ref yes\n",
                "{a: 18, b: 0022, c: \"0022\", 31: !Ref yes}",
            ),
            ("{\"a\": 1.10, \"b\": \"yes\"}", "{a: 1.10, b: \"yes\"}"),
        ] {
            assert_eq!(shown(&read(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn every_place_is_that_of_the_text() {
        let text = "é: ü\nb:\n  - !Ref 'C'\n";
        let node = read(text).unwrap();
        let element = &node.get("b").unwrap().elements().unwrap()[0];
        assert_eq!(&text[element.start.offset..element.end.offset], "!Ref 'C'");
        assert_eq!(element.start.to_string(), "3:5");
        let key = node.entry("b").unwrap();
        assert_eq!(&text[key.at.offset..key.until.offset], "b");
    }

    #[test]
    fn what_is_not_a_template_is_refused_where_it_ceases_to_be_one() {
        let bomb: String = (0..40).fold("a0: &a0 x\n".to_owned(), |text, n| {
            format!("{text}a{}: &a{} [*a{n}, *a{n}]\n", n + 1, n + 1)
        });
        for (text, expected) in [
            ("", "1:1 is empty"),
            (
                "a: 1\nb: 2\na: 3\n",
                "3:1 has the key `a` twice; the first is in line 1",
            ),
            ("a: 1\n---\nb: 2\n", "2:1 is a second document; a template is one"),
            ("[a]: 1", "1:1 is a key that is not a text"),
            (&bomb, "is larger than any template, with its aliases"),
            ("a: *b", "is neither YAML nor JSON: "),
            ("a: [1", "is neither YAML nor JSON: "),
        ] {
            let refused = read(text).unwrap_err();
            let message = format!("{} {refused}", refused.at);
            assert!(message.contains(expected), "{message}");
        }
    }
}
