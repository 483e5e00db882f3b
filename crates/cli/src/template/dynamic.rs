//! Dynamic references: texts that CloudFormation puts a value in the place of, some of them in a custom resource, too.

/// How those begin that CloudFormation resolves for every type.
const RESOLVED: &str = "{{resolve:ssm:";

/// How those begin that it resolves for its own types alone.
const SECURE: [&str; 2] = ["{{resolve:secretsmanager:", "{{resolve:ssm-secure:"];

/// A text taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DynamicPiece<'a> {
    /// Text outside of references.
    Text(&'a str),
    /// A reference that is resolved before anybody else sees the text.
    Reference(&'a str),
}

/// Takes a text apart at the references to SSM parameters that are not secrets.
#[must_use]
pub fn dynamic_pieces(text: &str) -> Vec<DynamicPiece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(RESOLVED) {
        let Some(length) = rest[start..].find("}}") else { break };
        let end = start + length + 2;
        if start > 0 {
            pieces.push(DynamicPiece::Text(&rest[..start]));
        }
        pieces.push(DynamicPiece::Reference(&rest[start..end]));
        rest = &rest[end..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(DynamicPiece::Text(rest));
    }
    pieces
}

/// Whether a text holds a reference to a secret.
#[must_use]
pub fn holds_a_secure_reference(text: &str) -> bool {
    SECURE.iter().any(|one| text.contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_distinguished_from_the_text_around_it() {
        use DynamicPiece::{Reference, Text};
        for (text, pieces) in [
            ("a", vec![Text("a")]),
            ("", vec![Text("")]),
            ("{{resolve:ssm:/a:1}}", vec![Reference("{{resolve:ssm:/a:1}}")]),
            (
                "x{{resolve:ssm:a}}y{{resolve:ssm:b}}",
                vec![
                    Text("x"),
                    Reference("{{resolve:ssm:a}}"),
                    Text("y"),
                    Reference("{{resolve:ssm:b}}"),
                ],
            ),
            ("{{resolve:ssm:a", vec![Text("{{resolve:ssm:a")]),
            ("{{resolve:ssm-secure:a}}", vec![Text("{{resolve:ssm-secure:a}}")]),
        ] {
            assert_eq!(dynamic_pieces(text), pieces, "{text}");
        }
    }
}
