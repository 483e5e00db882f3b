//! The template's `Transform`, without the macro.

use super::{Options, draft::Draft};
use crate::template::{Kind, Node};

/// Every version of the macro is called so, with its date behind it.
const NAMES: &str = "Buildkite-Agents-";

/// Takes the macro's name away; others stay. Whether it was there is said.
pub(super) fn migrate(draft: &mut Draft<'_>, root: &Node, options: &Options, resources: usize) -> bool {
    let Some(entry) = root.entry("Transform") else {
        return false;
    };
    let is_ours = |node: &Node| {
        name(node).is_some_and(|name| name.starts_with(NAMES) || options.macro_name.as_deref() == Some(name))
    };
    let transform = &entry.value;
    let gone: Vec<bool> = match transform.elements() {
        Some(elements) => elements.iter().map(is_ours).collect(),
        None => vec![is_ours(transform)],
    };
    if !gone.contains(&true) {
        if resources > 0 {
            draft.warn(
                entry.at,
                "none of these is known as the macro: say its name with `--macro NAME`",
            );
        }
        return false;
    }
    let removed = if gone.contains(&false) {
        draft.remove_elements(transform, gone)
    } else {
        draft.remove_entry(root, &entry.name)
    };
    if !removed {
        draft.warn(entry.at, "the macro's name could not be taken away: remove it here");
    }
    true
}

/// The name of a transform, which may have parameters.
fn name(transform: &Node) -> Option<&str> {
    transform.text().or_else(|| transform.get("Name").and_then(Node::text))
}

/// Looks for what only the macro could have expanded where this does not look for it.
pub(super) fn left_over(draft: &mut Draft<'_>, node: &Node) {
    if draft.layout.is_alias(node) {
        return;
    }
    match &node.kind {
        Kind::Scalar(..) => {}
        Kind::Sequence(elements) => {
            for element in elements {
                left_over(draft, element);
            }
        }
        Kind::Mapping(entries) => {
            for entry in entries {
                let macro_named = (entry.name == "Fn::Transform")
                    .then(|| name(&entry.value))
                    .flatten()
                    .is_some_and(|name| name.starts_with(NAMES));
                let macro_type = entry.name == "Type" && super::resources::of_the_macro(&entry.value).is_some();
                if macro_named {
                    draft.warn(entry.at, "the macro is called here: remove it");
                } else if macro_type {
                    draft.warn(
                        entry.at,
                        "this is no resource of `Resources`, so it is left as it is: write it there, and run this again",
                    );
                }
                left_over(draft, &entry.value);
            }
        }
    }
}
