//! The agents of a Region as JSON, for programs.

use serde_json::{Value, json};

use super::agents::Agent;

/// All agents, with the Region and the version that they are compared with.
#[must_use]
pub fn document(agents: &[Agent], region: &str, wanted: &str) -> Value {
    json!({
        "region": region,
        "wantedVersion": wanted,
        "agents": agents.iter().map(of_agent).collect::<Vec<_>>(),
    })
}

fn of_agent(agent: &Agent) -> Value {
    let Agent {
        family,
        stack,
        logical_id,
        revision,
        log_group,
        roles,
        version,
        is_behind,
    } = agent;
    let roles = roles.iter().map(|role| {
        json!({
            "arn": role.arn,
            "permissionsBoundary": role.boundary,
        })
    });
    json!({
        "family": family,
        "stack": {"id": stack.id, "name": stack.name, "status": stack.status},
        "logicalId": logical_id,
        "revision": revision.as_ref().map(|revision| revision.number),
        "taskDefinitionArn": revision.as_ref().map(|revision| &revision.arn),
        "image": revision.as_ref().and_then(|revision| revision.image.as_ref()),
        "logGroup": log_group,
        "roles": roles.collect::<Vec<_>>(),
        "version": version,
        "isBehind": is_behind,
        "isOrphan": agent.is_orphan(),
        "needsRefresh": agent.needs_refresh(),
    })
}
