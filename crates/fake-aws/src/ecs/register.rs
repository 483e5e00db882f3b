//! RegisterTaskDefinition: check, number, fill in the defaults, keep.

use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::json::{items, text, texts};
use super::super::state::Scene;
use super::super::tags;
use super::{Ecs, Revision, Status, fargate, seconds, task_rules};

/// What AWS writes into a container that does not say it.
const CONTAINER_DEFAULTS: [&str; 5] = [
    "portMappings",
    "environment",
    "mountPoints",
    "volumesFrom",
    "systemControls",
];

/// Registers the next revision of a family.
pub fn register(ecs: &mut Ecs, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
    task_rules::check(params, &scene.home)?;
    let family = text(params, "family").unwrap_or_default().to_owned();
    let revisions = ecs.families.entry(family.clone()).or_default();
    // Numbers are never given out twice: nothing is ever removed from the map.
    let number = revisions.keys().next_back().map_or(1, |last| last + 1);
    let revision = Revision {
        definition: definition(params, &family, number, scene),
        tags: tags::ECS.pairs(params, "tags").into_iter().collect(),
        status: Status::Active,
    };
    let answer = json!({ "taskDefinition": revision.shown(), "tags": tags::ECS.list(&revision.tags) });
    revisions.insert(number, revision);
    Ok(answer)
}

fn definition(params: &Value, family: &str, number: i64, scene: &Scene) -> Value {
    let mut definition = params.clone();
    if let Some(fields) = definition.as_object_mut() {
        fields.remove("tags");
        fields.retain(|_, held| !held.is_null());
    }
    let containers: Vec<Value> = items(params, "containerDefinitions").iter().map(container).collect();
    definition["containerDefinitions"] = containers.into();
    for field in ["volumes", "placementConstraints", "requiresAttributes"] {
        if definition.get(field).is_none() {
            definition[field] = json!([]);
        }
    }
    // Sizes are kept in units and MiB, whichever way they were written (docs/internals/aws.md, "Fargate sizes").
    let normal = [
        ("cpu", fargate::cpu_units as fn(&str) -> Option<u32>),
        ("memory", fargate::memory_mib),
    ];
    for (field, read) in normal {
        if let Some(size) = text(params, field).and_then(read) {
            definition[field] = size.to_string().into();
        }
    }
    let mut compatibilities = texts(params, "requiresCompatibilities");
    if !compatibilities.contains(&"EC2".to_owned()) {
        compatibilities.insert(0, "EC2".to_owned());
    }
    definition["compatibilities"] = json!(compatibilities);
    definition["revision"] = json!(number);
    definition["taskDefinitionArn"] = json!(scene.home.task_definition(&format!("{family}:{number}")));
    definition["registeredAt"] = json!(seconds(scene.now));
    definition["registeredBy"] = json!(scene.home.principal());
    definition
}

fn container(given: &Value) -> Value {
    let mut container = given.clone();
    for field in CONTAINER_DEFAULTS {
        if container.get(field).is_none() {
            container[field] = json!([]);
        }
    }
    if container.get("essential").is_none() {
        container["essential"] = json!(true);
    }
    if container.get("cpu").is_none() {
        container["cpu"] = json!(0);
    }
    container
}
