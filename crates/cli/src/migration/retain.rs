//! The step before the migration of a stack that is up: its processed template, with what the macro made kept.

use super::{Migration, draft::Draft, generated::Part, resources::Resource};
use crate::template::{Entry, Node, Place, Unreadable, read};

/// Written as metadata: whether a change of the policy alone is one to CloudFormation shows in two ways, a change of the
/// metadata is one.
const REASON: &str = "kept for the migration to Custom::BuildkiteAgent";

/// Which of two texts could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The macro's template.
    Template(Unreadable),
    /// The processed template.
    Processed(Unreadable),
}

/// Writes `DeletionPolicy: Retain` on everything in a stack's processed template that the macro made of a template's resources.
///
/// # Errors
/// One of the two is not a template.
pub fn retain(template: &str, processed: &str) -> Result<Migration, Unread> {
    let macros = read(template).map_err(Unread::Template)?;
    let root = read(processed).map_err(Unread::Processed)?;
    let mut draft = Draft::of(processed);
    let resources = Resource::all(&macros);
    let mut kept = 0;
    for resource in &resources {
        let names = std::iter::once(resource.name).chain(resource.in_passes.iter().map(String::as_str));
        let made: Vec<String> = names
            .flat_map(|name| Part::ALL.map(|part| format!("{name}{}", part.suffix())))
            .collect();
        let entries: Vec<&Entry> = (root.get("Resources").iter())
            .flat_map(|all| all.entries())
            .filter(|entry| made.contains(&entry.name))
            .collect();
        if entries.is_empty() {
            draft.warn(
                root.entry("Resources").map_or(Place::default(), |all| all.at),
                format!(
                    "nothing here was made of `{}`: is this the stack's processed template?",
                    resource.name
                ),
            );
        }
        for entry in entries {
            if keep(&mut draft, entry) {
                kept += 1;
            }
        }
    }
    let (text, remarks) = draft.done();
    Ok(Migration {
        text,
        remarks,
        resources: kept,
        references: 0,
        transform: false,
        stay: 0,
    })
}

fn keep(draft: &mut Draft<'_>, entry: &Entry) -> bool {
    let policy = entry.value.get("DeletionPolicy");
    if policy.and_then(Node::text) == Some("Retain") {
        return false;
    }
    let mut added = Vec::new();
    match policy {
        Some(other) => draft.rename(other, other.text().unwrap_or_default(), "Retain"),
        None => added.push(("DeletionPolicy", draft.layout.word("Retain"))),
    }
    if entry.value.get("Metadata").is_none() {
        let (key, reason) = if draft.layout.json {
            ("\"Migration\"", format!("\"{REASON}\""))
        } else {
            ("Migration", format!("'{REASON}'"))
        };
        added.push(("Metadata", format!("{{{key}: {reason}}}")));
    }
    draft.put_first(entry, &added)
}
