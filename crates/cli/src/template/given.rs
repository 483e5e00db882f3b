//! What is known of a deployment beside its template: parameters, exports, Region, account.

use std::collections::BTreeMap;

use super::{Node, Unreadable, read_as_written};

/// What was given; all else is not known before the deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The parameters' values, by name, which go before the template's defaults.
    pub parameters: BTreeMap<String, String>,
    /// The values of exports, by name.
    pub imports: BTreeMap<String, String>,
    /// The Region.
    pub region: Option<String>,
    /// The account's twelve digits.
    pub account: Option<String>,
    /// The stack's name.
    pub stack_name: Option<String>,
    /// The stack's ARN, where it is there already.
    pub stack_id: Option<String>,
    /// What `Ref` of a resource is, by logical id, where the stack is there already.
    pub references: BTreeMap<String, String>,
    /// Attributes of its resources, by `LOGICAL_ID.ATTRIBUTE`.
    pub attributes: BTreeMap<String, String>,
}

/// Reads a file of parameters, in any of the forms that the AWS CLI, SAM and CodePipeline have: a list of
/// `{ParameterKey, ParameterValue}`, of `Name=Value`, or an object, alone or under `Parameters`.
///
/// # Errors
/// Where it is none of them.
pub fn parameters(text: &str) -> Result<BTreeMap<String, String>, Unreadable> {
    let whole = read_as_written(text)?;
    let node = whole.get("Parameters").unwrap_or(&whole);
    let at = node.start;
    let wrong = |at| {
        Unreadable {
        problem: "is not a parameter; write [{\"ParameterKey\": …, \"ParameterValue\": …}], [\"Name=Value\"] or {\"Name\": \"Value\"}"
            .to_owned(),
        at,
    }
    };
    if let Some(elements) = node.elements() {
        let one = |element: &Node| {
            let text = |name| element.get(name).and_then(Node::text).map(ToOwned::to_owned);
            let pair = element.text().and_then(|text| text.split_once('='));
            (text("ParameterKey").zip(text("ParameterValue")))
                .or_else(|| pair.map(|(name, value)| (name.to_owned(), value.to_owned())))
                .ok_or_else(|| wrong(element.start))
        };
        return elements.iter().map(one).collect();
    }
    if node.entries().is_empty() {
        return Err(wrong(at));
    }
    (node.entries().iter())
        .map(|entry| {
            let value = entry.value.text().ok_or_else(|| wrong(entry.at))?;
            Ok((entry.name.clone(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_parameter_file_is_read() {
        for text in [
            r#"[{"ParameterKey": "A", "ParameterValue": "1"}, {"ParameterKey": "B", "ParameterValue": "x=y"}]"#,
            r#"["A=1", "B=x=y"]"#,
            r#"{"A": "1", "B": "x=y"}"#,
            r#"{"Parameters": {"A": 1, "B": "x=y"}}"#,
            "A: 1\nB: x=y\n",
        ] {
            let read = parameters(text).unwrap();
            let expected = [("A", "1"), ("B", "x=y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(read, expected.into(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_file_of_parameters_is_refused_where_it_ceases_to_be_one() {
        assert_eq!(parameters("- A=1\n- B\n").unwrap_err().at.to_string(), "2:3");
        assert_eq!(parameters("A: 1\nB: [2]\n").unwrap_err().at.to_string(), "2:1");
        assert_eq!(parameters("1").unwrap_err().at.to_string(), "1:1");
    }
}
