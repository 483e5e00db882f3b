//! References to secrets that CloudFormation resolves in its own types and leaves as they are in a custom resource.

use agent_composer_model::properties::secure_reference;

use crate::template::{Extent, Kind, Node, extent};

/// One that is written somewhere.
pub(crate) struct SecureReference {
    /// Where.
    pub(crate) at: Extent,
    /// What is wrong with it, and the entry of `Secrets` to write instead.
    pub(crate) problem: String,
}

/// All that are written in a resource's properties.
pub(crate) fn secure_references_in(properties: &Node) -> Vec<SecureReference> {
    let mut found = Vec::new();
    look(properties, None, &mut found);
    found
}

/// Looks through a node; `variable` is the name of the variable that has it.
fn look(node: &Node, variable: Option<&str>, found: &mut Vec<SecureReference>) {
    match &node.kind {
        Kind::Scalar(text, _) => found.extend(secure_reference(text, variable).map(|problem| SecureReference {
            at: extent(node),
            problem,
        })),
        Kind::Sequence(elements) => elements.iter().for_each(|element| look(element, variable, found)),
        Kind::Mapping(entries) => {
            let name = node.get("Name").and_then(Node::text).or(variable);
            for entry in entries {
                look(&entry.value, name, found);
            }
        }
    }
}
