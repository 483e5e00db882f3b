//! Schema rules about where tasks run: what each of `RequiresCompatibilities` supports.

use serde_json::{Value, json};

use super::{
    agent_container,
    container::WAIT_ON_FARGATE,
    launch::{COMPATIBILITIES, NETWORK_MODES, network_modes},
    list,
    schema::advised,
    sidecar,
    size::{CPU_ELSEWHERE, LEAST_MEMORY},
    together::yes,
    vocabulary::{self, Key},
};

/// Rules about the places that `RequiresCompatibilities` names.
pub(super) fn rules() -> Vec<Value> {
    let privileged = advised(
        json!({"not": yes()}),
        "`Privileged` is not supported on Fargate; set `RequiresCompatibilities` to MANAGED_INSTANCES or EC2",
    );
    let wait = json!({"minimum": WAIT_ON_FARGATE.start(), "maximum": WAIT_ON_FARGATE.end()});
    let sidecar = json!({"properties": {
        "Privileged": privileged,
        "StartTimeout": wait,
        "StopTimeout": wait,
    }});
    let disk = advised(
        json!({"not": {"type": "object"}}),
        "`EphemeralStorage` is for Fargate alone, and `RequiresCompatibilities` names another",
    );
    let efs = advised(
        json!({"not": {"type": "object"}}),
        "`EFSVolumeConfiguration` is not for EXTERNAL, where ECS mounts no EFS",
    );
    let elsewhere: Vec<&str> = (COMPATIBILITIES.iter().copied())
        .filter(|one| *one != "FARGATE")
        .collect();
    let mut rules = vec![
        json!({"if": on_fargate(), "then": {"properties": {
            "Privileged": privileged,
            "Sidecars": {"items": sidecar},
            "AgentContainer": {"properties": {"StartTimeout": wait}},
        }}}),
        json!({"if": is_for(&elsewhere), "then": {"properties": {"EphemeralStorage": disk}}}),
        json!({
            "if": {
                "required": ["RequiresCompatibilities"],
                "properties": {"RequiresCompatibilities": {"type": "array", "minItems": 1, "items": {"enum": elsewhere}}},
            },
            "then": {"properties": {
                "TaskCpu": {"minimum": CPU_ELSEWHERE.start(), "maximum": CPU_ELSEWHERE.end()},
                "TaskMemory": {"minimum": LEAST_MEMORY},
            }},
        }),
        json!({
            "if": is_for(&["EXTERNAL"]),
            "then": {"properties": {"Volumes": {"items": {"properties": {"EFSVolumeConfiguration": efs}}}}},
        }),
    ];
    rules.extend(of_network_modes());
    let places = COMPATIBILITIES.iter().chain(&NETWORK_MODES);
    rules.extend(places.filter_map(|place| words_of(place)));
    rules
}

/// Which network modes the places have, and which places have none in common.
fn of_network_modes() -> Vec<Value> {
    let mut rules = Vec::new();
    let mut places = COMPATIBILITIES.iter();
    while let Some(one) = places.next() {
        let modes = network_modes(one);
        let place = if *one == "FARGATE" {
            on_fargate()
        } else {
            is_for(&[one])
        };
        let others: Vec<&str> = NETWORK_MODES
            .iter()
            .filter(|mode| !modes.contains(mode))
            .copied()
            .collect();
        if !others.is_empty() {
            let mode = advised(json!({"not": {"enum": others}}), format!("{one} has {}", list(modes)));
            rules.push(json!({"if": place, "then": {"properties": {"NetworkMode": mode}}}));
        }
        for other in places.clone() {
            if !modes.iter().any(|mode| network_modes(other).contains(mode)) {
                let none = advised(
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

/// What of the words that are passed on a place has not.
fn words_of(place: &str) -> Option<Value> {
    let refs = |keys: &'static [Key]| keys.iter().collect::<Vec<_>>();
    let mut properties = vocabulary::not_in_place(&refs(vocabulary::task::KEYS), place);
    let mut add = |property: &str, keys: &[&Key], wrap: fn(Value) -> Value| {
        let inner = vocabulary::not_in_place(keys, place);
        if !inner.is_empty() {
            properties.insert(property.to_owned(), wrap(json!({"properties": inner})));
        }
    };
    add("AgentContainer", &agent_container::words(), |inner| inner);
    add("Sidecars", &sidecar::words(), |inner| json!({"items": inner}));
    add(
        "Volumes",
        &refs(vocabulary::volume::KEYS),
        |inner| json!({"items": inner}),
    );
    let is_there = match place {
        "FARGATE" => on_fargate(),
        place if COMPATIBILITIES.contains(&place) => is_for(&[place]),
        mode => with_network(mode),
    };
    (!properties.is_empty()).then(|| json!({"if": is_there, "then": {"properties": properties}}))
}

/// The network mode in so many words, or by default.
fn with_network(mode: &str) -> Value {
    let written = json!({"required": ["NetworkMode"], "properties": {"NetworkMode": {"enum": [mode]}}});
    if mode != "awsvpc" {
        return written;
    }
    let have_it: Vec<&str> = (COMPATIBILITIES.iter().copied())
        .filter(|one| network_modes(one).contains(&mode))
        .collect();
    let by_default = json!({"required": ["RequiresCompatibilities"], "properties": {
        "NetworkMode": {"enum": [""]},
        "RequiresCompatibilities": {"type": "array", "minItems": 1, "items": {"enum": have_it}},
    }});
    json!({"anyOf": [written, by_default]})
}

/// Absent, or in so many words: what an intrinsic gives is not known, and no reason for a fault.
pub(super) fn on_fargate() -> Value {
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
