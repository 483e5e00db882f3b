//! `Fn::Sub`'s text, taken apart.

use super::Node;

/// A part of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubPiece {
    /// Text outside of `${…}`.
    Text(String),
    /// `${NAME}`.
    Name(String),
}

/// Takes a text apart at its `${NAME}`; `${!NAME}` is the text `${NAME}`.
#[must_use]
pub fn sub_pieces(text: &str) -> Vec<SubPiece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        pieces.push(SubPiece::Text(before.to_owned()));
        pieces.push(match name.strip_prefix('!') {
            Some(literal) => SubPiece::Text(format!("${{{literal}}}")),
            None => SubPiece::Name(name.trim().to_owned()),
        });
        rest = behind;
    }
    pieces.push(SubPiece::Text(rest.to_owned()));
    pieces
}

/// The names of the template that an argument of `Fn::Sub` has: not those of its own variables.
#[must_use]
pub fn names_in_sub(argument: &Node) -> Vec<String> {
    let (text, variables) = match argument.elements() {
        Some([text, variables]) => (text.text(), variables.entries()),
        Some(_) => (None, &[][..]),
        None => (argument.text(), &[][..]),
    };
    let names = sub_pieces(text.unwrap_or_default())
        .into_iter()
        .filter_map(|piece| match piece {
            SubPiece::Name(name) => Some(name),
            SubPiece::Text(_) => None,
        });
    names
        .filter(|name| !variables.iter().any(|variable| variable.name == *name))
        .collect()
}
