//! Failures, for the person who reads the stack's event list: what was attempted, what AWS said, and what to do.

use std::fmt;

use super::refusal::{Kind, Refusal};

/// Something that could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A call that AWS refused.
    Call {
        /// What was attempted, such as ``create the role `x` ``.
        attempt: String,
        /// The call in IAM's words, such as `iam:CreateRole`.
        action: &'static str,
        /// What AWS said.
        refusal: Refusal,
    },
    /// Something that is not ours to change: whose it is, and what to do.
    Taken(String),
}

impl Failure {
    /// A closure that turns a refusal into this failure.
    pub(super) fn to(attempt: impl Into<String>, action: &'static str) -> impl FnOnce(Refusal) -> Self {
        let attempt = attempt.into();
        move |refusal| Self::Call {
            attempt,
            action,
            refusal,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempt, action, refusal) = match self {
            Self::Taken(reason) => return f.write_str(reason),
            Self::Call {
                attempt,
                action,
                refusal,
            } => (attempt, action, refusal),
        };
        write!(f, "failed to {attempt}: {action}: {refusal}")?;
        match refusal.kind {
            _ if refusal.code == "LimitExceeded" => write!(
                f,
                "; the account or the role has reached a limit of IAM's: take away roles that are not used, or policies that \
                 were added to this one by hand, or have the limit raised"
            ),
            // Logs asks KMS, and says no more than that it may not (aws.md section 5).
            Kind::Other if action.starts_with("logs:") && refusal.message.to_ascii_uppercase().contains("KMS") => {
                write!(
                    f,
                    "; the key must be there, symmetric and enabled, and its own policy must let CloudWatch Logs of this Region \
                 (`logs.REGION.amazonaws.com`) use it for this log group"
                )
            }
            Kind::Denied => write!(
                f,
                "; let the provider's role do this: update the provider's stack, and look for a permissions boundary or a service control policy that forbids it"
            ),
            Kind::Throttled | Kind::Busy => write!(
                f,
                "; the account makes more calls than AWS takes: try again when less is deployed at once"
            ),
            Kind::Server | Kind::Transport => write!(f, "; try again when the service is well"),
            Kind::Conflict => write!(
                f,
                "; take away what was added to it by hand, such as an instance profile, and try again"
            ),
            Kind::Absent | Kind::Exists | Kind::Other => Ok(()),
        }
    }
}

/// Everything that could not be done: what runs side by side fails side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures(pub(super) Vec<Failure>);

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

/// Collects the failures of things done side by side.
#[derive(Default)]
pub(super) struct SideBySide(Vec<Failure>);

impl SideBySide {
    /// The value, or notes the failure.
    pub(super) fn take<T>(&mut self, done: Result<T, Failure>) -> Option<T> {
        done.map_err(|failure| self.0.push(failure)).ok()
    }

    /// The same for what failed in several ways.
    pub(super) fn take_all<T>(&mut self, done: Result<T, Failures>) -> Option<T> {
        done.map_err(|Failures(failures)| self.0.extend(failures)).ok()
    }

    /// The failures, if there are any, else the value.
    pub(super) fn or<T>(self, value: Option<T>) -> Result<T, Failures> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(Failures(self.0)),
        }
    }
}
