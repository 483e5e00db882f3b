//! Failures, for the person who reads the stack's event list: what was attempted, what AWS answered, and what to do.

use std::fmt;

use super::error::{CallError, Kind};

/// Something that the provider could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A call that AWS did not carry out.
    Call {
        /// What was attempted, such as ``create the role `x` ``.
        attempt: String,
        /// The call in IAM's words, such as `iam:CreateRole`.
        action: &'static str,
        /// What AWS answered.
        error: CallError,
    },
    /// Something that the resource may not have or change: why, and what to do.
    Taken(String),
}

impl Failure {
    /// Returns a closure that turns a call's error into this failure.
    pub(crate) fn to(attempt: impl Into<String>, action: &'static str) -> impl FnOnce(CallError) -> Self {
        let attempt = attempt.into();
        move |error| Self::Call { attempt, action, error }
    }

    /// Whether AWS denied a call.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Call { error, .. } if error.kind == Kind::Denied)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempt, action, error) = match self {
            Self::Taken(reason) => return f.write_str(reason),
            Self::Call { attempt, action, error } => (attempt, action, error),
        };
        write!(f, "failed to {attempt}: {action}: {error}")?;
        match error.kind {
            _ if error.code == "LimitExceeded" => write!(
                f,
                "; a limit of IAM is reached: delete unused roles, or policies that were added to this role by hand, or ask AWS to \
                 raise the limit"
            ),
            // Logs asks KMS, and reports no more than that it may not use the key.
            Kind::Other if action.starts_with("logs:") && error.message.to_ascii_uppercase().contains("KMS") => {
                write!(
                    f,
                    "; the key must exist, be symmetric and enabled, and its key policy must let CloudWatch Logs in this Region \
                 (`logs.REGION.amazonaws.com`) use it for this log group"
                )
            }
            Kind::Denied => write!(
                f,
                "; the provider's role needs this right: update the provider's stack, and check for a permissions boundary or a service control policy that denies it"
            ),
            Kind::Throttled => write!(
                f,
                "; AWS is throttling this account: deploy fewer stacks at once, or retry"
            ),
            Kind::Busy => write!(f, "; something else is changing the same thing at this moment: retry"),
            Kind::Server | Kind::Transport => write!(f, "; usually temporary: retry"),
            Kind::Conflict => write!(
                f,
                "; remove what was added to it by hand, such as an instance profile, and retry"
            ),
            Kind::Absent | Kind::Exists | Kind::Other => Ok(()),
        }
    }
}

/// Every failure of one run: what runs side by side fails side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures(Vec<Failure>);

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        Self(vec![failure])
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.0.iter().enumerate() {
            write!(f, "{}{failure}", if index == 0 { "" } else { "; and " })?;
        }
        Ok(())
    }
}

/// Collects the failures of calls made side by side.
#[derive(Default)]
pub(crate) struct SideBySide(Vec<Failure>);

impl SideBySide {
    /// Returns the value, or keeps the failure.
    pub(crate) fn take<T>(&mut self, done: Result<T, Failure>) -> Option<T> {
        done.map_err(|failure| self.0.push(failure)).ok()
    }

    /// The same for what may fail in several ways.
    pub(crate) fn take_all<T>(&mut self, done: Result<T, Failures>) -> Option<T> {
        done.map_err(|Failures(failures)| self.0.extend(failures)).ok()
    }

    /// Returns the value, or the failures if any were kept.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Failures> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(Failures(self.0)),
        }
    }
}
