//! Whether the role that starts tasks may run the family and pass its roles.

use super::{
    facts::{Facts, RoleFact, Seen},
    finding::{Check, Finding},
    named::Named,
    rights::{Demand, Verdict, may},
    secrets::NOT_EVALUATED,
};

const CHECK: Check = Check::Scheduler;

pub(super) fn examine(facts: &Facts, named: &Named) -> Vec<Finding> {
    let Some(arn) = &facts.scheduler else {
        return Vec::new();
    };
    let role = match facts.role(arn) {
        Seen::Found(role) => role,
        Seen::Absent => {
            let advice = "check the ARN after --scheduler-role";
            return vec![Finding::wrong(CHECK, format!("{arn} does not exist"), advice)];
        }
        Seen::Not(not_seen) => return vec![Finding::not_checked(CHECK, arn, not_seen)],
    };
    let passed = [("iam:PassedToService", "ecs-tasks.amazonaws.com")];
    let roles = named.execution_role.iter().chain(&named.task_role);
    let mut found: Vec<Finding> = roles
        .map(|passed_role| judged(role, "iam:PassRole", passed_role, &passed))
        .collect();
    if !named.arn.is_empty() {
        found.push(judged(role, "ecs:RunTask", &named.arn, &[]));
    }
    found
}

fn judged(role: &RoleFact, action: &str, resource: &str, context: &[(&str, &str)]) -> Finding {
    let demand = Demand {
        action,
        resource,
        context,
    };
    let what = format!("{action} on {resource}");
    match may(role, &demand) {
        Verdict::Allowed => Finding::fine(CHECK, format!("{} has {what}", role.name)),
        Verdict::NotKnown => Finding::left_out(CHECK, &what, NOT_EVALUATED),
        Verdict::NotSeen(not_seen) => Finding::not_checked(CHECK, &what, &not_seen),
        Verdict::NotAllowed => Finding::wrong(
            CHECK,
            format!("{} does not have {what}", role.name),
            format!("allow it `{action}`; docs/guides/starting-tasks.md lists what a scheduler needs"),
        ),
        Verdict::Denied | Verdict::Bounded => Finding::wrong(
            CHECK,
            format!("a policy or the boundary of {} denies {what}", role.name),
            "change that policy",
        ),
    }
}
