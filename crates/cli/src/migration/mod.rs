//! From the macro's templates to this provider's: `Buildkite::ECS::TaskDefinition` becomes `Custom::BuildkiteAgent`, and
//! what referred to the logical ids that the macro made refers to the resource. Comments and layout stay; what can't be
//! done by itself is reported.
//!
//! A template is read with its places and never written anew: each change is an edit of the bytes that change.

mod dependencies;
mod draft;
mod edits;
mod entries;
mod generated;
mod globals;
mod layout;
mod references;
mod remark;
mod resources;
mod retain;
mod secrets;
mod transform;

#[cfg(test)]
mod tests;

use std::{convert::Infallible, str::FromStr};

pub use remark::{Remark, Weight};
pub(crate) use resources::of_the_macro;
pub use retain::{Unread, retain};

use crate::template::{Entry, Node, Unreadable, is_loop, read};
use draft::Draft;
use generated::Generated;
use globals::Globals;
use references::References;
use resources::Resource;

/// What a migration is given beside the template.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the resources are given as their `ServiceToken`.
    pub service_token: ServiceToken,
    /// What the macro is called, where it was deployed under another name.
    pub macro_name: Option<String>,
}

/// The provider, as a resource names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceToken {
    /// The function's ARN.
    Arn(String),
    /// The name of the export that has it.
    Export(String),
}

impl FromStr for ServiceToken {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with("arn:") {
            Self::Arn(text.to_owned())
        } else {
            Self::Export(text.to_owned())
        })
    }
}

impl ServiceToken {
    fn written(&self, draft: &Draft<'_>) -> String {
        match self {
            Self::Arn(arn) => draft.layout.word(arn),
            Self::Export(name) => draft.layout.call("ImportValue", name),
        }
    }
}

/// A migrated template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its text.
    pub text: String,
    /// The remarks, in the order of their places.
    pub remarks: Vec<Remark>,
    /// How many resources were rewritten.
    pub resources: usize,
    /// How many references were rewritten.
    pub references: usize,
    /// Whether the macro was taken from `Transform`.
    pub transform: bool,
    /// How many resources stay the macro's.
    pub stay: usize,
}

/// Migrates a template.
///
/// # Errors
/// It is none.
pub fn migrate(text: &str, options: &Options) -> Result<Migration, Unreadable> {
    let root = read(text)?;
    let mut draft = Draft::of(text);
    let resources = Resource::all(&root);
    let globals = Globals::of(&root);

    let migrated: Vec<Resource<'_>> = (resources.iter())
        .filter(|resource| resource.migrate(&mut draft, &options.service_token, &globals, &root))
        .cloned()
        .collect();
    for resource in &migrated {
        secrets::remark(&mut draft, resource);
    }
    let left_over = transform::left_over(&mut draft, &root, &resources);
    let stay = resources.len() - migrated.len() + left_over.resources;
    let transform = if stay > 0 || left_over.calls > 0 {
        transform::stays(&mut draft, &root, options);
        false
    } else {
        if !migrated.is_empty() {
            globals.migrate(&mut draft, &root);
        }
        transform::migrate(&mut draft, &root, options, resources.len())
    };
    let generated = Generated::of(&root, &migrated);

    let references = references(&mut draft, &root, &generated, &resources);
    let (text, remarks) = draft.done();
    Ok(Migration {
        text,
        remarks,
        resources: migrated.len(),
        references,
        transform,
        stay,
    })
}

/// Rewrites the references in all sections, and counts them.
fn references(draft: &mut Draft<'_>, root: &Node, generated: &Generated, resources: &[Resource<'_>]) -> usize {
    let mut references = 0;
    for section in root.entries() {
        for entry in section.value.entries() {
            let is_resource = section.name == "Resources";
            if is_resource && is_loop(&entry.name) {
                references += in_loop(draft, generated, resources, entry);
                continue;
            }
            let of_the_macro = is_resource && resources.iter().any(|resource| resource.name == entry.name);
            if is_resource {
                references += dependencies::migrate(draft, generated, entry);
            }
            let mut walk = References::within(draft, generated, of_the_macro.then_some(entry.name.as_str()));
            match entry.value.entries() {
                attributes if is_resource => {
                    for attribute in attributes.iter().filter(|attribute| attribute.name != "DependsOn") {
                        walk.walk(&attribute.value);
                    }
                }
                _ => walk.walk(&entry.value),
            }
            references += walk.rewritten;
            if walk.changed && section.name == "Outputs" && entry.value.get("Export").is_some() {
                draft.note(
                    entry.at,
                    format!(
                        "the exported value of `{}` changes, which CloudFormation refuses while another stack imports it",
                        entry.name
                    ),
                );
            }
        }
    }
    references
}

/// Migrates what is in the body of a loop; how many references were rewritten.
fn in_loop(draft: &mut Draft<'_>, generated: &Generated, resources: &[Resource<'_>], entry: &Entry) -> usize {
    let mut references = 0;
    for inner in resources::body(entry) {
        if is_loop(&inner.name) {
            references += in_loop(draft, generated, resources, inner);
            continue;
        }
        references += dependencies::migrate(draft, generated, inner);
        let of_the_macro = resources.iter().any(|resource| resource.name == inner.name);
        let mut walk = References::within(draft, generated, of_the_macro.then_some(inner.name.as_str()));
        for attribute in inner
            .value
            .entries()
            .iter()
            .filter(|attribute| attribute.name != "DependsOn")
        {
            walk.walk(&attribute.value);
        }
        references += walk.rewritten;
    }
    references
}
