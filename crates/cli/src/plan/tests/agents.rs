//! Every agent of a template is looked at, or reported as not looked at.

use super::*;

fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let plan = planned(text);
    let agents = plan.agents.iter().map(|agent| match &agent.outcome {
        Outcome::Composed(composed) => format!("{} {}", agent.logical_id, composed.identity.family),
        other => format!("{} {other:?}", agent.logical_id),
    });
    let agents = agents.collect();
    let findings = plan
        .findings
        .iter()
        .map(|finding| format!("{:?} {} {}", finding.weight, finding.at.start, finding.sentence));
    (agents, findings.collect())
}

#[test]
fn agents_in_a_loop_are_planned_each() {
    let (agents, findings) = shown(
        "Transform: AWS::LanguageExtensions
Mappings: {Images: {Ruby: {Name: 'ruby:3'}, Rust: {Name: 'rust:1'}}}
Resources:
  Fn::ForEach::Agents:
    - Language
    - [Ruby, Rust]
    - ${Language}Agent:
        Type: Custom::BuildkiteAgent
        Properties: {ServiceToken: t, Image: !FindInMap [Images, !Ref Language, Name], TaskCpu: 7}
Outputs:
  Fn::ForEach::Arns:
    - Language
    - [Ruby, Rust]
    - ${Language}Arn: {Value: !GetAtt '${Language}Agent.TaskDefinitionArm'}
",
    );
    assert_eq!(agents, ["RubyAgent Refused", "RustAgent Refused"]);
    assert_eq!(
        findings.iter().filter(|one| one.contains("`TaskCpu`")).count(),
        2,
        "{findings:?}"
    );
    assert_eq!(
        findings.iter().filter(|one| one.contains("TaskDefinitionArm")).count(),
        2,
        "{findings:?}"
    );
}

#[test]
fn one_family_for_all_passes_of_a_loop_is_a_fault() {
    let (_, findings) = shown(
        "Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Agents:
    - X
    - [A, B]
    - ${X}: {Type: 'Custom::BuildkiteAgent', Properties: {ServiceToken: t, Image: ruby, TaskFamily: one}}
",
    );
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].contains("`TaskFamily` is `one`, which `A` already uses"),
        "{findings:?}"
    );
}

#[test]
fn a_custom_resource_with_the_providers_token_is_an_agent() {
    let (agents, findings) = shown(
        "Resources:
  A: {Type: 'AWS::CloudFormation::CustomResource', Properties: {ServiceToken: !ImportValue buildkite-agent-provider-ServiceToken, Image: ruby}}
  B: {Type: 'Custom::Agent', Properties: {ServiceToken: {'Fn::ImportValue': buildkite-agent-provider-ServiceToken}, Image: ruby}}
  C: {Type: 'Custom::Other', Properties: {ServiceToken: !GetAtt Function.Arn}}
  D: {Type: 'Custom::BuildkiteAgent', Properties: {ServiceToken: !Ref Token, Image: ruby}}
  E: {Type: 'Custom::Same', Properties: {ServiceToken: !Ref Token, Image: ruby}}
Parameters: {Token: {Type: String}}
",
    );
    assert_eq!(agents, ["A a", "B b", "D d", "E e"]);
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(
        findings.iter().all(|one| one.contains("has the provider's token")),
        "{findings:?}"
    );
}

#[test]
fn a_look_into_mappings_that_are_not_there_is_a_fault() {
    let (_, findings) = shown(
        "Resources:\n  A: {Type: 'Custom::BuildkiteAgent', Properties: {ServiceToken: t, Image: !FindInMap [A, B, C]}}\n",
    );
    assert_eq!(
        findings,
        ["Fault 2:76 looks into `Mappings`, which the template does not have"]
    );
}

#[test]
fn a_template_without_agents_is_distinguished_from_one_that_was_not_looked_at() {
    for (resources, not_looked_at) in [
        ("A: {Type: 'AWS::SNS::Topic'}", [].as_slice()),
        (
            "A: {Type: 'Custom::Other', Properties: {ServiceToken: !GetAtt F.Arn}}",
            &[],
        ),
        (
            "A: {Type: 'Custom::Other', Properties: {ServiceToken: !Ref Token}}",
            &["`A` (a custom resource whose provider is not known)"],
        ),
        (
            "A: {Type: 'AWS::CloudFormation::Stack'}",
            &["`A` (a nested stack, which has a template of its own)"],
        ),
        (
            "Fn::ForEach::A: [X, !Ref List, {'${X}': {Type: 'Custom::BuildkiteAgent'}}]",
            &["`Fn::ForEach::A` (a loop over what is not known)"],
        ),
        (
            "Fn::Transform: {Name: AWS::Include}",
            &["`Fn::Transform` (what a transform adds)"],
        ),
    ] {
        let plan = planned(&format!(
            "Transform: AWS::LanguageExtensions\nParameters: {{List: {{Type: CommaDelimitedList}}, Token: {{Type: String}}}}\nResources:\n  {resources}\n"
        ));
        assert_eq!(plan.agents.len(), 0);
        assert_eq!(plan.not_looked_at, not_looked_at, "{resources}");
    }
}

#[test]
fn one_family_wanted_twice_is_found_behind_every_other_fault() {
    let (_, findings) = shown(
        "Resources:
  A: {Type: 'Custom::BuildkiteAgent', Properties: {ServiceToken: t, Image: ruby, TaskFamily: one, TaskCpu: 7}}
  B: {Type: 'Custom::BuildkiteAgent', Properties: {ServiceToken: t, Imag: ruby, TaskFamily: one}}
",
    );
    assert!(
        findings
            .iter()
            .any(|one| one.contains("`TaskFamily` is `one`, which `A` already uses")),
        "{findings:?}"
    );
    assert_eq!(findings.len(), 4, "{findings:?}");
}

#[test]
fn one_family_under_two_conditions_is_worth_a_note() {
    let (_, findings) = shown(
        "Conditions: {P: !Equals [!Ref AWS::StackName, p], N: !Not [!Condition P]}
Resources:
  A: {Type: 'Custom::BuildkiteAgent', Condition: P, Properties: {ServiceToken: t, Image: ruby, TaskFamily: one}}
  B: {Type: 'Custom::BuildkiteAgent', Condition: N, Properties: {ServiceToken: t, Image: ruby, TaskFamily: one}}
",
    );
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("Note "), "{findings:?}");
}
