//! A document's fields, taken one by one into the SDK's types: what nobody takes is an error, so that nothing which was
//! composed is lost on the way.

use std::collections::HashMap;

use aws_sdk_ecs::error::BuildError;
use serde_json::{Map, Value};

/// The fields of one structure that are still to be taken.
pub(super) struct Fields {
    structure: &'static str,
    fields: Map<String, Value>,
}

/// Builds one structure of the SDK's from a document, whole.
pub(super) fn built<T>(
    structure: &'static str,
    document: Value,
    build: impl FnOnce(&mut Fields) -> Result<T, BuildError>,
) -> Result<T, BuildError> {
    let Value::Object(fields) = document else {
        return Err(BuildError::other(format!("{structure} is not an object")));
    };
    let mut fields = Fields { structure, fields };
    let whole = build(&mut fields)?;
    match fields.fields.keys().next() {
        Some(left) => Err(BuildError::other(format!("{structure}.{left} is not sent"))),
        None => Ok(whole),
    }
}

impl Fields {
    /// What is composed under that name, if it is what it must be.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Option<T>) -> Result<Option<T>, BuildError> {
        let Some(value) = self.fields.remove(name) else {
            return Ok(None);
        };
        let wrong = || BuildError::other(format!("{}.{name} is not what it must be", self.structure));
        read(value).map(Some).ok_or_else(wrong)
    }

    /// Leaves a field to somebody else.
    pub(super) fn leave(&mut self, name: &str) {
        self.fields.remove(name);
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, BuildError> {
        self.take(name, text)
    }

    /// One of an enumeration's words.
    pub(super) fn word<T: for<'a> From<&'a str>>(&mut self, name: &str) -> Result<Option<T>, BuildError> {
        Ok(self.text(name)?.map(|word| T::from(&word)))
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<i32>, BuildError> {
        self.take(name, |value| number(&value))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, BuildError> {
        self.take(name, |value| value.as_bool())
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, BuildError> {
        self.take(name, |value| elements(value)?.into_iter().map(text).collect())
    }

    pub(super) fn numbers(&mut self, name: &str) -> Result<Option<Vec<i32>>, BuildError> {
        self.take(name, |value| elements(value)?.iter().map(number).collect())
    }

    pub(super) fn words<T: for<'a> From<&'a str>>(&mut self, name: &str) -> Result<Option<Vec<T>>, BuildError> {
        let words = self.texts(name)?;
        Ok(words.map(|words| words.iter().map(|word| T::from(word)).collect()))
    }

    pub(super) fn map(&mut self, name: &str) -> Result<Option<HashMap<String, String>>, BuildError> {
        self.take(name, |value| match value {
            Value::Object(fields) => (fields.into_iter())
                .map(|(name, value)| Some((name, text(value)?)))
                .collect(),
            _ => None,
        })
    }

    pub(super) fn one<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(Value) -> Result<T, BuildError>,
    ) -> Result<Option<T>, BuildError> {
        self.take(name, Some)?.map(build).transpose()
    }

    pub(super) fn many<T>(
        &mut self,
        name: &str,
        build: impl FnMut(Value) -> Result<T, BuildError>,
    ) -> Result<Option<Vec<T>>, BuildError> {
        let elements = self.take(name, elements)?;
        let all = elements.map(|elements| elements.into_iter().map(build).collect());
        all.transpose()
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i32> {
    i32::try_from(value.as_i64()?).ok()
}

fn elements(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(elements) => Some(elements),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_sent_or_not_what_it_must_be_is_an_error() {
        let taken = |document: Value| built("Ulimit", document, |fields| fields.number("softLimit"));
        assert_eq!(taken(json!({"softLimit": 1})).unwrap(), Some(1));
        assert_eq!(taken(json!({})).unwrap(), None);
        for (document, message) in [
            (json!({"softLimit": 1, "colour": "blue"}), "Ulimit.colour is not sent"),
            (json!({"softLimit": "1"}), "Ulimit.softLimit is not what it must be"),
            (json!([]), "Ulimit is not an object"),
        ] {
            let error = taken(document).unwrap_err();
            assert!(format!("{error:?}").contains(message), "{error:?}");
        }
    }
}
