//! `Fn::ForEach`, followed where what it goes over is known: what it makes takes its place.

use super::{Call, Entry, Evaluator, Given, Kind, Mark, Node, Weight, Wrong, made_elsewhere, of_key};

const LOOP: &str = "Fn::ForEach::";

/// How many passes all loops of a template may take: far more than it may have resources, 500.
const MOST: usize = 10_000;

/// Whether that is the key of a loop.
#[must_use]
pub fn is_loop(key: &str) -> bool {
    key.starts_with(LOOP)
}

/// A template with what its loops make, and the findings about them.
#[must_use]
pub fn followed(template: &Node, given: &Given, mark: &Mark) -> (Node, Vec<Wrong>) {
    let mut loops = Loops {
        evaluator: Evaluator::new(template, given, mark.clone()),
        wrong: Vec::new(),
        are_enabled: made_elsewhere::has_language_extensions(template),
        passes: 0,
    };
    let followed = loops.follow(template);
    (followed, loops.wrong)
}

struct Loops<'a> {
    evaluator: Evaluator<'a>,
    wrong: Vec<Wrong>,
    are_enabled: bool,
    passes: usize,
}

impl Loops<'_> {
    fn follow(&mut self, node: &Node) -> Node {
        let kind = match &node.kind {
            Kind::Scalar(..) => return node.clone(),
            Kind::Sequence(elements) => Kind::Sequence(elements.iter().map(|element| self.follow(element)).collect()),
            Kind::Mapping(entries) => {
                let mut made = Vec::new();
                for entry in entries {
                    if is_loop(&entry.name) {
                        self.pass_through(entry, &mut made);
                    } else {
                        made.push(Entry {
                            value: self.follow(&entry.value),
                            ..entry.clone()
                        });
                    }
                }
                Kind::Mapping(made)
            }
        };
        Node { kind, ..node.clone() }
    }

    /// Puts what a loop makes behind what is made already, or the loop itself where it can't be followed.
    fn pass_through(&mut self, entry: &Entry, made: &mut Vec<Entry>) {
        if !self.are_enabled {
            self.say(
                Weight::Fault,
                entry,
                "is a loop, which takes `Transform: AWS::LanguageExtensions`",
            );
        }
        let Some([variable, collection, body]) = entry.value.elements() else {
            self.say(
                Weight::Fault,
                entry,
                "is not a loop: write [VARIABLE, LIST, {KEY: VALUE}]",
            );
            made.push(entry.clone());
            return;
        };
        let over = self.evaluator.list(collection);
        let (Some(variable), Some(over)) = (variable.text(), over) else {
            self.say(
                Weight::Note,
                entry,
                "goes over what is not known before the deployment: what it makes was not looked at",
            );
            made.push(entry.clone());
            return;
        };
        for value in over {
            self.passes += 1;
            if self.passes > MOST {
                self.say(Weight::Fault, entry, "makes more than fits into a template");
                return;
            }
            let pass = Pass {
                variable,
                value: &value,
            };
            for inner in body.entries() {
                let inner = pass.entry(inner);
                if is_loop(&inner.name) {
                    self.pass_through(&inner, made);
                } else {
                    made.push(Entry {
                        value: self.follow(&inner.value),
                        ..inner
                    });
                }
            }
        }
    }

    fn say(&mut self, weight: Weight, entry: &Entry, problem: &str) {
        let wrong = Wrong {
            weight,
            at: of_key(entry),
            problem: format!("`{}` {problem}", entry.name),
        };
        if !self.wrong.contains(&wrong) {
            self.wrong.push(wrong);
        }
    }
}

/// One pass through a loop's body.
struct Pass<'a> {
    variable: &'a str,
    value: &'a str,
}

impl Pass<'_> {
    fn text(&self, text: &str) -> String {
        let alphanumeric: String = self.value.chars().filter(char::is_ascii_alphanumeric).collect();
        text.replace(&format!("${{{}}}", self.variable), self.value)
            .replace(&format!("&{{{}}}", self.variable), &alphanumeric)
    }

    fn entry(&self, entry: &Entry) -> Entry {
        Entry {
            name: self.text(&entry.name),
            value: self.node(&entry.value),
            ..entry.clone()
        }
    }

    fn node(&self, node: &Node) -> Node {
        if let Some(call) = Call::of(node)
            && call.name == "Ref"
            && call.argument.text() == Some(self.variable)
        {
            return Node {
                kind: Kind::Scalar(self.value.to_owned(), false),
                tag: None,
                ..node.clone()
            };
        }
        let kind = match &node.kind {
            Kind::Scalar(text, plain) => Kind::Scalar(self.text(text), *plain),
            Kind::Sequence(elements) => Kind::Sequence(elements.iter().map(|element| self.node(element)).collect()),
            Kind::Mapping(entries) => Kind::Mapping(entries.iter().map(|entry| self.entry(entry)).collect()),
        };
        Node { kind, ..node.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{long_form, read};
    use serde_json::json;

    fn made(text: &str) -> (serde_json::Value, Vec<String>) {
        let template = read(text).unwrap();
        let (node, wrong) = followed(&template, &Given::default(), &Mark::absent_from(text));
        let findings = wrong
            .into_iter()
            .map(|wrong| format!("{:?} {}", wrong.weight, wrong.problem));
        (long_form(&node)["Resources"].clone(), findings.collect())
    }

    #[test]
    fn a_loop_over_a_list_that_is_known_is_followed() {
        let (resources, findings) = made(
            "Transform: AWS::LanguageExtensions
Parameters: {Zones: {Type: CommaDelimitedList, Default: 'a-1,b-2'}}
Resources:
  Fn::ForEach::Outer:
    - X
    - [One, !Ref 'AWS::NoValue', Two]
    - Fn::ForEach::Inner:
      - Y
      - !Ref Zones
      - Q${X}&{Y}: {A: !Ref X, B: !Sub '${X}-${Y}-${Z}'}
",
        );
        assert_eq!(findings, [] as [&str; 0]);
        let pass = |x: &str, y: &str| json!({"A": x, "B": {"Fn::Sub": format!("{x}-{y}-${{Z}}")}});
        assert_eq!(
            resources,
            json!({"QOnea1": pass("One", "a-1"), "QOneb2": pass("One", "b-2"), "QTwoa1": pass("Two", "a-1"), "QTwob2": pass("Two", "b-2")})
        );
    }

    #[test]
    fn a_loop_over_what_is_not_known_stays_and_that_is_reported() {
        let (resources, findings) = made(
            "Transform: AWS::LanguageExtensions\nParameters: {Zones: {Type: CommaDelimitedList}}\n\
             Resources:\n  Fn::ForEach::A: [X, !Ref Zones, {'Q${X}': {A: !Ref X}}]\n",
        );
        assert!(resources["Fn::ForEach::A"].is_array());
        assert_eq!(
            findings,
            [
                "Note `Fn::ForEach::A` goes over what is not known before the deployment: what it makes was not looked at"
            ]
        );
    }

    #[test]
    fn a_loop_without_its_transform_is_a_fault() {
        let (_, findings) = made("Resources:\n  Fn::ForEach::A: [X, [a], {'Q${X}': 1}]\n");
        assert_eq!(
            findings,
            ["Fault `Fn::ForEach::A` is a loop, which takes `Transform: AWS::LanguageExtensions`"]
        );
    }
}
