//! The schemas: committed as the code yields them, and of one mind with the validation.

use std::fs;

use agent_composer_cli::schema;
use serde_json::{Value, json};

use crate::{
    refusals::malformed,
    stack::{Stack, cargo},
};

fn committed(name: &str) -> Value {
    let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let hint = "run `cargo run --package agent-composer-cli -- schema > schema/custom-buildkiteagent.json`, and the same with \
                `--template` for schema/template.json";
    assert_eq!(committed("custom-buildkiteagent.json"), schema::resource(), "{hint}");
    assert_eq!(committed("template.json"), schema::template(), "{hint}");
}

fn with_token(mut properties: Value) -> Value {
    properties["ServiceToken"] = "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider".into();
    properties
}

#[test]
fn the_schema_takes_what_the_validation_takes() {
    let schema = jsonschema::validator_for(&schema::resource()).unwrap();
    let every = include_str!("../../crates/model/src/properties/every_property.json");
    let mut every: Value = serde_json::from_str(every).unwrap();
    // The provider takes `null` for nothing, but no template may have one.
    every.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let empty = json!({"Image": "ruby", "TaskFamily": "", "TaskCpu": "", "TaskRoleArn": "", "CancelOnStop": "", "LogGroupClass": "", "Secrets": "", "EphemeralStorage": "", "TaskRolePolicies": ""});
    let own_role = json!({"Image": "ruby", "TaskRoleArn": "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a", "TaskRolePolicies": "", "EnableExecuteCommand": "False"});
    let elsewhere = json!({"Image": "ruby", "RequiresCompatibilities": ["EC2"], "TaskCpu": 300, "Privileged": "true"});
    let [every_word, every_word_on_ec2] = [
        include_str!("../../crates/model/src/properties/vocabulary/every_word.json"),
        include_str!("../../crates/model/src/properties/vocabulary/every_word_on_ec2.json"),
    ]
    .map(|document| serde_json::from_str::<Value>(document).unwrap());
    for properties in [
        every,
        every_word,
        every_word_on_ec2,
        cargo("rust:1"),
        empty,
        own_role,
        elsewhere,
        json!({"Image": "ruby", "TaskCpu": "", "TaskMemory": "1024"}),
        json!({"Image": "ruby", "TaskCpu": "512", "TaskMemory": "1.024E3"}),
        json!({"Image": "ruby", "TaskCpu": "1.024E3", "TaskMemory": "2048"}),
    ] {
        let properties = with_token(properties);
        let faults: Vec<String> = schema
            .iter_errors(&properties)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn the_schema_refuses_what_a_schema_can_say() {
    let schema = jsonschema::validator_for(&schema::resource()).unwrap();
    let beyond: Vec<String> = (malformed().into_iter())
        .filter_map(|(name, value)| {
            let mut properties = with_token(cargo("rust:1"));
            properties[name] = value.clone();
            schema
                .is_valid(&properties)
                .then(|| format!("{name}: {:.80}", value.to_string()))
        })
        .collect();
    insta::assert_snapshot!(beyond.join("\n"));
}

/// Properties that are sound, and one more that does not go with them.
#[expect(clippy::too_many_lines, reason = "a table")]
fn out_of_place() -> Vec<(Value, &'static str, Value)> {
    let sidecar = |field: &str, value: Value| json!([{"Name": "a", "Image": "alpine", field: value}]);
    let efs = json!([{"Name": "a", "EFSVolumeConfiguration": {"FilesystemId": "fs-0123456789abcdef0"}}]);
    let volume = |more: Value| {
        let mut configuration = json!({"FilesystemId": "fs-0123456789abcdef0"});
        for (name, value) in more.as_object().into_iter().flatten() {
            configuration[name] = value.clone();
        }
        json!([{"Name": "a", "EFSVolumeConfiguration": configuration}])
    };
    let point = json!({"AccessPointId": "fsap-0123456789abcdef0"});
    let many: Vec<Value> = (0..10)
        .map(|n| json!({"Name": format!("a{n}"), "Image": "alpine"}))
        .collect();
    let ecr = "111122223333.dkr.ecr.us-east-1.amazonaws.com/ruby:3.4";
    let password = json!({"CredentialsParameter": "registry"});
    let backend = "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/Prod";
    vec![
        (json!({"Image": ecr}), "RepositoryCredentials", password.clone()),
        (
            json!({}),
            "Sidecars",
            json!([{"Name": "a", "Image": ecr, "RepositoryCredentials": password}]),
        ),
        (json!({}), "Sidecars", many.into()),
        (json!({}), "Volumes", volume(json!({"AuthorizationConfig": point}))),
        (
            json!({}),
            "Volumes",
            volume(json!({"AuthorizationConfig": {"IAM": "ENABLED"}, "TransitEncryption": "DISABLED"})),
        ),
        (
            json!({}),
            "Volumes",
            volume(json!({"AuthorizationConfig": point, "TransitEncryption": "ENABLED", "RootDirectory": "/a"})),
        ),
        (json!({"RequiresCompatibilities": ["EC2"]}), "TaskCpu", 100.into()),
        (json!({"RequiresCompatibilities": ["EC2"]}), "TaskMemory", 5.into()),
        (
            json!({"AgentConfiguration": {"Queue": "ruby"}}),
            "Environment",
            json!([{"Name": "BUILDKITE_AGENT_QUEUE", "Value": "a"}]),
        ),
        (
            json!({"AgentConfiguration": {"NoPlugins": "true"}}),
            "Secrets",
            json!([{"Name": "BUILDKITE_NO_PLUGINS", "ValueFrom": "/a"}]),
        ),
        (json!({}), "NetworkMode", "bridge".into()),
        (
            json!({"RequiresCompatibilities": ["MANAGED_INSTANCES"]}),
            "NetworkMode",
            "none".into(),
        ),
        (
            json!({"RequiresCompatibilities": ["EC2", "EXTERNAL"]}),
            "NetworkMode",
            "awsvpc".into(),
        ),
        (
            json!({"EphemeralStorage": ""}),
            "RequiresCompatibilities",
            json!(["EXTERNAL", "FARGATE"]),
        ),
        (
            json!({"RequiresCompatibilities": ["EC2"]}),
            "EphemeralStorage",
            json!({"SizeInGiB": 50}),
        ),
        (json!({"RequiresCompatibilities": ["EXTERNAL"]}), "Volumes", efs),
        (
            json!({}),
            "Sidecars",
            sidecar("Ulimits", json!([{"Name": "files", "SoftLimit": 1, "HardLimit": 1}])),
        ),
        (json!({}), "Sidecars", sidecar("DnsServers", json!(["10.0.0.2"]))),
        (
            json!({}),
            "Sidecars",
            sidecar("LinuxParameters", json!({"Devices": [{"HostPath": "/dev/fuse"}]})),
        ),
        (
            json!({}),
            "Sidecars",
            sidecar("LinuxParameters", json!({"Capabilities": {"Add": ["SYS_ADMIN"]}})),
        ),
        (
            json!({}),
            "AgentContainer",
            json!({"LogConfiguration": {"LogDriver": "syslog"}}),
        ),
        (json!({}), "AgentContainer", json!({"RestartPolicy": {"Enabled": true}})),
        (json!({}), "AgentContainer", json!({"StartTimeout": 121})),
        (
            json!({"RequiresCompatibilities": ["EC2"]}),
            "AgentContainer",
            json!({"Hostname": "agent"}),
        ),
        (
            json!({"RequiresCompatibilities": ["EC2"], "NetworkMode": "host"}),
            "AgentContainer",
            json!({"PortMappings": [{"ContainerPortRange": "80-90"}]}),
        ),
        (json!({}), "PidMode", "host".into()),
        (json!({}), "IpcMode", "task".into()),
        (
            json!({"RequiresCompatibilities": ["MANAGED_INSTANCES"]}),
            "PlacementConstraints",
            json!([{"Type": "memberOf", "Expression": "a"}]),
        ),
        (
            json!({}),
            "Volumes",
            json!([{"Name": "a", "Host": {"SourcePath": "/var"}}]),
        ),
        (
            json!({"RequiresCompatibilities": ["EXTERNAL"]}),
            "Volumes",
            json!([{"Name": "a", "ConfiguredAtLaunch": "true"}]),
        ),
        (json!({}), "Sidecars", sidecar("Privileged", true.into())),
        (json!({}), "Sidecars", sidecar("StartTimeout", 1.into())),
        (
            json!({"RequiresCompatibilities": ["FARGATE"]}),
            "Sidecars",
            sidecar("StopTimeout", 121.into()),
        ),
        (
            json!({"SshAgentBackend": backend}),
            "Environment",
            json!([{"Name": "SSH_AUTH_SOCK", "Value": "/a"}]),
        ),
        (
            json!({"SshAgentBackend": backend}),
            "Secrets",
            json!([{"Name": "SSH_AUTH_SOCK", "ValueFrom": "/a"}]),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_does_not_go_together_is_refused_by_the_schema_as_by_the_validation() {
    let schema = jsonschema::validator_for(&schema::resource()).unwrap();
    for (beside, property, value) in out_of_place() {
        let mut properties = with_token(beside);
        if properties["Image"].is_null() {
            properties["Image"] = "ruby".into();
        }
        let taken = Stack::new().create("Alpha", &properties).await;
        assert!(schema.is_valid(&properties), "{properties}");
        taken.success();
        properties[property] = value;
        let refused = Stack::new().create("Alpha", &properties).await;
        assert!(!schema.is_valid(&properties), "{properties}");
        refused.failure();
    }
}
