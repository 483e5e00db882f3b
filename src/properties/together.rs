//! What of the rules about several properties together a schema can say: sizes, and what does not go with what.

use serde_json::{Value, json};

use super::{
    CPUS, INJECTIONS, list,
    schema::{numbers, said},
    size::Memories,
};

/// Rules about several properties together.
#[must_use]
pub fn rules() -> Vec<Value> {
    // Absent, or in so many words: what an intrinsic gives is not known, and no reason for a fault.
    let on_fargate = json!({"properties": {"RequiresCompatibilities": {"anyOf": [
        {"enum": ["", []]},
        {"type": "array", "contains": {"enum": ["FARGATE"]}},
    ]}}});
    let cpus = said(
        json!({"enum": numbers(CPUS)}),
        format!("Fargate has {} units", list(&CPUS)),
    );
    let privileged = said(
        json!({"not": {"enum": [true, "true", "True", "TRUE"]}}),
        "`Privileged` is not for Fargate; run on MANAGED_INSTANCES or EC2, as `RequiresCompatibilities` can say",
    );
    let mut rules: Vec<Value> = CPUS.iter().flat_map(|cpu| memory_with(*cpu, &on_fargate)).collect();
    rules.extend([
        json!({"if": {"allOf": [on_fargate, plain_number("TaskCpu")]}, "then": {"properties": {"TaskCpu": cpus}}}),
        json!({"if": on_fargate, "then": {"properties": {"Privileged": privileged}}}),
        json!({
            "if": {
                "required": ["BuildkiteAgentInjection"],
                "properties": {"BuildkiteAgentInjection": {"enum": INJECTIONS}},
            },
            "then": said(
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
            "then": said(
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
        beside_own_role("EnableExecuteCommand", &json!({"enum": [true, "true", "True", "TRUE"]})),
    ]);
    rules
}

/// The property is there and not empty.
fn written(name: &str) -> Value {
    json!({"required": [name], "properties": {name: {"not": {"enum": [""]}}}})
}

/// It is a number in digits, rather than in the scientific notation that is read but not looked into here.
fn plain_number(name: &str) -> Value {
    json!({"required": [name], "properties": {name: {"type": ["integer", "string"], "pattern": "^ *[0-9]+ *$"}}})
}

/// A property that is for the role that is made, and at fault beside one of the author's own where it has such a value.
fn beside_own_role(name: &str, wanted: &Value) -> Value {
    let none = said(
        json!({"not": wanted}),
        format!(
            "`{name}` is for the role that is made, and `TaskRoleArn` names your own: give that one the rights, or leave it out"
        ),
    );
    let own =
        json!({"required": ["TaskRoleArn"], "properties": {"TaskRoleArn": {"type": "string", "pattern": "^arn:"}}});
    json!({"if": own, "then": {"properties": {name: none}}})
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
    let legal = said(json!({"enum": numbers(memories.all())}), &has);
    let mut rules = vec![json!({
        "if": {"allOf": [on_fargate, with, plain_number("TaskMemory")]},
        "then": {"properties": {"TaskMemory": legal}},
    })];
    if !memories.all().contains(&512) {
        rules.push(json!({
            "if": {"allOf": [on_fargate, with]},
            "then": said(written("TaskMemory"), format!("`TaskMemory` is 512 (the default); {has}")),
        }));
    }
    rules
}
