//! What a template leaves to be made by others: by transforms, includes, and loops that can't be followed.

use super::{Node, is_loop};

/// Adds loops and nothing else; those are followed here.
const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

/// Whether something that is not written in a section may be there at the deployment.
#[must_use]
pub fn may_be_made(template: &Node, section: &str) -> bool {
    let in_section = template.get(section).map(Node::entries).unwrap_or_default();
    let at_the_top = template.entries().iter().any(|entry| entry.name == "Fn::Transform");
    at_the_top
        || makes_names(template)
        || in_section
            .iter()
            .any(|entry| entry.name == "Fn::Transform" || is_loop(&entry.name))
}

/// Whether one of the template's own transforms may add to it.
fn makes_names(template: &Node) -> bool {
    transforms(template)
        .iter()
        .any(|transform| transform.text() != Some(LANGUAGE_EXTENSIONS))
}

/// Whether CloudFormation is asked to follow loops.
#[must_use]
pub fn has_language_extensions(template: &Node) -> bool {
    transforms(template)
        .iter()
        .any(|transform| transform.text() == Some(LANGUAGE_EXTENSIONS))
}

fn transforms(template: &Node) -> Vec<&Node> {
    let transform = template.get("Transform");
    match transform.and_then(Node::elements) {
        Some(elements) => elements.iter().collect(),
        None => transform.into_iter().collect(),
    }
}
