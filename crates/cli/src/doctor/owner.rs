//! Whether the newest revision is ACTIVE, and belongs to a stack that exists.

use agent_composer_model::ownership::LOGICAL_ID;

use super::{
    facts::{Definition, Facts, Seen},
    finding::{Check, Finding},
};

pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    let check = Check::TaskDefinition;
    match &facts.definition {
        Seen::Found(definition) => vec![
            Finding::fine(check, format!("revision {} is ACTIVE", definition.number())),
            stack(facts, definition),
        ],
        Seen::Not(not_seen) => vec![Finding::not_checked(check, "the newest revision", not_seen)],
        Seen::Absent => vec![match facts.inactive {
            Some(number) => Finding::wrong(
                check,
                format!(
                    "`{}` has no ACTIVE revision; the newest INACTIVE one is {number}",
                    facts.family
                ),
                "somebody deregistered it, or its stack was deleted: deploy the stack, or give its `Refresh` a new text",
            ),
            None => Finding::wrong(
                check,
                format!("`{}` has no revision in {}", facts.family, facts.region),
                "check the family's name and the Region; `agent-composer list` shows what there is",
            ),
        }],
    }
}

fn stack(facts: &Facts, definition: &Definition) -> Finding {
    let check = Check::Stack;
    let (Some(id), Some(logical_id)) = (definition.stack_id(), definition.tags.get(LOGICAL_ID)) else {
        return Finding::wrong(
            check,
            format!(
                "revision {} belongs to nobody: it does not have the provider's tags",
                definition.number()
            ),
            "something else registered it, and tasks run it because it is the newest: deregister it, and give the agent's `Refresh` \
             a new text",
        );
    };
    let name = id.split('/').nth(1).unwrap_or(id);
    match &facts.stack {
        Some(Seen::Found(status)) if status != "DELETE_COMPLETE" => {
            let text = format!("it belongs to `{logical_id}` of the stack `{name}`, which is {status}");
            if status.ends_with("_FAILED") {
                Finding::wrong(
                    check,
                    text,
                    "see docs/operations/troubleshooting.md for that status, and the stack's events for the reason",
                )
            } else if status.ends_with("_IN_PROGRESS") {
                Finding::note(check, text)
            } else {
                Finding::fine(check, text)
            }
        }
        Some(Seen::Not(not_seen)) => Finding::not_checked(check, &format!("the stack `{name}`"), not_seen),
        Some(Seen::Found(_) | Seen::Absent) | None => Finding::wrong(
            check,
            format!("it belongs to `{logical_id}` of the stack `{name}`, which is gone"),
            "nobody updates or deletes it: deploy an agent with this `TaskFamily`, or remove revisions, roles and log group by hand",
        ),
    }
}
