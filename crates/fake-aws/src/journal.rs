//! The journal: every call, and what became of it.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::call::Call;
use super::error::ApiError;
use super::fault::Fault;
use super::policy::Demand;

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The caller gave up before the call arrived.
    Abandoned,
    /// Done as it was asked for.
    Done(Value),
    /// Refused without an effect; the service answered why.
    Refused(ApiError),
    /// Without an effect and without an answer.
    Undone,
}

/// A call in the journal.
#[derive(Clone, Debug)]
pub struct Record {
    /// The call.
    pub call: Call,
    /// Simulated time since the account's first call.
    pub at: Duration,
    /// The rights that it needs, its own action first.
    pub demands: Vec<Demand>,
    /// What became of it. What the caller got to see may be less: see `fault`.
    pub outcome: Outcome,
    /// The fault that struck it.
    pub fault: Option<Fault>,
    /// How many calls had arrived when it did what it did.
    pub settled: usize,
}

impl Record {
    /// The IAM action.
    pub fn action(&self) -> String {
        self.call.action()
    }

    /// The ARN that it is about, `*` if none.
    pub fn resource(&self) -> &str {
        self.demands.first().map_or("*", |demand| &demand.resource)
    }

    /// Whether it is a write that took effect.
    pub fn wrote(&self) -> bool {
        !self.call.is_read() && matches!(self.outcome, Outcome::Done(_))
    }
}

/// One line: for the report of a failing test.
impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = &self.call;
        write!(out, "#{} {:?} ", call.number, self.at)?;
        if !call.caller.is_empty() {
            write!(out, "[{}] ", call.caller)?;
        }
        write!(out, "{} {}: ", call.action(), self.resource())?;
        match &self.outcome {
            Outcome::Abandoned => write!(out, "abandoned")?,
            Outcome::Done(_) => write!(out, "done")?,
            Outcome::Refused(error) => write!(out, "{}: {}", error.code, error.message)?,
            Outcome::Undone => write!(out, "not done")?,
        }
        match &self.fault {
            Some(fault) => write!(out, " ({fault:?})"),
            None => Ok(()),
        }
    }
}
