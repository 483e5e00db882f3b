//! The receiver: puts CloudFormation's event into the queue, in the group of its resource. It answers only what can't be
//! put there.

use std::time::Duration;

use crate::{
    aws::{CallError, Kind, Queue, Retry},
    handler::{Invocation, Provider, Unhandled},
    identity::hash,
    request::{Envelope, Request},
    response::{Outcome, Response},
    response_url::Signed,
};

/// How long one invocation tries to send. Lambda delivers a failed event again after one minute and after two more.
const SENDING: Duration = Duration::from_secs(20);

/// How old the request may be, in seconds, to be left to Lambda's next delivery: the second and last one comes about three
/// minutes after the first, and must find it too old.
const YOUNG: u64 = 150;

/// The message group of a resource: stack and logical id are known for every request, also for a Delete whose physical id
/// CloudFormation invented.
#[must_use]
pub fn message_group(envelope: &Envelope) -> String {
    hash(&[&envelope.stack_id, &envelope.logical_id])
}

impl Provider {
    /// Sends the event to the queue as it came. What the queue never accepts is answered FAILED; what it does not accept
    /// for now is an error to Lambda, which delivers the event again, until the request is too old for that.
    pub(crate) async fn receive(
        &self,
        payload: &str,
        request: &Request,
        queue_url: &str,
        invocation: &Invocation,
    ) -> Result<(), Unhandled> {
        let envelope = &request.envelope;
        let signed = Signed::of(&envelope.response_url);
        if signed.is_some_and(|signed| signed.expires < self.now()) {
            tracing::warn!(
                "the response URL has expired, so CloudFormation does not wait any more: the event is dropped"
            );
            return Ok(());
        }
        let group = message_group(envelope);
        let retry = Retry::until(invocation.deadline).at_most(SENDING);
        match Queue::new(&self.clients.sqs, queue_url)
            .send(payload, &group, retry)
            .await
        {
            Ok(message_id) => {
                tracing::info!(message_id, group, "enqueued");
                Ok(())
            }
            Err(error) => {
                let is_young = signed.is_some_and(|signed| self.now() < signed.made.saturating_add(YOUNG));
                if may_pass(&error) && is_young {
                    tracing::warn!(%error, "not enqueued: left to Lambda's next delivery");
                    return Err(Unhandled::NotEnqueued(error.to_string()));
                }
                tracing::error!(%error, "not enqueued: answering FAILED");
                let reason = format!(
                    "failed to put the request into the provider's queue: sqs:SendMessage: {error}; nothing was changed. Update \
                     the provider's stack, and check the queue's policy and the receiver's role"
                );
                let response = Response::new(envelope, request.physical_id(), Outcome::Failed(reason));
                self.answer(envelope, &response, invocation, invocation.deadline).await
            }
        }
    }
}

/// Whether time may mend the error.
fn may_pass(error: &CallError) -> bool {
    match error.kind {
        Kind::Throttled | Kind::Busy | Kind::Server | Kind::Transport => true,
        Kind::Denied | Kind::Absent | Kind::Exists | Kind::Conflict | Kind::Other => false,
    }
}
