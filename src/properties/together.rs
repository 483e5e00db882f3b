//! What of the rules about several properties together a schema can say: sizes, and what does not go with what.

use serde_json::{Value, json};

use super::{
    CPUS, INJECTIONS, SSH_SOCKET,
    launch::{COMPATIBILITIES, NETWORK_MODES, network_modes},
    list,
    schema::{numbers, said},
    sidecar::WAIT_ON_FARGATE,
    size::Memories,
};

/// Rules about several properties together.
#[must_use]
pub fn rules() -> Vec<Value> {
    let on_fargate = on_fargate();
    let cpus = said(
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
        beside_own_role("EnableExecuteCommand", &yes()),
        {
            let names = json!({"items": {"properties": {"Name": said(
                json!({"not": {"enum": [SSH_SOCKET]}}),
                format!("`{SSH_SOCKET}` is what the provider sets for `SshAgentBackend`; leave one of the two out"),
            )}}});
            json!({"if": given("SshAgentBackend"), "then": {"properties": {"Environment": names, "Secrets": names}}})
        },
    ]);
    rules.extend(of_places());
    rules
}

/// What the places that `RequiresCompatibilities` names have, and have not.
fn of_places() -> Vec<Value> {
    let on_fargate = on_fargate();
    let privileged = said(
        json!({"not": yes()}),
        "`Privileged` is not for Fargate; run on MANAGED_INSTANCES or EC2, as `RequiresCompatibilities` can say",
    );
    let wait = json!({"minimum": WAIT_ON_FARGATE.start(), "maximum": WAIT_ON_FARGATE.end()});
    let sidecar = json!({"properties": {
        "Privileged": privileged,
        "StartTimeout": wait,
        "StopTimeout": wait,
    }});
    let disk = said(
        json!({"not": {"type": "object"}}),
        "`EphemeralStorage` is for Fargate alone, and `RequiresCompatibilities` names another",
    );
    let efs = said(
        json!({"not": {"type": "object"}}),
        "`EFSVolumeConfiguration` is not for EXTERNAL, where ECS mounts no EFS",
    );
    let elsewhere: Vec<&str> = (COMPATIBILITIES.iter().copied())
        .filter(|one| *one != "FARGATE")
        .collect();
    let mut rules = vec![
        json!({"if": on_fargate, "then": {"properties": {"Privileged": privileged, "Sidecars": {"items": sidecar}}}}),
        json!({"if": is_for(&elsewhere), "then": {"properties": {"EphemeralStorage": disk}}}),
        json!({
            "if": is_for(&["EXTERNAL"]),
            "then": {"properties": {"Volumes": {"items": {"properties": {"EFSVolumeConfiguration": efs}}}}},
        }),
    ];
    for (index, one) in COMPATIBILITIES.iter().enumerate() {
        let modes = network_modes(one);
        let place = if *one == "FARGATE" {
            on_fargate.clone()
        } else {
            is_for(&[one])
        };
        let others: Vec<&str> = NETWORK_MODES
            .iter()
            .filter(|mode| !modes.contains(mode))
            .copied()
            .collect();
        if !others.is_empty() {
            let mode = said(json!({"not": {"enum": others}}), format!("{one} has {}", list(modes)));
            rules.push(json!({"if": place, "then": {"properties": {"NetworkMode": mode}}}));
        }
        for other in &COMPATIBILITIES[index + 1..] {
            if !modes.iter().any(|mode| network_modes(other).contains(mode)) {
                let none = said(
                    json!({"not": {"type": "array"}}),
                    format!("`RequiresCompatibilities` names {one} and {other}, which have no network mode in common"),
                );
                rules.push(json!({
                    "if": {"allOf": [is_for(&[one]), is_for(&[other])]},
                    "then": {"properties": {"RequiresCompatibilities": none}},
                }));
            }
        }
    }
    rules
}

/// Absent, or in so many words: what an intrinsic gives is not known, and no reason for a fault.
fn on_fargate() -> Value {
    json!({"properties": {"RequiresCompatibilities": {"anyOf": [
        {"enum": ["", []]},
        {"type": "array", "contains": {"enum": ["FARGATE"]}},
    ]}}})
}

/// One of these is among the compatibilities.
fn is_for(any: &[&str]) -> Value {
    json!({
        "required": ["RequiresCompatibilities"],
        "properties": {"RequiresCompatibilities": {"type": "array", "contains": {"enum": any}}},
    })
}

/// A switch that is on, in all ways of writing that `schema::switch` takes and people use.
fn yes() -> Value {
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
