//! One sound set of properties; each fault is one change to it and one expected message.

use serde_json::{Map, Value, json};

use super::*;
use crate::identity::tests::identity;

/// Sound, with every property, and no two values alike.
pub(crate) fn written() -> Value {
    serde_json::from_str(include_str!("every_property.json")).unwrap()
}

/// The same without some of the properties.
pub(crate) fn written_without(names: &[&str]) -> Value {
    let mut written = written();
    for name in names {
        written.as_object_mut().unwrap().remove(*name);
    }
    written
}

/// What is for a task role that is made.
pub(crate) const RIGHTS: [&str; 3] = ["TaskRolePolicies", "TaskRoleManagedPolicyArns", "EnableExecuteCommand"];

/// Settings with a boundary, without which authors may give no rights, and with all that can be allowed.
pub(crate) fn settings() -> Settings {
    Settings::read(|name| match name {
        "PERMISSIONS_BOUNDARY_ARN" => Some("arn:aws:iam::123456789012:policy/Boundary".to_owned()),
        "ALLOW_PRIVILEGED" => Some("true".to_owned()),
        _ => None,
    })
    .unwrap()
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
        if name == "Secrets" {
            written.remove("SecretsKmsKeyArns");
        }
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
        for property in PROPERTIES.iter().filter(|property| property.name != "Image") {
            written[property.name] = absent.clone();
        }
        assert_eq!(validated(&written).unwrap(), alone);
    }
}

#[test]
fn a_list_of_one_empty_text_is_absent_too() {
    let alone = validated(&json!({"Image": "ruby:2.7"})).unwrap();
    for property in PROPERTIES.iter().filter(|property| property.name != "Image") {
        let written = json!({"Image": "ruby:2.7", property.name: [""]});
        assert_eq!(validated(&written).unwrap(), alone, "{}", property.name);
    }
    let options = json!({"Tags": [""], "AllowedRepositories": [""], "RedactedVars": [""]});
    let written = json!({"Image": "ruby:2.7", "AgentConfiguration": options});
    assert_eq!(validated(&written).unwrap(), alone);
    let sidecar = json!([{"Name": "a", "Image": "alpine", "Command": [""], "DependsOn": [""], "Secrets": [""]}]);
    let bare = json!([{"Name": "a", "Image": "alpine"}]);
    assert_eq!(
        validated(&json!({"Image": "ruby:2.7", "Sidecars": sidecar})).unwrap(),
        validated(&json!({"Image": "ruby:2.7", "Sidecars": bare})).unwrap()
    );
    let command = json!([{"Name": "a", "Image": "alpine", "Command": ["echo", ""]}]);
    let sidecars = validated(&json!({"Image": "ruby:2.7", "Sidecars": command}))
        .unwrap()
        .sidecars;
    assert_eq!(sidecars[0].command, ["echo", ""], "an argument may be empty");
}

/// Everything in a value, at every depth, with its path.
pub(super) fn places_in<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            let dot = if path.is_empty() { "" } else { "." };
            (fields.iter())
                .map(|(name, field)| (format!("{path}{dot}{name}"), field))
                .collect()
        }
        Value::Array(elements) => (elements.iter().enumerate())
            .map(|(index, element)| (format!("{path}[{index}]"), element))
            .collect(),
        _ => Vec::new(),
    };
    for (path, value) in inner {
        places_in(value, &path, found);
        found.push((path, value));
    }
}

/// The paths of all texts in properties, but of CloudFormation's own.
fn texts_in(written: &Value) -> Vec<String> {
    let mut places = Vec::new();
    places_in(written, "", &mut places);
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let texts = places.into_iter().filter(|(_, value)| is_text(value));
    let paths = texts.map(|(path, _)| path);
    paths.filter(|path| !path.starts_with("Service")).collect()
}

#[test]
fn a_secure_reference_is_refused_in_every_text_of_every_property() {
    for (written, least) in std::iter::once(written())
        .chain(vocabulary::tests::every_word())
        .zip([80, 60, 30])
    {
        let paths = texts_in(&written);
        assert!(paths.len() > least, "{}", paths.len());
        for path in paths {
            for reference in [
                "{{resolve:secretsmanager:a:SecretString:b}}",
                "{{resolve:ssm-secure:/a}}",
            ] {
                let problem = problem_of(&written, &path, &format!("x{reference}"));
                assert!(
                    problem.contains("does not resolve in a custom resource")
                        && problem.contains("write in `Secrets`: {Name: "),
                    "{path}: {problem}"
                );
            }
        }
    }
}

#[test]
fn a_nul_is_refused_in_every_text_of_every_property() {
    for written in std::iter::once(written()).chain(vocabulary::tests::every_word()) {
        for path in texts_in(&written) {
            let problem = problem_of(&written, &path, "hunter2\0");
            assert!(problem.starts_with("holds a NUL character"), "{path}: {problem}");
            assert!(!problem.contains("hunter2"), "{path}: {problem}");
        }
    }
}

/// What is wrong at a path when that text is there.
fn problem_of(sound: &Value, path: &str, text: &str) -> String {
    let mut written = sound.clone();
    let pointer = format!("/{}", path.replace("].", "/").replace(['[', '.'], "/").replace(']', ""));
    *written.pointer_mut(&pointer).unwrap() = text.into();
    let faults = validated(&written).expect_err(path);
    let found = faults.iter().find(|fault| fault.path == path);
    found.map_or_else(|| faults.to_string(), |fault| fault.problem.clone())
}

#[test]
fn a_queue_that_environment_gives_a_second_time_is_refused() {
    let set = |variables: &[(&str, &str)], options: Value| {
        let variables: Vec<Value> = (variables.iter())
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect();
        validated(&json!({"Image": "ruby", "Environment": variables, "AgentConfiguration": options}))
    };
    let (queue, tags) = (
        ("BUILDKITE_AGENT_QUEUE", "ruby"),
        ("BUILDKITE_AGENT_TAGS", "os=linux, queue=ruby"),
    );
    for (variables, options, path) in [
        (vec![tags], json!({"Queue": "ruby"}), "Environment[0].Value"),
        (vec![queue, tags], json!({}), "Environment[1].Value"),
        (
            vec![queue],
            json!({"Tags": ["queue=ruby"]}),
            "AgentConfiguration.Tags[0]",
        ),
    ] {
        let faults = set(&variables, options).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, [path]);
    }
    set(&[("BUILDKITE_AGENT_QUEUE", "")], json!({"Tags": ["queue=ruby"]})).unwrap();
    set(&[tags], json!({})).unwrap();
    set(&[("BUILDKITE_AGENT_TAGS", "os=linux")], json!({"Queue": "ruby"})).unwrap();
    set(&[("BUILDKITE_ALLOWED_PLUGINS", "docker.*,.{1,40}")], json!({})).unwrap_err();
}

#[test]
fn known_names_are_listed_once_and_the_place_is_named() {
    let sidecar = |name: &str| json!({"Name": name, "Image": "alpine", "Colour": "blue"});
    let faults =
        validated(&json!({"Image": "ruby", "Hue": "1", "Tint": "2", "Sidecars": [sidecar("a"), sidecar("b")]}));
    let faults = faults.unwrap_err().to_string();
    assert_eq!(faults.matches("known: ").count(), 2, "{faults}");
    assert_eq!(faults.matches("is not a key of a sidecar").count(), 2, "{faults}");
    assert_eq!(
        faults.matches("is not a property of Custom::BuildkiteAgent").count(),
        2,
        "{faults}"
    );
}

#[test]
fn a_new_refresh_changes_nothing() {
    let refreshed = |text: &str| validated(&json!({"Image": "ruby", "Refresh": text})).unwrap();
    assert_eq!(refreshed("1"), refreshed("version 2, of Thursday"));
    assert_eq!(refreshed("1"), validated(&json!({"Image": "ruby"})).unwrap());
}

#[test]
fn a_token_in_secrets_manager_is_refused_with_the_parameter_that_reaches_it() {
    let token = "arn:aws:secretsmanager:us-east-1:123456789012:secret:buildkite/agent-token-AbC123";
    let faults = with("BuildkiteAgentTokenParameterPath", json!(token))
        .unwrap_err()
        .to_string();
    assert!(
        faults.contains("write /aws/reference/secretsmanager/buildkite/agent-token"),
        "{faults}"
    );
    with(
        "BuildkiteAgentTokenParameterPath",
        json!("/aws/reference/secretsmanager/buildkite/agent-token"),
    )
    .unwrap();
}

#[test]
fn a_word_may_be_in_lower_case() {
    let written = json!({"Image": "ruby", "CpuArchitecture": "arm64", "RequiresCompatibilities": ["fargate"], "NetworkMode": "AWSVPC"});
    let properties = validated(&written).unwrap();
    assert_eq!(properties.platform.cpu_architecture, Some("ARM64"));
    assert_eq!(properties.launch.compatibilities, ["FARGATE"]);
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
        let mut written = written_without(&RIGHTS);
        written["TaskRoleArn"] = json!(arn);
        let role = validated(&written).unwrap().task_role.unwrap();
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
    assert_eq!(resources("deploy-production"), "deploy-production-??????");
    assert_eq!(resources("deploy-AbC.23"), "deploy-AbC.23-??????");
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

#[test]
fn malformed_properties_are_refused_with_their_path() {
    refused_as("malformed", malformed());
}

#[test]
fn malformed_containers_and_volumes_are_refused_with_their_path() {
    refused_as("malformed_containers", malformed_containers());
}

#[test]
fn malformed_rights_sizes_and_tags_are_refused_with_their_path() {
    refused_as("malformed_rights", malformed_rights());
}

#[test]
fn a_wrong_value_of_every_property_is_refused() {
    let cases = [malformed(), malformed_containers(), malformed_rights()].concat();
    for Property { name, .. } in PROPERTIES {
        let is_of = |path: &str| path.split(['[', '.']).next() == Some(name);
        assert!(cases.iter().any(|(path, _)| is_of(path)), "no case of `{name}`");
    }
}

/// Each set is refused with the path of what is wrong, and with what would be right.
#[expect(clippy::too_many_lines, reason = "a table")]
fn malformed() -> Vec<(&'static str, Value)> {
    let secret = |value_from: &str| json!([{"Name": "A", "ValueFrom": value_from}]);
    let variable = |name: &str| json!([{"Name": name, "Value": "1"}]);
    vec![
        ("Image", json!("")),
        ("Image", json!(null)),
        ("Image", json!(["ruby"])),
        ("Image", json!("Ruby 2.7")),
        ("Image", json!("https://ghcr.io/a/b")),
        ("Image", json!("ruby@sha256:beef")),
        ("BuildkiteAgentImage", json!("not an image")),
        ("BuildkiteAgentImage", json!({"Ref": "Image"})),
        ("SshAgentImage", json!("not an image")),
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
        ("TaskCpu", json!("2 cores")),
        ("TaskCpu", json!("0.3 vCPU")),
        ("TaskMemory", json!("4 MB")),
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
    ]
}

/// Properties with which something is wrong, each under the path of what is.
fn refused_as(snapshot: &str, cases: Vec<(&str, Value)>) {
    let mut messages = Vec::new();
    for (path, value) in cases {
        let property = path.split(['[', '.']).next().unwrap();
        // What refers to it would be at fault, too.
        let mut written = written_without(match property {
            "TaskRoleArn" => &RIGHTS,
            "Sidecars" => &["DependsOn"],
            "RequiresCompatibilities" => &["EphemeralStorage", "Volumes", "Sidecars", "DependsOn", "MountPoints"],
            "Volumes" => &["Sidecars", "DependsOn", "MountPoints"],
            _ => &[],
        });
        written[property] = value.clone();
        let faults = validated(&written).expect_err(&format!("{property}: {value}"));
        let named: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(named, [path], "{property}: {value}");
        messages.push(faults.to_string());
    }
    insta::assert_snapshot!(snapshot, messages.join("\n"));
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn malformed_containers() -> Vec<(&'static str, Value)> {
    let sidecar = |change: Value| {
        let mut sidecar = json!({"Name": "one", "Image": "alpine"});
        sidecar
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        json!([{"Name": "database", "Image": "postgres", "HealthCheck": {"Command": ["CMD", "true"]}}, sidecar])
    };
    let volume = |efs: Value| json!([{"Name": "data"}, {"Name": "cache", "EFSVolumeConfiguration": efs}]);
    let point = json!({"AccessPointId": "fsap-0123abcd"});
    vec![
        ("Sidecars", json!("postgres")),
        ("Sidecars[0]", json!(["postgres"])),
        ("Sidecars[1].Name", sidecar(json!({"Name": ""}))),
        ("Sidecars[1].Name", sidecar(json!({"Name": "two words"}))),
        ("Sidecars[1].Name", sidecar(json!({"Name": "agent"}))),
        ("Sidecars[1].Name", sidecar(json!({"Name": "database"}))),
        ("Sidecars[1].Image", sidecar(json!({"Image": ""}))),
        ("Sidecars[1].Image", sidecar(json!({"Image": "not an image"}))),
        ("Sidecars[1].Privileged", sidecar(json!({"Privileged": "true"}))),
        ("Sidecars[1].Links", sidecar(json!({"Links": ["database"]}))),
        ("Sidecars[1].TaskCpu", sidecar(json!({"TaskCpu": "256"}))),
        ("Sidecars[1].Ulimits[0].Name", sidecar(json!({"Ulimits": [{"Name": "files", "SoftLimit": 1, "HardLimit": 1}]}))),
        ("Sidecars[1].LogConfiguration.LogDriver", sidecar(json!({"LogConfiguration": {"Options": {"mode": "blocking"}}}))),
        ("AgentContainer", json!("ruby")),
        ("AgentContainer.Essential", json!({"Essential": "true"})),
        ("SshAgentEnvironment[0].Value", json!([{"Name": "HTTPS_PROXY"}])),
        ("Hooks.pre-comand", json!({"pre-comand": "true"})),
        ("Hooks.command", json!({"command": ["true"]})),
        ("Hooks", json!({"command": "true"})),
        ("PidMode", json!("shared")),
        ("IpcMode", json!("none")),
        ("PlacementConstraints", json!([{"Type": "memberOf", "Expression": "a"}])),
        ("EnableFaultInjection", json!("sometimes")),
        ("ProxyConfiguration.ContainerName", json!({"Type": "APPMESH"})),
        ("Sidecars[1].Essential", sidecar(json!({"Essential": "maybe"}))),
        ("Sidecars[1].Command", sidecar(json!({"Command": "sleep 1"}))),
        ("Sidecars[1].Command[1]", sidecar(json!({"Command": ["sleep", ["1"]]}))),
        ("Sidecars[1].Secrets[0].ValueFrom", sidecar(json!({"Secrets": [{"Name": "A", "ValueFrom": "/a//b"}]}))),
        (
            "Sidecars[1].Secrets[0].Name",
            sidecar(json!({"Environment": [{"Name": "A", "Value": "1"}], "Secrets": [{"Name": "A", "ValueFrom": "/a"}]})),
        ),
        ("Sidecars[1].HealthCheck.Command", sidecar(json!({"HealthCheck": {"Command": ["pg_isready"]}}))),
        ("Sidecars[1].HealthCheck.Command", sidecar(json!({"HealthCheck": {"Command": ["CMD"]}}))),
        ("Sidecars[1].HealthCheck.Command", sidecar(json!({"HealthCheck": {"Interval": "5"}}))),
        (
            "Sidecars[1].HealthCheck.Interval",
            sidecar(json!({"HealthCheck": {"Command": ["CMD", "true"], "Interval": "1"}})),
        ),
        ("Sidecars[1].Memory", sidecar(json!({"Memory": "lots"}))),
        ("Sidecars[1].MemoryReservation", sidecar(json!({"Memory": "256", "MemoryReservation": "512"}))),
        ("Sidecars", sidecar(json!({"Memory": "8192"}))),
        ("Sidecars", sidecar(json!({"Cpu": "4096"}))),
        ("Sidecars[1].StopTimeout", sidecar(json!({"StopTimeout": "300"}))),
        ("Sidecars[1].DependsOn[0].ContainerName", sidecar(json!({"DependsOn": [{"Condition": "START"}]}))),
        (
            "Sidecars[1].DependsOn[0].ContainerName",
            sidecar(json!({"DependsOn": [{"ContainerName": "cache", "Condition": "START"}]})),
        ),
        (
            "Sidecars[1].DependsOn[0].ContainerName",
            sidecar(json!({"DependsOn": [{"ContainerName": "one", "Condition": "START"}]})),
        ),
        (
            "Sidecars[1].DependsOn[0].Condition",
            sidecar(json!({"DependsOn": [{"ContainerName": "database"}]})),
        ),
        (
            "Sidecars[1].DependsOn[0].Condition",
            sidecar(json!({"DependsOn": [{"ContainerName": "database", "Condition": "READY"}]})),
        ),
        (
            "Sidecars[1].DependsOn[0].Condition",
            sidecar(json!({"DependsOn": [{"ContainerName": "database", "Condition": "SUCCESS"}]})),
        ),
        (
            "Sidecars[1].DependsOn[0].Condition",
            sidecar(json!({"DependsOn": [{"ContainerName": "agent-init", "Condition": "HEALTHY"}]})),
        ),
        (
            "Sidecars[1].DependsOn",
            sidecar(json!({"DependsOn": [{"ContainerName": "agent", "Condition": "START"}, {"ContainerName": "two", "Condition": "START"}]}))
                .as_array().unwrap().iter().cloned()
                .chain([json!({"Name": "two", "Image": "alpine", "DependsOn": [{"ContainerName": "one", "Condition": "START"}]})])
                .collect(),
        ),
        (
            "Sidecars[1].VolumesFrom[0].SourceContainer",
            sidecar(json!({"VolumesFrom": [{"SourceContainer": "nobody"}]})),
        ),
        (
            "Sidecars[1].MountPoints[0].SourceVolume",
            sidecar(json!({"MountPoints": [{"SourceVolume": "nothing", "ContainerPath": "/a"}]})),
        ),
        (
            "Sidecars[1].MountPoints[0].ContainerPath",
            sidecar(json!({"MountPoints": [{"SourceVolume": "data", "ContainerPath": "a"}]})),
        ),
        (
            "Sidecars[1].MountPoints[1].ContainerPath",
            sidecar(json!({"MountPoints": [
                {"SourceVolume": "data", "ContainerPath": "/a"}, {"SourceVolume": "cache", "ContainerPath": "/a/"},
            ]})),
        ),
        (
            "Sidecars[1].RepositoryCredentials.CredentialsParameter",
            sidecar(json!({"RepositoryCredentials": {"CredentialsParameter": "/an/ssm parameter?"}})),
        ),
        ("DependsOn[0].ContainerName", json!([{"ContainerName": "nobody", "Condition": "START"}])),
        ("DependsOn[0].Condition", json!([{"ContainerName": "database", "Condition": "COMPLETE"}])),
        (
            "DependsOn[1].ContainerName",
            json!([{"ContainerName": "database", "Condition": "START"}, {"ContainerName": "database", "Condition": "HEALTHY"}]),
        ),
        ("DependsOn[0].Condition", json!([{"ContainerName": "agent-init", "Condition": "START"}])),
        ("DependsOn[0].Condition", json!([{"ContainerName": "ssh-agent", "Condition": "START"}])),
        (
            "Sidecars[1].VolumesFrom",
            sidecar(json!({"VolumesFrom": [{"SourceContainer": "two"}]}))
                .as_array().unwrap().iter().cloned()
                .chain([json!({"Name": "two", "Image": "alpine", "DependsOn": [{"ContainerName": "one", "Condition": "START"}]})])
                .collect(),
        ),
        (
            "Sidecars[1].MountPoints[0].ContainerPath",
            sidecar(json!({"MountPoints": [{"SourceVolume": "data", "ContainerPath": "//a/.."}]})),
        ),
        ("MountPoints[0].ContainerPath", json!([{"SourceVolume": "cache", "ContainerPath": "/"}])),
        ("MountPoints[0].ContainerPath", json!([{"SourceVolume": "cache", "ContainerPath": "/ssh/"}])),
        ("MountPoints[0].ContainerPath", json!([{"SourceVolume": "cache", "ContainerPath": "/buildkite"}])),
        ("MountPoints[0].ContainerPath", json!([{"SourceVolume": "cache", "ContainerPath": "/buildkite/./bin"}])),
        ("MountPoints[0].SourceVolume", json!([{"SourceVolume": "nothing", "ContainerPath": "/a"}])),
        ("Volumes[1].Name", json!([{"Name": "data"}, {"EFSVolumeConfiguration": {"FilesystemId": "fs-01234567"}}, {"Name": "cache"}])),
        ("Volumes[2].Name", json!([{"Name": "data"}, {"Name": "cache"}, {"Name": "data"}])),
        ("Volumes[2].Name", json!([{"Name": "data"}, {"Name": "cache"}, {"Name": "ssh-agent"}])),
        ("Volumes[2].Name", json!([{"Name": "data"}, {"Name": "cache"}, {"Name": "a b"}])),
        ("Volumes[1].Host.SourcePath", json!([{"Name": "data"}, {"Name": "cache", "Host": {"SourcePath": "/var"}}])),
        ("Volumes[1].EFSVolumeConfiguration.FilesystemId", volume(json!({}))),
        ("Volumes[1].EFSVolumeConfiguration.FilesystemId", volume(json!({"FilesystemId": "cache"}))),
        ("Volumes[1].EFSVolumeConfiguration.FilesystemId", volume(json!({"FilesystemId": "fs-0123456"}))),
        ("Volumes[1].EFSVolumeConfiguration.FilesystemId", volume(json!({"FilesystemId": "fs-0123456789abcdef"}))),
        ("Volumes[1].EFSVolumeConfiguration.FilesystemId", volume(json!({"FilesystemId": "fs-0123ABCD"}))),
        (
            "Volumes[1].EFSVolumeConfiguration.FilesystemId",
            volume(json!({"FilesystemId": "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-01234567"})),
        ),
        (
            "Volumes[1].EFSVolumeConfiguration.AuthorizationConfig.AccessPointId",
            volume(json!({"FilesystemId": "fs-01234567", "TransitEncryption": "ENABLED", "AuthorizationConfig": {"AccessPointId": "fsap-012345678"}})),
        ),
        ("Sidecars[1].WorkingDirectory", sidecar(json!({"WorkingDirectory": "app"}))),
        ("AgentContainer.WorkingDirectory", json!({"WorkingDirectory": "./builds"})),
        (
            "Volumes[1].EFSVolumeConfiguration.RootDirectory",
            volume(json!({"FilesystemId": "fs-01234567", "RootDirectory": "cache"})),
        ),
        (
            "Volumes[1].EFSVolumeConfiguration.RootDirectory",
            volume(json!({"FilesystemId": "fs-01234567", "RootDirectory": "/cache", "TransitEncryption": "ENABLED", "AuthorizationConfig": point})),
        ),
        (
            "Volumes[1].EFSVolumeConfiguration.TransitEncryption",
            volume(json!({"FilesystemId": "fs-01234567", "AuthorizationConfig": point})),
        ),
        (
            "Volumes[1].EFSVolumeConfiguration.TransitEncryption",
            volume(json!({"FilesystemId": "fs-01234567", "TransitEncryption": "on"})),
        ),
        (
            "Volumes[1].EFSVolumeConfiguration.TransitEncryption",
            volume(json!({"FilesystemId": "fs-01234567", "TransitEncryption": "DISABLED", "AuthorizationConfig": {"IAM": "ENABLED"}})),
        ),
        (
            "Volumes[1].EFSVolumeConfiguration.AuthorizationConfig.AccessPointId",
            volume(json!({"FilesystemId": "fs-01234567", "TransitEncryption": "ENABLED", "AuthorizationConfig": {
                "AccessPointId": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123abcd",
            }})),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn malformed_rights() -> Vec<(&'static str, Value)> {
    let document = |statement: Value| json!([{"PolicyName": "one", "PolicyDocument": {"Version": "2012-10-17", "Statement": statement}}]);
    let sound = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    let with = |name: &str, value: Value| {
        let mut statement = sound.clone();
        statement[name] = value;
        document(json!([statement]))
    };
    let without = |name: &str| {
        let mut statement = sound.clone();
        statement.as_object_mut().unwrap().remove(name);
        document(statement)
    };
    vec![
        ("TaskRolePolicies", json!({})),
        (
            "TaskRolePolicies[0].PolicyName",
            json!([{"PolicyDocument": {"Version": "2012-10-17", "Statement": sound}}]),
        ),
        (
            "TaskRolePolicies[0].PolicyName",
            json!([{"PolicyName": "a b", "PolicyDocument": {"Version": "2012-10-17", "Statement": sound}}]),
        ),
        ("TaskRolePolicies[0].PolicyDocument", json!([{"PolicyName": "one"}])),
        (
            "TaskRolePolicies[0].PolicyDocument",
            json!([{"PolicyName": "one", "PolicyDocument": "{}"}]),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Version",
            json!([{"PolicyName": "one", "PolicyDocument": {"Version": "2008-10-17", "Statement": sound}}]),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement",
            json!([{"PolicyName": "one", "PolicyDocument": {"Version": "2012-10-17"}}]),
        ),
        ("TaskRolePolicies[0].PolicyDocument.Statement", document(json!("Allow"))),
        ("TaskRolePolicies[0].PolicyDocument.Statement.Effect", without("Effect")),
        ("TaskRolePolicies[0].PolicyDocument.Statement.Action", without("Action")),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement.Resource",
            without("Resource"),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Effect",
            with("Effect", json!("allow")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Action",
            with("Action", json!("everything")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Action",
            with("NotAction", json!("s3:*")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Resource[0]",
            with("Resource", json!(["bucket"])),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Principal",
            with("Principal", json!("*")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition",
            with("Condition", json!("true")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Sid",
            with("Sid", json!("a-b")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[1].Sid",
            document(json!([
                {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"},
            ])),
        ),
        ("TaskRolePolicies[0].PolicyDocument.Statement", document(json!([]))),
        ("TaskRolePolicies[0].PolicyDocument.Statement", document(json!([null]))),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Action",
            with("Action", json!([])),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Resource",
            with("Resource", json!([null])),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Resource",
            with("Resource", json!("arn:x")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Resource",
            with("Resource", json!("arn:aws-cn:s3:::bucket")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Resource",
            with("Resource", json!("arn:aws:*:*:*:*")),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.StringEquals",
            with("Condition", json!({"StringEquals": "x"})),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.StringEquals",
            with("Condition", json!({"StringEquals": {}})),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.StringEqual",
            with("Condition", json!({"StringEqual": {"aws:username": "a"}})),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.Is",
            with("Condition", json!({"Is": {"aws:username": "a"}})),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.Bool.secure",
            with("Condition", json!({"Bool": {"secure": "true"}})),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.Bool.aws:SecureTransport",
            with("Condition", json!({"Bool": {"aws:SecureTransport": []}})),
        ),
        (
            "TaskRolePolicies[0].PolicyDocument.Statement[0].Condition.Bool.aws:SecureTransport",
            with("Condition", json!({"Bool": {"aws:SecureTransport": null}})),
        ),
        ("TaskRoleManagedPolicyArns[0]", json!(["ReadOnlyAccess"])),
        (
            "TaskRoleManagedPolicyArns[0]",
            json!(["arn:aws:iam::aws:policy/service-role/${Name}"]),
        ),
        (
            "TaskRoleManagedPolicyArns[0]",
            json!(["arn:aws:iam::aws:policy/My Policy"]),
        ),
        (
            "TaskRoleManagedPolicyArns[0]",
            json!(["arn:aws:iam::210987654321:policy/Theirs"]),
        ),
        (
            "TaskRoleManagedPolicyArns[1]",
            json!([
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws:iam::aws:policy/ReadOnlyAccess"
            ]),
        ),
        (
            "TaskRoleManagedPolicyArns",
            (0..6).map(|n| json!(format!("arn:aws:iam::aws:policy/P{n}"))).collect(),
        ),
        ("EnableExecuteCommand", json!("yes")),
        ("CpuArchitecture", json!("arm")),
        ("OperatingSystemFamily", json!("WINDOWS_SERVER_2022_CORE")),
        ("AgentConfiguration", json!("queue=deploy")),
        ("AgentConfiguration.Que", json!({"Que": "deploy"})),
        ("AgentConfiguration.Tags", json!({"Tags": "os=linux"})),
        (
            "AgentConfiguration.Tags[1]",
            json!({"Queue": "deploy", "Tags": ["os=linux", " queue=deploy"]}),
        ),
        ("AgentConfiguration.Tags[0]", json!({"Tags": ["os=linux,docker=false"]})),
        ("AgentConfiguration.Queue", json!({"Queue": "deploy,ruby"})),
        (
            "AgentConfiguration.AllowedRepositories[0]",
            json!({"AllowedRepositories": [".{1,40}"]}),
        ),
        (
            "AgentConfiguration.AllowedRepositories[0]",
            json!({"AllowedRepositories": ["[a,b]"]}),
        ),
        (
            "AgentConfiguration.AllowedRepositories[1]",
            json!({"AllowedRepositories": ["a", "*.git"]}),
        ),
        (
            "AgentConfiguration.AllowedPlugins[0]",
            json!({"AllowedPlugins": ["(docker"]}),
        ),
        (
            "AgentConfiguration.RedactedVars[0]",
            json!({"RedactedVars": ["*_PIN,*_PUK"]}),
        ),
        (
            "AgentConfiguration.RedactedVars[0]",
            json!({"RedactedVars": ["[A_PIN"]}),
        ),
        (
            "AgentConfiguration.AdditionalHooksPaths[0]",
            json!({"AdditionalHooksPaths": ["/a,/b"]}),
        ),
        (
            "AgentConfiguration.GitMirrorsPath",
            json!({"GitMirrorsPath": "mirrors"}),
        ),
        ("ExecutionRoleArn", json!("arn:aws:iam::123456789012:role/a")),
        ("executionRoleArn", json!("arn:aws:iam::123456789012:role/a")),
        ("LaunchType", json!("FARGATE")),
        ("AgentConfiguration.NoPlugins", json!({"NoPlugins": "sometimes"})),
        (
            "AgentConfiguration.CancelGracePeriod",
            json!({"CancelGracePeriod": "10m"}),
        ),
        (
            "AgentConfiguration.CancelGracePeriod",
            json!({"CancelGracePeriod": "109"}),
        ),
        ("Privileged", json!("true")),
        ("RequiresCompatibilities", json!("FARGATE")),
        ("RequiresCompatibilities[0]", json!(["lambda"])),
        ("RequiresCompatibilities[1]", json!(["FARGATE", "FARGATE"])),
        ("RequiresCompatibilities", json!(["FARGATE", "EXTERNAL"])),
        ("NetworkMode", json!("bridge")),
        ("NetworkMode", json!("nat")),
        ("BuildkiteAgentInjection", json!("move")),
        ("CancelOnStop", json!("SIGQUIT")),
        ("EphemeralStorage", json!("64")),
        ("EphemeralStorage.SizeInGiB", json!({})),
        ("EphemeralStorage.SizeInGiB", json!({"SizeInGiB": "20"})),
        ("EphemeralStorage.SizeInGiB", json!({"SizeInGiB": "201"})),
        ("LogRetentionInDays", json!("2")),
        ("LogRetentionInDays", json!("-1")),
        ("LogGroupClass", json!("DELIVERY")),
        ("Refresh", json!({"at": "noon"})),
        ("SigningKey", json!("alias/signing")),
        ("SigningKey", json!("arn:aws:kms:eu-west-1:123456789012:key/1111")),
        ("LogGroupKmsKeyId", json!("alias/logs")),
        (
            "LogGroupKmsKeyId",
            json!("arn:aws:kms:eu-west-1:123456789012:key/99998888-7777-6666-5555-444433332222"),
        ),
        ("Tags", json!({"team": "platform"})),
        ("Tags[0].Key", json!([{"Value": "platform"}])),
        ("Tags[0].Key", json!([{"Key": "aws:team", "Value": "platform"}])),
        (
            "Tags[0].Key",
            json!([{"Key": "agent-composer:stack-id", "Value": "mine"}]),
        ),
        (
            "Tags[0].Key",
            json!([{"Key": "Agent-Composer:stack-id", "Value": "mine"}]),
        ),
        ("Tags[0].Key", json!([{"Key": "a,b", "Value": "platform"}])),
        ("Tags[0].Value", json!([{"Key": "team", "Value": "AWS:platform"}])),
        ("Tags[0].Value", json!([{"Key": "team", "Value": "a,b"}])),
        (
            "Tags[1].Key",
            json!([{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "b"}]),
        ),
        ("Tags[0].Value", json!([{"Key": "team", "Value": "x".repeat(257)}])),
        (
            "Tags",
            (0..31).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect(),
        ),
        ("SecretsKmsKeyArns[0]", json!(["alias/secrets"])),
        (
            "SecretsKmsKeyArns[0]",
            json!(["arn:aws:kms:us-east-1:123456789012:alias/secrets"]),
        ),
        (
            "SecretsKmsKeyArns[0]",
            json!(["arn:aws:kms:ap-south-1:123456789012:key/11112222-3333-4444-5555-666677778888"]),
        ),
        ("RepositoryCredentials", json!({"CredentialsParameter": "ecr"})),
        ("SshAgentImageRepositoryCredentials", json!("artifactory")),
        (
            "BuildkiteAgentImageRepositoryCredentials.CredentialsParameter",
            json!({"CredentialsParameter": "arn:aws:ssm:us-east-1:123456789012:parameter/ghcr"}),
        ),
        (
            "BuildkiteAgentImageRepositoryCredentials.CredentialsParameter",
            json!({"CredentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:ghcr-AbC123:password::"}),
        ),
        (
            "BuildkiteAgentImageRepositoryCredentials.CredentialsParameter",
            json!({"CredentialsParameter": "pass word!"}),
        ),
    ]
}

#[test]
fn rights_are_refused_without_a_boundary_and_beside_a_role_of_ones_own() {
    let owner = identity("CargoPublish", "not-asked").owner;
    let without = Settings::read(|_| None).unwrap();
    let faults = Properties::validate(written().as_object().unwrap(), &owner, &without).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["TaskRolePolicies", "TaskRoleManagedPolicyArns"]);
    assert!(faults.to_string().contains("`PermissionsBoundaryArn`"), "{faults}");

    let own = "arn:aws:iam::123456789012:role/BuildkiteAgentTask/deploy";
    let faults = with("TaskRoleArn", json!(own)).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, RIGHTS);
}

#[test]
fn arm_is_refused_with_the_ssh_agent_image_that_is_built_for_x86() {
    let faults = changed(|written| drop(written.remove("SshAgentImage"))).unwrap_err();
    let messages: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "`CpuArchitecture` is ARM64, for which there is no image `keithduncan/iam-ssh-agent:latest`; set `SshAgentImage` to one for ARM64"
        ]
    );
}

#[test]
fn outside_of_fargate_sizes_are_free_and_other_networks_are_there() {
    let launched = |compatibilities: Value, more: Value| {
        let mut written = json!({"Image": "ruby", "RequiresCompatibilities": compatibilities, "TaskCpu": "3000", "TaskMemory": "5000"});
        written
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        validated(&written)
    };
    for (compatibilities, mode) in [
        (json!(["EC2"]), "awsvpc"),
        (json!(["MANAGED_INSTANCES"]), "awsvpc"),
        (json!(["EXTERNAL"]), "bridge"),
        (json!(["EC2", "EXTERNAL"]), "bridge"),
    ] {
        let properties = launched(compatibilities, json!({"Privileged": true})).unwrap();
        assert_eq!((properties.size.cpu, properties.size.memory), (3000, 5000));
        assert_eq!(properties.launch.network_mode, mode);
    }
    let message = |compatibilities: Value, more: Value| launched(compatibilities, more).unwrap_err().to_string();
    assert_eq!(
        message(json!(["MANAGED_INSTANCES", "EC2"]), json!({"NetworkMode": "bridge"})),
        "`NetworkMode` is bridge; legal for MANAGED_INSTANCES and EC2: awsvpc, host"
    );
    assert_eq!(
        message(json!(["EC2"]), json!({"EphemeralStorage": {"SizeInGiB": 30}})),
        "`EphemeralStorage` is for Fargate alone, and the tasks are for EC2"
    );
    assert_eq!(
        message(json!(["EC2"]), json!({"TaskCpu": 64})),
        "`TaskCpu` is 64; legal outside of Fargate: 128 to 196608"
    );
    assert_eq!(
        message(json!(["EC2"]), json!({"TaskMemory": 0})),
        "`TaskMemory` is 0; legal outside of Fargate: 6 MiB and more"
    );
    let large = json!([{"Name": "one", "Image": "alpine", "Cpu": 65536, "Memory": 500_000, "StartTimeout": 900, "StopTimeout": 600}]);
    let sizes = json!({"Sidecars": large, "TaskCpu": "64 vCPU", "TaskMemory": "512 GB"});
    let properties = launched(json!(["EC2"]), sizes).unwrap();
    assert_eq!((properties.size.cpu, properties.size.memory), (65_536, 524_288));
    let on_efs =
        json!([{"Name": "empty"}, {"Name": "cache", "EFSVolumeConfiguration": {"FilesystemId": "fs-0123abcd"}}]);
    assert!(launched(json!(["EC2"]), json!({"Volumes": on_efs})).is_ok());
    assert_eq!(
        message(json!(["EC2", "EXTERNAL"]), json!({"Volumes": on_efs})),
        "`Volumes[1].EFSVolumeConfiguration` is not for EXTERNAL, where ECS mounts no EFS; leave `EXTERNAL` out of `RequiresCompatibilities`, or give the volume no configuration"
    );
    let own = json!([{"Name": "docker", "Image": "docker:dind", "Privileged": "true"}]);
    assert!(launched(json!(["EC2"]), json!({"Sidecars": own})).is_ok());
}

#[test]
fn a_list_that_is_far_too_long_is_one_fault_and_nothing_of_it_is_read() {
    let sidecars = json!(vec![json!({"Name": "a", "Image": "alpine"}); 2001]);
    assert_eq!(
        validated(&json!({"Image": "ruby", "Sidecars": sidecars}))
            .unwrap_err()
            .to_string(),
        "`Sidecars` is a list of 2001 elements; legal: at most 2000"
    );
    let sidecars = json!(vec![json!({"Name": "a", "Image": "alpine", "DependsOn": ["b"]}); 2000]);
    let faults = validated(&json!({"Image": "ruby", "Sidecars": sidecars})).unwrap_err();
    assert_eq!(faults.iter().count(), 200);
}

#[test]
fn privileged_containers_are_refused_unless_the_provider_allows_them() {
    let owner = identity("CargoPublish", "not-asked").owner;
    let faults = |privileged: bool| {
        let sidecars = json!([{"Name": "one", "Image": "alpine"}, {"Name": "docker", "Image": "docker:dind", "Privileged": privileged}]);
        let written = json!({"Image": "ruby", "RequiresCompatibilities": ["EC2"], "Privileged": privileged, "Sidecars": sidecars});
        let settings = Settings::read(|_| None).unwrap();
        let validated = Properties::validate(written.as_object().unwrap(), &owner, &settings);
        validated.err().map(|faults| faults.to_string())
    };
    assert_eq!(faults(false), None);
    insta::assert_snapshot!(faults(true).unwrap().replace("; (", "\n("), @"
    2 faults: (1) `Privileged` is true, which this provider does not allow: a privileged container is root on its instance; leave it out, or deploy the provider with the parameter `AllowPrivileged=true`
    (2) `Sidecars[1].Privileged` is true, which this provider does not allow: a privileged container is root on its instance; leave it out, or deploy the provider with the parameter `AllowPrivileged=true`
    ");
}

#[test]
fn a_family_without_the_providers_prefix_is_refused_written_or_not() {
    let owner = identity("CargoPublish", "not-asked").owner;
    let fault = |prefix: &str, family: &Value| {
        let mut written = json!({"Image": "ruby"});
        if !family.is_null() {
            written["TaskFamily"] = family.clone();
        }
        let settings = Settings::read(|name| (name == "FAMILY_PREFIX").then(|| prefix.to_owned())).unwrap();
        let validated = Properties::validate(written.as_object().unwrap(), &owner, &settings);
        validated.err().map(|faults| faults.to_string())
    };
    let refused = |family| {
        format!(
            "`TaskFamily` is `{family}`; this provider's parameter `FamilyPrefix` allows families that begin with `ci-`"
        )
    };
    for (prefix, family, expected) in [
        ("ci-", json!("ci-ruby"), None),
        ("", json!("ruby"), None),
        ("ci-", json!("ruby-ci-"), Some(refused("ruby-ci-"))),
        ("ci-", Value::Null, Some(refused("cargopublish"))),
        ("cargo", Value::Null, None),
    ] {
        assert_eq!(fault(prefix, &family), expected, "{prefix} {family}");
    }
}

#[test]
fn what_is_for_an_image_is_refused_without_it() {
    let mut written = json!({"Image": "ruby", "BuildkiteAgentInjection": "COPY"});
    written["BuildkiteAgentImageRepositoryCredentials"] = json!({"CredentialsParameter": "ghcr"});
    let faults = validated(&written).unwrap_err();
    let messages: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "`BuildkiteAgentImageRepositoryCredentials` is for the image of `BuildkiteAgentImage`, which is not given",
            "`BuildkiteAgentInjection` is for the image of `BuildkiteAgentImage`, which is not given",
        ]
    );
    written["BuildkiteAgentImage"] = json!("buildkite/agent:3");
    assert!(validated(&written).is_ok());
}

#[test]
fn the_password_of_an_ssh_image_that_is_not_used_is_not_fetched() {
    let credentials = json!({"CredentialsParameter": "artifactory"});
    let mut written =
        json!({"Image": "ruby", "SshAgentImageRepositoryCredentials": credentials, "SshAgentBackend": ""});
    let sources = |written: &Value| validated(written).unwrap().secret_sources().len();
    assert_eq!(sources(&written), 1, "the token alone");
    written["SshAgentBackend"] = self::written()["SshAgentBackend"].clone();
    assert_eq!(sources(&written), 2);
}

#[test]
fn where_the_agent_keeps_nothing_volumes_may_be() {
    let mounted = |container_path: &str, more: Value| {
        let mut written = json!({"Image": "ruby", "Volumes": [{"Name": "cache"}]});
        written["MountPoints"] = json!([{"SourceVolume": "cache", "ContainerPath": container_path}]);
        written
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        validated(&written)
    };
    for alone in ["/ssh", "/buildkite", "/buildkite/bin"] {
        assert!(mounted(alone, json!({})).is_ok(), "{alone}");
    }
    let (sidecar, ssh) = (json!({"BuildkiteAgentImage": "sidecar"}), &written()["SshAgentBackend"]);
    assert!(mounted("/ssh", sidecar.clone()).is_ok());
    assert!(mounted("/buildkite/builds", sidecar).is_ok());
    assert!(mounted("/buildkite", json!({"SshAgentBackend": ssh})).is_ok());
}

#[test]
fn what_the_agent_waits_for_by_itself_may_be_written_out() {
    let written = changed(|written| {
        let ours = json!([{"ContainerName": "agent-init", "Condition": "SUCCESS"}, {"ContainerName": "ssh-agent", "Condition": "HEALTHY"}]);
        written.insert("DependsOn".to_owned(), ours);
    });
    assert_eq!(written.unwrap().depends_on.len(), 2);
}

#[test]
fn volumes_of_a_container_that_waits_make_a_cycle() {
    let faults = with(
        "Sidecars",
        json!([{"Name": "database", "Image": "postgres", "HealthCheck": {"Command": ["CMD", "true"]}, "VolumesFrom": [{"SourceContainer": "agent"}]}]),
    );
    assert_eq!(
        faults.unwrap_err().to_string(),
        "`DependsOn` form a cycle, so none of these containers would start: agent → database → agent; remove one dependency"
    );
}

#[test]
fn an_option_of_the_agents_is_there_once() {
    let mut written = json!({"Image": "ruby", "AgentConfiguration": {"Queue": "deploy"}});
    written["Environment"] = json!([{"Name": "BUILDKITE_AGENT_QUEUE", "Value": "other"}]);
    assert_eq!(
        validated(&written).unwrap_err().to_string(),
        "`AgentConfiguration.Queue` sets `BUILDKITE_AGENT_QUEUE`, which `Environment` or `Secrets` sets, too; leave one of the two out"
    );
}

#[test]
fn eleven_containers_are_too_many() {
    let with_sidecars = |count: usize| {
        let sidecars: Vec<Value> = (0..count)
            .map(|n| json!({"Name": format!("s{n}"), "Image": "alpine"}))
            .collect();
        validated(
            &json!({"Image": "ruby", "BuildkiteAgentImage": "sidecar", "SshAgentBackend": written()["SshAgentBackend"], "Sidecars": sidecars}),
        )
    };
    assert!(with_sidecars(7).is_ok());
    let faults = with_sidecars(8).unwrap_err().to_string();
    assert_eq!(
        faults,
        "`Sidecars` make 11 containers together with the agent's own; ECS allows 10"
    );
}

#[test]
fn a_value_written_where_its_name_belongs_is_not_repeated() {
    for value in [
        "hunter2 is secret!",
        "/hunter2 is secret!",
        "/9j/hunter2+AAQ==",
        "/hunter2/is secret!",
        "/is-secret/hunter2=",
    ] {
        let faults = with("Secrets", json!([{"Name": "A", "ValueFrom": value}])).unwrap_err();
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
        let faults = with("BuildkiteAgentTokenParameterPath", json!(value)).unwrap_err();
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }
}

#[test]
fn a_path_that_is_not_a_parameter_is_known_by_its_first_level() {
    let faults = with("Secrets", json!([{"Name": "A", "ValueFrom": "/deploy/my key"}])).unwrap_err();
    let message = "`Secrets[0].ValueFrom` is not an SSM parameter: a text of 14 characters that begins with /deploy/, not shown in case";
    assert!(faults.to_string().starts_with(message), "{faults}");
}

#[test]
fn the_command_of_a_health_check_is_not_repeated() {
    for command in [
        json!(["psql -c \"ALTER USER postgres PASSWORD 'hunter2'\""]),
        json!(["mysqladmin", "--password=hunter2", "ping"]),
    ] {
        let health = json!({"HealthCheck": {"Command": command}});
        let faults = with("AgentContainer", health).unwrap_err().to_string();
        let program = if command.as_array().unwrap().len() == 1 {
            "psql"
        } else {
            "mysqladmin"
        };
        assert!(
            faults.contains(&format!("begins with \"{program}\"; write [CMD, ")),
            "{faults}"
        );
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}

#[test]
fn of_a_long_text_the_beginning_is_repeated() {
    let long = "é".repeat(3000);
    for (property, value) in [
        ("NetworkMode", json!(long)),
        ("TaskMemory", json!(long)),
        ("CancelOnStop", json!(long)),
        ("Environment", json!([{"Name": long, "Value": "1"}])),
        (
            "Secrets",
            json!([{"Name": "A", "ValueFrom": format!("arn:aws:ssm:{long}")}]),
        ),
        ("MountPoints", json!([{"SourceVolume": "cache", "ContainerPath": long}])),
        ("AgentContainer", json!({"HealthCheck": {"Command": [long]}})),
        ("AgentContainer", json!({"WorkingDirectory": long})),
        ("AgentConfiguration", json!({"GitMirrorsPath": long})),
        ("Image", json!(long)),
        ("TaskRoleArn", json!(long)),
    ] {
        let faults = with(property, value).unwrap_err().to_string();
        assert!(
            faults.contains(&format!("{}\" … (3", "é".repeat(150))),
            "{property}: {faults}"
        );
        assert!(!faults.contains(&"é".repeat(201)), "{property}: {faults}");
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let faults = validated(&json!({
        "Imgae": "ruby",
        "TaskCpu": "1024",
        "Environment": [{"Name": "BUILDKITE_AGENT_TOKEN", "Value": "hunter2"}, {"Name": "", "Value": "hunter3"}],
        "SshAgentBackend": "nonsense",
    }))
    .unwrap_err();
    insta::assert_snapshot!(faults.to_string().replace("; (", "\n("), @r#"
    6 faults: (1) `Imgae` is not a property of Custom::BuildkiteAgent; did you mean `Image`?
    (2) `Image` is required: the image with the tools for command steps and plugins, such as `ruby:3.4`
    (3) `SshAgentBackend` is not the ARN of an API Gateway stage: "nonsense"; write arn:aws:execute-api:REGION:ACCOUNT:API/STAGE
    (4) `Environment[1].Name` is required
    (5) `Environment[0].Name` is `BUILDKITE_AGENT_TOKEN`, which the provider injects; say where the token is with `BuildkiteAgentTokenParameterPath`
    (6) `TaskMemory` is 512 (the default), which Fargate does not have with `TaskCpu` 1024; legal: 2048 to 8192 in steps of 1024
    "#);
    assert!(
        !faults.to_string().contains("hunter"),
        "an environment's value is never shown"
    );
}
