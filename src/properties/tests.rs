//! One sound set of properties; each fault is one change to it and one expected message.

use serde_json::{Map, Value, json};

use super::*;
use crate::identity::tests::identity;

/// Sound, with every property, and no two values alike.
pub(crate) fn written() -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:buildkite-agent-provider",
        "ServiceTimeout": "1200",
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/rust:1.95",
        "BuildkiteAgentImage": "ghcr.io/buildkite/agent:3-sidecar",
        "SshAgentBackend": "arn:aws:execute-api:eu-west-1:210987654321:a1b2c3d4e5/Prod",
        "Secrets": [
            {"Name": "CARGO_REGISTRY_TOKEN", "ValueFrom": "/cargo/registry-token"},
            {"Name": "NPM_TOKEN", "ValueFrom": "npm-token"},
            {"Name": "DOCKER_AUTH", "ValueFrom": "arn:aws:ssm:eu-central-1:210987654321:parameter/docker/auth"},
            {"Name": "SIGNING_KEY", "ValueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:signing-AbC123:key::"},
            {"Name": "DEPLOY_KEY", "ValueFrom": "arn:aws:secretsmanager:us-west-2:123456789012:secret:deploy/production"},
        ],
        "Environment": [
            {"Name": "RUST_BACKTRACE", "Value": "1"},
            {"Name": "BUILDKITE_PLUGINS_PATH", "Value": "/tmp/plugins"},
            {"Name": "EMPTY", "Value": ""},
        ],
        "TaskFamily": "cargo-publish",
        "TaskMemory": "4096",
        "TaskCpu": "2048",
        "TaskRoleArn": "",
        "BuildkiteAgentTokenParameterPath": "/team/agent-token",
    })
}

pub(crate) fn settings() -> Settings {
    Settings::read(|_| None).unwrap()
}

pub(crate) fn validated(written: &Value) -> Result<Properties, Faults> {
    let owner = identity("CargoPublish", "not-asked").owner;
    Properties::validate(written.as_object().unwrap(), &owner, &settings())
}

fn changed(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Properties, Faults> {
    let mut written = written();
    change(written.as_object_mut().unwrap());
    validated(&written)
}

fn with(name: &str, value: Value) -> Result<Properties, Faults> {
    changed(|written| {
        written.insert(name.to_owned(), value);
    })
}

#[test]
fn every_property_is_read() {
    insta::assert_debug_snapshot!("every_property", validated(&written()).unwrap());
}

#[test]
fn an_image_alone_is_enough_and_the_rest_are_defaults() {
    insta::assert_debug_snapshot!("image_alone", validated(&json!({"Image": "ruby:2.7"})).unwrap());
}

#[test]
fn an_empty_string_and_null_are_absent() {
    let alone = validated(&json!({"Image": "ruby:2.7"})).unwrap();
    for absent in [json!(""), json!(null)] {
        let mut written = json!({"Image": "ruby:2.7"});
        for (name, _) in PROPERTIES.iter().filter(|(name, _)| *name != "Image") {
            written[name] = absent.clone();
        }
        assert_eq!(validated(&written).unwrap(), alone);
    }
}

#[test]
fn scalars_may_come_as_numbers() {
    assert_eq!(with("TaskCpu", json!(2048)).unwrap(), validated(&written()).unwrap());
    assert_eq!(
        with("TaskMemory", json!(4096.0)).unwrap(),
        validated(&written()).unwrap()
    );
    assert_eq!(
        with(
            "Environment",
            json!([{"Name": "A", "Value": 1}, {"Name": "B", "Value": true}])
        )
        .unwrap(),
        with(
            "Environment",
            json!([{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "true"}])
        )
        .unwrap()
    );
}

#[test]
fn a_null_in_a_list_is_left_out() {
    assert_eq!(
        with("Environment", json!([null, {"Name": "A", "Value": "1"}])).unwrap(),
        with("Environment", json!([{"Name": "A", "Value": "1"}])).unwrap()
    );
}

#[test]
fn the_sockets_name_is_the_authors_without_ssh() {
    let properties = changed(|written| {
        written.remove("SshAgentBackend");
        written.insert(
            "Environment".into(),
            json!([{"Name": "SSH_AUTH_SOCK", "Value": "/my/socket"}]),
        );
    });
    assert_eq!(properties.unwrap().environment[0].value, "/my/socket");
}

#[test]
fn a_backend_is_reached_under_the_suffix_of_its_own_region() {
    let backend = |partition: &str, region: &str, account: &str| {
        let mut owner = identity("Ruby2", "ruby2").owner;
        owner.stack_id.partition = partition.to_owned();
        let arn = format!("arn:{partition}:execute-api:{region}:{account}:a1b2c3/Prod/*/*");
        SshAgentBackend::parse(&arn, &owner.stack_id).unwrap()
    };
    let abroad = backend("aws", "ap-southeast-2", "210987654321");
    assert_eq!(
        abroad.url,
        "https://a1b2c3.execute-api.ap-southeast-2.amazonaws.com/Prod"
    );
    assert_eq!(
        abroad.stage_arn,
        "arn:aws:execute-api:ap-southeast-2:210987654321:a1b2c3/Prod"
    );
    assert_eq!(
        backend("aws-cn", "cn-north-1", "123456789012").url,
        "https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn/Prod"
    );
}

#[test]
fn a_task_role_below_the_path_is_taken() {
    for (arn, name) in [
        ("arn:aws:iam::123456789012:role/BuildkiteAgentTask/deploy", "deploy"),
        (
            "arn:aws:iam::123456789012:role/BuildkiteAgentTask/team/deploy",
            "deploy",
        ),
    ] {
        let role = with("TaskRoleArn", json!(arn)).unwrap().task_role.unwrap();
        assert_eq!((role.arn.as_str(), role.name.as_str()), (arn, name));
    }
}

#[test]
fn secrets_of_secrets_manager_are_compared_by_their_first_seven_fields() {
    let resources = |rest: &str| {
        let arn = format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{rest}");
        let properties = with("Secrets", json!([{"Name": "A", "ValueFrom": arn}])).unwrap();
        match &properties.secrets[0].source {
            SecretSource::SecretsManager(secret) => {
                assert_eq!(secret.value_from, arn);
                secret
                    .resources
                    .iter()
                    .map(|arn| arn.rsplit(':').next().unwrap().to_owned())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            SecretSource::Parameter(parameter) => panic!("{parameter:?}"),
        }
    };
    assert_eq!(resources("deploy-AbC123"), "deploy-AbC123");
    assert_eq!(resources("deploy-AbC123:key::"), "deploy-AbC123");
    assert_eq!(resources("deploy-AbC123::AWSPREVIOUS:"), "deploy-AbC123");
    assert_eq!(resources("deploy/production"), "deploy/production-??????");
    assert_eq!(resources("api-secret"), "api-secret api-secret-??????");
}

#[test]
fn parameters_are_one_arn_however_they_are_written() {
    let arn = |value_from: &str| {
        let properties = with("Secrets", json!([{"Name": "A", "ValueFrom": value_from}])).unwrap();
        match &properties.secrets[0].source {
            SecretSource::Parameter(parameter) => {
                assert_eq!(parameter.value_from, value_from);
                parameter.arn.clone()
            }
            SecretSource::SecretsManager(secret) => panic!("{secret:?}"),
        }
    };
    let expected = "arn:aws:ssm:us-east-1:123456789012:parameter/a/b";
    for value_from in ["/a/b", "a/b", "/a/b:3", "a/b:label", expected, &format!("{expected}:3")] {
        assert_eq!(arn(value_from), expected, "{value_from}");
    }
    assert_eq!(arn("token"), "arn:aws:ssm:us-east-1:123456789012:parameter/token");
    assert_eq!(
        arn("arn:aws:ssm:eu-west-1:210987654321:parameter/token"),
        "arn:aws:ssm:eu-west-1:210987654321:parameter/token"
    );
}

/// Each set is refused with the path of what is wrong, and with what would be right.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn malformed_properties_are_refused_with_their_path() {
    let secret = |value_from: &str| json!([{"Name": "A", "ValueFrom": value_from}]);
    let variable = |name: &str| json!([{"Name": name, "Value": "1"}]);
    let cases: Vec<(&str, Value)> = vec![
        ("Image", json!("")),
        ("Image", json!(null)),
        ("Image", json!(["ruby"])),
        ("Image", json!("Ruby 2.7")),
        ("Image", json!("https://ghcr.io/a/b")),
        ("Image", json!("ruby@sha256:beef")),
        ("BuildkiteAgentImage", json!("not an image")),
        ("BuildkiteAgentImage", json!({"Ref": "Image"})),
        ("Imgae", json!("ruby")),
        ("TaskMemroy", json!("512")),
        ("Colour", json!("blue")),
        (
            "SshAgentBackend",
            json!("https://a1b2c3.execute-api.us-east-1.amazonaws.com/Prod"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws:execute-api:us-east-1:123456789012:a1b2c3"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws:lambda:us-east-1:123456789012:function:agent"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3/Prod"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws:execute-api:cn-north-1:123456789012:a1b2c3/Prod"),
        ),
        (
            "SshAgentBackend",
            json!("arn:aws:execute-api:us-east-1:1234:a1b2c3/Prod"),
        ),
        ("Secrets", json!("CARGO_REGISTRY_TOKEN")),
        ("Secrets", json!({"Name": "A", "ValueFrom": "/a"})),
        ("Secrets[0]", json!(["/cargo/registry-token"])),
        ("Secrets[0].ValueFrom", json!([{"Name": "A"}])),
        ("Secrets[0].ValueFrom", secret("")),
        ("Secrets[0].Name", json!([{"ValueFrom": "/a"}])),
        (
            "Secrets[0].Value",
            json!([{"Name": "A", "ValueFrom": "/a", "Value": "b"}]),
        ),
        ("Secrets[0].ValueFrom", secret("{{resolve:ssm-secure:/a:1}}")),
        ("Secrets[0].ValueFrom", secret("/a//b")),
        (
            "Secrets[0].ValueFrom",
            secret("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"),
        ),
        (
            "Secrets[0].ValueFrom",
            secret("arn:aws:ssm:us-east-1:123456789012:document/a"),
        ),
        (
            "Secrets[0].ValueFrom",
            secret("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a"),
        ),
        ("Secrets[0].ValueFrom", secret("arn:aws:s3:::bucket/key")),
        (
            "Secrets[0].ValueFrom",
            secret("arn:aws:secretsmanager:us-east-1:123456789012:deploy"),
        ),
        (
            "Secrets[0].ValueFrom",
            secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbC123:key"),
        ),
        (
            "Secrets[0].ValueFrom",
            secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbC123::AWSCURRENT:id"),
        ),
        (
            "Secrets[0].Name",
            json!([{"Name": "BUILDKITE_AGENT_TOKEN", "ValueFrom": "/a"}]),
        ),
        ("Environment", json!("A=1")),
        ("Environment[0].Value", json!([{"Name": "A"}])),
        ("Environment[0].Value", json!([{"Name": "A", "Value": ["1"]}])),
        ("Environment[0].Vale", json!([{"Name": "A", "Value": "1", "Vale": "2"}])),
        ("Environment[0].Name", variable("1A")),
        ("Environment[0].Name", variable("A=B")),
        ("Environment[0].Name", variable("A B")),
        ("Environment[0].Name", variable("BUILDKITE_AGENT_TOKEN")),
        ("Environment[0].Name", variable("SSH_AUTH_SOCK")),
        (
            "Environment[1].Name",
            json!([{"Name": "A", "Value": "1"}, {"Name": "A", "Value": "2"}]),
        ),
        (
            "Secrets[0].Name",
            json!([{"Name": "RUST_BACKTRACE", "ValueFrom": "/a"}]),
        ),
        (
            "Secrets[1].Name",
            json!([{"Name": "A", "ValueFrom": "/a"}, {"Name": "A", "ValueFrom": "/b"}]),
        ),
        ("TaskFamily", json!("cargo publish")),
        ("TaskFamily", json!("x".repeat(256))),
        ("TaskFamily", json!({"Fn::Sub": "x"})),
        ("TaskMemory", json!("lots")),
        ("TaskMemory", json!("3000")),
        ("TaskMemory", json!("-512")),
        ("TaskCpu", json!("2 vCPU")),
        ("TaskCpu", json!("300")),
        ("TaskRoleArn", json!("deploy")),
        ("TaskRoleArn", json!("arn:aws:iam::123456789012:role/deploy")),
        (
            "TaskRoleArn",
            json!("arn:aws:iam::210987654321:role/BuildkiteAgentTask/deploy"),
        ),
        (
            "TaskRoleArn",
            json!("arn:aws:iam::123456789012:user/BuildkiteAgentTask/deploy"),
        ),
        (
            "TaskRoleArn",
            json!("arn:aws:iam::123456789012:role/BuildkiteAgentTask/"),
        ),
        ("BuildkiteAgentTokenParameterPath", json!("no parameter")),
        (
            "BuildkiteAgentTokenParameterPath",
            json!("arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbC123"),
        ),
    ];
    let mut messages = Vec::new();
    for (path, value) in cases {
        let property = path.split(['[', '.']).next().unwrap();
        let faults = with(property, value.clone()).expect_err(&format!("{property}: {value}"));
        let named: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(named, [path], "{property}: {value}");
        messages.push(faults.to_string());
    }
    insta::assert_snapshot!("malformed", messages.join("\n"));
}

#[test]
fn a_value_written_where_its_name_belongs_is_not_repeated() {
    let faults = with("Secrets", json!([{"Name": "A", "ValueFrom": "hunter2 is secret!"}])).unwrap_err();
    assert!(!faults.to_string().contains("hunter2"), "{faults}");
}

#[test]
fn all_faults_are_said_at_once() {
    let faults = validated(&json!({
        "Imgae": "ruby",
        "TaskCpu": "1024",
        "Environment": [{"Name": "BUILDKITE_AGENT_TOKEN", "Value": "hunter2"}, {"Name": "", "Value": "hunter3"}],
        "SshAgentBackend": "nonsense",
    }))
    .unwrap_err();
    insta::assert_snapshot!(faults.to_string().replace("; (", "\n("), @r#"
    6 faults: (1) `Environment[1].Name` is required
    (2) `Imgae` is no property of Custom::BuildkiteAgent; did you mean `Image`?
    (3) `Image` is required: the image with the tools for command steps and plugins, such as `ruby:3.4`
    (4) `SshAgentBackend` is no ARN of an API Gateway stage: "nonsense"; write arn:aws:execute-api:REGION:ACCOUNT:API/STAGE
    (5) `Environment[0].Name` is `BUILDKITE_AGENT_TOKEN`, which the provider injects; say where the token is with `BuildkiteAgentTokenParameterPath`
    (6) `TaskMemory` is 512 (the default), which Fargate does not have with `TaskCpu` 1024; legal: 2048 to 8192 in steps of 1024
    "#);
    assert!(
        !faults.to_string().contains("hunter"),
        "an environment's value is never said"
    );
}
