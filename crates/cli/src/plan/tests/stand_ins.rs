//! No stand-in leaves the plan, whatever is not known and wherever it is.

use serde_json::{Value, json};

use super::*;

/// Kinds of expressions that only the deployment knows.
fn expressions() -> Vec<(&'static str, Value)> {
    vec![
        ("an import", json!({"Fn::ImportValue": "x"})),
        ("a parameter", json!({"Ref": "Word"})),
        ("a list", json!({"Ref": "List"})),
        ("an SSM parameter", json!({"Ref": "Stored"})),
        ("a repository", json!({"Fn::Sub": "${Repo.RepositoryUri}:latest"})),
        (
            "a registry",
            json!({"Fn::Sub": "${Account}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/a/b:1"}),
        ),
        (
            "a registry elsewhere",
            json!({"Fn::Sub": "${Account}.dkr.ecr.${Word}.amazonaws.com/a:1"}),
        ),
        (
            "a composed stage",
            json!({"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Word}/${Word2}"}),
        ),
        (
            "a composed secret",
            json!({"Fn::Sub": "arn:aws:secretsmanager:${Word}:${Account}:secret:a-${Word2}:key::"}),
        ),
        (
            "a composed role",
            json!({"Fn::Sub": "arn:${AWS::Partition}:iam::${Account}:role/BuildkiteAgentTask/${Word}"}),
        ),
        (
            "a composed key",
            json!({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "kms", {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}, {"Fn::Sub": "key/${Word}"}]]}),
        ),
        ("a path", json!({"Fn::Sub": "/${Word}/token"})),
        ("a dynamic reference", json!("{{resolve:ssm:/a/b:1}}")),
        (
            "a composed dynamic reference",
            json!({"Fn::Sub": "x-{{resolve:ssm:/${Word}/b}}"}),
        ),
        ("a choice", json!({"Fn::If": ["Perhaps", "a", "b"]})),
        (
            "something or nothing",
            json!({"Fn::If": ["Perhaps", "a", {"Ref": "AWS::NoValue"}]}),
        ),
        (
            "a part",
            json!({"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Word"}]}]}),
        ),
        (
            "a long text",
            json!({"Fn::Sub": "a-very-long-name-that-goes-beyond-what-a-role-may-be-called-${Word}"}),
        ),
        ("a secret of the template's", json!({"Ref": "Kept"})),
        ("a key of the template's", json!({"Fn::GetAtt": ["Key", "Arn"]})),
        ("a role of the template's", json!({"Fn::GetAtt": ["Role", "Arn"]})),
        ("a file system of the template's", json!({"Ref": "Files"})),
    ]
}

fn template(properties: &Value) -> Value {
    json!({
        "Parameters": {
            "Word": {"Type": "String"},
            "Word2": {"Type": "String"},
            "Account": {"Type": "String"},
            "List": {"Type": "CommaDelimitedList"},
            "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"},
        },
        "Conditions": {"Perhaps": {"Fn::Equals": [{"Ref": "Word"}, "a"]}},
        "Resources": {
            "Repo": {"Type": "AWS::ECR::Repository"},
            "Kept": {"Type": "AWS::SecretsManager::Secret"},
            "Key": {"Type": "AWS::KMS::Key"},
            "Role": {"Type": "AWS::IAM::Role"},
            "Files": {"Type": "AWS::EFS::FileSystem"},
            "X": {"Type": TYPE, "Properties": properties},
        },
        "Outputs": {
            "Ref": {"Value": {"Ref": "X"}},
            "Role": {"Value": {"Fn::GetAtt": ["X", "TaskRoleArn"]}},
            "Family": {"Value": {"Fn::GetAtt": ["X", "TaskFamily"]}},
        },
    })
}

/// Every output that the plan has, by the name of its form.
fn outputs(plan: &Plan, text: &str) -> Vec<(&'static str, String)> {
    let native = native(plan);
    let existing = plan
        .agents
        .iter()
        .map(|agent| (agent.logical_id.clone(), Existing::default()));
    let other = Some(json!({"RoleName": "another"}));
    let others = plan.agents.iter().map(|agent| {
        let existing = Existing {
            task_definition: Some((json!({"family": "another"}), 1, std::collections::BTreeMap::default())),
            execution_role: other.clone(),
            task_role: other.clone(),
            log_group: other.clone(),
        };
        (agent.logical_id.clone(), existing)
    });
    let (existing, others) = (existing.collect(), others.collect());
    vec![
        ("tree", plain(&tree(plan))),
        ("json", document(plan).to_string()),
        ("mermaid", mermaid(plan)),
        ("report", plain(&report(plan, text, "t", None))),
        (
            "native",
            native
                .template
                .map_or_else(|faults| faults.join("\n"), |it| it.to_string()),
        ),
        ("notes", native.notes.join("\n")),
        ("differences", differences(plan, &existing).0),
        ("changes", changes(plan, &existing).0.to_string()),
        ("differences from others", differences(plan, &others).0),
    ]
}

fn givens() -> [Given; 2] {
    let given = Given {
        region: Some("us-east-1".to_owned()),
        account: Some("123456789012".to_owned()),
        ..Given::default()
    };
    [Given::default(), given]
}

#[test]
fn no_output_of_any_form_holds_a_stand_in() {
    let every: Value =
        serde_json::from_str(include_str!("../../../../model/src/properties/every_property.json")).unwrap();
    let every = without_nulls(&every);
    let mut all = Vec::new();
    pointers(&every, "", &mut all);
    let expressions = expressions();
    let mut leaked = Vec::new();
    let mut native_ones = 0;
    for (index, pointer) in all.iter().enumerate() {
        // A sample, with more of the places that a composition takes apart.
        let taken_apart = [
            "Image",
            "SshAgent",
            "Secret",
            "Family",
            "Role",
            "ValueFrom",
            "Name",
            "Action",
        ];
        let is_taken_apart = taken_apart.iter().any(|name| pointer.contains(name));
        for (number, (kind, expression)) in expressions.iter().enumerate() {
            if (index + number) % (if is_taken_apart { 13 } else { 61 }) > 0 {
                continue;
            }
            let mut properties = every.clone();
            *properties.pointer_mut(pointer).unwrap() = expression.clone();
            let text = template(&properties).to_string();
            let given = &givens()[(index + number) % 2];
            let plan = Plan::of(&text, given, &settings()).unwrap();
            native_ones += usize::from(native(&plan).template.is_ok());
            for (form, output) in outputs(&plan, &text) {
                if !plan.mark.leaves(&output) {
                    leaked.push(format!("{pointer}, {kind}: {form}"));
                }
            }
        }
    }
    assert_eq!(leaked, [] as [&str; 0]);
    assert!(native_ones > 25, "{native_ones}");
}

/// The native template of some properties.
fn made(properties: &Value, given: &Given) -> Value {
    let text = template(properties).to_string();
    let plan = Plan::of(&text, given, &settings()).unwrap();
    assert_eq!(sentences(&plan), [] as [&str; 0]);
    native(&plan).template.unwrap()["Resources"].clone()
}

/// All resources that an execution role's statement is about.
fn resources<'a>(made: &'a Value, sid: &str) -> &'a Value {
    let policy = &made["XExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    let statements = policy["Statement"].as_array().unwrap();
    let statement = statements.iter().find(|statement| statement["Sid"] == sid);
    statement.map_or(&Value::Null, |statement| &statement["Resource"])
}

#[test]
fn a_native_template_gives_rights_on_the_repository_that_its_author_named() {
    for given in givens() {
        let image = json!({"Fn::Sub": "${Repo.RepositoryUri}:latest"});
        let made = made(&json!({"ServiceToken": "t", "Image": image}), &given);
        let rights = resources(&made, "Images")[0]["Fn::Sub"].as_str().unwrap();
        assert!(rights.ends_with(":repository/${Repo}"), "{rights}");
        let shown = &made["XTaskDefinition"]["Properties"]["ContainerDefinitions"][0]["Image"];
        assert_eq!(*shown, image);
    }
    let image = json!({"Fn::Sub": "${Account}.dkr.ecr.eu-west-1.amazonaws.com/a/b:1"});
    let made = made(&json!({"ServiceToken": "t", "Image": image}), &Given::default());
    assert_eq!(
        resources(&made, "Images")[0],
        json!({"Fn::Sub": "arn:aws:ecr:eu-west-1:${Account}:repository/a/b"})
    );
}

#[test]
fn a_native_template_takes_what_is_not_known_apart_itself() {
    let properties = json!({
        "ServiceToken": "t",
        "Image": "ruby",
        "SshAgentBackend": {"Fn::ImportValue": "backend"},
        "Secrets": [{"Name": "A", "ValueFrom": {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${Word}:${Account}:secret:a-AbCdEf"}}],
        "TaskRolePolicies": [{"PolicyName": {"Ref": "Word"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": {"Ref": "Word2"}, "Resource": "*"},
        ]}}],
    });
    let [nothing, _] = givens();
    let made = made(&properties, &nothing);
    let containers = made["XTaskDefinition"]["Properties"]["ContainerDefinitions"]
        .as_array()
        .unwrap();
    let ssh = containers.iter().find(|one| one["Name"] == "ssh-agent").unwrap();
    insta::assert_json_snapshot!(json!({
        "url": ssh["Environment"],
        "task role": made["XTaskRole"]["Properties"]["Policies"],
        "secrets": resources(&made, "Secrets"),
        "keys": resources(&made, "Decrypt0"),
    }));
}

#[test]
fn a_number_of_any_depth_comes_out_as_its_author_wrote_it() {
    let properties = json!({
        "ServiceToken": "t",
        "Image": "ruby",
        "EphemeralStorage": {"SizeInGiB": {"Ref": "Word"}},
        "Sidecars": [{"Name": "a", "Image": "alpine", "StopTimeout": {"Ref": "Word2"}}],
    });
    let made = made(&properties, &Given::default());
    let definition = &made["XTaskDefinition"]["Properties"];
    assert_eq!(definition["EphemeralStorage"]["SizeInGiB"], json!({"Ref": "Word"}));
    assert_eq!(
        definition["ContainerDefinitions"][1]["StopTimeout"],
        json!({"Ref": "Word2"})
    );
}

#[test]
fn a_loop_of_agents_that_cannot_be_followed_has_no_native_form() {
    let text = "Transform: AWS::LanguageExtensions\nParameters: {L: {Type: CommaDelimitedList}}\nResources:\n  Fn::ForEach::A: [X, !Ref L, {'${X}': {Type: Custom::BuildkiteAgent, Properties: {}}}]\n";
    let faults = native(&planned(text)).template.unwrap_err();
    assert!(
        faults[0].starts_with("`Fn::ForEach::A` goes over what is not known"),
        "{faults:?}"
    );
}

#[test]
fn a_native_template_is_refused_where_more_depends_on_what_is_not_known() {
    for (name, value) in [
        ("Secrets", json!({"Ref": "List"})),
        ("CancelOnStop", json!({"Ref": "Word"})),
        (
            "SshAgentBackend",
            json!({"Fn::If": ["Perhaps", {"Fn::ImportValue": "b"}, {"Ref": "AWS::NoValue"}]}),
        ),
        (
            "BuildkiteAgentImage",
            json!({"Fn::If": ["Perhaps", "agent", {"Ref": "AWS::NoValue"}]}),
        ),
    ] {
        let mut properties = json!({"ServiceToken": "t", "Image": "ruby"});
        properties[name] = value;
        let text = template(&properties).to_string();
        let plan = Plan::of(&text, &Given::default(), &settings()).unwrap();
        assert_eq!(sentences(&plan), [] as [&str; 0], "{name}");
        let faults = native(&plan).template.unwrap_err();
        assert!(faults[0].starts_with(&format!("`{name}` of `X`")), "{faults:?}");
    }
}
