//! The documents say what the code does: tables of properties, attributes and settings, and the tests that are named.

use std::{collections::BTreeSet, fs};

use agent_composer::properties::{
    ATTRIBUTES, PROPERTIES, Property,
    vocabulary::{self, Key},
};

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
    let readme = read("README.md");
    let known: BTreeSet<String> = PROPERTIES.iter().map(|property| property.name.to_owned()).collect();
    assert_eq!(rows(&readme, "Properties"), known);
    for Property {
        name,
        default,
        description,
    } in PROPERTIES
    {
        let row = format!("| `{name}` | {default} | {description} |\n");
        assert!(readme.contains(&row), "the README lacks\n{row}");
    }
}

#[test]
fn the_words_of_ecs_have_a_row_each_and_no_other_has() {
    let document = read("docs/containers.md");
    for (section, keys) in [
        ("Keys of a container", vocabulary::container::KEYS),
        ("Keys of a volume", vocabulary::volume::KEYS),
    ] {
        let known: BTreeSet<String> = keys.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(rows(&document, section), known);
        for Key { name, about, .. } in keys {
            let row = format!("| `{name}` | {about} |\n");
            assert!(document.contains(&row), "the document lacks\n{row}");
        }
    }
    let left_out = vocabulary::left_out::LEFT_OUT;
    assert_eq!(rows(&document, "What is left out").len(), left_out.len());
    for one in left_out {
        let row = format!("| `{}.{}` | {} |\n", one.structure, one.name, one.why);
        assert!(document.contains(&row), "the document lacks\n{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_readme_has_a_row_for_each_attribute_and_no_other() {
    let answer = Stack::new().create("CargoPublish", &cargo("rust:1")).await.success();
    let told: BTreeSet<String> = answer.data.keys().cloned().collect();
    let readme = read("README.md");
    assert_eq!(rows(&readme, "Attributes"), told);
    for (name, description) in ATTRIBUTES {
        assert!(readme.contains(&format!("| `{name}` | {description} |\n")), "{name}");
    }
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
