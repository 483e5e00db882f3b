//! What the macro read beside a resource's properties: `Globals`, and parameters of the template by their name.

use super::{draft::Draft, resources};
use crate::template::{Entry, Kind, Node};

/// `Globals: TaskDefinition`, which versions of the macro before May 2020 read and removed. A later version left it in
/// the template, which CloudFormation then refused.
pub(super) struct Globals<'n> {
    definition: Option<&'n Entry>,
}

impl<'n> Globals<'n> {
    pub(super) fn of(root: &'n Node) -> Self {
        Self {
            definition: root.get("Globals").and_then(|globals| globals.entry("TaskDefinition")),
        }
    }

    /// The token's path, where the macro had it from: as each resource is to say it now.
    pub(super) fn token(&self, draft: &Draft<'_>, root: &Node) -> Option<String> {
        match self
            .definition
            .and_then(|definition| definition.value.get(resources::TOKEN))
        {
            Some(path) => in_one_line(draft, path),
            None => resources::has_token_parameter(root).then(|| draft.layout.call("Ref", resources::TOKEN)),
        }
    }

    /// Removes the section once the resources have what it had, and reports what else the macro read.
    pub(super) fn migrate(&self, draft: &mut Draft<'_>, root: &Node) {
        if let Some(definition) = self.definition {
            Self::remove(draft, root, definition);
        } else if !resources::has_token_parameter(root)
            && let Some(first) = root.entry("Resources")
        {
            draft.note(
                first.at,
                "the macro's last versions had the agent's token from `/buildkite-agent/token`, earlier ones from \
                 `/buildkite/agent-token`, which is also the provider's default: if yours was the former, set \
                 `AgentTokenParameterPath` of the provider's stack, or `BuildkiteAgentTokenParameterPath` of each resource",
            );
        }
        for (name, setting) in [
            ("ExecutionRolePrefix", "ExecutionRolePath"),
            ("TaskRolePrefix", "TaskRolePath"),
        ] {
            if let Some(parameter) = root.get("Parameters").and_then(|parameters| parameters.entry(name)) {
                draft.note(
                    parameter.at,
                    format!("the macro read `{name}`; from now on the path is `{setting}` of the provider's stack"),
                );
            }
        }
    }

    fn remove(draft: &mut Draft<'_>, root: &Node, definition: &Entry) {
        let mut kept = false;
        for entry in definition.value.entries() {
            if entry.name != resources::TOKEN {
                draft.note(
                    entry.at,
                    format!(
                        "the macro never read `{}` in `Globals`; it goes with the section",
                        entry.name
                    ),
                );
            } else if in_one_line(draft, &entry.value).is_none() {
                kept = true;
                draft.warn(
                    entry.at,
                    format!(
                        "`{0}` takes more than one line: write it in each resource as `{0}`, and remove it here",
                        entry.name
                    ),
                );
            }
        }
        let Some(globals) = root.get("Globals").filter(|_| !kept) else {
            return;
        };
        let removed = if globals.entries().len() == 1 {
            draft.remove_entry(root, "Globals")
        } else {
            draft.remove_entry(globals, "TaskDefinition")
        };
        if !removed {
            draft.warn(
                definition.at,
                "this could not be removed: remove it by hand from `Globals`",
            );
        }
    }
}

/// A value as one line that may stand behind any key.
fn in_one_line(draft: &Draft<'_>, value: &Node) -> Option<String> {
    let written = draft.layout.written(value);
    if written.contains('\n') || draft.layout.is_alias(value) {
        return None;
    }
    let block = matches!(value.kind, Kind::Mapping(_)) && !draft.layout.is_flow(value);
    Some(if block {
        format!("{{{written}}}")
    } else {
        written.to_owned()
    })
}
