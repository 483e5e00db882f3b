//! Schema rules that involve several properties: task sizes, and properties that exclude each other.

use serde_json::{Value, json};

use super::{
    INJECTIONS, SSH_SOCKET,
    agent_configuration::{Kind, OPTIONS},
    list, places,
    schema::{advised, numbers},
};
use crate::facts::{
    ecr::HOST_PATTERN,
    fargate::{CPUS, Memories},
};

/// Rules about several properties together.
#[must_use]
pub fn rules() -> Vec<Value> {
    let on_fargate = places::on_fargate();
    let cpus = advised(
        json!({"enum": numbers(CPUS)}),
        format!("Fargate has {} units", list(&CPUS)),
    );
    let mut rules: Vec<Value> = CPUS.iter().flat_map(|cpu| memory_with(*cpu, &on_fargate)).collect();
    rules.extend([
        json!({"if": {"allOf": [on_fargate, plain_number("TaskCpu")]}, "then": {"properties": {"TaskCpu": cpus}}}),
        json!({
            "if": {
                "required": ["BuildkiteAgentInjection"],
                "properties": {"BuildkiteAgentInjection": {"enum": INJECTIONS}},
            },
            "then": advised(
                written("BuildkiteAgentImage"),
                "`BuildkiteAgentInjection` is for the image of `BuildkiteAgentImage`, which is not given",
            ),
        }),
        json!({
            "if": {
                "required": ["BuildkiteAgentImageRepositoryCredentials"],
                "properties": {"BuildkiteAgentImageRepositoryCredentials": {
                    "type": "object",
                    "required": ["CredentialsParameter"],
                }},
            },
            "then": advised(
                written("BuildkiteAgentImage"),
                "`BuildkiteAgentImageRepositoryCredentials` is for the image of `BuildkiteAgentImage`, which is not given",
            ),
        }),
        beside_own_role(
            "TaskRolePolicies",
            &json!({"type": "array", "items": {"type": "object"}}),
        ),
        beside_own_role(
            "TaskRoleManagedPolicyArns",
            &json!({"type": "array", "items": {"type": "string", "pattern": "^arn:"}}),
        ),
        beside_own_role("EnableExecuteCommand", &yes()),
        json!({
            "if": given("SshAgentBackend"),
            "then": without_variables(&[SSH_SOCKET], "the provider sets for `SshAgentBackend`"),
        }),
        credentials("Image", "RepositoryCredentials"),
        credentials("BuildkiteAgentImage", "BuildkiteAgentImageRepositoryCredentials"),
        credentials("SshAgentImage", "SshAgentImageRepositoryCredentials"),
    ]);
    rules.extend(OPTIONS.map(|(name, kind, variables)| set_twice(name, kind, variables)));
    rules.extend(places::rules());
    rules
}

/// Credentials for an image that is in ECR. It is true of sidecars, too.
pub(super) fn credentials(image: &str, credentials: &str) -> Value {
    let in_ecr = format!("{}/", HOST_PATTERN.trim_end_matches('$'));
    let none = advised(
        json!({"not": {"type": "object"}}),
        format!("`{credentials}` is not for ECR, where the execution role pulls with its own rights; leave it out"),
    );
    json!({
        "if": {"required": [image], "properties": {image: {"type": "string", "pattern": in_ecr}}},
        "then": {"properties": {credentials: none}},
    })
}

/// An option of the agent's, and a variable that says the same.
fn set_twice(option: &str, kind: Kind, variables: &[&str]) -> Value {
    let set = match kind {
        Kind::Text | Kind::Name | Kind::Path => json!({"type": "string", "pattern": "^."}),
        Kind::List(_) => json!({"type": "array", "minItems": 1}),
        Kind::Switch => yes(),
        Kind::Seconds => json!({"type": ["integer", "string"], "pattern": "^[0-9]+$"}),
    };
    let configured = json!({"type": "object", "required": [option], "properties": {option: set}});
    json!({
        "if": {"required": ["AgentConfiguration"], "properties": {"AgentConfiguration": configured}},
        "then": without_variables(variables, &format!("`AgentConfiguration.{option}` sets")),
    })
}

/// Neither variables nor secrets of these names.
fn without_variables(names: &[&str], option: &str) -> Value {
    let name = advised(
        json!({"not": {"enum": names}}),
        format!("`{}` is what {option}; leave one of the two out", names.join("` or `")),
    );
    let items = json!({"items": {"properties": {"Name": name}}});
    json!({"properties": {"Environment": items, "Secrets": items}})
}

/// A switch that is on, in all ways of writing that `schema::switch` takes and people use.
pub(super) fn yes() -> Value {
    json!({"enum": [true, "true", "True", "TRUE"]})
}

/// The property is an ARN in so many words.
fn given(name: &str) -> Value {
    json!({"required": [name], "properties": {name: {"type": "string", "pattern": "^arn:"}}})
}

/// The property is there and not empty.
fn written(name: &str) -> Value {
    json!({"required": [name], "properties": {name: {"not": {"enum": [""]}}}})
}

/// A number in digits, rather than in the scientific notation that is read but not looked into here.
fn plain_number(name: &str) -> Value {
    json!({"required": [name], "properties": {name: {"type": ["integer", "string"], "pattern": "^ *[0-9]+ *$"}}})
}

/// A property that is for the role that is made, and at fault beside one of the author's own where it has such a value.
fn beside_own_role(name: &str, wanted: &Value) -> Value {
    let none = advised(
        json!({"not": wanted}),
        format!(
            "`{name}` is for the role that is made, and `TaskRoleArn` names your own: give that one the rights, or leave it out"
        ),
    );
    json!({"if": given("TaskRoleArn"), "then": {"properties": {name: none}}})
}

/// The memories that Fargate has with these CPU units; 256 is also what there is without `TaskCpu`.
fn memory_with(cpu: u32, on_fargate: &Value) -> Vec<Value> {
    let Some(memories) = Memories::with(cpu) else {
        return Vec::new();
    };
    let mut with = json!({"properties": {"TaskCpu": {"enum": numbers([cpu])}}});
    let default = cpu == 256;
    if default {
        with["properties"]["TaskCpu"]["enum"] = [numbers([cpu]), vec!["".into()]].concat().into();
    } else {
        with["required"] = json!(["TaskCpu"]);
    }
    let has = format!(
        "with `TaskCpu` {cpu}{}, Fargate has {}",
        if default { " (the default)" } else { "" },
        memories.named()
    );
    let legal = advised(json!({"enum": numbers(memories.all())}), &has);
    let mut rules = vec![json!({
        "if": {"allOf": [on_fargate, with, plain_number("TaskMemory")]},
        "then": {"properties": {"TaskMemory": legal}},
    })];
    if !memories.all().contains(&512) {
        rules.push(json!({
            "if": {"allOf": [on_fargate, with]},
            "then": advised(written("TaskMemory"), format!("`TaskMemory` is 512 (the default); {has}")),
        }));
    }
    rules
}
