//! A plan as a Mermaid diagram: what starts what, and what may reach what.

use std::fmt::Write;

use serde_json::Value;

use super::{Plan, document::policy_document};
use agent_composer_model::composition::{Composition, Container, Policy, TaskRole};

/// The diagram's text.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (index, (agent, composed)) in plan.composed().enumerate() {
        let Composition {
            log_group,
            execution_role,
            task_role,
            task_definition,
            tags: _,
        } = &composed.composition;
        let id = format!("r{index}");
        let containers = &task_definition.container_definitions;
        let _ = writeln!(text, "  subgraph {id}[{}]", quoted(&agent.logical_id));
        let _ = writeln!(
            text,
            "    subgraph {id}td[{}]",
            quoted(&format!("task definition {}", task_definition.family))
        );
        for (number, container) in containers.iter().enumerate() {
            let shape = format!("<b>{}</b><br/>{}", container.name, container.image);
            let _ = writeln!(text, "      {id}c{number}[{}]", quoted(&shape));
        }
        for (number, container) in containers.iter().enumerate() {
            edges(&mut text, &id, number, container, containers);
        }
        let _ = writeln!(text, "    end");
        let _ = writeln!(text, "    {id}lg[({})]", quoted(&log_group.name));
        let _ = writeln!(text, "    {id}er{{{{{}}}}}", quoted("execution role"));
        let _ = writeln!(text, "    {id}tr{{{{{}}}}}", quoted("task role"));
        let _ = writeln!(text, "    {id}td --> {id}lg");
        let _ = writeln!(text, "    {id}td -. starts with .-> {id}er");
        let _ = writeln!(text, "    {id}td -. runs with .-> {id}tr");
        let _ = writeln!(text, "  end");
        rights(&mut text, &format!("{id}er"), execution_role.policy.as_ref());
        if let TaskRole::Made(role) = task_role {
            rights(&mut text, &format!("{id}tr"), role.policy.as_ref());
        }
    }
    // At the end, as names and actions may be what is not known, too.
    plan.shown(&text)
}

fn edges(text: &mut String, id: &str, number: usize, container: &Container, containers: &[Container]) {
    let place = |name: &str| containers.iter().position(|container| container.name == name);
    for dependency in &container.depends_on {
        if let Some(other) = place(&dependency.container_name) {
            let _ = writeln!(text, "      {id}c{other} -- {} --> {id}c{number}", dependency.condition);
        }
    }
}

/// What a role may do, without its own log.
fn rights(text: &mut String, role: &str, policy: Option<&Policy>) {
    let Some(policy) = policy else { return };
    let document = policy_document(policy);
    let statements = document["Statement"].as_array().cloned().unwrap_or_default();
    for (number, statement) in statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| statement["Sid"] != "Logs")
    {
        let listed = |value: &Value| match value {
            Value::String(one) => one.clone(),
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("<br/>"),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "  {role} -- {} --> {role}s{number}[{}]",
            quoted(&listed(&statement["Action"])),
            quoted(&listed(&statement["Resource"]))
        );
    }
}

/// A label, in which Mermaid takes everything but quotes and its own entities as text.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "#quot;"))
}
