//! The files that a command is given: each as it is named, and of a folder those that are templates.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use agent_composer_cli::template::{self, Node};

/// How the names of templates end.
const ENDINGS: [&str; 4] = ["yml", "yaml", "json", "template"];

/// A file that was read.
pub(crate) struct Source {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The path as it is shown.
    pub(crate) shown: String,
    /// Its text.
    pub(crate) text: String,
}

/// Reads all files; with `templates_only`, named files that are not templates are passed over, too.
pub(crate) fn read(paths: &[PathBuf], templates_only: bool) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            walk(path, &mut found).map_err(|error| format!("{}: {error}", path.display()))?;
            found.sort();
            let before = sources.len();
            for path in found {
                // As people and GitHub write it.
                let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
                sources.extend(source(&path).ok().filter(|source| is_template(&source.text)));
            }
            if sources.len() == before && !templates_only {
                return Err(format!("{}: has no CloudFormation template in it", path.display()));
            }
        } else {
            let source = source(path)?;
            if !templates_only || is_template(&source.text) {
                sources.push(source);
            }
        }
    }
    Ok(sources)
}

fn source(path: &Path) -> Result<Source, String> {
    let shown = path.display().to_string();
    let text = text_of(path)?;
    Ok(Source {
        path: path.to_owned(),
        shown,
        text,
    })
}

/// Reads one file; `-` is standard input.
pub(crate) fn text_of(path: &Path) -> Result<String, String> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|error| format!("{}: {error}", path.display()))
}

/// Everything below a folder that is called like a template; nothing hidden, and no links to other folders.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind, path) = (entry.file_name(), entry.file_type()?, entry.path());
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        if kind.is_dir() {
            walk(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a text is a template, or was meant to be one.
fn is_template(text: &str) -> bool {
    match template::read(text) {
        Ok(node) => {
            let resources = node.get("Resources").map(Node::entries).unwrap_or_default();
            node.get("AWSTemplateFormatVersion").is_some()
                || resources.iter().any(|entry| {
                    let kind = entry.value.get("Type").and_then(Node::text);
                    kind.is_some_and(|kind| kind.contains("::")) || entry.name.starts_with("Fn::")
                })
        }
        Err(_) => ["AWSTemplateFormatVersion", "Custom::BuildkiteAgent", "Buildkite::ECS::"]
            .iter()
            .any(|sign| text.contains(sign)),
    }
}
