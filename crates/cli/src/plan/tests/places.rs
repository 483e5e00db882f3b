//! Each fault at what has to be changed, in lines that fit the terminal.

use super::*;

/// What is underlined of each fault.
fn underlined(properties: &str) -> Vec<String> {
    let text = format!(
        "Resources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties:\n      ServiceToken: t\n      Image: ruby\n      {properties}\n"
    );
    let plan = planned(&text);
    let found = plan.findings.iter();
    found
        .map(|finding| text[finding.at.start.offset..finding.at.end.offset].to_owned())
        .collect()
}

#[test]
fn a_misspelt_key_is_underlined_and_not_its_value() {
    for (properties, place) in [
        ("Imagee: x", "Imagee"),
        ("Cpu: 512", "Cpu"),
        ("'Task Cpu': 512", "'Task Cpu'"),
        ("Secrets: [{Name: A, Valuefrom: /a, ValueFrom: /a}]", "Valuefrom"),
        ("EphemeralStorage: {SizeInGiB: 30, Size: 40}", "Size"),
        ("Sidecars: [{Name: a, Image: b, Imag: c}]", "Imag"),
        ("Sidecars: [{Name: a, Image: b, Imag: [c]}]", "Imag"),
        ("AgentConfiguration: {Queu: a}", "Queu"),
    ] {
        assert_eq!(underlined(properties), [place], "{properties}");
    }
}

#[test]
fn a_value_is_underlined_and_not_its_key() {
    for (properties, place) in [
        ("TaskFamily: 'a b'", "'a b'"),
        ("TaskCpu: 7", "7"),
        ("NetworkMode: !Sub nothing", "!Sub nothing"),
        ("Secrets: [{Name: A, ValueFrom: 'a b'}]", "'a b'"),
    ] {
        assert_eq!(underlined(properties), [place], "{properties}");
    }
}

#[test]
fn lines_fit_the_terminal_and_are_whole_where_there_is_none() {
    let plan = planned(WRONG);
    let long = |width: Option<usize>| {
        let shown = plain(&report(&plan, WRONG, "t.yml", width));
        let titles: Vec<String> = shown
            .lines()
            .filter(|line| !line.contains('|') && !line.contains("-->"))
            .filter(|line| line.chars().count() > 72)
            .map(ToOwned::to_owned)
            .collect();
        titles
    };
    assert_eq!(long(Some(72)), [] as [&str; 0]);
    assert!(long(None).len() > 2);
}
