//! The documents say what the code does: tables of properties, attributes and settings, and the tests that are named.
//!
//! The tables of properties and attributes are generated: `UPDATE_DOCS=1 cargo test --workspace --test it documents`
//! writes them. That links and citations lead somewhere is checked by `./test links`.

use std::{collections::BTreeSet, env, fmt::Write, fs};

use agent_composer::{
    properties::{
        ATTRIBUTES, PROPERTIES,
        vocabulary::{self, Key},
    },
    settings::Settings,
};
use agent_composer_cli::template;

use crate::{
    granted::{BOUNDED, actions},
    stack::{Stack, cargo},
};

fn path_of(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path_of(path)).unwrap()
}

/// A section of a document, from its title to the next one's.
fn section(path: &str, title: &str) -> String {
    let document = read(path);
    let (_, rest) = document.split_once(&format!("## {title}\n")).expect(title);
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

/// The words in code in the first cells of a section's tables.
fn named(section: &str) -> BTreeSet<String> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let words = cells.flat_map(|cell| cell.split('`').step_by(2).collect::<Vec<_>>());
    words.map(str::to_owned).collect()
}

/// Demands that the table between the markers `begin NAME` and `end NAME` is the wanted one, or makes it so.
pub(crate) fn check_table(path: &str, name: &str, wanted: &str) {
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

#[test]
fn the_words_of_ecs_have_a_row_each_and_no_other_has() {
    let path = "docs/reference/containers.md";
    for (title, keys) in [
        ("Keys of a container", vocabulary::container::KEYS),
        ("Keys of a volume", vocabulary::volume::KEYS),
    ] {
        let known: BTreeSet<String> = keys.iter().map(|key| key.name.to_owned()).collect();
        let section = section(path, title);
        assert_eq!(named(&section), known);
        for Key { name, about, .. } in keys {
            let row = format!("| `{name}` | {about} |\n");
            assert!(section.contains(&row), "the document lacks\n{row}");
        }
    }
    let left_out = vocabulary::left_out::LEFT_OUT;
    let section = section(path, "What is left out");
    assert_eq!(named(&section).len(), left_out.len());
    for one in left_out {
        let row = format!("| `{}.{}` | {} |\n", one.structure, one.name, one.why);
        assert!(section.contains(&row), "the document lacks\n{row}");
    }
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
    let section = section("docs/reference/provider.md", "Parameters");
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
        let shown = match (default, entry.name.as_str()) {
            ("", "PermissionsBoundaryArn") => "empty: `AgentBoundary` of this stack",
            ("", _) => "empty: none",
            (default, _) => default,
        };
        (entry.name.clone(), shown.to_owned())
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn the_variables_of_the_functions_are_all_described() {
    let mut described = named(&section("docs/reference/provider.md", "Environment variables"));
    // Lambda's own, and the SDKs'.
    described.retain(|name| !name.starts_with("AWS_"));
    let expected = Settings::VARIABLES.into_iter();
    let expected = expected.chain(["REQUEST_QUEUE_URL", "ALLOWED_RESPONSE_HOSTS"]);
    assert_eq!(described, expected.map(str::to_owned).collect());
}

#[test]
fn the_options_of_the_agent_are_all_described() {
    let described = named(&section("docs/reference/properties.md", "Configuring the agent"));
    let property = PROPERTIES
        .iter()
        .find(|property| property.name == "AgentConfiguration")
        .unwrap();
    let (_, options) = property.description.split_once('{').unwrap();
    let (options, _) = options.split_once('}').unwrap();
    assert_eq!(described, options.split(", ").map(str::to_owned).collect());
}

#[test]
fn the_rights_of_the_handler_are_those_of_the_template() {
    let described = named(&section(
        "docs/reference/permissions.md",
        "What the handler's role may do",
    ));
    assert_eq!(described, actions(&BOUNDED));
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
            if path.starts_with("tests/") || path.starts_with("src/") {
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
