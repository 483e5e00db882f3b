//! What may be a secret is not shown, and a reference that nobody resolves is a fault wherever it is.

use super::*;

#[test]
fn no_line_that_is_shown_has_what_may_be_a_secret() {
    for secret in [
        "- {Name: a b, ValueFrom: 'hunter two!'}",
        "- Name: PASSWORD\n          ValueFrom: hunter two!",
        "- Name: PASSWORD\n          ValueFrom: >-\n            hunter\n            two!",
        "- {Name: PASSWORD, ValueFrom: \"hunter two!\"} # not hunter two!",
        "- {Name: PASSWORD, ValueFrom: '/2hunter/two!'}",
        "- {Name: PASSWORD, ValueFrom: !Ref Password}",
        "- {Name: PASSWORD, ValueFrom: &a 'hunter two!'}\n        - {Name: a b, ValueFrom: *a}",
    ] {
        let text = format!(
            "Parameters:\n  Password: {{Type: String, Default: hunter two!, Wrong: *x}}\nResources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties:\n      \
             ServiceToken: t\n      Image: ruby\n      Secrets:\n        {secret}\n      Environment: [{{Name: A, Value: !Ref Passwor}}]\n"
        )
        .replace(", Wrong: *x", "");
        let plan = planned(&text);
        assert!(plan.faults() > 1, "{secret}: {:?}", sentences(&plan));
        for (form, output) in [
            ("report", plain(&report(&plan, &text, "t.yml", None))),
            ("tree", plain(&tree(&plan))),
            ("json", document(&plan).to_string()),
        ] {
            assert!(!output.contains("hunter"), "{form} of {secret}:\n{output}");
            assert!(!output.contains("two!"), "{form} of {secret}:\n{output}");
        }
    }
}

#[test]
fn a_secure_reference_is_a_fault_in_any_property_with_the_entry_to_write() {
    for reference in [
        "{{resolve:secretsmanager:db:SecretString:password}}",
        "{{resolve:ssm-secure:/db/password}}",
    ] {
        for property in [
            "Environment: [{Name: DB, Value: 'X'}]",
            "Environment: [{Name: DB, Value: !Sub 'postgres://X@${AWS::Region}'}]",
            "Secrets: [{Name: DB, ValueFrom: 'X'}]",
            "Tags: [{Key: DB, Value: 'X'}]",
            "Refresh: 'X'",
            "TaskFamily: 'X'",
            "Sidecars: [{Name: a, Image: alpine, Command: ['X']}]",
            "TaskRolePolicies: [{PolicyName: a, PolicyDocument: {Version: '2012-10-17', Id: 'X', Statement: [{Effect: Allow, Action: 's3:*', Resource: '*', Condition: {StringEquals: {'a:b': 'X'}}}]}}]",
            "AgentConfiguration: {Tags: ['X']}",
        ] {
            let property = property.replace('X', reference);
            let plan = planned(&format!(
                "Resources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties:\n      ServiceToken: t\n      Image: ruby\n      {property}\n"
            ));
            let findings = sentences(&plan).join("\n");
            assert!(
                findings.contains("does not resolve in a custom resource"),
                "{property}: {findings}"
            );
            assert!(
                findings.contains("write in `Secrets`: {Name: "),
                "{property}: {findings}"
            );
        }
    }
}
