//! What would change in an account: what is there, and what a plan wants instead, as a difference of documents.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};
use similar::{ChangeTag, TextDiff};

use super::{Agent, Composed, Documents, Plan};
use crate::template::{Unknown, restore};
use agent_composer_model::{
    composition::TaskRole,
    ownership::{Ownership, PREFIX, Tags},
};

/// What is in an account under the names of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Existing {
    /// The family's newest ACTIVE revision, as ECS describes it, with its number and its tags.
    pub task_definition: Option<(Value, i64, Tags)>,
    /// The properties of the execution role.
    pub execution_role: Option<Value>,
    /// The properties of the task role.
    pub task_role: Option<Value>,
    /// The properties of the log group.
    pub log_group: Option<Value>,
}

/// What would become of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// Would be made.
    Made,
    /// Would be changed, or a new revision registered; the lines that differ, with a few around them.
    Changed(Vec<Line>),
    /// Would be left as it is, since the author's role takes its place.
    Left,
    /// Belongs to somebody else, so the deployment would be refused.
    Taken(String),
}

/// How many changes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// What would be other than it is.
    pub changes: usize,
    /// What would be refused.
    pub refused: usize,
}

impl Counted {
    fn count(&mut self, change: &Change) {
        match change {
            Change::None | Change::Left => {}
            Change::Made | Change::Changed(_) => self.changes += 1,
            Change::Taken(_) => self.refused += 1,
        }
    }
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it goes (`-`), comes (`+`) or stays.
    pub sign: char,
    /// Its text.
    pub text: String,
}

/// What would become of each thing of one agent, in the words of [`Existing`]'s fields.
#[must_use]
pub fn difference(plan: &Plan, composed: &Composed, existing: &Existing) -> Vec<(String, Change)> {
    let composition = &composed.composition;
    let wanted = Documents::of(composition);
    let against = |existing: Option<&Value>, wanted: &Value| match existing {
        None => Change::Made,
        Some(existing) => changed(existing, wanted, plan),
    };
    let mut changes = vec![
        of_task_definition(plan, composed, existing, &wanted.task_definition),
        (
            format!("execution role {}", plan.shown(&composition.execution_role.name)),
            against(
                comparable(existing.execution_role.as_ref(), &wanted.execution_role).as_ref(),
                &wanted.execution_role,
            ),
        ),
    ];
    match (&composition.task_role, wanted.task_role) {
        (TaskRole::Made(role), Some(wanted)) => changes.push((
            format!("task role {}", plan.shown(&role.name)),
            against(comparable(existing.task_role.as_ref(), &wanted).as_ref(), &wanted),
        )),
        (TaskRole::Own(_), _) if existing.task_role.is_some() => changes.push((
            format!("task role {}", plan.shown(&composed.identity.task_role_name())),
            Change::Left,
        )),
        _ => {}
    }
    changes.push((
        format!("log group {}", plan.shown(&composition.log_group.name)),
        against(existing.log_group.as_ref(), &wanted.log_group),
    ));
    changes
}

/// What would become of the family: of its newest revision, if there is one.
fn of_task_definition(plan: &Plan, composed: &Composed, existing: &Existing, wanted: &Value) -> (String, Change) {
    let family = plan.shown(composed.identity.family.as_str());
    let Some((described, number, tags)) = &existing.task_definition else {
        return (format!("task definition {family}"), Change::Made);
    };
    let change = match Ownership::from_tags(tags, &composed.identity.owner) {
        Ownership::Anothers { stack_id, logical_id } => Change::Taken(format!(
            "it belongs to the resource `{logical_id}` of the stack `{stack_id}`; choose another `TaskFamily`"
        )),
        Ownership::Ours | Ownership::Nobodys => {
            let authors = tags.iter().filter(|(key, _)| !key.starts_with(PREFIX));
            let mut described = described.clone();
            described["tags"] = authors
                .map(|(key, value)| (key.clone(), Value::from(value.clone())))
                .collect::<Map<_, _>>()
                .into();
            changed(&registered(&described), wanted, plan)
        }
    };
    (format!("task definition {family}, revision {number}"), change)
}

/// A role as it exists, without a boundary that the plan does not name: a plan knows the deployer's boundary alone, not the one
/// in the provider's stack.
fn comparable(existing: Option<&Value>, wanted: &Value) -> Option<Value> {
    let mut existing = existing?.clone();
    if let Some(fields) = existing.as_object_mut()
        && wanted.get("PermissionsBoundary").is_none()
    {
        fields.remove("PermissionsBoundary");
    }
    Some(existing)
}

/// A description without what only a description has.
fn registered(described: &Value) -> Value {
    const DESCRIBED: [&str; 8] = [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
    ];
    let fields = described.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, _)| !DESCRIBED.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn changed(existing: &Value, wanted: &Value, plan: &Plan) -> Change {
    let existing = without_defaults(existing);
    let wanted = without_defaults(&as_existing(wanted, &existing, &plan.unknowns));
    if existing == wanted {
        return Change::None;
    }
    let wanted = plan.shown_in(&wanted);
    let (before, after) = (format!("{existing:#}\n"), format!("{wanted:#}\n"));
    let difference = TextDiff::from_lines(&before, &after);
    let lines = difference.grouped_ops(2).into_iter().flatten().flat_map(|operation| {
        let changes: Vec<Line> = difference
            .iter_changes(&operation)
            .map(|change| Line {
                sign: match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                },
                text: change.value().trim_end().to_owned(),
            })
            .collect();
        changes
    });
    Change::Changed(lines.collect())
}

/// Removes what is nothing, and what services write where nothing was given.
fn without_defaults(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(without_defaults).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(name, field)| {
                let field = without_defaults(field);
                let nothing = match &field {
                    Value::Null => true,
                    Value::Array(elements) => elements.is_empty(),
                    Value::Object(fields) => fields.is_empty(),
                    // ECS's way to say that a container has no CPU units of its own, and that it may be written to.
                    Value::Number(number) => name == "cpu" && number.as_i64() == Some(0),
                    Value::Bool(set) => name == "readOnly" && !set,
                    Value::String(text) => text.is_empty() && name != "value",
                };
                (!nothing).then(|| (name.clone(), field))
            });
            Value::Object(kept.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What is not known may well be what is there: then it is not a difference.
fn as_existing(wanted: &Value, existing: &Value, unknowns: &[Unknown]) -> Value {
    match (wanted, existing) {
        (Value::String(wanted), Value::String(existing)) if fits(wanted, existing, unknowns) => existing.clone().into(),
        (Value::Array(wanted), Value::Array(existing)) => {
            let pairs = wanted.iter().enumerate();
            pairs
                .map(|(index, one)| as_existing(one, existing.get(index).unwrap_or(&Value::Null), unknowns))
                .collect()
        }
        (Value::Object(wanted), Value::Object(existing)) => {
            let fields = wanted.iter().map(|(name, field)| {
                let other = existing.get(name).unwrap_or(&Value::Null);
                (name.clone(), as_existing(field, other, unknowns))
            });
            Value::Object(fields.collect())
        }
        _ => wanted.clone(),
    }
}

/// Whether a text with stand-ins may be `existing`: what is known of it is there, in its order.
fn fits(wanted: &str, existing: &str, unknowns: &[Unknown]) -> bool {
    let known = restore::known_parts(wanted, unknowns);
    let [first, middle @ .., last] = known.as_slice() else {
        return wanted == existing;
    };
    let Some(mut rest) = existing.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

const MADE: Style = AnsiColor::Green.on_default();
const GONE: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();
const NAME: Style = AnsiColor::Cyan.on_default().bold();

/// The differences as text; colours are ANSI's, for a terminal.
#[must_use]
pub fn differences(plan: &Plan, existing: &BTreeMap<String, Existing>) -> (String, Counted) {
    let mut lines = Vec::new();
    let mut counted = Counted::default();
    for (Agent { logical_id, .. }, composed) in plan.composed() {
        let Some(existing) = existing.get(logical_id) else {
            continue;
        };
        lines.push(format!("{NAME}{logical_id}{NAME:#}"));
        for (name, change) in difference(plan, composed, existing) {
            counted.count(&change);
            let (style, what, changed) = match change {
                Change::None => (QUIET, format!("= {name}"), Vec::new()),
                Change::Left => (
                    QUIET,
                    format!("= {name}, which stays until the resource is deleted"),
                    Vec::new(),
                ),
                Change::Made => (MADE, format!("+ {name}"), Vec::new()),
                Change::Taken(why) => (GONE, format!("! {name}: {why}"), Vec::new()),
                Change::Changed(changed) => (CHANGED, format!("~ {name}"), changed),
            };
            lines.push(format!("  {style}{what}{style:#}"));
            lines.extend(changed.into_iter().map(|Line { sign, text }| {
                let style = match sign {
                    '+' => MADE,
                    '-' => GONE,
                    _ => QUIET,
                };
                format!("      {style}{sign} {text}{style:#}")
            }));
        }
    }
    let text: Vec<String> = lines.into_iter().map(|line| line + "\n").collect();
    (text.concat(), counted)
}

/// The differences as a document, by logical id, and how many there are.
#[must_use]
pub fn changes(plan: &Plan, existing: &BTreeMap<String, Existing>) -> (Value, Counted) {
    let mut counted = Counted::default();
    let mut all = Map::new();
    for (agent, composed) in plan.composed() {
        let Some(existing) = existing.get(&agent.logical_id) else {
            continue;
        };
        let each = difference(plan, composed, existing).into_iter().map(|(what, change)| {
            counted.count(&change);
            let (change, detail) = match change {
                Change::None => ("none", Value::Null),
                Change::Left => ("left", Value::Null),
                Change::Made => ("made", Value::Null),
                Change::Taken(why) => ("refused", why.into()),
                Change::Changed(lines) => {
                    let lines = lines.into_iter().map(|Line { sign, text }| format!("{sign} {text}"));
                    ("changed", lines.collect())
                }
            };
            json!({"what": what, "change": change, "detail": detail})
        });
        all.insert(agent.logical_id.clone(), each.collect());
    }
    (all.into(), counted)
}
