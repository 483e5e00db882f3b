//! The way of an event: CloudFormation's goes into the queue, the queue's messages are carried out, and every request is
//! answered, whatever happens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    Faults,
    aws::Clients,
    event::{Event, Unknown},
    identity::{Family, Identity, Owner, StackId},
    request::{Envelope, Malformed, Request},
    response::{Outcome, Response},
    settings::Settings,
    signal::{Signal, Undelivered},
};

/// The time of day.
pub type Clock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// The provider: its settings and what it talks to. It holds nothing that a request changes.
pub struct Provider {
    /// The settings, or their faults: a request is answered with these, so that the function starts all the same.
    pub settings: Result<Settings, Faults>,
    /// AWS.
    pub clients: Clients,
    /// The queue that CloudFormation's events go into; `None` carries them out directly, for tests and tools.
    pub queue_url: Option<String>,
    /// The way to CloudFormation's response URL.
    pub signal: Signal,
    /// The time of day.
    pub clock: Clock,
}

/// What Lambda says about an invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// When Lambda ends the function.
    pub deadline: Instant,
    /// The function's own ARN.
    pub function_arn: String,
}

/// Why Lambda should see an error. A request that was answered FAILED is not one: it is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unhandled {
    /// The event is of neither kind.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The event can't be answered.
    #[error("{0}")]
    Unanswerable(&'static str),
    /// The queue did not accept the event for now.
    #[error("failed to put the event into the queue: {0}")]
    NotEnqueued(String),
    /// The answer was not accepted for now.
    #[error("{0}")]
    Undelivered(Undelivered),
}

impl Provider {
    /// Handles one event, given as its text. Returns what Lambda is to be answered: for messages of the queue those that
    /// failed, else `null`.
    ///
    /// # Errors
    /// [`Unhandled`], after which Lambda delivers an event of CloudFormation's again.
    pub async fn handle(&self, payload: &str, invocation: Invocation) -> Result<Value, Unhandled> {
        match Event::read(payload)? {
            // Boxed, here and below: the SDK's nested futures are large.
            Event::Messages(messages) => Ok(Box::pin(self.handle_messages(&messages, &invocation)).await),
            Event::Unreadable(envelope, problem) => {
                let envelope = match Request::parse(&envelope) {
                    Ok(request) => request.envelope,
                    Err(Malformed::Answerable(envelope, _)) => *envelope,
                    Err(Malformed::Unanswerable(reason)) => return Err(Unhandled::Unanswerable(reason)),
                };
                let reason = format!("the event can't be read as JSON: {problem}; nothing was changed");
                let span = span(&envelope, None);
                let answered = self
                    .answer_malformed(&envelope, reason, &invocation)
                    .instrument(span)
                    .await;
                answered.map(|()| Value::Null)
            }
            Event::Request(event) => {
                let (envelope, parsed) = match Request::parse(&event) {
                    Ok(request) => (request.envelope.clone(), Ok(request)),
                    Err(Malformed::Answerable(envelope, reason)) => (*envelope, Err(reason)),
                    Err(Malformed::Unanswerable(reason)) => return Err(Unhandled::Unanswerable(reason)),
                };
                let span = span(&envelope, parsed.as_ref().ok());
                Box::pin(self.handle_request(payload, envelope, parsed, &invocation))
                    .instrument(span)
                    .await
                    .map(|()| Value::Null)
            }
        }
    }

    async fn handle_request(
        &self,
        payload: &str,
        envelope: Envelope,
        parsed: Result<Request, String>,
        invocation: &Invocation,
    ) -> Result<(), Unhandled> {
        match (parsed, &self.queue_url) {
            (Ok(request), Some(queue_url)) => self.receive(payload, &request, queue_url, invocation).await,
            (Ok(request), None) => self.run_directly(&request, invocation).await,
            (Err(reason), _) => self.answer_malformed(&envelope, reason, invocation).await,
        }
    }

    /// Answers an event that can't be read.
    pub(crate) async fn answer_malformed(
        &self,
        envelope: &Envelope,
        reason: String,
        invocation: &Invocation,
    ) -> Result<(), Unhandled> {
        let response = Response::new(envelope, fallback_id(envelope), Outcome::Failed(reason));
        self.answer(envelope, &response, invocation, invocation.deadline).await
    }

    /// Delivers an answer. One that can never be delivered is logged, and done.
    pub(crate) async fn answer(
        &self,
        envelope: &Envelope,
        response: &Response,
        invocation: &Invocation,
        deadline: Instant,
    ) -> Result<(), Unhandled> {
        tracing::info!(
            status = response.status(),
            physical_id = response.physical_id(),
            reason = response.reason(),
            "answering"
        );
        let region = StackId::parse(&envelope.stack_id).map_or_else(|| invocation.region().to_owned(), |id| id.region);
        let delivered = self
            .signal
            .deliver(&envelope.response_url, &region, response, deadline)
            .await;
        match delivered {
            Ok(()) => {
                tracing::info!("answered");
                Ok(())
            }
            Err(undelivered @ Undelivered::ForGood(_)) => {
                tracing::error!(%undelivered, "not answered");
                Ok(())
            }
            Err(undelivered) => {
                tracing::error!(%undelivered, "not answered");
                Err(Unhandled::Undelivered(undelivered))
            }
        }
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        let now = (self.clock)().duration_since(UNIX_EPOCH);
        now.as_ref().map_or(0, Duration::as_secs)
    }
}

impl Invocation {
    fn region(&self) -> &str {
        self.function_arn.split(':').nth(3).unwrap_or_default()
    }

    /// Whether a stack is in the function's own partition, Region and account. Lambda always gives the function's ARN;
    /// what is not an ARN says nothing.
    pub(crate) fn serves(&self, stack: &StackId) -> bool {
        let parts: Vec<&str> = self.function_arn.split(':').collect();
        match parts[..] {
            ["arn", partition, "lambda", region, account, ..] => {
                (partition, region, account) == (&stack.partition, &stack.region, &stack.account)
            }
            _ => true,
        }
    }
}

/// What every line of the log about a request carries.
pub(crate) fn span(envelope: &Envelope, request: Option<&Request>) -> tracing::Span {
    // Of the severest level: a log that leaves out a span leaves out its fields in every line.
    tracing::error_span!(
        "request",
        stack = envelope.stack_id,
        logical_id = envelope.logical_id,
        request_id = envelope.request_id,
        request_type = request.map_or("malformed", |request| request.request_type.as_str()),
        message_id = tracing::field::Empty,
        receive_count = tracing::field::Empty,
    )
}

/// An id for an event that can't be read: never empty, since that would hide the reason.
fn fallback_id(envelope: &Envelope) -> String {
    let given = envelope.physical_id.clone().or_else(|| {
        let owner = Owner {
            stack_id: StackId::parse(&envelope.stack_id)?,
            logical_id: envelope.logical_id.clone(),
        };
        let family = Family::of_logical_id(&owner.logical_id);
        Some(Identity { owner, family }.physical_id())
    });
    given.unwrap_or_else(|| "never-created".to_owned())
}
