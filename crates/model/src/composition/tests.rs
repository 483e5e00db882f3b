//! Whole documents, compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    identity::tests::identity,
    properties::{tests as written, vocabulary},
};

pub(super) fn composed_with(written: &Value, settings: &Settings) -> Composition {
    let asked = identity("CargoPublish", "not-asked");
    let properties = Properties::validate(written.as_object().unwrap(), &asked.owner, settings).unwrap();
    let identity = Identity {
        family: properties.family.clone(),
        ..asked
    };
    Composition::compose(&identity, &properties, settings)
}

fn composed(written: &Value) -> Composition {
    composed_with(written, &written::settings())
}

pub(super) fn settings(changes: &[(&str, &str)]) -> Settings {
    let changes: BTreeMap<&str, &str> = changes.iter().copied().collect();
    Settings::read(|name| changes.get(name).map(|value| (*value).to_owned())).unwrap()
}

fn made(composition: &Composition) -> &Role {
    match &composition.task_role {
        TaskRole::Made(role) => role,
        TaskRole::Own(own) => panic!("{own:?}"),
    }
}

/// The image alone: no sidecar, no ssh, no ECR.
fn alone() -> Value {
    json!({"Image": "ruby:2.7"})
}

#[test]
fn a_full_agent_is_three_containers_wired_together() {
    insta::assert_json_snapshot!("full_task_definition", composed(&written::written()).task_definition);
}

#[test]
fn every_word_of_ecs_is_passed_on_with_the_rights_that_it_needs() {
    let [on_fargate, on_ec2] = vocabulary::tests::every_word().map(|written| {
        let composition = composed(&written);
        json!({"task": composition.task_definition, "execution": composition.execution_role.policy})
    });
    insta::assert_json_snapshot!("every_word_on_fargate", on_fargate);
    insta::assert_json_snapshot!("every_word_on_ec2", on_ec2);
}

#[test]
fn a_purpose_built_image_is_one_container() {
    insta::assert_json_snapshot!("alone_task_definition", composed(&alone()).task_definition);
}

#[test]
fn the_execution_role_may_do_exactly_what_its_agent_needs() {
    insta::assert_json_snapshot!(
        "full_execution_policy",
        composed(&written::written()).execution_role.policy
    );
}

#[test]
fn without_secrets_and_ecr_the_execution_role_may_read_the_token_and_log() {
    insta::assert_json_snapshot!("alone_execution_policy", composed(&alone()).execution_role.policy);
}

#[test]
fn a_parameter_that_refers_to_a_secret_may_also_read_that() {
    let policy = composed(&json!({"Image": "ruby:2.7", "Secrets": [
        {"Name": "A", "ValueFrom": "/aws/reference/secretsmanager/team/key"},
    ]}));
    insta::assert_json_snapshot!("reference_execution_policy", policy.execution_role.policy);
}

#[test]
fn the_task_role_may_call_the_ssh_backend_twice_and_nothing_else() {
    let backend = &written::written()["SshAgentBackend"];
    let with_ssh = json!({"Image": "ruby:2.7", "SshAgentBackend": backend});
    insta::assert_json_snapshot!("task_policy", made(&composed(&with_ssh)).policy);
    assert_eq!(made(&composed(&alone())).policy, None);
}

#[test]
fn the_task_role_may_also_do_what_its_author_writes_and_mounts() {
    let composition = composed(&written::written());
    let role = made(&composition);
    insta::assert_json_snapshot!("full_task_policy", role.policy);
    assert_eq!(role.managed_policies, ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    assert!(composition.execution_role.managed_policies.is_empty());
}

#[test]
fn outside_of_fargate_the_task_says_where_it_runs() {
    let composition = composed(&json!({
        "Image": "ruby:2.7",
        "RequiresCompatibilities": ["EC2"],
        "NetworkMode": "bridge",
        "Privileged": "true",
        "TaskCpu": "3000",
        "TaskMemory": "5000",
        "OperatingSystemFamily": "LINUX",
    }));
    let definition = serde_json::to_value(composition.task_definition).unwrap();
    assert_eq!(definition["requiresCompatibilities"], json!(["EC2"]));
    assert_eq!(definition["networkMode"], "bridge");
    assert_eq!(
        (&definition["cpu"], &definition["memory"]),
        (&json!("3000"), &json!("5000"))
    );
    assert_eq!(definition["runtimePlatform"], json!({"operatingSystemFamily": "LINUX"}));
    assert_eq!(definition["containerDefinitions"][0]["privileged"], true);
}

#[test]
fn a_sid_of_the_authors_is_there_once() {
    let composition = composed(
        &json!({"Image": "ruby:2.7", "EnableExecuteCommand": true, "TaskRolePolicies": [
            {"PolicyName": "one", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Sid": "ExecuteCommand", "Effect": "Deny", "Action": "ecs:ExecuteCommand", "Resource": "*"},
            ]}},
        ]}),
    );
    let document = made(&composition).policy.as_ref().unwrap().document();
    assert_eq!(document.matches("\"ExecuteCommand\"").count(), 1, "{document}");
    assert!(document.contains("ssmmessages:OpenDataChannel"));
}

#[test]
fn without_known_keys_only_what_is_named_may_be_decrypted() {
    let mut written = written::written();
    written["SecretsKmsKeyArns"] = json!([]);
    insta::assert_json_snapshot!("any_key_execution_policy", composed(&written).execution_role.policy);
}

#[test]
fn an_access_point_that_nobody_writes_to_is_for_reading() {
    let composition = composed(&json!({
        "Image": "ruby:2.7",
        "Volumes": [{"Name": "cache", "EFSVolumeConfiguration": {
            "FilesystemId": "fs-0123abcd",
            "TransitEncryption": "ENABLED",
            "AuthorizationConfig": {"AccessPointId": "fsap-0123abcd", "IAM": "ENABLED"},
        }}],
        "MountPoints": [{"SourceVolume": "cache", "ContainerPath": "/cache", "ReadOnly": "true"}],
    }));
    insta::assert_json_snapshot!(made(&composition).policy, @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "FileSystem0",
          "Effect": "Allow",
          "Action": [
            "elasticfilesystem:ClientMount"
          ],
          "Resource": [
            "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-0123abcd"
          ],
          "Condition": {
            "StringEquals": {
              "elasticfilesystem:AccessPointArn": [
                "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123abcd"
              ]
            }
          }
        }
      ]
    }
    "#);
}

#[test]
fn tags_are_on_everything_and_part_of_the_content() {
    let tagged = |value: &str| {
        let written = json!({"Image": "ruby:2.7", "Tags": [{"Key": "team", "Value": value}]});
        composed_with(&written, &settings(&[("ROLE_TAG_KEYS", "team")]))
    };
    let (composition, without) = (tagged("platform"), composed(&alone()));
    for tags in [
        &composition.tags,
        &composition.log_group.tags,
        &composition.execution_role.tags,
        &made(&composition).tags,
    ] {
        assert_eq!(tags.get("team").map(String::as_str), Some("platform"));
        let owners = crate::ownership::tags(&identity("Ruby2", "ruby2").owner);
        assert!(owners.keys().all(|key| tags.contains_key(key)), "the owner's, too");
    }
    let content = |composition: &Composition| composition.task_definition.content();
    assert_ne!(content(&composition), content(&without));
    assert_ne!(content(&composition), content(&tagged("other")));
}

#[test]
fn trust_is_bound_to_account_and_region_on_the_task_role_and_to_the_account_on_the_execution_role_by_choice() {
    let trusts = |settings: &Settings| {
        let composition = composed_with(&alone(), settings);
        json!({"task": made(&composition).trust, "execution": composition.execution_role.trust})
    };
    insta::assert_json_snapshot!("trusts", trusts(&settings(&[])));
    let bound = trusts(&settings(&[("EXECUTION_ROLE_SOURCE_ACCOUNT", "true")]));
    let account = |trust: &Value| trust["Statement"][0]["Condition"]["StringEquals"].clone();
    assert_eq!(account(&bound["execution"]), account(&bound["task"]));
    assert_eq!(
        bound["execution"]["Statement"][0]["Condition"]
            .as_object()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn settings_reach_every_role_and_the_log_group() {
    let of_property = [
        "SshAgentImage",
        "SshAgentImageRepositoryCredentials",
        "LogRetentionInDays",
    ];
    let composition = composed_with(
        &written::written_without(&of_property),
        &settings(&[
            ("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::123456789012:policy/Boundary"),
            ("EXECUTION_ROLE_PATH", "/execution/"),
            ("TASK_ROLE_PATH", "/task/"),
            ("LOG_RETENTION_IN_DAYS", "30"),
            ("SSH_AGENT_IMAGE", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/ssh:1"),
        ]),
    );
    for role in [&composition.execution_role, made(&composition)] {
        assert_eq!(
            role.boundary.as_deref(),
            Some("arn:aws:iam::123456789012:policy/Boundary")
        );
        assert!(role.name.len() <= 64);
    }
    assert!(
        composition
            .execution_role
            .arn
            .starts_with("arn:aws:iam::123456789012:role/execution/cargo-publish-execution-")
    );
    assert!(
        composition
            .task_role
            .arn()
            .starts_with("arn:aws:iam::123456789012:role/task/cargo-publish-task-")
    );
    assert_eq!(composition.log_group.retention_days, 30);
    let policy = composition.execution_role.policy.unwrap().document();
    assert!(
        policy.contains("arn:aws:ecr:eu-west-1:210987654321:repository/ssh"),
        "{policy}"
    );
}

#[test]
fn a_role_of_the_authors_own_is_used_as_it_is() {
    let arn = "arn:aws:iam::123456789012:role/BuildkiteAgentTask/deploy";
    let mut written = written::written_without(&written::RIGHTS);
    written["TaskRoleArn"] = json!(arn);
    let composition = composed(&written);
    assert!(matches!(&composition.task_role, TaskRole::Own(own) if own.arn == arn));
    assert_eq!(composition.task_definition.task_role_arn, arn);
}

#[test]
fn every_variable_of_the_provider_gives_way_to_the_authors() {
    let ours = [
        "BUILDKITE_BUILD_PATH",
        "BUILDKITE_HOOKS_PATH",
        "BUILDKITE_PLUGINS_PATH",
        "BUILDKITE_ABOUT_PLATFORM",
        "BUILDKITE_AGENT_TAGS_FROM_ECS_META_DATA",
    ];
    let agent = |name: &str, field: &str, item: Value| {
        let written = json!({"Image": "ruby:2.7", "BuildkiteAgentImage": "sidecar", field: [item]});
        let agent = composed(&written).task_definition.container_definitions.remove(0);
        let values: Vec<String> = agent
            .environment
            .iter()
            .filter(|variable| variable.name == name)
            .map(|variable| variable.value.clone())
            .collect();
        (
            values,
            agent.secrets.iter().filter(|secret| secret.name == name).count(),
        )
    };
    for name in ours {
        assert_eq!(
            agent(name, "Environment", json!({"Name": name, "Value": "mine"})),
            (vec!["mine".to_owned()], 0),
            "{name}"
        );
        assert_eq!(
            agent(name, "Secrets", json!({"Name": name, "ValueFrom": "/mine"})),
            (vec![], 1),
            "{name}"
        );
    }
}

#[test]
fn what_the_author_redacts_is_added_to_the_agents_list_and_the_secrets_names() {
    let redacted = |more: Value| {
        let mut written = alone();
        written
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let agent = composed(&written).task_definition.container_definitions.remove(0);
        let mut all = agent.environment.into_iter();
        all.find(|variable| variable.name == "BUILDKITE_REDACTED_VARS")
            .map(|variable| variable.value.clone())
    };
    let own =
        "*_PASSWORD,*_SECRET,*_TOKEN,*_PRIVATE_KEY,*_SSH_KEY,*_ACCESS_KEY,*_SECRET_KEY,*_CONNECTION_STRING,*_API_KEY";
    let secrets = json!([{"Name": "A", "ValueFrom": "/a"}, {"Name": "B", "ValueFrom": "/b"}]);
    let added = json!({"RedactedVars": ["*_PIN", "B", "*_TOKEN"]});
    assert_eq!(redacted(json!({})), None);
    assert_eq!(redacted(json!({"Secrets": secrets})).unwrap(), format!("{own},A,B"));
    assert_eq!(
        redacted(json!({"AgentConfiguration": added})).unwrap(),
        format!("{own},*_PIN,B")
    );
    assert_eq!(
        redacted(json!({"AgentConfiguration": added, "Secrets": secrets})).unwrap(),
        format!("{own},*_PIN,B,A")
    );
}

#[test]
fn the_content_is_what_was_meant_and_not_how_it_was_written() {
    let content = |change: fn(&mut Value)| {
        let mut written = written::written();
        change(&mut written);
        composed(&written).task_definition.content()
    };
    let same = content(|_| {});
    assert_eq!(same, content(|written| written["TaskCpu"] = json!(2048)));
    assert_eq!(same, content(|written| written["TaskMemory"] = json!("4.096E3")));
    assert_eq!(same, content(|written| written["ServiceTimeout"] = json!("60")));
    assert_eq!(same, content(|written| written["ServiceToken"] = json!("another")));
    assert_ne!(same, content(|written| written["TaskMemory"] = json!("5120")));
    assert_ne!(same, content(|written| written["Image"] = json!("ruby:3.4")));
    assert_ne!(same, content(|written| written["Environment"] = json!([])));
}

#[test]
fn policies_are_named_by_their_content() {
    let name = |image: &str| composed(&json!({"Image": image})).execution_role.policy.unwrap().name();
    assert_eq!(name("ruby:2.7"), name("ruby:3.4"), "neither is in ECR");
    assert_ne!(
        name("ruby:2.7"),
        name("123456789012.dkr.ecr.us-east-1.amazonaws.com/ruby")
    );
    assert!(name("ruby").starts_with(POLICY_PREFIX) && name("ruby").len() <= 128);
}

#[test]
fn what_aws_would_find_too_large_is_found_before() {
    let secrets: Vec<Value> = (0..80)
        .map(|n| json!({"Name": format!("S{n}"), "ValueFrom": format!("/a/parameter/of/number/{n}")}))
        .collect();
    let faults = composed(&json!({"Image": "ruby", "Secrets": secrets}))
        .fitting()
        .unwrap_err();
    assert_eq!(
        faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
        ["Secrets"]
    );

    let faults = composed(&json!({"Image": "ruby", "Environment": [{"Name": "A", "Value": "x".repeat(64_000)}]}))
        .fitting()
        .unwrap_err();
    assert_eq!(
        faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
        ["Environment"]
    );

    let large = json!({"Name": "one", "Image": "alpine", "Environment": [{"Name": "A", "Value": "x".repeat(64_000)}]});
    let resources: Vec<String> = (0..200)
        .map(|n| format!("arn:aws:s3:::a-bucket-of-number-{n}"))
        .collect();
    let policy = json!({"PolicyName": "one", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resources},
    ]}});
    for (written, path) in [
        (json!({"Image": "ruby", "Sidecars": [large]}), "Sidecars"),
        (
            json!({"Image": "ruby", "TaskRolePolicies": [policy]}),
            "TaskRolePolicies",
        ),
        (
            json!({"Image": "ruby", "BuildkiteAgentImage": "agent", "BuildkiteAgentInjection": "COPY", "Hooks": {"command": "x".repeat(64_000)}}),
            "Hooks",
        ),
    ] {
        let faults = composed(&written).fitting().unwrap_err();
        assert_eq!(
            faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
            [path]
        );
    }

    let keys: Vec<Value> = (0..80)
        .map(|n| json!({"Name": format!("S{n}"), "ValueFrom": format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:all-AbC123:key{n}::")}))
        .collect();
    assert!(
        composed(&json!({"Image": "ruby", "Secrets": keys})).fitting().is_ok(),
        "keys of one secret are one resource"
    );
}
