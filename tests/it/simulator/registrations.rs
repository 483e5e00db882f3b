//! No two registrations for one ensured state, except where a look that was behind could not know.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::World;
use crate::account::{Outcome, Record, Service};

/// The last registration of a family.
struct Last {
    content: String,
    revision: i64,
    caller: String,
    number: usize,
    settled: usize,
}

impl World {
    /// Reads the journal: each registration of what is the newest revision already is one too many.
    pub fn check_registrations(&self) {
        let calls = self.account.calls();
        let mut last: BTreeMap<String, Last> = BTreeMap::new();
        for call in &calls {
            let Outcome::Done(answer) = &call.outcome else {
                continue;
            };
            if call.call.service != Service::Ecs {
                continue;
            }
            match call.call.operation.as_str() {
                "RegisterTaskDefinition" => {
                    let family = call.call.params["family"].as_str().unwrap_or_default().to_owned();
                    let now = Last {
                        content: content(call),
                        revision: answer["taskDefinition"]["revision"].as_i64().unwrap_or_default(),
                        caller: call.call.caller.clone(),
                        number: call.call.number,
                        settled: call.settled,
                    };
                    if let Some(before) = last.get(&family)
                        && before.content == now.content
                        && !is_behind(&calls, &family, before, &now)
                    {
                        self.breach(format!(
                            "a registration too many, of what #{} had registered: {call}",
                            before.number
                        ));
                    }
                    last.insert(family, now);
                }
                "DeregisterTaskDefinition" => {
                    let family = answer["taskDefinition"]["family"].as_str().unwrap_or_default();
                    last.remove(family);
                }
                _ => {}
            }
        }
    }
}

/// What is registered, and who owns it.
fn content(call: &Record) -> String {
    let tags = call.call.params["tags"].as_array();
    let mut tags: Vec<String> = tags.into_iter().flatten().map(Value::to_string).collect();
    tags.sort();
    tags.concat()
}

/// Whether the other run's last look at the family, after the one registration had taken effect, did not show it.
fn is_behind(calls: &[Record], family: &str, one: &Last, other: &Last) -> bool {
    let mut looks = calls.iter().filter(|call| {
        call.call.caller == other.caller
            && call.call.operation == "DescribeTaskDefinition"
            && call.call.params["taskDefinition"] == family
            && (one.settled..other.number).contains(&call.call.number)
    });
    looks.next_back().is_some_and(|look| match &look.outcome {
        Outcome::Done(shown) => shown["taskDefinition"]["revision"] != one.revision,
        Outcome::Refused(_) => true,
        Outcome::Abandoned | Outcome::Undone => false,
    })
}
