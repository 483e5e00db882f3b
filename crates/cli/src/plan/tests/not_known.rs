//! What is not known is not different: what a template names fits the deployment that nothing was given for.

use super::*;

/// What is reported about one agent with these properties, beside its image and its token.
fn reported(properties: &str, before: &str) -> Vec<String> {
    let properties = properties.replace('\n', "\n      ");
    let text = format!(
        "{before}\nResources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties:\n      ServiceToken: t\n      {properties}\n"
    );
    let plan = planned(&text);
    let findings = plan
        .findings
        .iter()
        .map(|finding| format!("{:?}: {}", finding.weight, finding.sentence));
    findings.collect()
}

#[test]
fn what_a_template_names_is_not_a_fault_where_the_deployment_is_not_known() {
    for properties in [
        // As the migration guide has it.
        "Image: ruby\nTaskRoleArn: arn:aws:iam::111122223333:role/BuildkiteAgentTask/agents-Ruby2TaskRole-1A2B3C4D5E6F",
        "Image: ruby\nSshAgentBackend: arn:aws:execute-api:eu-west-1:111122223333:api/Prod",
        "Image: ruby\nSecrets: [{Name: A, ValueFrom: 'arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/a'}]",
        "Image: 111122223333.dkr.ecr.us-gov-west-1.amazonaws.com/a\nTaskRoleManagedPolicyArns: ['arn:aws-us-gov:iam::aws:policy/A']",
        "Image: 111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/a\nTaskRoleArn: arn:aws-cn:iam::111122223333:role/BuildkiteAgentTask/a",
        "Image: ruby\nSigningKey: arn:aws:kms:eu-west-1:111122223333:key/a\nLogGroupKmsKeyId: arn:aws:kms:eu-west-1:111122223333:key/b",
        "Image: ruby\nTaskRoleArn: !Sub 'arn:aws:iam::${AWS::AccountId}:role/BuildkiteAgentTask/a'",
        "Image: ruby\nSshAgentBackend: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:a/b'\nTaskRoleManagedPolicyArns: ['arn:aws:iam::111122223333:policy/a']",
    ] {
        assert_eq!(reported(properties, ""), [] as [&str; 0], "{properties}");
    }
}

#[test]
fn what_is_named_is_what_the_deployment_is_taken_to_be() {
    let plan = planned(
        "Resources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties: {ServiceToken: t, Image: ruby, TaskRoleArn: 'arn:aws-cn:iam::111122223333:role/BuildkiteAgentTask/a'}\n",
    );
    let (_, composed) = plan.composed().next().unwrap();
    assert_eq!(
        composed.inferred,
        [
            ("partition", "aws-cn".to_owned()),
            ("account", "111122223333".to_owned())
        ]
    );
    let tree = plain(&tree(&plan));
    assert!(
        tree.contains("arn:aws-cn:ssm:${AWS::Region}:111122223333:parameter/"),
        "{tree}"
    );
    assert!(
        tree.contains("account 111122223333, as the properties fit no other"),
        "{tree}"
    );
}

#[test]
fn two_names_that_contradict_each_other_are_still_a_fault() {
    for (properties, fault) in [
        (
            "Image: ruby\nTaskRoleManagedPolicyArns: ['arn:aws:iam::111122223333:policy/a', 'arn:aws:iam::444455556666:policy/b']",
            "Fault: `TaskRoleManagedPolicyArns[1]` is not a managed policy that a role of this account can have",
        ),
        (
            "Image: ruby\nTaskRoleArn: arn:aws-cn:iam::111122223333:role/BuildkiteAgentTask/a\nSecrets: [{Name: A, ValueFrom: 'arn:aws:ssm:eu-west-1:111122223333:parameter/a'}]",
            "Fault: `",
        ),
        (
            "Image: ruby\nSigningKey: arn:aws:kms:eu-west-1:111122223333:key/a\nLogGroupKmsKeyId: arn:aws:kms:eu-west-2:111122223333:key/b",
            "Fault: `",
        ),
    ] {
        let findings = reported(properties, "");
        assert_eq!(findings.len(), 1, "{properties}: {findings:?}");
        assert!(findings[0].starts_with(fault), "{findings:?}");
    }
}

#[test]
fn two_resources_that_are_for_different_accounts_are_a_fault_unless_a_condition_keeps_them_apart() {
    let resource = |name: &str, account: &str, condition: &str| {
        format!(
            "  {name}:\n    Type: Custom::BuildkiteAgent\n{condition}    Properties: {{ServiceToken: t, Image: ruby, TaskRoleArn: 'arn:aws:iam::{account}:role/BuildkiteAgentTask/a'}}\n"
        )
    };
    for (condition, faults) in [("", 1), ("    Condition: C\n", 0)] {
        let text = format!(
            "Conditions: {{C: !Equals [!Ref AWS::StackName, a]}}\nResources:\n{}{}",
            resource("A", "111122223333", condition),
            resource("B", "444455556666", condition)
        );
        assert_eq!(planned(&text).faults(), faults, "{condition}");
    }
}

#[test]
fn what_ssm_knows_later_is_not_a_fault() {
    let parameters = "Parameters:\n  Text: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}\n  \
                      List: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /a}\n  \
                      Name: {Type: 'AWS::SSM::Parameter::Name', Default: /a}\n  \
                      Dynamic: {Type: String, Default: '{{resolve:ssm:/x}}'}";
    for value in [
        "!Ref Text",
        "'{{resolve:ssm:/a}}'",
        "!Sub '{{resolve:ssm:/${AWS::Region}/a:1}}'",
        "!Ref Dynamic",
    ] {
        for property in [
            "Image: VALUE",
            "Image: ruby\nTaskCpu: VALUE",
            "Image: ruby\nTaskMemory: VALUE",
            "Image: ruby\nTaskRoleArn: VALUE",
            "Image: ruby\nSshAgentBackend: VALUE",
            "Image: ruby\nSecrets: [{Name: A, ValueFrom: VALUE}]",
            "Image: ruby\nEnvironment: [{Name: A, Value: VALUE}]",
            "Image: ruby\nLogRetentionInDays: VALUE",
            "Image: ruby\nCpuArchitecture: VALUE",
            "Image: ruby\nTaskFamily: VALUE",
        ] {
            let properties = property.replace("VALUE", value);
            assert_eq!(reported(&properties, parameters), [] as [&str; 0], "{properties}");
        }
    }
    for properties in [
        "Image: ruby\nTaskRoleManagedPolicyArns: !Ref List",
        "Image: ruby\nRequiresCompatibilities: !Ref List",
        "Image: ruby\nBuildkiteAgentTokenParameterPath: !Ref Name",
    ] {
        assert_eq!(reported(properties, parameters), [] as [&str; 0], "{properties}");
    }
    let shown = planned(
        "Resources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties: {ServiceToken: t, Image: 'a:{{resolve:ssm:/tag}}'}\n",
    );
    assert!(plain(&tree(&shown)).contains("container agent  a:{{resolve:ssm:/tag}}\n"));
    let native = native(&shown).template.unwrap();
    let containers = &native["Resources"]["RubyTaskDefinition"]["Properties"]["ContainerDefinitions"];
    assert_eq!(containers[0]["Image"], "a:{{resolve:ssm:/tag}}");
}

#[test]
fn names_that_a_transform_may_make_are_noted() {
    for transform in [
        "Transform: AWS::Serverless-2016-10-31",
        "Transform: [AWS::LanguageExtensions, Own]",
        "Transform:\n  - Name: AWS::Include\n    Parameters: {Location: 's3://a/b'}",
        "Fn::Transform: {Name: Own}",
    ] {
        let findings = reported(
            "Image: ruby\nTaskRoleArn: !GetAtt ApiRole.Arn\nTaskCpu: !If [Big, 1024, 512]\nTags: [{Key: a, Value: !Ref Made}]",
            transform,
        );
        assert_eq!(findings.len(), 3, "{findings:?}");
        for one in &findings {
            assert!(one.starts_with("Note: `"), "{one}");
            assert!(
                one.contains("is not in the template; a transform or a loop may make it"),
                "{one}"
            );
        }
    }
    for none in ["", "Transform: AWS::LanguageExtensions"] {
        let findings = reported("Image: ruby\nTaskRoleArn: !GetAtt ApiRole.Arn", none);
        assert_eq!(
            findings,
            ["Fault: `ApiRole` is not a resource of the template"],
            "{none}"
        );
    }
}

#[test]
fn what_an_include_adds_is_not_missed() {
    let findings = reported("Fn::Transform: {Name: AWS::Include, Parameters: {Location: a}}", "");
    assert_eq!(findings, [] as [&str; 0]);
}
