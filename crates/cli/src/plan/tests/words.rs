//! YAML 1.1 is what CloudFormation reads: what is planned is what arrives, and what changes by it is reported.

use super::*;

#[test]
fn a_word_is_planned_as_it_arrives_and_that_is_reported() {
    let plan = planned(
        "Mappings:
  Accounts: {012345670123: {Name: a}}
Parameters:
  Port: {Type: String, Default: 0022}
Resources:
  Ruby:
    Type: Custom::BuildkiteAgent
    Properties:
      ServiceToken: t
      Image: ruby
      TaskCpu: 1_024
      TaskMemory: 4:16:00
      CancelOnStop: yes
      Environment:
        - {Name: VERSION, Value: 1.10}
        - {Name: PORT, Value: !Ref Port}
        - {Name: QUOTED, Value: '0022'}
  Other:
    Type: AWS::SNS::Topic
    Properties: {FifoTopic: yes}
",
    );
    assert_eq!(plan.faults(), 1, "{:?}", sentences(&plan));
    let notes: Vec<String> = sentences(&plan)
        .into_iter()
        .filter_map(|one| {
            one.split_once(": CloudFormation reads YAML 1.1")
                .map(|(before, _)| before.to_owned())
        })
        .collect();
    assert_eq!(
        notes,
        [
            "2:14 `012345670123` arrives as `1402433619`",
            "4:33 `0022` arrives as `18`",
            "11:16 `1_024` arrives as `1024`",
            "12:19 `4:16:00` arrives as `15360`",
            "13:21 `yes` arrives as `true`",
            "15:34 `1.10` arrives as `1.1`",
        ]
    );
}

#[test]
fn a_native_template_has_what_arrives() {
    let plan = planned(
        "Resources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties: {ServiceToken: t, Image: ruby, Environment: [{Name: A, Value: 0022}]}\n  \
         Other: {Type: 'AWS::SNS::Topic', Properties: {A: 0o17, B: 017, C: off}}\n",
    );
    let native = native(&plan).template.unwrap()["Resources"].clone();
    assert_eq!(native["Other"]["Properties"], json!({"A": "0o17", "B": 15, "C": false}));
    let variables = &native["RubyTaskDefinition"]["Properties"]["ContainerDefinitions"][0]["Environment"];
    assert!(
        variables
            .as_array()
            .unwrap()
            .contains(&json!({"Name": "A", "Value": "18"}))
    );
}

#[test]
fn an_account_that_is_a_number_is_a_fault_that_shows_what_arrives() {
    let plan = planned(
        "Mappings: {A: {B: {Account: 012345670123}}}\nResources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties:\n      \
         ServiceToken: t\n      Image: !Sub ['${A}.dkr.ecr.us-east-1.amazonaws.com/a', {A: !FindInMap [A, B, Account]}]\n",
    );
    assert_eq!(plan.faults(), 1);
    let findings = sentences(&plan).join("\n");
    assert!(
        findings.contains("`012345670123` arrives as `1402433619`"),
        "{findings}"
    );
    assert!(findings.contains("1402433619.dkr.ecr"), "{findings}");
}
