//! Each property through its life: added, changed, taken back and removed, and each time what exists is what is composed.

use std::collections::BTreeSet;

use agent_composer::{
    composition::{Composition, Role},
    identity::{Identity, Owner, StackId},
    mark, ownership,
    properties::{PROPERTIES, Properties},
};
use serde_json::{Value, json};

use crate::{
    account::{Account, RevisionView, Service},
    stack::{Stack, settings_of},
};

const SETTINGS: [(&str, &str); 2] = [
    ("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::111122223333:policy/Boundary"),
    ("ALLOW_PRIVILEGED", "true"),
];

/// What can't be changed in place, which `renames` and `features` test, and what changes nothing.
const FIXED: [&str; 3] = ["TaskFamily", "LogGroupClass", "Refresh"];

/// One property: two of its values, and what it needs beside it.
struct Life {
    name: &'static str,
    first: Value,
    second: Value,
    beside: Value,
}

fn life(name: &'static str, first: Value, second: Value) -> Life {
    let beside = json!({});
    Life {
        name,
        first,
        second,
        beside,
    }
}

impl Life {
    fn beside(self, beside: Value) -> Self {
        Self { beside, ..self }
    }

    /// The properties with this value of it, or without it.
    fn with(&self, value: Option<&Value>) -> Value {
        let mut properties = json!({
            "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
            "Image": "ruby:2.7",
        });
        let all = properties.as_object_mut().unwrap();
        all.extend(self.beside.as_object().unwrap().clone());
        all.extend(value.map(|value| (self.name.to_owned(), value.clone())));
        properties
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn lives() -> Vec<Life> {
    let credentials = |name: &str| json!({"CredentialsParameter": name});
    let backend = |stage: &str| json!(format!("arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/{stage}"));
    let key = |id: &str| format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
    let role = |name: &str| json!(format!("arn:aws:iam::111122223333:role/BuildkiteAgentTask/{name}"));
    let statement = |action: &str| json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    let policy = |action: &str| {
        let document = json!({"Version": "2012-10-17", "Statement": statement(action)});
        json!([{"PolicyName": "one", "PolicyDocument": document}])
    };
    let sidecar =
        |image: &str| json!([{"Name": "database", "Image": image, "HealthCheck": {"Command": ["CMD", "true"]}}]);
    let depends = |condition: &str| json!([{"ContainerName": "database", "Condition": condition}]);
    let mount = |path: &str| json!([{"SourceVolume": "cache", "ContainerPath": path}]);
    let constraint = |expression: &str| json!([{"Type": "memberOf", "Expression": expression}]);
    let on_ec2 = || json!({"RequiresCompatibilities": ["EC2"]});
    let with_ssh = || json!({"SshAgentBackend": backend("Prod"), "SshAgentImage": "registry.example.com/ssh:1"});
    vec![
        life(
            "Image",
            json!("ruby:3.3"),
            json!("111122223333.dkr.ecr.us-east-1.amazonaws.com/ruby:3.4"),
        ),
        life("RepositoryCredentials", credentials("one"), credentials("two")),
        life(
            "BuildkiteAgentImage",
            json!("agent:1"),
            json!("111122223333.dkr.ecr.us-east-1.amazonaws.com/agent:2"),
        ),
        life(
            "BuildkiteAgentImageRepositoryCredentials",
            credentials("one"),
            credentials("two"),
        )
        .beside(json!({"BuildkiteAgentImage": "agent:1"})),
        life("BuildkiteAgentInjection", json!("COPY"), json!("VOLUME"))
            .beside(json!({"BuildkiteAgentImage": "agent:1"})),
        life(
            "Hooks",
            json!({"environment": "export A=1"}),
            json!({"environment": "export A=2", "pre-exit": "true"}),
        )
        .beside(json!({"BuildkiteAgentImage": "agent:1", "BuildkiteAgentInjection": "COPY"})),
        life("CancelOnStop", json!("true"), json!("false")),
        life("SshAgentBackend", backend("Prod"), backend("Test")),
        life(
            "SshAgentImage",
            json!("ssh:1"),
            json!("111122223333.dkr.ecr.us-east-1.amazonaws.com/ssh:2"),
        )
        .beside(json!({"SshAgentBackend": backend("Prod")})),
        life(
            "SshAgentImageRepositoryCredentials",
            credentials("one"),
            credentials("two"),
        )
        .beside(with_ssh()),
        life(
            "SshAgentEnvironment",
            json!([{"Name": "HTTPS_PROXY", "Value": "http://one:3128"}]),
            json!([{"Name": "HTTPS_PROXY", "Value": "http://two:3128"}, {"Name": "NO_PROXY", "Value": ""}]),
        )
        .beside(with_ssh()),
        life(
            "Secrets",
            json!([{"Name": "A", "ValueFrom": "/a"}]),
            json!([{"Name": "A", "ValueFrom": "arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbC123:key::"}]),
        ),
        life("SecretsKmsKeyArns", json!([key("1")]), json!([key("1"), key("2")])),
        life(
            "Environment",
            json!([{"Name": "A", "Value": "1"}]),
            json!([{"Name": "A", "Value": ""}]),
        ),
        life(
            "AgentConfiguration",
            json!({"Queue": "deploy", "NoCommandEval": "true"}),
            json!({"RedactedVars": ["*_PIN"]}),
        ),
        life("SigningKey", json!(key("1")), json!(key("2"))),
        life(
            "AgentContainer",
            json!({"User": "1000", "Ulimits": [{"Name": "nofile", "SoftLimit": "1024", "HardLimit": "-1"}]}),
            json!({
                "EnvironmentFiles": [{"Type": "s3", "Value": "arn:aws:s3:::settings/ruby.env"}],
                "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/agents"}},
            }),
        ),
        life(
            "Sidecars",
            sidecar("postgres:17"),
            sidecar("111122223333.dkr.ecr.us-east-1.amazonaws.com/postgres:18"),
        ),
        life(
            "Volumes",
            json!([{"Name": "cache"}]),
            json!([{"Name": "cache", "EFSVolumeConfiguration": {
                "FilesystemId": "fs-0123abcd", "TransitEncryption": "ENABLED", "AuthorizationConfig": {"IAM": "ENABLED"},
            }}]),
        ),
        life("MountPoints", mount("/a"), mount("/b")).beside(json!({"Volumes": [{"Name": "cache"}]})),
        life("DependsOn", depends("START"), depends("HEALTHY")).beside(json!({"Sidecars": sidecar("postgres:18")})),
        life("RequiresCompatibilities", json!(["EC2"]), json!(["MANAGED_INSTANCES"])),
        life("NetworkMode", json!("bridge"), json!("host")).beside(on_ec2()),
        life("Privileged", json!("true"), json!("false")).beside(on_ec2()),
        life("PidMode", json!("task"), json!("")),
        life("IpcMode", json!("task"), json!("none")).beside(on_ec2()),
        life("PlacementConstraints", constraint("a"), constraint("b")).beside(on_ec2()),
        life("EnableFaultInjection", json!("true"), json!("false")),
        life(
            "ProxyConfiguration",
            json!({"ContainerName": "agent"}),
            json!({"Type": "APPMESH", "ContainerName": "agent", "ProxyConfigurationProperties": [{"Name": "AppPorts", "Value": "80"}]}),
        ),
        life("TaskMemory", json!("1024"), json!("2 GB")),
        life("TaskCpu", json!("512"), json!("1 vCPU")).beside(json!({"TaskMemory": "2048"})),
        life("OperatingSystemFamily", json!("LINUX"), json!("")),
        life("CpuArchitecture", json!("ARM64"), json!("X86_64")),
        life(
            "EphemeralStorage",
            json!({"SizeInGiB": "30"}),
            json!({"SizeInGiB": "40"}),
        ),
        life("TaskRoleArn", role("deploy"), role("release")),
        life("TaskRolePolicies", policy("s3:GetObject"), policy("s3:PutObject")),
        life(
            "TaskRoleManagedPolicyArns",
            json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
            json!(["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]),
        ),
        life("EnableExecuteCommand", json!("true"), json!("false")),
        life("BuildkiteAgentTokenParameterPath", json!("/one"), json!("/two")),
        life("LogRetentionInDays", json!("30"), json!("90")),
        life("LogGroupKmsKeyId", json!(key("1")), json!(key("2"))),
        life(
            "Tags",
            json!([{"Key": "team", "Value": "platform"}]),
            json!([{"Key": "team", "Value": "mobile"}, {"Key": "cost", "Value": "7"}]),
        ),
    ]
}

fn composed(stack: &Stack, properties: &Value) -> Composition {
    let settings = settings_of(&SETTINGS).unwrap();
    let owner = Owner {
        stack_id: StackId::parse(&stack.id).unwrap(),
        logical_id: "Ruby2".to_owned(),
    };
    let properties = Properties::validate(properties.as_object().unwrap(), &owner, &settings).unwrap();
    let family = properties.family.clone();
    Composition::compose(&Identity { owner, family }, &properties, &settings)
}

/// A document without what ECS adds of its own, and without what says nothing.
fn plain(document: &Value) -> Value {
    const ADDED: [&str; 7] = [
        "compatibilities",
        "revision",
        "taskDefinitionArn",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "tags",
    ];
    match document {
        Value::Object(fields) => (fields.iter())
            .filter(|(name, _)| !ADDED.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), plain(value)))
            .filter(|(_, value)| ![json!(null), json!([]), json!({}), json!(0)].contains(value))
            .collect(),
        Value::Array(elements) => elements.iter().map(plain).collect(),
        scalar => scalar.clone(),
    }
}

/// The tags that are part of the composition: not the record of a request, the content's hash or the version.
fn lasting<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> BTreeSet<(&'a str, &'a str)> {
    const PASSING: [&str; 3] = [mark::KEY, ownership::CONTENT, ownership::VERSION];
    let passing = |key: &str| PASSING.contains(&key);
    let all = tags.into_iter().filter(|(key, _)| !passing(key));
    all.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn assert_role(account: &Account, role: &Role, case: &str) {
    let found = account.role(&role.name).unwrap();
    let policies: Vec<(String, Value)> = (role.policy.iter())
        .map(|policy| (policy.name(), serde_json::to_value(policy).unwrap()))
        .collect();
    assert_eq!(found.inline.into_iter().collect::<Vec<_>>(), policies, "{case}");
    assert_eq!(found.attached, role.managed_policies, "{case}");
    assert_eq!(found.trust, serde_json::to_value(&role.trust).unwrap(), "{case}");
    assert_eq!(found.boundary, role.boundary, "{case}");
    assert_eq!(lasting(&found.tags), lasting(&role.tags), "{case}");
}

/// What is there is what the properties mean, and no more.
fn assert_holds(account: &Account, composition: &Composition, made: &Role, case: &str) {
    let RevisionView { definition, tags, .. } = account.newest_revision("ruby2").unwrap();
    let wanted = serde_json::to_value(&composition.task_definition).unwrap();
    assert_eq!(plain(&definition), plain(&wanted), "{case}");
    assert_eq!(
        tags.get("agent-composer:content"),
        Some(&composition.task_definition.content()),
        "{case}"
    );
    assert_eq!(lasting(&tags), lasting(&composition.tags), "{case}");
    assert_role(account, &composition.execution_role, case);
    match composition.task_role.made() {
        Some(role) => assert_role(account, role, case),
        None => assert!(account.role(&made.name).unwrap().inline.is_empty(), "{case}"),
    }
    let (found, wanted) = (account.log_group("/aws/ecs/ruby2").unwrap(), &composition.log_group);
    assert_eq!(found.retention, Some(wanted.retention_days.into()), "{case}");
    assert_eq!(found.class, wanted.class, "{case}");
    assert_eq!(found.key, wanted.kms_key, "{case}");
    assert_eq!(lasting(&found.tags), lasting(&wanted.tags), "{case}");
}

#[tokio::test(start_paused = true)]
async fn every_property_is_added_changed_taken_back_and_removed() {
    let lives = lives();
    let names: Vec<&str> = lives.iter().map(|life| life.name).collect();
    let known = PROPERTIES.iter().map(|property| property.name);
    assert_eq!(names, known.filter(|name| !FIXED.contains(name)).collect::<Vec<_>>());
    for life in lives {
        let account = Account::new();
        let stack = Stack::configured(&account, "pipelines", &SETTINGS);
        for name in ["deploy", "release"] {
            account.plant_role("/BuildkiteAgentTask/", name, &[]);
            let boundary = json!({"RoleName": name, "PermissionsBoundary": SETTINGS[0].1});
            account.plant(Service::Iam, "PutRolePermissionsBoundary", boundary);
        }
        let [none, first, second] = [None, Some(&life.first), Some(&life.second)].map(|value| {
            let properties = life.with(value);
            let composition = composed(&stack, &properties);
            (properties, composition)
        });
        assert_ne!(first.1, none.1, "{}", life.name);
        assert_ne!(first.1, second.1, "{}", life.name);
        let made = none.1.task_role.made().unwrap();
        let id = stack.create("Ruby2", &none.0).await.success().id;
        assert_holds(&account, &none.1, made, life.name);
        for (step, old, new) in [
            ("added", &none, &first),
            ("changed", &first, &second),
            ("taken back", &second, &first),
            ("removed", &first, &none),
        ] {
            stack.update("Ruby2", &id, &old.0, &new.0).await.success();
            assert_holds(&account, &new.1, made, &format!("{} {step}", life.name));
        }
        stack.delete("Ruby2", &id, &none.0).await.success();
        assert_eq!(account.leftovers().len(), 2, "{}: the planted roles", life.name);
        assert_eq!(account.unknown_calls().len(), 0, "{}", life.name);
    }
}

#[tokio::test(start_paused = true)]
async fn every_word_of_ecs_reaches_it_and_nothing_is_lost_on_the_way() {
    for document in [
        include_str!("../../crates/model/src/properties/vocabulary/every_word.json"),
        include_str!("../../crates/model/src/properties/vocabulary/every_word_on_ec2.json"),
    ] {
        let account = Account::new();
        let stack = Stack::configured(&account, "pipelines", &SETTINGS);
        let token = json!({"ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider"});
        let mut without = json!({"Image": "ruby:2.7"});
        let mut everything: Value = serde_json::from_str(document).unwrap();
        for properties in [&mut without, &mut everything] {
            let fields = properties.as_object_mut().unwrap();
            fields.extend(token.as_object().unwrap().clone());
        }
        let id = stack.create("Ruby2", &everything).await.success().id;
        let composition = self::composed(&stack, &everything);
        let made = composition.task_role.made().unwrap();
        assert_holds(&account, &composition, made, "created");
        stack.update("Ruby2", &id, &everything, &without).await.success();
        assert_holds(&account, &composed(&stack, &without), made, "removed");
        stack.update("Ruby2", &id, &without, &everything).await.success();
        assert_holds(&account, &composition, made, "taken back");
    }
}
