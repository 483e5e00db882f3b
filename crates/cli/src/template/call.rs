//! Intrinsic functions as they are written, in their short and their long form.

use serde_json::{Map, Value, json};

use super::{Kind, Node};

/// One call of an intrinsic function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name without `Fn::`: `Ref`, `GetAtt`, `Sub`, …
    pub name: String,
    /// What it is called with.
    pub argument: Node,
}

impl Call {
    /// The call that is there, if one is. `{Condition: NAME}` is one only where a condition is asked for.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        if let Some(tag) = &node.tag {
            return Some(Self {
                name: tag.clone(),
                argument: Node {
                    tag: None,
                    ..node.clone()
                },
            });
        }
        let [entry] = node.entries() else { return None };
        let name = match entry.name.as_str() {
            "Ref" => "Ref",
            name => name.strip_prefix("Fn::")?,
        };
        Some(Self {
            name: name.to_owned(),
            argument: entry.value.clone(),
        })
    }

    /// What `GetAtt` is of: the logical id and the attribute's name; `None` where that is not written out.
    #[must_use]
    pub fn attribute(&self) -> Option<(String, String)> {
        if self.name != "GetAtt" {
            return None;
        }
        if let Some(text) = self.argument.text() {
            return text
                .split_once('.')
                .map(|(id, attribute)| (id.to_owned(), attribute.to_owned()));
        }
        match self.argument.elements()? {
            [id, attribute] => Some((id.text()?.to_owned(), attribute.text()?.to_owned())),
            _ => None,
        }
    }
}

/// A node as a JSON template has it: short forms in their long form.
#[must_use]
pub fn long_form(node: &Node) -> Value {
    if node.tag.is_some()
        && let Some(call) = Call::of(node)
    {
        let argument = match call.attribute() {
            Some((id, attribute)) => json!([id, attribute]),
            None => long_form(&call.argument),
        };
        let name = match call.name.as_str() {
            "Ref" | "Condition" => call.name,
            name => format!("Fn::{name}"),
        };
        return json!({ name: argument });
    }
    match &node.kind {
        Kind::Scalar(..) if node.is_null() => Value::Null,
        Kind::Scalar(text, true) => plain(text),
        Kind::Scalar(text, false) => text.clone().into(),
        Kind::Sequence(elements) => elements.iter().map(long_form).collect(),
        Kind::Mapping(entries) => {
            let entries = entries
                .iter()
                .map(|entry| (entry.name.clone(), long_form(&entry.value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

/// A scalar without quotes: a number or a boolean only where JSON writes it alike, so that what arrives stays what it is.
fn plain(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => number.into(),
            Ok(_) | Err(_) => text.into(),
        },
    }
}

/// A node in one line, in short form.
#[must_use]
pub fn short_form(node: &Node) -> String {
    if let Some(call) = Call::of(node) {
        let argument = match call.attribute() {
            Some((id, attribute)) => format!("{id}.{attribute}"),
            None => short_form(&call.argument),
        };
        return format!("!{} {argument}", call.name);
    }
    match &node.kind {
        Kind::Scalar(text, _) if text.is_empty() => "''".to_owned(),
        Kind::Scalar(text, _) => text.clone(),
        Kind::Sequence(elements) => {
            let elements: Vec<String> = elements.iter().map(short_form).collect();
            format!("[{}]", elements.join(", "))
        }
        Kind::Mapping(entries) => {
            let entries: Vec<String> = (entries.iter())
                .map(|entry| format!("{}: {}", entry.name, short_form(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::read;

    #[test]
    fn both_forms_of_a_call_are_the_same() {
        for (short, long) in [
            ("!Ref X", r#"{"Ref": "X"}"#),
            ("!GetAtt X.Outputs.Image", r#"{"Fn::GetAtt": ["X", "Outputs.Image"]}"#),
            (
                "!Sub ['${A}', {A: !Ref B}]",
                r#"{"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}"#,
            ),
            ("!If [C, 1, '']", r#"{"Fn::If": ["C", 1, ""]}"#),
            (
                "{a: !Split [',', b], c: 010, d: 1.10, e: yes}",
                r#"{"a": {"Fn::Split": [",", "b"]}, "c": 8, "d": "1.1", "e": true}"#,
            ),
        ] {
            let (short, long) = (read(short).unwrap(), read(long).unwrap());
            assert_eq!(long_form(&short), long_form(&long));
            assert_eq!(short_form(&short), short_form(&long));
        }
    }
}
