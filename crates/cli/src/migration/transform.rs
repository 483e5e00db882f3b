//! The template's `Transform`, without the macro.

use super::{Options, draft::Draft, resources::Resource};
use crate::template::{Kind, Node};

/// Every version of the macro is called so, with its date behind it.
const NAMES: &str = "Buildkite-Agents-";

/// Takes the macro's name away; others stay. Returns whether it was there.
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
        draft.warn(entry.at, "the macro's name could not be removed: remove it by hand");
    }
    true
}

/// The name of a transform, which may have parameters.
fn name(transform: &Node) -> Option<&str> {
    transform.text().or_else(|| transform.get("Name").and_then(Node::text))
}

/// Says that the macro stays, as something needs it.
pub(super) fn stays(draft: &mut Draft<'_>, root: &Node, options: &Options) {
    let Some(entry) = root.entry("Transform") else {
        return;
    };
    let is_ours = |node: &Node| {
        name(node).is_some_and(|name| name.starts_with(NAMES) || options.macro_name.as_deref() == Some(name))
    };
    let is_there = match entry.value.elements() {
        Some(elements) => elements.iter().any(is_ours),
        None => is_ours(&entry.value),
    };
    if is_there {
        draft.warn(
            entry.at,
            "the macro and its `Globals` stay, as resources of the macro's do: once those are migrated, run this again",
        );
    }
}

/// What only the macro can expand, and this leaves as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeftOver {
    /// How many resources.
    pub(super) resources: usize,
    /// How often the macro is called.
    pub(super) calls: usize,
}

/// Looks for what only the macro could have expanded outside of its known resources.
pub(super) fn left_over(draft: &mut Draft<'_>, root: &Node, known: &[Resource<'_>]) -> LeftOver {
    let mut left = LeftOver::default();
    for section in root.entries() {
        for entry in section.value.entries() {
            look(draft, &entry.value, known, &mut left);
        }
    }
    left
}

fn look(draft: &mut Draft<'_>, node: &Node, known: &[Resource<'_>], left: &mut LeftOver) {
    if draft.layout.is_alias(node)
        || known
            .iter()
            .any(|resource| std::ptr::eq(&raw const resource.entry.value, node))
    {
        return;
    }
    match &node.kind {
        Kind::Scalar(..) => {}
        Kind::Sequence(elements) => {
            for element in elements {
                look(draft, element, known, left);
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
                    left.calls += 1;
                    draft.warn(entry.at, "the macro is called here: remove it");
                } else if macro_type {
                    left.resources += 1;
                    draft.warn(
                        entry.at,
                        "this is not one of the template's `Resources`, so it is left as it is: write it there, and run this again",
                    );
                }
                look(draft, &entry.value, known, left);
            }
        }
    }
}
