//! The queue's messages: checked, locked for the time of a run, carried out one after the other, and reported if they have
//! to come back.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    admission::Admission,
    aws::{self, Aws, Queue, Retry},
    event::Message,
    handler::{Invocation, Provider, span},
    receiver::message_group,
    request::{Malformed, Request},
    response::{Outcome, Response},
};

/// How often the queue hands a message over before it goes to the dead letters: `maxReceiveCount` in `template.yml`.
pub const MOST_RECEIVES: u32 = 4;

/// How long a message stays hidden after the run that works on it must have ended.
const MARGIN: Duration = Duration::from_secs(30);

/// How soon a message comes back that failed on purpose.
const AGAIN: Duration = Duration::from_secs(30);

/// How long the look may take that precedes the answer at the last receive.
const LAST_LOOK: Duration = Duration::from_secs(30);

/// The lock on a resource: its message is hidden from every other run for as long as this one may go on.
pub(crate) struct Lock<'a> {
    message: aws::Message<'a>,
    is_held: AtomicBool,
}

/// The lock could not be had, or was lost: the run must neither write nor answer.
pub(crate) struct NotHeld;

/// The message has to come back.
struct Again;

impl Lock<'_> {
    /// Hides the message until the invocation must have ended. Only SQS's answer says that the lock is held.
    pub(crate) async fn renew(&self, invocation: &Invocation) -> Result<(), NotHeld> {
        let left = invocation.deadline.saturating_duration_since(Instant::now());
        let renewed = self
            .message
            .hide_for(left + MARGIN, Retry::until(invocation.deadline))
            .await;
        match renewed {
            Ok(()) => {
                self.is_held.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the message's visibility can't be renewed: nothing is changed or answered");
                Err(NotHeld)
            }
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }
}

impl Provider {
    /// Carries out messages in their order. After the first failure none of the rest is tried: in a FIFO queue a later
    /// message must not overtake an earlier one.
    pub(crate) async fn handle_messages(&self, messages: &[Message], invocation: &Invocation) -> Value {
        let mut failures = Vec::new();
        for message in messages {
            if !failures.is_empty() || self.handle_message(message, invocation).await.is_err() {
                failures.push(json!({"itemIdentifier": message.message_id}));
            }
        }
        json!({"batchItemFailures": failures})
    }

    async fn handle_message(&self, message: &Message, invocation: &Invocation) -> Result<(), Again> {
        let message_id = message.message_id.as_str();
        let body: Value = serde_json::from_str(&message.body).unwrap_or_default();
        let request = match Request::parse(&body) {
            Ok(request) => request,
            Err(Malformed::Answerable(envelope, reason)) => {
                // The receiver answers these itself, so nobody waits for more than the answer.
                return self
                    .answer_malformed(&envelope, reason, invocation)
                    .await
                    .map_err(|_| Again);
            }
            Err(Malformed::Unanswerable(reason)) => {
                tracing::error!(message_id, reason, "the message is dropped");
                return Ok(());
            }
        };
        let span = span(&request.envelope, Some(&request));
        span.record("message_id", message_id);
        span.record("receive_count", message.attributes.approximate_receive_count.as_str());
        self.handle_request_of(message, &request, invocation)
            .instrument(span)
            .await
    }

    async fn handle_request_of(
        &self,
        message: &Message,
        request: &Request,
        invocation: &Invocation,
    ) -> Result<(), Again> {
        if message.attributes.message_group_id.as_deref() != Some(message_group(&request.envelope).as_str()) {
            // The receiver puts every request into its resource's own group. Retrying would only block that group.
            tracing::error!("the message is not in the group of its resource: it is dropped, and nothing was changed");
            return Ok(());
        }
        let queue_url = self.queue_url.clone().unwrap_or_else(|| url_of(&message.queue_arn));
        let queue = Queue::new(&self.clients.sqs, &queue_url);
        let lock = Lock {
            message: queue.message(&message.message_id, &message.receipt_handle),
            is_held: AtomicBool::new(false),
        };
        let sent = message.attributes.sent_timestamp.as_deref();
        let sent = sent
            .and_then(|milliseconds| milliseconds.parse::<u64>().ok())
            .map(|sent| sent / 1000);
        tracing::info!("handling");
        let receives: u32 = message.attributes.approximate_receive_count.parse().unwrap_or(1);
        let handled = if receives >= MOST_RECEIVES {
            self.give_up(request, receives, sent, invocation).await
        } else {
            self.run(request, Some(&lock), sent, invocation).await
        };
        let Err(unhandled) = handled else {
            return Ok(());
        };
        tracing::error!(%unhandled, "the message has to come back");
        if lock.is_held() {
            let soon = lock.message.hide_for(AGAIN, Retry::until(invocation.deadline)).await;
            if let Err(error) = soon {
                tracing::warn!(%error, "the message comes back only when its visibility ends");
            }
        }
        Err(Again)
    }

    /// The last receive: a message that dies in silence would hang its stack. Runs of this message that had the lock are
    /// over, and none of them ended well; no work is tried again, and the request is answered FAILED, unless its stack shows
    /// that it has been answered.
    async fn give_up(
        &self,
        request: &Request,
        receives: u32,
        sent: Option<u64>,
        invocation: &Invocation,
    ) -> Result<(), Unfinished> {
        let aws = Aws::new(
            &self.clients.resources,
            Retry::until(invocation.deadline).at_most(LAST_LOOK),
        );
        if let Ok((Admission::Over, view, _)) = self.look_at_resource(&aws, request, self.made(request, sent)).await
            && !view.may_lag
        {
            tracing::warn!("given up: the request has been answered, so nothing is sent");
            return Ok(());
        }
        let reason = format!(
            "the request was tried {} times, and no attempt finished; the provider's log says why. What was done remains, and \
             the next request for this resource finds it",
            receives.saturating_sub(1)
        );
        let response = Response::new(&request.envelope, request.physical_id(), Outcome::Failed(reason));
        self.answer(&request.envelope, &response, invocation, invocation.deadline)
            .await
            .map_err(Unfinished::from)
    }
}

pub(crate) use crate::run::Unfinished;

/// The URL of a queue from its ARN, `arn:PARTITION:sqs:REGION:ACCOUNT:NAME`: where no variable gives it.
fn url_of(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, name) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let suffix = agent_composer_model::partition::dns_suffix(region);
    format!("https://sqs.{region}.{suffix}/{account}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queues_url_follows_from_its_arn() {
        for (arn, url) in [
            (
                "arn:aws:sqs:us-east-1:123456789012:requests.fifo",
                "https://sqs.us-east-1.amazonaws.com/123456789012/requests.fifo",
            ),
            (
                "arn:aws-cn:sqs:cn-north-1:123456789012:requests.fifo",
                "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/requests.fifo",
            ),
        ] {
            assert_eq!(url_of(arn), url);
        }
    }
}
