//! What became of the tasks that have stopped. ECS shows them for an hour.

use super::{
    facts::{Facts, Seen, StoppedTask},
    finding::{Check, Finding, Outcome},
    reasons::{Meaning, meaning, shown},
};

const CHECK: Check = Check::StoppedTask;

pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    let cluster = facts.cluster.as_deref().unwrap_or("default");
    let tasks = match &facts.tasks {
        Seen::Found(tasks) => tasks,
        Seen::Absent if facts.cluster.is_none() => {
            let why = "the default cluster does not exist: needs --cluster NAME";
            return vec![Finding::left_out(CHECK, "tasks that have stopped", why)];
        }
        Seen::Absent => {
            let advice = "check the name after --cluster, and the Region";
            return vec![Finding::wrong(
                CHECK,
                format!("there is no cluster `{cluster}`"),
                advice,
            )];
        }
        Seen::Not(not_seen) => return vec![Finding::not_checked(CHECK, "tasks that have stopped", not_seen)],
    };
    if tasks.is_empty() {
        let text = format!("no task of the family has stopped in the cluster `{cluster}` within about an hour");
        return vec![Finding::fine(CHECK, text)];
    }
    // Those that ended in the same way are one finding, with one of them.
    let mut ends: Vec<(Meaning, Vec<&StoppedTask>)> = Vec::new();
    for task in tasks {
        let meaning = meaning(task);
        match ends.iter_mut().find(|(known, _)| *known == meaning) {
            Some((_, alike)) => alike.push(task),
            None => ends.push((meaning, vec![task])),
        }
    }
    ends.into_iter()
        .map(|(meaning, alike)| finding(meaning, &alike))
        .collect()
}

fn finding(Meaning { outcome, advice }: Meaning, alike: &[&StoppedTask]) -> Finding {
    let first = alike.first().map(|task| (task.id.as_str(), shown(task)));
    let (id, end) = first.unwrap_or_default();
    let text = match (alike.len(), outcome) {
        (1, Outcome::Fine) => "1 task ended as it should".to_owned(),
        (count, Outcome::Fine) => format!("{count} tasks ended as they should"),
        (1, _) => format!("task {id} stopped: {end}"),
        (count, _) => format!("{count} tasks stopped alike, such as {id}: {end}"),
    };
    Finding {
        advice: advice.map(ToOwned::to_owned),
        ..Finding::of(CHECK, outcome, text)
    }
}
