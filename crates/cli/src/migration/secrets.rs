//! References to secrets, which CloudFormation resolved in what the macro made, and does not resolve in a custom resource.

use super::{draft::Draft, resources::Resource};
use crate::secure_reference::secure_references_in;

/// Says of each in a resource's properties what to write instead.
pub(super) fn remark(draft: &mut Draft<'_>, resource: &Resource<'_>) {
    let Some(properties) = resource.entry.value.get("Properties") else {
        return;
    };
    for reference in secure_references_in(properties) {
        draft.warn(reference.at.start, format!("`{}` {}", resource.name, reference.problem));
    }
}
