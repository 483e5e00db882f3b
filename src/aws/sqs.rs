//! Amazon SQS: the FIFO queue of requests, and the visibility of the message that a run works on.

use std::time::Duration;

use aws_sdk_sqs::Client;

use super::{CallError, Retry};

/// The queue of requests.
#[derive(Clone, Copy, Debug)]
pub struct Queue<'a> {
    client: &'a Client,
    url: &'a str,
}

/// A message that was received: its visibility is the lock on everything that the run does.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    client: &'a Client,
    url: &'a str,
    id: &'a str,
    receipt: &'a str,
}

impl<'a> Queue<'a> {
    /// The queue at that URL.
    #[must_use]
    pub fn new(client: &'a Client, url: &'a str) -> Self {
        Self { client, url }
    }

    /// Sends a message to a group and returns its id. Sending the same body twice is harmless: the queue drops a
    /// duplicate of the last five minutes, and the handler finds the first one's work.
    ///
    /// # Errors
    /// The queue's answer, once `retry` ends or at once where time does not mend it.
    pub async fn send(&self, body: &str, group: &str, retry: Retry) -> Result<String, CallError> {
        let sent = retry
            .call("sqs:SendMessage", group, || {
                let send = self.client.send_message().queue_url(self.url);
                send.message_group_id(group).message_body(body).send()
            })
            .await?;
        Ok(sent.message_id.unwrap_or_default())
    }

    /// The message with that id, as it was received.
    #[must_use]
    pub fn message(&self, id: &'a str, receipt: &'a str) -> Message<'a> {
        let Self { client, url } = *self;
        Message {
            client,
            url,
            id,
            receipt,
        }
    }
}

impl Message<'_> {
    /// Hides the message from other receivers for that long from now, in whole seconds.
    ///
    /// # Errors
    /// The queue's answer: the message may not be this run's any more.
    pub async fn hide_for(&self, time: Duration, retry: Retry) -> Result<(), CallError> {
        let seconds = i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        retry
            .call("sqs:ChangeMessageVisibility", self.id, || {
                let change = self.client.change_message_visibility().queue_url(self.url);
                change.receipt_handle(self.receipt).visibility_timeout(seconds).send()
            })
            .await
            .map(drop)
    }
}
