//! Whole templates before and after, and what is reported about them.

use proptest::{prelude::*, sample::select};

use super::*;

fn options() -> Options {
    Options {
        service_token: "buildkite-agent-provider-ServiceToken".parse().unwrap(),
        macro_name: None,
    }
}

fn migrated(text: &str) -> Migration {
    let migration = migrate(text, &options()).unwrap();
    read(&migration.text).unwrap_or_else(|why| panic!("{} {why} in\n{}", why.at, migration.text));
    migration
}

/// Remarks as they are printed, and the text below them.
fn shown(migration: &Migration) -> String {
    let remarks: Vec<String> = (migration.remarks.iter())
        .map(|remark| format!("{} {:?}: {}\n", remark.at, remark.weight, remark.text))
        .collect();
    format!("{}\n{}", remarks.concat(), migration.text)
}

/// A template with one resource `Ruby2` of the macro's, and what is given beside it.
fn template(rest: &str) -> String {
    format!(
        "Transform: Buildkite-Agents-2020-03-21\nResources:\n  Ruby2:\n    Type: Buildkite::ECS::TaskDefinition\n    Properties:\n      \
         Image: ruby:2.7\n      TaskFamily: ruby2\n{rest}"
    )
}

/// The text that becomes of what is given beside `Ruby2`, and what is reported about it.
fn beside(rest: &str) -> (String, Vec<Remark>) {
    let text = template(rest);
    let before = migrated(&template("")).text;
    let Migration { text, mut remarks, .. } = migrated(&text);
    remarks.retain(|remark| remark.at.line > 2);
    // It stays where something needs it.
    let text = text
        .strip_prefix("Transform: Buildkite-Agents-2020-03-21\n")
        .unwrap_or(&text);
    (text.strip_prefix(before.as_str()).unwrap().to_owned(), remarks)
}

fn unsaid((text, remarks): (String, Vec<Remark>)) -> String {
    assert_eq!(remarks, []);
    text
}

#[test]
fn a_template_with_everything_the_macro_knows() {
    insta::assert_snapshot!(shown(&migrated(include_str!("tests/everything.yml"))));
}

#[test]
fn a_template_in_json() {
    insta::assert_snapshot!(shown(&migrated(include_str!("tests/template.json"))));
}

#[test]
fn a_template_in_flow_style() {
    insta::assert_snapshot!(shown(&migrated(include_str!("tests/flow.yml"))));
}

#[test]
fn a_template_with_globals_and_four_spaces() {
    insta::assert_snapshot!(shown(&migrated(include_str!("tests/globals.yml"))));
}

#[test]
fn line_ends_stay_as_they_are() {
    for text in [
        include_str!("tests/everything.yml"),
        include_str!("tests/template.json"),
    ] {
        let expected = migrated(text).text.replace('\n', "\r\n");
        assert_eq!(migrated(&text.replace('\n', "\r\n")).text, expected);
    }
}

#[test]
fn a_template_that_is_migrated_has_nothing_left_to_migrate() {
    for text in [
        include_str!("tests/everything.yml"),
        include_str!("tests/template.json"),
        include_str!("tests/flow.yml"),
        include_str!("tests/globals.yml"),
    ] {
        let once = migrated(text).text;
        let again = migrated(&once);
        assert_eq!(
            (again.text.as_str(), again.resources, again.transform),
            (once.as_str(), 0, false)
        );
    }
}

#[test]
fn a_template_without_the_macro_stays_as_it_is() {
    let text = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Timeout: 3\nResources:\n  A: {Type: 'AWS::SNS::Topic'}\n";
    let migration = migrated(text);
    assert_eq!((migration.text.as_str(), migration.remarks), (text, vec![]));
}

#[test]
fn every_form_of_a_reference_is_rewritten() {
    for (before, after) in [
        (
            "!GetAtt Ruby2TaskDefinition.TaskDefinitionArn",
            "!GetAtt Ruby2.TaskDefinitionArn",
        ),
        ("!GetAtt Ruby2TaskRole.Arn # why", "!GetAtt Ruby2.TaskRoleArn # why"),
        ("!GetAtt [Ruby2TaskRole, RoleId]", "!GetAtt [Ruby2, TaskRoleId]"),
        ("!GetAtt 'Ruby2ExecutionRole.Arn'", "!GetAtt 'Ruby2.ExecutionRoleArn'"),
        ("&a !Ref Ruby2TaskRole", "&a !GetAtt Ruby2.TaskRoleName"),
        ("[!Ref \"Ruby2LogGroup\", 1]", "[!GetAtt Ruby2.LogGroupName, 1]"),
        ("{Ref: Ruby2TaskRole}", "{Fn::GetAtt: [Ruby2, TaskRoleName]}"),
        (
            "{\"Ref\": \"Ruby2TaskRole\"}",
            "{\"Fn::GetAtt\": [\"Ruby2\", \"TaskRoleName\"]}",
        ),
        (
            "\n      Ref: Ruby2TaskRole",
            "\n      Fn::GetAtt: [Ruby2, TaskRoleName]",
        ),
        (
            "\n      Fn::GetAtt: Ruby2TaskRole.Arn",
            "\n      Fn::GetAtt: Ruby2.TaskRoleArn",
        ),
        (
            "\n      Fn::GetAtt:\n      - Ruby2TaskRole # which\n      - Arn # what",
            "\n      Fn::GetAtt:\n      - Ruby2 # which\n      - TaskRoleArn # what",
        ),
        (
            "!GetAtt Ruby2LogGroup.Arn",
            "!Sub 'arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Ruby2.LogGroupName}:*'",
        ),
        (
            "\n      Fn::GetAtt:\n      - Ruby2LogGroup\n      - Arn",
            "\n      Fn::Sub: 'arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Ruby2.LogGroupName}:*'",
        ),
        (
            "!Sub '${Ruby2TaskRole.Arn} ${!Ruby2TaskRole} ${AWS::Region} ${Ruby2TaskRole}'",
            "!Sub '${Ruby2.TaskRoleArn} ${!Ruby2TaskRole} ${AWS::Region} ${Ruby2.TaskRoleName}'",
        ),
        (
            "!Sub |\n      # ${Ruby2LogGroup}\n      x",
            "!Sub |\n      # ${Ruby2.LogGroupName}\n      x",
        ),
        (
            "!Sub ${Ruby2LogGroup.Arn}",
            "!Sub arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Ruby2.LogGroupName}:*",
        ),
        (
            "!Sub ['${A}${Ruby2LogGroup}', {A: !GetAtt Ruby2TaskRole.RoleId}]",
            "!Sub ['${A}${Ruby2.LogGroupName}', {A: !GetAtt Ruby2.TaskRoleId}]",
        ),
        (
            "\n      Fn::Sub:\n        - '${Ruby2LogGroup}'\n        - Ruby2LogGroup: x",
            "\n      Fn::Sub:\n        - '${Ruby2LogGroup}'\n        - Ruby2LogGroup: x",
        ),
        (
            "!If [C, !Join ['', [!Ref Ruby2TaskRole, x]], !Ref Other]",
            "!If [C, !Join ['', [!GetAtt Ruby2.TaskRoleName, x]], !Ref Other]",
        ),
    ] {
        let rest = |value: &str| format!("Outputs:\n  A:\n    Value: {value}\n  # of B\n  B: {{Value: 1}}\n");
        assert_eq!(unsaid(beside(&rest(before))), rest(after), "{before}");
    }
}

#[test]
fn the_task_definition_is_referred_to_without_its_revision_and_that_is_reported() {
    for (before, after) in [
        ("!Ref Ruby2TaskDefinition", "!Ref Ruby2"),
        ("{Ref: Ruby2TaskDefinition}", "{Ref: Ruby2}"),
        ("!Sub x-${Ruby2TaskDefinition}", "!Sub x-${Ruby2}"),
    ] {
        let (text, remarks) = beside(&format!("Outputs:\n  A:\n    Value: {before}\n"));
        assert_eq!(text, format!("Outputs:\n  A:\n    Value: {after}\n"));
        assert!(remarks[0].text.contains("without a revision"), "{remarks:?}");
        assert_eq!(remarks[0].weight, Weight::Note);
    }
}

#[test]
fn an_export_whose_value_changes_is_reported() {
    let export = |value: &str| {
        beside(&format!(
            "Outputs:\n  A:\n    Value: {value}\n    Export: {{Name: a}}\n"
        ))
    };
    for (value, count) in [
        ("!GetAtt Ruby2TaskRole.RoleId", 1),
        ("!GetAtt Ruby2ExecutionRole.Arn", 1),
        ("!Ref Ruby2LogGroup", 0),
        ("!Ref Other", 0),
    ] {
        let (_, remarks) = export(value);
        assert_eq!(remarks.len(), count, "{value}: {remarks:?}");
        assert!(
            remarks.iter().all(|remark| remark.text.contains("imports it")),
            "{remarks:?}"
        );
    }
}

#[test]
fn what_has_no_successor_stays_and_is_reported() {
    for (value, message) in [
        ("!Ref Ruby2ExecutionRole", "!GetAtt Ruby2.ExecutionRoleArn"),
        ("!GetAtt Ruby2ExecutionRole.RoleId", "unique id"),
        ("!GetAtt Ruby2TaskRole.Path", "no such attribute"),
        ("!Sub '${Ruby2ExecutionRole}'", "!GetAtt Ruby2.ExecutionRoleArn"),
        ("!Sub ['${Ruby2LogGroup}', {Ruby2: x}]", "write `${Ruby2.LogGroupName}`"),
        ("!Sub \"\\x24{Ruby2LogGroup}\"", "write `${Ruby2.LogGroupName}`"),
        ("!GetAtt \"Ruby2\\x54askRole.Arn\"", "write `Ruby2.TaskRoleArn`"),
    ] {
        let rest = format!("Outputs:\n  A:\n    Value: {value}\n");
        let (text, remarks) = beside(&rest);
        assert_eq!(text, rest);
        assert_eq!(remarks.len(), 1, "{value}: {remarks:?}");
        assert_eq!(remarks[0].weight, Weight::Warning);
        assert!(remarks[0].text.contains(message), "{remarks:?}");
    }
}

#[test]
fn a_logical_id_in_other_words_is_reported() {
    let (text, remarks) = beside("Outputs:\n  A:\n    Value: --role Ruby2TaskRole\n");
    assert!(text.contains("--role Ruby2TaskRole"));
    assert_eq!((remarks.len(), remarks[0].weight), (1, Weight::Note));
}

#[test]
fn a_resource_that_refers_to_itself_is_reported() {
    let text = "Resources:\n  A:\n    Type: Buildkite::ECS::Agent\n    Properties:\n      Environment:\n        - {Name: R, Value: !Ref ATaskRole}\n";
    let migration = migrated(text);
    assert!(migration.text.contains("!Ref ATaskRole"));
    assert!(
        (migration.remarks.iter()).any(|remark| remark.weight == Weight::Warning && remark.text.contains("itself")),
        "{:?}",
        migration.remarks
    );
}

#[test]
fn what_the_template_declares_is_not_the_macros() {
    let own = "  Own:\n    Type: Buildkite::ECS::TaskDefinition\n    Properties:\n      TaskRoleArn: !GetAtt OwnTaskRole.Arn\n  OwnTaskRole:\n    Type: AWS::IAM::Role\n";
    let text = unsaid(beside(own));
    assert!(text.contains("TaskRoleArn: !GetAtt OwnTaskRole.Arn"), "{text}");
    // Even where the macro would have made it, too.
    let twice = "  Ruby2TaskRole:\n    Type: AWS::IAM::Role\nOutputs:\n  A:\n    Value: !Ref Ruby2TaskRole\n";
    assert_eq!(unsaid(beside(twice)), twice);
}

#[test]
fn dependencies_on_what_the_macro_made_are_on_the_resource_once() {
    for (before, after) in [
        ("Ruby2TaskDefinition", "Ruby2"),
        ("[Ruby2TaskDefinition, Other]", "[Ruby2, Other]"),
        ("[Ruby2TaskDefinition, Other, Ruby2LogGroup]", "[Ruby2, Other]"),
        (
            "\n      - Ruby2LogGroup # logs\n      - Ruby2TaskRole\n      - Other",
            "\n      - Ruby2 # logs\n      - Other",
        ),
    ] {
        let rest = |value: &str| format!("  A:\n    Type: AWS::SNS::Topic\n    DependsOn: {value}\n");
        assert_eq!(unsaid(beside(&rest(before))), rest(after));
    }
}

#[test]
fn what_the_macro_ignored_of_a_resource_is_reported() {
    let (_, remarks) = beside(
        "  A:\n    Type: Buildkite::ECS::TaskDefinition\n    Condition: C\n    DependsOn: ATaskDefinition\n    Properties:\n      Image: a\n",
    );
    let placed: Vec<_> = remarks.iter().map(|remark| (remark.at.line, remark.weight)).collect();
    assert_eq!(
        placed,
        [(10, Weight::Note), (11, Weight::Note), (11, Weight::Warning)],
        "{remarks:?}"
    );
}

#[test]
fn where_there_may_be_no_ssh_agent_any_more_that_is_reported() {
    for (backend, count) in [
        ("!Ref Maybe", 1),
        ("{Ref: Maybe}", 1),
        ("''", 1),
        ("!Ref Given", 0),
        ("!Ref AWS::NoValue", 0),
        ("arn:aws:execute-api:us-east-1:111122223333:api/Prod", 0),
        ("!FindInMap [A, B, C]", 0),
    ] {
        let (_, remarks) = beside(&format!(
            "  A:\n    Type: Buildkite::ECS::TaskDefinition\n    Properties: {{Image: a, SshAgentBackend: {backend}}}\n\
             Parameters:\n  Maybe: {{Type: String, Default: ''}}\n  Given: {{Type: String, Default: x}}\n"
        ));
        assert_eq!(remarks.len(), count, "{backend}: {remarks:?}");
    }
}

#[test]
fn a_resource_that_has_to_stay_stays_whole_and_is_reported() {
    for body in [
        "Type: Buildkite::ECS::TaskDefinition\n",
        "Type: Buildkite::ECS::TaskDefinition\n    Properties:\n",
        "Type: Buildkite::ECS::TaskDefinition\n    Properties: {}\n",
        "Type: Buildkite::ECS::TaskDefinition\n    Properties: *other\n",
    ] {
        let rest = format!(
            "  B: {{Properties: &other {{Image: b}}}}\n  A:\n    {body}Outputs:\n  A:\n    Value: !Ref ATaskRole\n"
        );
        let (text, remarks) = beside(&rest);
        assert_eq!(text, rest);
        assert_eq!((remarks.len(), remarks[0].weight), (1, Weight::Warning), "{remarks:?}");
    }
}

#[test]
fn the_macro_is_reported_where_it_is_called_or_used_elsewhere() {
    let nested = "  A:\n    Fn::Transform: {Name: Buildkite-Agents-2020-03-21}\n  B:\n    Type: AWS::X\n    Properties:\n      C: {Type: Buildkite::ECS::Agent}\n";
    let (text, remarks) = beside(nested);
    assert_eq!(text, nested);
    let placed: Vec<_> = remarks.iter().map(|remark| (remark.at.line, remark.weight)).collect();
    assert_eq!(placed, [(9, Weight::Warning), (13, Weight::Warning)], "{remarks:?}");
}

#[test]
fn other_transforms_stay() {
    for (before, after) in [
        ("Transform: Buildkite-Agents-2020-03-09\n", ""),
        (
            "Transform: [Buildkite-Agents-2020-03-09, 'AWS::Serverless-2016-10-31']\n",
            "Transform: ['AWS::Serverless-2016-10-31']\n",
        ),
        (
            "Transform:\n- Name: Buildkite-Agents-x\n  Parameters: {}\n- B\n",
            "Transform:\n- B\n",
        ),
        ("Transform:\n  Name: Buildkite-Agents-x\n", ""),
    ] {
        let rest = "Resources: {}\n";
        let migration = migrated(&format!("{before}{rest}"));
        assert_eq!((migration.text, migration.transform), (format!("{after}{rest}"), true));
    }
}

#[test]
fn a_macro_of_another_name_is_reported_and_removed_where_it_is_given() {
    let text = template("").replace("Buildkite-Agents-2020-03-21", "Ours");
    assert!(
        (migrated(&text).remarks.iter())
            .any(|remark| remark.weight == Weight::Warning && remark.text.contains("--macro NAME"))
    );
    let named = Options {
        macro_name: Some("Ours".to_owned()),
        ..options()
    };
    assert!(migrate(&text, &named).unwrap().text.starts_with("Resources:"));
}

#[test]
fn the_service_token_may_be_an_arn() {
    let arn = Options {
        service_token: "arn:aws:lambda:us-east-1:111122223333:function:p".parse().unwrap(),
        macro_name: None,
    };
    let text = migrate(&template(""), &arn).unwrap().text;
    assert!(
        text.contains("      ServiceToken: arn:aws:lambda:us-east-1:111122223333:function:p\n      Image"),
        "{text}"
    );
    read(&text).unwrap();
}

#[test]
fn where_the_token_comes_from_is_kept_or_reported() {
    let asked = |text: &str| {
        let migration = migrated(text);
        let warned = migration
            .remarks
            .iter()
            .any(|remark| remark.text.contains("/buildkite-agent/token"));
        (
            migration
                .text
                .contains("BuildkiteAgentTokenParameterPath: !Ref BuildkiteAgentTokenParameterPath\n"),
            warned,
        )
    };
    assert_eq!(asked(&template("")), (false, true));
    assert_eq!(
        asked(&template(
            "Parameters:\n  BuildkiteAgentTokenParameterPath: {Type: String}\n"
        )),
        (true, false)
    );
}

#[test]
fn a_global_that_takes_several_lines_is_left_and_reported() {
    let rest =
        "Globals:\n  TaskDefinition:\n    BuildkiteAgentTokenParameterPath:\n      !Sub\n        - a\n        - {}\n";
    let (text, remarks) = beside(rest);
    assert_eq!(text, rest);
    assert_eq!((remarks.len(), remarks[0].weight), (1, Weight::Warning), "{remarks:?}");
}

#[test]
fn what_the_macro_made_is_kept_in_the_processed_template() {
    let processed = "{\n    \"Resources\": {\n        \"Ruby2LogGroup\": {\n            \"Type\": \"AWS::Logs::LogGroup\"\n        },\n        \"Ruby2TaskRole\": {\n            \"DeletionPolicy\": \"Delete\",\n            \"Metadata\": {}\n        },\n        \"OtherTaskRole\": {\n            \"Type\": \"AWS::IAM::Role\"\n        }\n    }\n}\n";
    let kept = retain(&template(""), processed).unwrap();
    insta::assert_snapshot!(shown(&kept));
    let again = retain(&template(""), &kept.text).unwrap();
    assert_eq!((again.text, again.resources), (kept.text, 0));
}

#[test]
fn a_processed_template_of_another_stack_is_reported() {
    let kept = retain(&template(""), "Resources:\n  A: {Type: 'AWS::SNS::Topic'}\n").unwrap();
    assert_eq!((kept.resources, kept.remarks.len()), (0, 1));
    assert_eq!(kept.remarks[0].weight, Weight::Warning);
}

#[test]
fn what_is_not_a_template_is_refused() {
    assert!(migrate("a: [", &options()).is_err());
    assert!(matches!(retain("a: [", "{}"), Err(Unread::Template(_))));
    assert!(matches!(retain("{}", "a: ["), Err(Unread::Processed(_))));
}

/// Parts of a template, each in several layouts, before and after.
const PARTS: [&[(&str, &str)]; 5] = [
    &[
        ("Transform: Buildkite-Agents-2020-03-21  # why\n", ""),
        ("Transform: [A, Buildkite-Agents-2020-03-21]\n", "Transform: [A]\n"),
        (
            "Transform:\n    # of it\n    - Buildkite-Agents-2020-03-21\n",
            "# of it\n",
        ),
        (
            "Transform:\n- Name: Buildkite-Agents-2020-03-21\n# of A\n- A\n",
            "Transform:\n# of A\n- A\n",
        ),
    ],
    &[
        ("Globals:\n  TaskDefinition: {}\n", ""),
        (
            "Globals:\n  Function:\n    Timeout: 3\n",
            "Globals:\n  Function:\n    Timeout: 3\n",
        ),
        (
            "Globals:\n  Function: {}\n  TaskDefinition:\n    # of it\n    TaskCpu: 1\n",
            "Globals:\n  Function: {}\n  # of it\n",
        ),
    ],
    &[
        (
            "Resources:\n  X:\n    Properties:\n      # of it\n      Image: x\n    Type: Buildkite::ECS::Agent\n",
            "Resources:\n  X:\n    Properties:\n      ServiceToken: !ImportValue buildkite-agent-provider-ServiceToken\n      # of it\n      Image: x\n    \
             Type: Custom::BuildkiteAgent\n",
        ),
        (
            "Resources: {X: {Type: 'Buildkite::ECS::TaskDefinition', Properties: { Image: x }}}\n",
            "Resources: {X: {Type: 'Custom::BuildkiteAgent', Properties: { ServiceToken: !ImportValue buildkite-agent-provider-ServiceToken, Image: x }}}\n",
        ),
    ],
    &[
        (
            "Outputs:\n  A:\n    Value: !Ref XLogGroup  # why\n",
            "Outputs:\n  A:\n    Value: !GetAtt X.LogGroupName  # why\n",
        ),
        (
            "Outputs: {\"A\": {\"Value\": {\"Ref\": \"XTaskRole\"}}}\n",
            "Outputs: {\"A\": {\"Value\": {\"Fn::GetAtt\": [\"X\", \"TaskRoleName\"]}}}\n",
        ),
        (
            "Outputs:\n  A: &a\n    Value: !Sub >-\n      é ${XTaskRole.Arn}\n  B: *a\n",
            "Outputs:\n  A: &a\n    Value: !Sub >-\n      é ${X.TaskRoleArn}\n  B: *a\n",
        ),
    ],
    &[
        ("Description: >-\n  of\n  it\n", "Description: >-\n  of\n  it\n"),
        ("Description: |+\n    # of it\n", "Description: |+\n    # of it\n"),
        ("Description: 'of # it'  # why\n", "Description: 'of # it'  # why\n"),
    ],
];

/// A text's lines without the empty ones, of which one may go with what is between them.
fn lines(text: &str) -> Vec<&str> {
    text.split('\n').filter(|line| !line.trim().is_empty()).collect()
}

proptest! {
    #[test]
    fn what_is_not_the_macros_stays_whatever_is_around_it(
        chosen in PARTS.map(|part| select(part.to_vec())),
        order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(),
        between in proptest::collection::vec(select(vec!["", "\n", "# ü\n", "\n\n", "\n# ü\n\n"]), 5),
        crlf: bool,
    ) {
        let ends = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
        let written = |side: fn((&'static str, &'static str)) -> &'static str| {
            let parts: String = order.iter().zip(&between).flat_map(|(part, between)| [between, side(chosen[*part])]).collect();
            ends(parts)
        };
        let (before, after) = (written(|(before, _)| before), written(|(_, after)| after));
        let migration = migrate(&before, &options()).unwrap();
        prop_assert_eq!(lines(&migration.text), lines(&after));
        let description = |text: &str| read(text).unwrap().get("Description").and_then(|node| node.text().map(str::trim_end).map(str::to_owned));
        prop_assert_eq!(description(&migration.text), description(&before));
    }
}

#[test]
fn a_resource_in_a_loop_is_migrated_with_what_refers_to_it() {
    let rest = "  Fn::ForEach::B:\n    - X\n    - [One, Two]\n    - B${X}:\n        Type: Buildkite::ECS::TaskDefinition\n        Properties:\n          Image: !Ref X\n      \
                T${X}:\n        Type: AWS::SNS::Topic\n        DependsOn: B${X}TaskDefinition\n        Properties: {A: !GetAtt 'B${X}TaskRole.Arn'}\n\
                Outputs:\n  A: {Value: !GetAtt BOneTaskRole.Arn}\n  B: {Value: !Sub 'x${BTwoTaskDefinition}'}\n";
    let migration = migrated(&template(rest));
    insta::assert_snapshot!(shown(&migration));
    assert_eq!((migration.resources, migration.stay, migration.transform), (2, 0, true));
}

#[test]
fn where_a_resource_has_to_stay_the_macro_stays_and_that_is_a_warning() {
    let globals = "Globals:\n  TaskDefinition:\n    BuildkiteAgentTokenParameterPath: /a\n";
    for rest in [
        "  B: {Properties: &other {Image: b}}\n  A:\n    Type: Buildkite::ECS::TaskDefinition\n    Properties: *other\n",
        "  A:\n    Type: Buildkite::ECS::TaskDefinition\n",
        "  A:\n    Fn::Transform: {Name: Buildkite-Agents-2020-03-21}\n",
        "  A:\n    Type: AWS::X\n    Properties:\n      Inner: {Type: Buildkite::ECS::Agent}\n",
    ] {
        let migration = migrated(&template(&format!("{rest}{globals}")));
        assert!(
            migration.text.starts_with("Transform: Buildkite-Agents-2020-03-21\n"),
            "{}",
            migration.text
        );
        assert!(migration.text.ends_with(globals), "{}", migration.text);
        assert_eq!((migration.resources, migration.transform), (1, false));
        let warned = migration
            .remarks
            .iter()
            .filter(|remark| remark.weight == Weight::Warning);
        assert!(
            warned
                .clone()
                .any(|remark| remark.text.contains("the macro and its `Globals` stay")),
            "{:?}",
            migration.remarks
        );
        assert!(warned.count() > 1);
    }
}

#[test]
fn a_reference_to_a_secret_is_reported_with_the_entry_to_write() {
    let (_, remarks) = beside(
        "  A:\n    Type: Buildkite::ECS::TaskDefinition\n    Properties:\n      Image: a\n      Environment:\n        - Name: DB\n          Value: '{{resolve:ssm-secure:/db}}'\n",
    );
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert_eq!((remarks[0].at.line, remarks[0].weight), (14, Weight::Warning));
    assert!(
        remarks[0]
            .text
            .contains("write in `Secrets`: {Name: DB, ValueFrom: /db}"),
        "{remarks:?}"
    );
}
