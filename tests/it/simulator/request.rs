//! One request to the provider, from its sending to the first answer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::watch;

use super::{story::Which, world::family_of};
use crate::answer::Answer;

/// What CloudFormation asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Create.
    Create,
    /// Update, also the reverse one.
    Update,
    /// Delete.
    Delete,
}

/// A request.
pub struct Request {
    /// Which one of the story.
    pub which: Which,
    /// `RequestId`.
    pub id: String,
    /// What is asked.
    pub kind: Kind,
    /// The event as it is delivered.
    pub event: Value,
    /// When its URL was signed, in seconds since 1970.
    pub signed: u64,
    /// Whether another resource had the family that it wants when it was sent.
    pub was_anothers: AtomicBool,
    /// Whether SUCCESS was ever answered.
    pub answered_well: AtomicBool,
    /// How many runs have begun.
    pub runs: AtomicUsize,
    /// Whether CloudFormation has stopped listening: cancelled, or after its time.
    closed: AtomicBool,
    answer: watch::Sender<Option<Answer>>,
}

impl Request {
    /// A request that nobody has answered.
    pub fn new(which: Which, id: String, kind: Kind, event: Value, signed: u64) -> Self {
        Self {
            which,
            id,
            kind,
            event,
            signed,
            was_anothers: AtomicBool::default(),
            answered_well: AtomicBool::default(),
            runs: AtomicUsize::default(),
            closed: AtomicBool::default(),
            answer: watch::Sender::new(None),
        }
    }

    /// Waits for the first answer.
    pub async fn answered(&self) -> Answer {
        let mut answers = self.answer.subscribe();
        let answered = answers.wait_for(Option::is_some).await;
        answered
            .ok()
            .and_then(|answer| answer.clone())
            .expect("the sender lives as long as the request")
    }

    /// Gives it its answer; false where that changes nothing any more.
    pub fn answer(&self, answer: Answer) -> bool {
        !self.is_closed()
            && self.answer.send_if_modified(|given| {
                let first = given.is_none();
                if first {
                    *given = Some(answer);
                }
                first
            })
    }

    /// Nobody listens to its answer from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The stack's id and the logical id.
    pub fn resource(&self) -> (String, String) {
        (self.text("StackId").to_owned(), self.which.logical.to_owned())
    }

    /// A field of the event.
    pub fn text(&self, name: &str) -> &str {
        self.event[name].as_str().unwrap_or_default()
    }

    /// The properties that are asked for.
    pub fn properties(&self) -> &Value {
        &self.event["ResourceProperties"]
    }

    /// The family that is asked for.
    pub fn family(&self) -> String {
        family_in(self.properties(), self.which.logical)
    }

    /// Every family that it is about: what is asked for, what was before, what the id names.
    pub fn families(&self) -> Vec<String> {
        let before = self.event.get("OldResourceProperties");
        let before = before.map(|before| family_in(before, self.which.logical));
        let named = family_of(self.text("PhysicalResourceId"));
        [Some(self.family()), before, named].into_iter().flatten().collect()
    }
}

/// The family that properties name.
fn family_in(properties: &Value, logical: &str) -> String {
    let named = properties["TaskFamily"].as_str();
    named.map_or_else(|| logical.to_lowercase(), str::to_owned)
}
