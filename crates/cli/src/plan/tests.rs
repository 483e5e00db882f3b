//! Whole plans of whole templates.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::*;

pub(super) fn settings() -> Settings {
    Settings::read(|name| match name {
        "PERMISSIONS_BOUNDARY_ARN" => Some("arn:aws:iam::123456789012:policy/BuildkiteAgentBoundary".to_owned()),
        "ALLOW_PRIVILEGED" => Some("true".to_owned()),
        _ => None,
    })
    .unwrap()
}

pub(super) fn planned(text: &str) -> Plan {
    Plan::of(text, &Given::default(), &settings()).unwrap()
}

pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

pub(super) fn sentences(plan: &Plan) -> Vec<String> {
    (plan.findings.iter())
        .map(|finding| format!("{} {}", finding.at.start, finding.sentence))
        .collect()
}

fn examples() -> Vec<(String, String)> {
    let mut directories = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples"))];
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_example_is_planned_without_a_fault() {
    let examples = examples();
    assert!(examples.len() >= 9, "{}", examples.len());
    for (path, text) in examples {
        let plan = planned(&text);
        assert_eq!(sentences(&plan), [] as [String; 0], "{path}");
        for agent in &plan.agents {
            assert!(
                !matches!(agent.outcome, Outcome::Refused),
                "{path}: {}",
                agent.logical_id
            );
        }
    }
}

#[test]
fn what_depends_on_the_deployment_is_shown_as_such() {
    let plan = planned(include_str!("../../../../examples/cargo-publish.yml"));
    insta::assert_snapshot!(plain(&tree(&plan)));
}

#[test]
fn what_is_given_is_known() {
    let text = include_str!("../../../../examples/rails.yml");
    let given = Given {
        region: Some("eu-west-1".to_owned()),
        account: Some("123456789012".to_owned()),
        ..Given::default()
    };
    let plan = Plan::of(text, &given, &settings()).unwrap();
    insta::assert_snapshot!(plain(&tree(&plan)));
}

const WRONG: &str = "
Conditions:
  Never: !Equals [a, b]
Resources:
  Ruby:
    Type: Custom::BuildkiteAgent
    Properties:
      Imagee: ruby:3.4
      TaskCpu: 1024
      TaskMemory: 1024
      Secrets:
        - Name: TOKEN
          ValueFrom: /a/token
        - {Name: PASSWORD, ValueFrom: 'not a parameter'}
  Left:
    Type: Custom::BuildkiteAgent
    Condition: Never
    Properties: {}
  Other:
    Type: Custom::BuildkiteAgent
    Properties: {ServiceToken: t, Image: !Ref Imag, TaskFamily: one}
  Another:
    Type: Custom::BuildkiteAgent
    Properties: {ServiceToken: t, Image: alpine, TaskFamily: one}
Outputs:
  Arn: {Value: !GetAtt Other.TaskDefinitonArn}
  Url: {Value: !Sub 'x/${Other.Role}/${Other.Revision}'}
";

#[test]
fn every_fault_is_shown_at_once_where_it_is() {
    let plan = planned(WRONG);
    insta::assert_snapshot!(plain(&report(&plan, WRONG, "template.yml", None)));
    insta::assert_snapshot!(plain(&tree(&plan)));
}

#[test]
fn a_resource_of_the_macros_is_a_fault_that_names_the_way_out() {
    let plan = planned("Resources:\n  Ruby:\n    Type: Buildkite::ECS::Agent\n    Properties: {Image: ruby}\n");
    let sentence = "`Ruby` is a Buildkite::ECS::Agent, which is the macro's; `agent-composer migrate` makes a Custom::BuildkiteAgent of it";
    assert_eq!(sentences(&plan), [format!("3:11 {sentence}")]);
}

#[test]
fn a_plan_is_a_document_too() {
    insta::assert_json_snapshot!(document(&planned(WRONG)));
    insta::assert_json_snapshot!(document(&planned(include_str!("../../../../examples/deploy.yml"))));
}

#[test]
fn a_plan_is_a_native_template_too() {
    let native = native(&planned(include_str!("../../../../examples/cargo-publish.yml")));
    insta::assert_json_snapshot!(native.template.unwrap());
    insta::assert_snapshot!(native.notes.join("\n"));
}

#[test]
fn a_native_template_refers_to_what_it_has() {
    let template = planned(
        "
Parameters: {Cpu: {Type: Number}, Mode: {Type: String}}
Resources:
  Ruby:
    Type: Custom::BuildkiteAgent
    DeletionPolicy: Retain
    DependsOn: Queue
    Properties: {ServiceToken: t, Image: 'ruby:3', TaskCpu: !Ref Cpu, NetworkMode: !Ref Mode, TaskRoleArn: !ImportValue Role}
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: [Ruby]
  RubyLogGroup: {Type: AWS::Logs::LogGroup}
Outputs:
  Ref: {Value: !Ref Ruby}
  Arn: {Value: !GetAtt Ruby.TaskDefinitionArn}
  Number: {Value: !Sub 'revision ${Ruby.Revision} of ${Ruby}, ${!Ruby}, ${Queue}'}
  Family: {Value: !GetAtt Ruby.TaskFamily}
  Role: {Value: !GetAtt Ruby.TaskRoleArn}
  Logs: {Value: !GetAtt [Ruby, LogGroupName]}
",
    );
    let native = native(&template);
    let whole = native.template.unwrap();
    let resources = &whole["Resources"];
    insta::assert_json_snapshot!(json!({
        "resources": resources.as_object().unwrap().keys().collect::<Vec<_>>(),
        "outputs": whole["Outputs"],
        "queue": resources["Queue"],
        "cpu": resources["RubyTaskDefinition"]["Properties"]["Cpu"],
        "task role": resources["RubyTaskDefinition"]["Properties"]["TaskRoleArn"],
        "depends": resources["RubyTaskDefinition"]["DependsOn"],
        "policy": resources["RubyTaskDefinition"]["DeletionPolicy"],
        "notes": native.notes,
    }));
}

#[test]
fn a_plan_is_a_diagram_too() {
    insta::assert_snapshot!(mermaid(&planned(include_str!(
        "../../../../examples/cargo-publish.yml"
    ))));
}

/// Every place of a value in a document, as JSON pointers.
pub(super) fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if !pointer.is_empty() {
        found.push(pointer.to_owned());
    }
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                pointers(element, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pointers(field, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_cannot_be_known_is_not_a_fault_wherever_it_is_written() {
    let every: Value = serde_json::from_str(include_str!("../../../model/src/properties/every_property.json")).unwrap();
    let every = without_nulls(&every);
    let mut all = Vec::new();
    pointers(&every, "", &mut all);
    assert!(all.len() > 100);
    let mut faults = Vec::new();
    let mut planned_for = 0;
    let count = all.len();
    for pointer in all {
        let mut properties = every.clone();
        properties["ServiceToken"] = "t".into();
        *properties.pointer_mut(&pointer).unwrap() = json!({"Fn::ImportValue": "x"});
        let template = json!({"Resources": {"X": {"Type": TYPE, "Properties": properties}}});
        let given = Given {
            region: Some("us-east-1".to_owned()),
            account: Some("123456789012".to_owned()),
            ..Given::default()
        };
        let plan = Plan::of(&template.to_string(), &given, &settings()).unwrap();
        if !plan.findings.is_empty() {
            faults.push(format!("{pointer}: {:?}", sentences(&plan)));
        }
        planned_for += plan.composed().count();
    }
    assert_eq!(faults, [] as [&str; 0]);
    assert!(
        planned_for * 10 > count * 9,
        "only {planned_for} of {count} are planned"
    );
}

/// No template may have them.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements
            .iter()
            .filter(|one| !one.is_null())
            .map(without_nulls)
            .collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, field)| !field.is_null());
            Value::Object(
                fields
                    .map(|(name, field)| (name.clone(), without_nulls(field)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

mod agents;
mod dropped;
mod not_known;
mod places;
mod secrets;
mod stand_ins;
mod words;
