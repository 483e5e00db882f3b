//! The documents say what the code does: tables of properties, attributes and settings, and the tests that are named.
//!
//! The tables of properties and attributes are generated: `UPDATE_DOCS=1 cargo test --workspace --test it documents`
//! writes them. That links and citations lead somewhere is checked by `./test links`.

use std::{collections::BTreeSet, env, fmt::Write, fs};

use agent_composer::properties::{ATTRIBUTES, PROPERTIES};
use agent_composer_cli::template;

use crate::stack::{Stack, cargo};

fn path_of(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path_of(path)).unwrap()
}

/// Demands that the table between the markers `begin NAME` and `end NAME` is the wanted one, or makes it so.
fn check_table(path: &str, name: &str, wanted: &str) {
    let document = read(path);
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->\n"));
    let (before, rest) = document.split_once(&begin).expect("the table's begin");
    let (table, after) = rest.split_once(&end).expect("the table's end");
    if table == wanted {
        return;
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        let updated = format!("{before}{begin}{wanted}{end}{after}");
        return fs::write(path_of(path), updated).unwrap();
    }
    panic!(
        "the table of {name} in {path} is not the code's: UPDATE_DOCS=1 cargo test --workspace --test it documents\n\
         {wanted}"
    );
}

#[test]
fn the_table_of_properties_is_the_codes() {
    let mut table = "| Property | Default | Meaning |\n| --- | --- | --- |\n".to_owned();
    for property in PROPERTIES {
        let (name, default, description) = (property.name, property.default, property.description);
        writeln!(table, "| `{name}` | {default} | {description} |").unwrap();
    }
    check_table("docs/reference/properties.md", "properties", &table);
}

#[tokio::test(start_paused = true)]
async fn the_table_of_attributes_is_the_codes_and_the_answers() {
    let mut table = "| Attribute | Meaning |\n| --- | --- |\n".to_owned();
    for (name, description) in ATTRIBUTES {
        writeln!(table, "| `{name}` | {description} |").unwrap();
    }
    check_table("docs/reference/properties.md", "attributes", &table);
    let answer = Stack::new().create("CargoPublish", &cargo("rust:1")).await.success();
    let answered: BTreeSet<&str> = answer.data.keys().map(String::as_str).collect();
    assert_eq!(answered, ATTRIBUTES.map(|(name, _)| name).into());
}

#[test]
fn the_table_of_the_providers_parameters_has_a_row_for_each_with_its_default() {
    let document = read("docs/reference/provider.md");
    let (_, section) = document.split_once("## Parameters\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.splitn(3, " | ");
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let default = cells.next()?.trim_matches('`').to_owned();
        Some((name, default))
    });
    let template = template::read(&read("template.yml")).unwrap();
    let parameters = template.get("Parameters").unwrap().entries().iter();
    let expected = parameters.map(|entry| {
        let default = entry.value.get("Default").unwrap().text().unwrap();
        let shown = if default.is_empty() { "empty: none" } else { default };
        (entry.name.clone(), shown.to_owned())
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let mut named = 0;
    for document in ["docs/internals/lifecycle.md", "docs/operations/security.md"] {
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
