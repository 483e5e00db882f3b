//! A variable that version 4 of the agent does not read is noted, with what to write instead.

use agent_composer_model::facts::buildkite_agent::{IN_BOTH, ONLY_IN_3, ONLY_IN_4};

use super::*;

/// The notes on a resource with these properties beside what is required.
fn noted(properties: &Value) -> Vec<String> {
    let mut whole = json!({"ServiceToken": "t", "Image": "ruby"});
    let all = whole.as_object_mut().unwrap();
    all.extend(properties.as_object().unwrap().clone());
    let template = json!({"Resources": {"Ruby": {"Type": TYPE, "Properties": whole}}});
    let plan = planned(&template.to_string());
    assert_eq!(plan.faults(), 0, "{:?}", sentences(&plan));
    assert_eq!(plan.composed().count(), 1);
    let notes = plan.findings.iter().map(|finding| {
        assert_eq!(finding.logical_id.as_deref(), Some("Ruby"));
        let place = &template.to_string()[finding.at.start.offset..finding.at.end.offset];
        assert!(
            finding.sentence.contains(place.trim_matches('"')),
            "{place}: {}",
            finding.sentence
        );
        finding.sentence.clone()
    });
    notes.collect()
}

#[test]
fn every_variable_that_version_4_has_dropped_is_noted_wherever_it_is_given() {
    for (dropped, instead) in ONLY_IN_3 {
        let variable = json!([{"Name": dropped, "Value": "1"}]);
        let secret = json!([{"Name": dropped, "ValueFrom": "/a/b"}]);
        for (path, properties) in [
            ("Environment[0].Name", json!({"Environment": variable})),
            ("Secrets[0].Name", json!({"Secrets": secret})),
            (
                "Sidecars[0].Environment[0].Name",
                json!({"Sidecars": [{"Name": "other", "Image": "ruby", "Environment": variable}]}),
            ),
            (
                "Sidecars[0].Secrets[0].Name",
                json!({"Sidecars": [{"Name": "other", "Image": "ruby", "Secrets": secret}]}),
            ),
        ] {
            let notes = noted(&properties);
            let begins = format!("`{path}` is `{dropped}`, which version 4 of the agent does not read; ");
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert!(notes[0].starts_with(&begins), "{notes:?}");
            assert!(
                notes[0].contains("AgentConfiguration.") || instead.iter().all(|variable| notes[0].contains(variable)),
                "{notes:?}"
            );
        }
    }
}

#[test]
fn what_to_write_instead_fits_the_versions_that_read_it() {
    for (name, advice) in [
        (
            "BUILDKITE_AGENT_META_DATA",
            "write `BUILDKITE_AGENT_TAGS`, which version 3 and version 4 read",
        ),
        (
            "BUILDKITE_SIGNAL_GRACE_PERIOD_SECONDS",
            "add `BUILDKITE_CANCEL_SIGNAL_TIMEOUT` and `BUILDKITE_CANCEL_CLEANUP_TIMEOUT`, which version 4 reads in its place",
        ),
        (
            "BUILDKITE_CANCEL_GRACE_PERIOD",
            "write it as `AgentConfiguration.CancelGracePeriod`, which reaches version 3 and version 4",
        ),
        ("BUILDKITE_TIMESTAMP_LINES", "nothing takes its place there"),
    ] {
        let notes = noted(&json!({"Environment": [{"Name": name, "Value": "1"}]}));
        assert!(notes[0].ends_with(&format!("; {advice}")), "{notes:?}");
    }
}

#[test]
fn a_variable_beside_what_takes_its_place_is_for_both_versions() {
    for (dropped, instead) in ONLY_IN_3 {
        for variable in instead {
            let both = json!([{"Name": dropped, "Value": "1"}, {"Name": variable, "Value": "1"}]);
            assert_eq!(noted(&json!({"Environment": both})), [] as [&str; 0], "{dropped}");
        }
    }
}

#[test]
fn nothing_is_noted_of_other_variables_and_of_options() {
    for name in IN_BOTH.into_iter().chain(ONLY_IN_4) {
        if name != "BUILDKITE_AGENT_TOKEN" {
            let variable = json!([{"Name": name, "Value": "1"}]);
            assert_eq!(noted(&json!({"Environment": variable})), [] as [&str; 0], "{name}");
        }
    }
    let options = json!({"CancelGracePeriod": 60, "OpenTelemetryTracing": true, "TracingServiceName": "ci"});
    let properties = json!({"AgentConfiguration": options, "CancelOnStop": true});
    assert_eq!(noted(&properties), [] as [&str; 0]);
}
