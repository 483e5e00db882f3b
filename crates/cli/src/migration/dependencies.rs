//! `DependsOn` of what the macro made: of the resource itself, once.

use super::{draft::Draft, generated::Generated};
use crate::template::{Entry, Kind, Node};

/// Rewrites the `DependsOn` of a resource; how many were rewritten.
pub(super) fn migrate(draft: &mut Draft<'_>, generated: &Generated, resource: &Entry) -> usize {
    let Some(depends) = resource.value.get("DependsOn") else {
        return 0;
    };
    let Some(elements) = depends.elements() else {
        return usize::from(one(draft, generated, depends, &resource.name));
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut again = Vec::new();
    for element in elements {
        let name = element.text().unwrap_or_default();
        let successor = generated.get(name).map_or(name, |(successor, _)| successor);
        again.push(seen.contains(&successor) && generated.get(name).is_some());
        seen.push(successor);
    }
    let mut rewritten = again.iter().filter(|again| **again).count();
    for (element, again) in elements.iter().zip(&again) {
        if !again && one(draft, generated, element, &resource.name) {
            rewritten += 1;
        }
    }
    if again.contains(&true) && !draft.remove_elements(depends, again) {
        draft.warn(
            depends.start,
            "this names one resource twice from now on: remove one of the two",
        );
    }
    rewritten
}

fn one(draft: &mut Draft<'_>, generated: &Generated, element: &Node, within: &str) -> bool {
    let Kind::Scalar(name, _) = &element.kind else {
        return false;
    };
    let Some((successor, _)) = generated.get(name) else {
        return false;
    };
    if successor == within {
        draft.warn(
            element.start,
            format!("`{within}` can't depend on itself: remove `{name}`"),
        );
        return false;
    }
    draft.rename(element, name, successor);
    true
}
