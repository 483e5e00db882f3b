//! The names of settings in ECS's API, for turning a composed document into CloudFormation's casing.

use super::{
    container,
    shape::{Key, Shape},
    task, volume,
};

/// What a template calls a field of ECS's, where that is not the same with a large first letter.
#[must_use]
pub fn template_name(api_name: &str) -> Option<&'static str> {
    let mut keys = all().into_iter();
    keys.find(|key| key.in_api == Some(api_name)).map(|key| key.name)
}

/// Whether a field holds names that are nobody's to change.
#[must_use]
pub fn is_map(api_name: &str) -> bool {
    let is_it = |key: &&Key| matches!(key.shape, Shape::Map) && key.api_name() == api_name;
    all().iter().any(is_it)
}

/// Every key, at every depth.
pub(super) fn all() -> Vec<&'static Key> {
    let tables = [container::KEYS, task::KEYS, volume::KEYS];
    let mut keys: Vec<&Key> = tables.into_iter().flatten().collect();
    let mut next = 0;
    while let Some(inner) = keys.get(next).map(|key| key.inner()) {
        keys.extend(inner);
        next += 1;
    }
    keys
}
