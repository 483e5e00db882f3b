//! The documents say what the code does: tables of properties, attributes and settings, and the tests that are named.

use std::{collections::BTreeSet, fs};

use agent_composer::properties::PROPERTIES;

use crate::stack::{Stack, cargo};

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The first cells of the rows of a section's tables, where they are code.
fn rows(document: &str, section: &str) -> BTreeSet<String> {
    let (_, rest) = document
        .split_once(&format!("### {section}\n"))
        .unwrap_or_else(|| panic!("no section {section}"));
    let section = rest.split("\n##").next().unwrap();
    let cells = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_readme_has_a_row_for_each_property_and_no_other() {
    let written = rows(&read("README.md"), "Properties");
    let known: BTreeSet<String> = PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(written, known);
}

#[test]
fn the_readme_has_each_propertys_default() {
    let readme = read("README.md");
    for (name, default) in PROPERTIES.iter().filter(|(_, default)| default.parse::<u32>().is_ok()) {
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}`")))
            .unwrap();
        assert!(
            row.contains(&format!("`{default}`")) || row.contains(&format!(" {default} ")),
            "{row}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_readme_has_a_row_for_each_attribute_and_no_other() {
    let answer = Stack::new().create("CargoPublish", &cargo("rust:1")).await.success();
    let told: BTreeSet<String> = answer.data.keys().cloned().collect();
    assert_eq!(rows(&read("README.md"), "Attributes"), told);
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let mut named = 0;
    for document in ["README.md", "docs/lifecycle.md", "docs/security.md"] {
        let text = read(document);
        let mut file = String::new();
        for code in text.split('`').skip(1).step_by(2) {
            let Some((path, name)) = code.split_once("::") else {
                continue;
            };
            if path.starts_with("tests/") {
                file = read(path);
            } else if !path.is_empty() {
                continue;
            }
            assert!(file.contains(&format!("fn {name}(")), "{document}: {code}");
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
}
