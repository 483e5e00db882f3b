//! Templates: what the user declares, and what CloudFormation makes of the values.

use std::collections::BTreeMap;

use agent_composer::{Faults, settings::Settings};
use serde_json::{Map, Value, json};

use crate::granted::BOUNDARY;

/// A template's `Custom::BuildkiteAgent` resources, by logical id.
pub type Template = BTreeMap<&'static str, Agent>;

/// Logical ids that the stories use. Each has its own name in lower case for a default family.
pub const LOGICAL_IDS: [&str; 4] = ["Alpha", "Beta", "Gamma", "Delta"];

/// Families that the stories name.
pub const FAMILIES: [&str; 3] = ["alpha", "beta", "shared"];

/// The ARN of a role of the user's own.
pub const OWN_ROLE: &str = "arn:aws:iam::111122223333:role/BuildkiteAgentTask/deploy";

/// The keys that log groups may be under.
const KEYS: [&str; 2] = [
    "arn:aws:kms:us-east-1:111122223333:key/11112222-3333-4444-5555-666677778888",
    "arn:aws:kms:us-east-1:111122223333:key/99998888-7777-6666-5555-444433332222",
];

/// The class for infrequent access.
const INFREQUENT: &str = "INFREQUENT_ACCESS";

/// What no task has as `TaskCpu`.
pub const MALFORMED_CPU: &str = "7";

/// What agents' roles may have attached.
const MANAGED_POLICIES: [&str; 2] = [
    "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess",
];

/// The tags of every stack.
pub const STACK_TAGS: [(&str, &str); 1] = [("cost-centre", "7")];

/// The provider's settings: with a boundary, without which authors may give no rights, with the stack's tags, as in
/// `template.yml`, and with the author's tag on roles, too.
pub fn settings() -> Result<Settings, Faults> {
    Settings::read(|name| match name {
        "PERMISSIONS_BOUNDARY_ARN" => Some(BOUNDARY.to_owned()),
        "STACK_TAGS" => Some("true".to_owned()),
        "ROLE_TAG_KEYS" => Some("image".to_owned()),
        _ => None,
    })
}

/// One `Custom::BuildkiteAgent`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a property or a policy of its own in a template"
)]
pub struct Agent {
    /// Which image.
    pub image: u8,
    /// Which rights it needs: 0 is none but the common ones, and from 2 on the agent has ssh.
    pub rights: u8,
    /// `TaskFamily`.
    pub family: Option<&'static str>,
    /// Whether `TaskRoleArn` names a role of the user's own.
    pub own_role: bool,
    /// Whether the properties have a fault that the provider refuses.
    pub malformed: bool,
    /// Which settings of the log group: 0 is none, and from 2 on it is under a key.
    pub logs: u8,
    /// Whether the log group is of the class for infrequent access.
    pub infrequent: bool,
    /// `DeletionPolicy`.
    pub retain: Option<Retain>,
    /// `UpdateReplacePolicy: Retain`.
    pub retain_replaced: bool,
    /// `ServiceTimeout`.
    pub timeout: Option<u64>,
}

/// The two policies that keep a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// `Retain`.
    Always,
    /// `RetainExceptOnCreate`: not when the operation that made it is rolled back.
    ExceptOnCreate,
}

/// An agent with nothing special.
pub const PLAIN: Agent = Agent {
    image: 0,
    rights: 0,
    family: None,
    own_role: false,
    malformed: false,
    logs: 0,
    infrequent: false,
    retain: None,
    retain_replaced: false,
    timeout: None,
};

impl Agent {
    /// The properties as CloudFormation sends them.
    pub fn properties(&self) -> Value {
        let mut written = json!({
            "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
            "Image": format!("ruby:{}", self.image),
            "TaskCpu": 256,
            "TaskMemory": 512,
        });
        if let Some(family) = self.family {
            written["TaskFamily"] = family.into();
        }
        if self.rights > 0 {
            let parameter = format!("/token/{}", self.rights);
            written["Secrets"] = json!([{ "Name": "A_TOKEN", "ValueFrom": parameter }]);
        }
        if self.rights > 1 {
            let backend = format!(
                "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e{}/Prod",
                self.rights
            );
            written["SshAgentBackend"] = backend.into();
        }
        if self.own_role {
            written["TaskRoleArn"] = OWN_ROLE.into();
        } else if self.rights > 0 {
            written["TaskRoleManagedPolicyArns"] = json!([MANAGED_POLICIES[usize::from(self.rights % 2)]]);
        }
        if self.image > 0 {
            written["EphemeralStorage"] = json!({ "SizeInGiB": 20 + self.image });
            written["Tags"] = json!([{ "Key": "image", "Value": self.image }]);
        }
        // With containers and a volume of the author's.
        if self.image == 2 {
            written["Volumes"] = json!([{ "Name": "data" }]);
            let mount = json!([{ "SourceVolume": "data", "ContainerPath": "/data" }]);
            let check = json!({ "Command": ["CMD-SHELL", "true"], "Interval": 10 });
            let database =
                json!({ "Name": "database", "Image": "postgres:18", "HealthCheck": check, "MountPoints": mount });
            written["Sidecars"] = json!([database]);
            written["DependsOn"] = json!([{ "ContainerName": "database", "Condition": "HEALTHY" }]);
        }
        if self.rights == 3 && !self.own_role {
            written["EnableExecuteCommand"] = true.into();
        }
        if self.logs > 0 {
            written["LogRetentionInDays"] = [7, 14, 30][usize::from(self.logs - 1)].into();
        }
        if self.logs > 1 {
            written["LogGroupKmsKeyId"] = KEYS[usize::from(self.logs - 2)].into();
        }
        if self.infrequent {
            written["LogGroupClass"] = INFREQUENT.into();
        }
        if self.malformed {
            written["TaskCpu"] = MALFORMED_CPU.into();
        }
        if let Some(timeout) = self.timeout {
            written["ServiceTimeout"] = timeout.into();
        }
        stringified(&written)
    }

    /// The family that the resource has under this logical id.
    pub fn family(&self, logical: &str) -> String {
        self.family.map_or_else(|| logical.to_lowercase(), str::to_owned)
    }
}

/// Numbers and booleans become strings at every depth (docs/internals/cloudformation.md, "Values").
fn stringified(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(truth) => truth.to_string().into(),
        Value::Array(items) => items.iter().map(stringified).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), stringified(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::String(_) | Value::Null => value.clone(),
    }
}

#[test]
fn numbers_and_booleans_become_strings_at_every_depth() {
    assert_eq!(
        stringified(&json!({"a": 1, "b": [true, {"c": 2.5}]})),
        json!({"a": "1", "b": ["true", {"c": "2.5"}]})
    );
}
