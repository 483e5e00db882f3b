//! Whether both roles exist, belong to the agent, can be assumed by its tasks and have one boundary.

use agent_composer_model::ownership::Ownership;
use serde_json::Value;

use super::{
    facts::{Facts, RoleFact, Seen},
    finding::{Check, Finding},
    logs::owner,
    named::Named,
    rights::{Demand, Verdict, verdict},
};

const CHECK: Check = Check::Role;

pub(super) fn examine(facts: &Facts, named: &Named) -> Vec<Finding> {
    if !matches!(facts.definition, Seen::Found(_)) {
        return Vec::new();
    }
    let made = facts
        .identity()
        .map(|identity| (identity.execution_role_name(), identity.task_role_name()));
    let (execution, task) = made.unzip();
    let mut found = examined(
        facts,
        "execution role",
        named.execution_role.as_deref(),
        execution.as_deref(),
    );
    found.extend(examined(
        facts,
        "task role",
        named.task_role.as_deref(),
        task.as_deref(),
    ));
    let boundary = |arn: &Option<String>| match facts.role(arn.as_deref()?) {
        Seen::Found(role) => Some(role.boundary.as_ref().map(|(arn, _)| arn.clone())),
        Seen::Absent | Seen::Not(_) => None,
    };
    if let (Some(one), Some(other)) = (boundary(&named.execution_role), boundary(&named.task_role))
        && one != other
    {
        let text = "the two roles do not have the same boundary: the provider's `PermissionsBoundaryArn` was changed, or somebody \
                    changed a role, or the task role is the author's own";
        found.push(Finding::note(CHECK, text));
    }
    found
}

/// `made` is the name that the provider gives to such a role; another one is the author's.
fn examined(facts: &Facts, kind: &str, arn: Option<&str>, made: Option<&str>) -> Vec<Finding> {
    let Some(arn) = arn else {
        let text = format!("the revision names no {kind}");
        let advice = "something else registered it: give the agent's `Refresh` a new text";
        return vec![Finding::wrong(CHECK, text, advice)];
    };
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let what = format!("{kind} {name}");
    let is_made = made == Some(name);
    match facts.role(arn) {
        Seen::Absent if is_made => vec![Finding::wrong(
            CHECK,
            format!("{what} does not exist"),
            match kind {
                "task role" => {
                    "somebody deleted it: give the agent's `Refresh` a new text. The new role has another unique id, by which iam-ssh-agent \
                     grants its keys"
                }
                _ => "somebody deleted it: give the agent's `Refresh` a new text",
            },
        )],
        Seen::Absent => vec![Finding::wrong(
            CHECK,
            format!("{what} does not exist"),
            "create it, or correct `TaskRoleArn`",
        )],
        Seen::Not(not_seen) => vec![Finding::not_checked(CHECK, &what, not_seen)],
        Seen::Found(role) => vec![owned(facts, &what, role, is_made), trusted(&what, role)],
    }
}

fn owned(facts: &Facts, what: &str, role: &RoleFact, is_made: bool) -> Finding {
    let boundary = match &role.boundary {
        Some((arn, _)) => format!("with the boundary {arn}"),
        None => "without a boundary".to_owned(),
    };
    if !is_made {
        return Finding::note(
            CHECK,
            format!("{what} exists, {boundary}; it is not one of the provider's"),
        );
    }
    match facts
        .identity()
        .map(|identity| Ownership::from_tags(&role.tags, &identity.owner))
    {
        Some(Ownership::Ours) | None => Finding::fine(CHECK, format!("{what} exists, {boundary}")),
        Some(Ownership::Nobodys) => Finding::wrong(
            CHECK,
            format!("{what} does not have the provider's tags"),
            "somebody removed them, or made the role by hand: delete it, and give the agent's `Refresh` a new text",
        ),
        Some(Ownership::Anothers { .. }) => Finding::wrong(
            CHECK,
            format!("{what} belongs to {}", owner(&role.tags)),
            "somebody changed its tags: correct them",
        ),
    }
}

/// Whether ECS's tasks may assume it. Conditions are taken as met: those of the provider's name the account's own tasks.
fn trusted(what: &str, role: &RoleFact) -> Finding {
    let statements = match &role.trust["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    let of_tasks = statements.into_iter().filter(|statement| {
        let services = &statement["Principal"]["Service"];
        let is_tasks = |service: &Value| service == "ecs-tasks.amazonaws.com";
        is_tasks(services) || services.as_array().is_some_and(|all| all.iter().any(is_tasks))
    });
    let of_tasks = of_tasks.map(|mut statement| {
        statement["Resource"] = "*".into();
        statement["Condition"] = Value::Null;
        statement
    });
    let document = serde_json::json!({"Statement": of_tasks.collect::<Vec<_>>()});
    let demand = Demand {
        action: "sts:AssumeRole",
        resource: "*",
        context: &[],
    };
    if verdict(&[document], &demand) == Verdict::Allowed {
        Finding::fine(CHECK, format!("{what} can be assumed by tasks"))
    } else {
        Finding::wrong(
            CHECK,
            format!("{what} can't be assumed by tasks: its trust policy does not allow it to ecs-tasks.amazonaws.com"),
            "give the agent's `Refresh` a new text; correct the trust policy of a role of your own",
        )
    }
}
