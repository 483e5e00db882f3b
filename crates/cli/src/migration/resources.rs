//! The macro's resources, and each as the `Custom::BuildkiteAgent` that it becomes.

use super::{ServiceToken, draft::Draft, globals::Globals};
use crate::template::{Call, Entry, Kind, Node, is_loop};

/// What the macro's resources were called, the older name last.
const TYPES: [&str; 2] = ["Buildkite::ECS::TaskDefinition", "Buildkite::ECS::Agent"];

const OURS: &str = "Custom::BuildkiteAgent";

/// The property, and the template's parameter, with the path of the agent's token.
pub(super) const TOKEN: &str = "BuildkiteAgentTokenParameterPath";

/// A resource of the macro's.
#[derive(Clone, Debug)]
pub(super) struct Resource<'n> {
    /// Its logical id.
    pub(super) name: &'n str,
    /// What is there.
    pub(super) entry: &'n Entry,
    /// Whether the macro made it a task role, as it has none of the author's.
    pub(super) makes_its_task_role: bool,
    /// What it is called in each pass of the loop that it is in, where that is known.
    pub(super) in_passes: Vec<String>,
}

/// The name of the macro's type that a node is, if it is one.
pub(crate) fn of_the_macro(kind: &Node) -> Option<&'static str> {
    TYPES.into_iter().find(|name| kind.text() == Some(name))
}

/// What a loop makes of each value.
pub(super) fn body(entry: &Entry) -> &[Entry] {
    match entry.value.elements() {
        Some([_, _, body]) => body.entries(),
        _ => &[],
    }
}

/// What a loop goes over: a list that is written out, or the default of a parameter.
fn values(collection: &Node, root: &Node) -> Option<Vec<String>> {
    if let Some(elements) = collection.elements() {
        return elements
            .iter()
            .map(|element| element.text().map(ToOwned::to_owned))
            .collect();
    }
    let call = Call::of(collection).filter(|call| call.name == "Ref")?;
    let parameter = root.get("Parameters")?.get(call.argument.text()?)?;
    let default = parameter.get("Default")?.text()?;
    Some(default.split(',').map(|value| value.trim().to_owned()).collect())
}

impl<'n> Resource<'n> {
    /// All in a template, those in loops behind the others.
    pub(super) fn all(root: &'n Node) -> Vec<Self> {
        let resources = root.get("Resources").map(Node::entries).unwrap_or_default();
        let mut found = Vec::new();
        let mut loops = Vec::new();
        for entry in resources {
            if is_loop(&entry.name) {
                Self::in_loop(entry, root, &[], &mut loops);
            } else {
                found.extend(Self::of(entry, Vec::new()));
            }
        }
        found.extend(loops);
        found
    }

    fn of(entry: &'n Entry, in_passes: Vec<String>) -> Option<Self> {
        entry.value.get("Type").and_then(of_the_macro)?;
        Some(Self {
            name: &entry.name,
            entry,
            makes_its_task_role: (entry.value.get("Properties"))
                .is_none_or(|properties| properties.get("TaskRoleArn").is_none()),
            in_passes,
        })
    }

    /// Those in the body of a loop; `around` has the variables of the loops around it, with their values.
    fn in_loop(entry: &'n Entry, root: &Node, around: &[(String, Vec<String>)], found: &mut Vec<Self>) {
        let variable = match entry.value.elements() {
            Some([variable, collection, _]) => {
                let name = variable.text().unwrap_or_default().to_owned();
                (name, values(collection, root).unwrap_or_default())
            }
            _ => return,
        };
        let around = [around, &[variable]].concat();
        for inner in body(entry) {
            if is_loop(&inner.name) {
                Self::in_loop(inner, root, &around, found);
                continue;
            }
            let names = around
                .iter()
                .fold(vec![inner.name.clone()], |names, (variable, values)| {
                    let each = names.iter().flat_map(|name| {
                        values.iter().map(move |value| {
                            let alphanumeric: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
                            name.replace(&format!("${{{variable}}}"), value)
                                .replace(&format!("&{{{variable}}}"), &alphanumeric)
                        })
                    });
                    each.collect()
                });
            found.extend(Self::of(inner, names));
        }
    }

    /// Makes it ours; false if it has to stay as it is.
    pub(super) fn migrate(
        &self,
        draft: &mut Draft<'_>,
        token: &ServiceToken,
        globals: &Globals<'_>,
        root: &Node,
    ) -> bool {
        let Some(properties) = (self.entry.value.entry("Properties")).filter(|entry| !entry.value.entries().is_empty())
        else {
            draft.warn(
                self.entry.at,
                format!(
                    "`{}` has no properties, so it is left as it is: a task definition needs an `Image`",
                    self.name
                ),
            );
            return false;
        };
        let mut added = vec![("ServiceToken", token.written(draft))];
        if properties.value.get(TOKEN).is_none() {
            added.extend(globals.token(draft, root).map(|path| (TOKEN, path)));
        }
        if !draft.put_first(properties, &added) {
            draft.warn(
                properties.at,
                format!(
                    "the properties of `{}` are written elsewhere, so it is left as it is: write them out here, and run this again",
                    self.name
                ),
            );
            return false;
        }
        if let Some((kind, name)) = self
            .entry
            .value
            .get("Type")
            .and_then(|kind| Some((kind, of_the_macro(kind)?)))
        {
            draft.rename(kind, name, OURS);
        }
        self.remark(draft, &properties.value, root);
        true
    }

    fn remark(&self, draft: &mut Draft<'_>, properties: &Node, root: &Node) {
        for name in ["Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"] {
            if let Some(ignored) = self.entry.value.entry(name) {
                draft.note(
                    ignored.at,
                    format!(
                        "the macro ignored the `{name}` of `{}`; from now on it counts",
                        self.name
                    ),
                );
            }
        }
        if let Some(backend) = properties
            .entry("SshAgentBackend")
            .filter(|backend| may_be_empty(&backend.value, root))
        {
            draft.note(
                backend.at,
                "where this is empty, the task has no ssh-agent from now on; the macro added its container all the same",
            );
        }
    }
}

/// Whether a value is empty, or a parameter with an empty default.
fn may_be_empty(value: &Node, root: &Node) -> bool {
    let parameter = match (&value.tag, &value.kind) {
        (Some(tag), Kind::Scalar(name, _)) if tag == "Ref" => Some(name.as_str()),
        _ => value.get("Ref").and_then(Node::text),
    };
    let default = parameter
        .and_then(|name| root.get("Parameters")?.get(name)?.get("Default"))
        .and_then(Node::text);
    value.text().or(default) == Some("")
}

/// Whether the template has the parameter that the macro read the token's path from.
pub(super) fn has_token_parameter(root: &Node) -> bool {
    root.get("Parameters")
        .is_some_and(|parameters| parameters.get(TOKEN).is_some())
}
