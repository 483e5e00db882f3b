//! The tags that no property gives: the stack's, as CloudFormation gives them to its own types, and the provider's version.
//! They are not part of a revision's content, so a change of them alone registers nothing.

use std::collections::BTreeSet;

use super::{Composition, TaskRole, role::allowed_on_roles};
use crate::{
    ownership::{self, Tags},
    settings::Settings,
};

/// How many of the 50 tags that AWS allows on anything may be used here: one is for the mark or the content's hash
/// (docs/internals/aws.md, "Names and limits").
const ROOM: usize = 49;

impl Composition {
    /// Adds the version and the stack's tags under the author's own. A tag for which there is no room is left out, so
    /// that no deployment fails for it.
    #[must_use]
    pub fn labelled(mut self, version: &str, stack: &Tags, settings: &Settings) -> Self {
        label(&mut self.tags, version, stack);
        label(&mut self.log_group.tags, version, stack);
        let on_roles = allowed_on_roles(stack, settings);
        label(&mut self.execution_role.tags, version, &on_roles);
        if let TaskRole::Made(role) = &mut self.task_role {
            label(&mut role.tags, version, &on_roles);
        }
        self
    }
}

/// IAM refuses keys that differ in case alone, so one of the author's or ours hides such a one of the stack's everywhere.
fn label(tags: &mut Tags, version: &str, stack: &Tags) {
    let mut keys: BTreeSet<String> = tags.keys().map(|key| key.to_lowercase()).collect();
    let version = (ownership::VERSION.to_owned(), version.to_owned());
    let stack = stack.iter().filter(|(key, _)| !key.starts_with(ownership::PREFIX));
    let stack = stack.map(|(key, value)| (key.clone(), value.clone()));
    for (key, value) in std::iter::once(version).chain(stack) {
        if tags.len() < ROOM && keys.insert(key.to_lowercase()) {
            tags.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composition::tests::{composed_with, settings};
    use serde_json::json;

    fn pairs(tags: &[(&str, &str)]) -> Tags {
        let pairs = tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        pairs.collect()
    }

    /// What labels add to revision, log group, execution role and task role of a resource with the tag `team`.
    fn added(stack: &Tags, role_tag_keys: &str) -> [Tags; 4] {
        let settings = settings(&[("ROLE_TAG_KEYS", role_tag_keys)]);
        let written = json!({"Image": "ruby", "Tags": [{"Key": "team", "Value": "platform"}]});
        let before = composed_with(&written, &settings);
        let labelled = before.clone().labelled("1.2.3", stack, &settings);
        assert_eq!(
            labelled.task_definition, before.task_definition,
            "not part of the content"
        );
        let tags = |composition: &Composition| {
            let roles = [&composition.execution_role, composition.task_role.made().unwrap()];
            let [execution, task] = roles.map(|role| role.tags.clone());
            [
                composition.tags.clone(),
                composition.log_group.tags.clone(),
                execution,
                task,
            ]
        };
        let before = tags(&before);
        let mut labelled = tags(&labelled);
        for (tags, before) in labelled.iter_mut().zip(before) {
            for (key, value) in before {
                assert_eq!(tags.remove(&key), Some(value), "{key} keeps its value");
            }
        }
        labelled
    }

    #[test]
    fn the_stacks_tags_are_under_the_authors_and_on_roles_only_if_allowed() {
        let version = pairs(&[("agent-composer:version", "1.2.3")]);
        let cost = pairs(&[("agent-composer:version", "1.2.3"), ("cost", "7")]);
        let stack = pairs(&[("cost", "7"), ("team", "the stack's"), ("TEAM", "the stack's")]);
        assert_eq!(
            added(&stack, ""),
            [cost.clone(), cost.clone(), version.clone(), version]
        );
        assert_eq!(added(&stack, "cost,team"), [(); 4].map(|()| cost.clone()));
    }

    #[test]
    fn a_stacks_tag_cannot_be_one_of_ours() {
        let forged = pairs(&[
            ("agent-composer:kms-key", "arn"),
            ("agent-composer:log-group-class", "DELIVERY"),
            ("agent-composer:request:v1", "9/-/-/-/-"),
            ("agent-composer:stack-id", "another"),
            ("agent-composer:version", "0"),
        ]);
        let version = pairs(&[("agent-composer:version", "1.2.3")]);
        assert_eq!(
            added(&forged, "agent-composer:request:v1"),
            [(); 4].map(|()| version.clone())
        );
    }

    #[test]
    fn tags_without_room_are_left_out() {
        let keys: Vec<String> = (10..60).map(|n| format!("k{n}")).collect();
        let stack: Tags = keys.iter().map(|key| (key.clone(), String::new())).collect();
        let settings = settings(&[("ROLE_TAG_KEYS", &keys.join(","))]);
        let labelled = composed_with(&json!({"Image": "ruby"}), &settings).labelled("1.2.3", &stack, &settings);
        assert_eq!(labelled.tags.len(), 49);
        assert!(labelled.tags.contains_key("k10") && labelled.tags.contains_key(ownership::VERSION));
        assert_eq!(labelled.execution_role.tags.len(), 49, "with the mark 50");
    }
}
