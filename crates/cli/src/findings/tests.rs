//! Each form, as the programs that read it want it.

use serde_json::Value;

use super::*;

fn place(line: usize, column: usize) -> Place {
    Place {
        offset: line * 100 + column,
        line,
        column,
    }
}

fn findings() -> Vec<Finding> {
    vec![
        Finding {
            file: "a b/t,1.yml".to_owned(),
            at: Extent {
                start: place(8, 7),
                end: place(8, 13),
            },
            level: Level::Error,
            text: "Ruby: `Imagee` is 100% wrong\nin *two* lines <b>, `a_b` c_d".to_owned(),
        },
        Finding {
            level: Level::Note,
            ..Finding::at("z.yml", place(3, 1), "fine")
        },
        Finding::at("z.yml", place(4, 1), "wrong"),
    ]
}

#[test]
fn github_gets_the_place_of_each_in_its_own_escapes() {
    insta::assert_snapshot!(github(&findings()), @"
    ::error file=a b/t%2C1.yml,line=8,col=7,endColumn=12,title=agent-composer::Ruby: `Imagee` is 100%25 wrong%0Ain *two* lines <b>, `a_b` c_d
    ::notice file=z.yml,line=3,col=1,title=agent-composer::fine
    ::error file=z.yml,line=4,col=1,title=agent-composer::wrong
    ");
}

#[test]
fn an_annotation_has_the_findings_of_each_file_and_no_markup_of_theirs() {
    insta::assert_snapshot!(buildkite(&findings()), @r"
    #### agent-composer: 2 errors, 1 note

    **`a b/t,1.yml`**

    - :x: line 8: Ruby: `Imagee` is 100% wrong in \*two\* lines &lt;b>, `a_b` c\_d

    **`z.yml`**

    - :information_source: line 3: fine
    - :x: line 4: wrong
    ");
    assert_eq!(buildkite(&[]), "#### agent-composer: nothing is wrong\n");
}

/// Demands what SARIF 2.1.0 does of an object: it has the `required` properties and, beside them, `legal` ones alone.
#[track_caller]
fn assert_object(object: &Value, required: &[&str], legal: &[&str]) {
    let fields = object.as_object().unwrap();
    for name in required {
        assert!(fields.contains_key(*name), "no {name}: {object}");
    }
    for name in fields.keys().map(String::as_str) {
        assert!(required.contains(&name) || legal.contains(&name), "{name}: {object}");
    }
}

/// The schema: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json.
#[test]
fn sarif_has_what_its_schema_requires_and_nothing_that_it_does_not_know() {
    let document = sarif(&findings());
    assert_object(&document, &["version", "runs"], &["$schema"]);
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    assert_object(run, &["tool"], &["columnKind", "results"]);
    assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&run["columnKind"].as_str().unwrap()));
    assert_object(&run["tool"], &["driver"], &[]);
    assert_object(&run["tool"]["driver"], &["name"], &["version", "rules"]);
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        assert_object(rule, &["id"], &["shortDescription"]);
        assert_object(&rule["shortDescription"], &["text"], &[]);
    }
    for result in run["results"].as_array().unwrap() {
        assert_object(result, &["message"], &["ruleId", "level", "locations"]);
        assert_object(&result["message"], &["text"], &[]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        for location in result["locations"].as_array().unwrap() {
            assert_object(location, &[], &["physicalLocation"]);
            let place = &location["physicalLocation"];
            assert_object(place, &["artifactLocation"], &["region"]);
            assert_object(&place["artifactLocation"], &["uri"], &[]);
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.contains([' ', '\\', '#']), "{uri}");
            assert_object(
                &place["region"],
                &["startLine"],
                &["startColumn", "endLine", "endColumn"],
            );
            for number in place["region"].as_object().unwrap().values() {
                assert!(number.as_u64().unwrap() >= 1, "{place}");
            }
        }
    }
}

#[test]
fn sarif_names_each_place_and_a_rule_that_it_declares() {
    let document = sarif(&findings());
    let run = &document["runs"][0];
    let declared: Vec<&str> = (run["tool"]["driver"]["rules"].as_array().unwrap().iter())
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    for result in run["results"].as_array().unwrap() {
        assert!(declared.contains(&result["ruleId"].as_str().unwrap()));
    }
    insta::assert_json_snapshot!(run["results"]);
}
