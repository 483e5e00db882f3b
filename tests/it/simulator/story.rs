//! A story: what users do to their stacks, and what goes wrong meanwhile. Plain data, so that it can be cut short.

use super::{
    request::Kind,
    template::{Agent, Template},
};
use crate::account::Fault;

/// Everything that a run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Latencies, pauses, and which writes stay unseen for a read.
    pub seed: u64,
    /// What CloudFormation does after a replacement that is rolled back (docs/internals/cloudformation.md,
    /// "Replacements that are rolled back").
    pub hypothesis: Hypothesis,
    /// What is done to each stack, one operation after the other; the stacks side by side.
    pub stacks: Vec<Vec<Operation>>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// Whether a failure cancels what is under way; else it is waited for.
    pub cancels: bool,
    /// How long a call may take each way, in milliseconds.
    pub latency: u64,
    /// Every so many writes stay unseen for one of the next three reads; none if zero.
    pub unseen: u64,
    /// How long a role that was made may be unknown, in seconds.
    pub settling: u64,
    /// How many seconds CloudFormation stamps statuses off the time of its URLs.
    pub stamp: i64,
    /// How many seconds CloudFormation's view lags behind.
    pub lag: u64,
    /// From when to when SQS fails, in seconds of the story.
    pub outage: Option<(u64, u64)>,
    /// Whether CloudFormation and users take no moment between one answer and the next request.
    pub hurried: bool,
    /// Whether somebody has revisions, log groups and roles beside, and under, the stacks' names.
    pub neighbours: bool,
}

/// The three readings of E11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hypothesis {
    /// Delete of the new id alone.
    H1,
    /// A reverse Update with the new id, and a Delete of it.
    H2,
    /// A reverse Update with the old id, and a Delete of the new.
    H3,
}

/// Something that a user does to a stack, from its start to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// `sam deploy`: creates the stack, or updates it; what has to come before (a Delete after a creation that was
    /// rolled back, the continuation of a rollback that failed) is done first.
    Deploy {
        /// What the stack is to hold.
        template: Template,
        /// A resource of another type in the same template.
        other: Other,
        /// `--disable-rollback`, as long as the stack was never complete; and what then happens first to a resource
        /// that failed (E14).
        keep: Option<First>,
    },
    /// Deletes the stack.
    Delete,
    /// Lets so many seconds pass.
    Wait(u64),
    /// Somebody who may invoke the receiver sends a request that CloudFormation did not make.
    Forge(Forged),
}

/// A request that CloudFormation did not make.
#[derive(Clone, Debug, PartialEq)]
pub struct Forged {
    /// What it asks.
    pub kind: Kind,
    /// The resource's logical id.
    pub logical: &'static str,
    /// The family whose id it names; none is an invented id.
    pub named: Option<&'static str>,
    /// What it wants.
    pub agent: Agent,
    /// How many seconds its URL is ahead of the time.
    pub ahead: u64,
}

/// The order of the two events of E14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The failed one is deleted before it is made again.
    Delete,
    /// Made again, and the failed one deleted in the cleanup.
    Create,
}

/// A resource of another type, whose failure rolls the operation back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Does not fail.
    Succeeds,
    /// Fails so many milliseconds after the operation began: what is still under way is cancelled.
    FailsAfter(u64),
    /// Depends on all others, and fails after them.
    FailsLast,
}

/// Something that goes wrong in a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// The request.
    pub of: Which,
    /// What happens to it.
    pub what: What,
}

/// One request of a story. One that there is not has no troubles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Which {
    /// The stack, by its place.
    pub stack: usize,
    /// The operation, by its place.
    pub operation: usize,
    /// The resource.
    pub logical: &'static str,
    /// The request, counting those about the resource in this operation from 0.
    pub request: usize,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// In a run of the request, counted from 0, a call, counted from 1, has a fault.
    Fault {
        /// The run.
        run: usize,
        /// The call.
        call: usize,
        /// The fault.
        fault: Fault,
    },
    /// In a run, a call is held up for so many seconds before it arrives.
    Stall {
        /// The run.
        run: usize,
        /// The call.
        call: usize,
        /// Seconds.
        seconds: u64,
    },
    /// A run has so many seconds only.
    Deadline {
        /// The run.
        run: usize,
        /// Seconds.
        seconds: u64,
    },
    /// The first answers of a run meet these ends.
    Put {
        /// The run.
        run: usize,
        /// The ends.
        ends: Vec<Put>,
    },
    /// The receiver's call has a fault, in a delivery and an attempt of it, both counted from 0.
    Receiver {
        /// The delivery.
        delivery: usize,
        /// The attempt.
        attempt: usize,
        /// The fault.
        fault: Fault,
    },
    /// A run starts so many seconds after its message was received.
    Start {
        /// The run.
        run: usize,
        /// Seconds.
        seconds: u64,
    },
    /// The event is delivered once more, so many seconds after it was sent.
    Again(u64),
    /// The event is delivered so many seconds late.
    Late(u64),
}

/// How an answer's PUT ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// HTTP 500.
    Status500,
    /// No connection.
    Reset,
    /// Taken, and the connection breaks.
    LostAnswer,
    /// Nothing ever comes back.
    Hang,
}

impl Story {
    /// Whether CloudFormation's view says what is so, and since when.
    pub fn is_punctual(&self) -> bool {
        self.stamp == 0 && self.lag == 0 && !self.hurried
    }

    /// Whether a request may fail for what goes wrong with it.
    pub fn may_fail(&self, which: &Which) -> bool {
        self.troubles
            .iter()
            .filter(|trouble| trouble.of == *which)
            .any(|trouble| {
                matches!(
                    trouble.what,
                    What::Deadline { .. }
                        | What::Stall { .. }
                        | What::Receiver { .. }
                        | What::Fault {
                            fault: Fault::Deny | Fault::Hang,
                            ..
                        }
                )
            })
    }

    /// Whether an answer may fail to come for what goes wrong with this request: its message is received four
    /// times, and its event delivered to the receiver three times.
    pub fn may_silence(&self, which: &Which) -> bool {
        let lost = |delivery, attempt| {
            self.of(which).any(|what| {
                matches!(what, What::Receiver { delivery: one, attempt: other, fault: Fault::CrashBefore }
                    if (*one, *other) == (delivery, attempt))
            })
        };
        (0..4).all(|run| self.may_silence_run(which, run)) || (0..3).all(|attempt| lost(0, attempt))
    }

    /// Whether the runs before the last receive may all end without an answer.
    pub fn may_be_given_up(&self, which: &Which) -> bool {
        (0..3).all(|run| self.may_silence_run(which, run))
    }

    /// Whether a run may end without an answer that was taken.
    fn may_silence_run(&self, which: &Which, of: usize) -> bool {
        let ends = self.ends(which, of);
        // Six times it is sent, and each time five seconds are waited.
        let is_refused = ends.len() >= 6 || ends.contains(&Put::Hang);
        let is_ended = self.of(which).any(
            |what| {
                matches!(what, What::Fault { run, fault: Fault::CrashBefore | Fault::CrashAfter | Fault::Hang | Fault::Deny, .. }
                    | What::Start { run, .. } | What::Deadline { run, .. } | What::Stall { run, .. } if *run == of)
            },
        );
        is_refused || is_ended
    }
}
