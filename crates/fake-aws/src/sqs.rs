//! Amazon SQS: FIFO queues by their documented rules, and the side that Lambda's event source mapping has of them.
//!
//! Sources: SQS Developer Guide, "Using the message group ID", "Exactly-once processing", "Visibility timeout"; SQS API
//! Reference, `ChangeMessageVisibility`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::error::ApiError;
use super::json::text;
use super::state::{self, Scene};

/// A duplicate of a body is accepted and not delivered for five minutes after the first was sent.
const DEDUPLICATION: i64 = 300_000;

/// The largest message, in bytes.
const LARGEST: usize = 1_048_576;

/// The longest visibility, in seconds.
const LONGEST: i64 = 43_200;

/// How a queue is set up.
#[derive(Clone, Copy, Debug)]
pub struct QueueSettings {
    /// `VisibilityTimeout`, in milliseconds.
    pub visibility: i64,
    /// `MessageRetentionPeriod`, in milliseconds.
    pub retention: i64,
    /// `maxReceiveCount` of the redrive policy.
    pub most_receives: u32,
}

/// All queues, by name.
#[derive(Clone, Debug, Default)]
pub struct Sqs {
    /// All queues, by name.
    pub queues: BTreeMap<String, Queue>,
}

/// A FIFO queue with content-based deduplication and a dead-letter queue.
#[derive(Clone, Debug)]
pub struct Queue {
    settings: QueueSettings,
    /// The messages, in the order of sending.
    messages: Vec<Message>,
    /// When each body was last accepted, by its hash.
    bodies: BTreeMap<Vec<u8>, (i64, String)>,
    /// What went to the dead letters.
    pub dead: Vec<Message>,
    sent: u64,
    received: u64,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub body: String,
    pub group: String,
    pub sent: i64,
    /// How often it was received.
    pub receives: u32,
    /// The receipt of the newest receive.
    pub receipt: String,
    /// Until when it is hidden; it is in flight till then.
    pub hidden_until: i64,
}

impl Sqs {
    /// Performs an operation.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        let url = text(&call.params, "QueueUrl").unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        let queue = self
            .queues
            .get_mut(name)
            .ok_or_else(|| refused("QueueDoesNotExist", "The specified queue does not exist."))?;
        match call.operation.as_str() {
            "SendMessage" => queue.send(&call.params, scene.now),
            "ChangeMessageVisibility" => queue.change_visibility(&call.params, scene.now),
            _ => Err(state::unknown(call)),
        }
    }
}

fn refused(code: &str, message: &str) -> ApiError {
    ApiError::bad(&format!("com.amazonaws.sqs#{code}"), message)
}

impl Queue {
    /// An empty queue.
    pub fn new(settings: QueueSettings) -> Self {
        Self {
            settings,
            messages: Vec::new(),
            bodies: BTreeMap::new(),
            dead: Vec::new(),
            sent: 0,
            received: 0,
        }
    }

    fn send(&mut self, params: &Value, now: i64) -> Result<Value, ApiError> {
        let body = text(params, "MessageBody").unwrap_or_default();
        let group = text(params, "MessageGroupId").ok_or_else(|| {
            refused(
                "MissingParameter",
                "The request must contain the parameter MessageGroupId.",
            )
        })?;
        let legal =
            |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if body.is_empty() || !body.chars().all(legal) {
            return Err(refused(
                "InvalidMessageContents",
                "Message contains invalid characters.",
            ));
        }
        if body.len() > LARGEST {
            let message = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
            return Err(refused("InvalidParameterValue", message));
        }
        let hash = Sha256::digest(body).to_vec();
        if let Some((sent, id)) = self.bodies.get(&hash)
            && now - sent < DEDUPLICATION
        {
            return Ok(json!({ "MessageId": id }));
        }
        self.sent += 1;
        let id = format!("message-{}", self.sent);
        self.bodies.insert(hash, (now, id.clone()));
        self.messages.push(Message {
            id: id.clone(),
            body: body.to_owned(),
            group: group.to_owned(),
            sent: now,
            receives: 0,
            receipt: String::new(),
            hidden_until: i64::MIN,
        });
        Ok(json!({ "MessageId": id, "SequenceNumber": format!("{:020}", self.sent) }))
    }

    fn change_visibility(&mut self, params: &Value, now: i64) -> Result<Value, ApiError> {
        let receipt = text(params, "ReceiptHandle").unwrap_or_default();
        let seconds = params["VisibilityTimeout"].as_i64().unwrap_or(-1);
        if !(0..=LONGEST).contains(&seconds) {
            let message = format!("Value {seconds} for parameter VisibilityTimeout is invalid.");
            return Err(refused("InvalidParameterValue", &message));
        }
        let message = (self.messages.iter_mut())
            .find(|message| message.receipt == receipt && !receipt.is_empty())
            .ok_or_else(|| refused("ReceiptHandleIsInvalid", "The input receipt handle is invalid."))?;
        if message.hidden_until <= now {
            let expired = "Value for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
            return Err(refused("InvalidParameterValue", expired));
        }
        message.hidden_until = now + seconds * 1000;
        Ok(json!({}))
    }

    /// What the event source mapping may take next: the oldest message of a group that has none in flight. One that was
    /// received too often goes to the dead letters instead.
    pub fn receive(&mut self, now: i64) -> Option<Message> {
        self.messages
            .retain(|message| now - message.sent < self.settings.retention);
        loop {
            let mut blocked = Vec::new();
            let place = self.messages.iter().position(|message| {
                if message.hidden_until > now {
                    blocked.push(message.group.clone());
                }
                let is_free = !blocked.contains(&message.group);
                blocked.push(message.group.clone());
                is_free
            })?;
            if self.messages[place].receives >= self.settings.most_receives {
                self.dead.push(self.messages.remove(place));
                continue;
            }
            self.received += 1;
            let receipt = format!("receipt-{}", self.received);
            let message = &mut self.messages[place];
            message.receives += 1;
            message.receipt = receipt;
            message.hidden_until = now + self.settings.visibility;
            return Some(message.clone());
        }
    }

    /// Deletes a message, as the mapping does after a run that reported no failure. A stale receipt deletes nothing.
    pub fn delete(&mut self, receipt: &str, now: i64) -> bool {
        let before = self.messages.len();
        self.messages
            .retain(|message| message.receipt != receipt || message.hidden_until <= now);
        self.messages.len() < before
    }

    /// Whether a message is hidden under that receipt.
    pub fn holds(&self, receipt: &str, now: i64) -> bool {
        let mut messages = self.messages.iter();
        messages.any(|message| message.receipt == receipt && message.hidden_until > now)
    }

    /// All messages that are not deleted, dead ones not included.
    pub fn waiting(&self) -> &[Message] {
        &self.messages
    }

    /// When the next hidden message comes back, in milliseconds since 1970.
    pub fn next_return(&self, now: i64) -> Option<i64> {
        let hidden = self.messages.iter().map(|message| message.hidden_until);
        hidden.filter(|until| *until > now).min()
    }
}

impl Message {
    /// The record that Lambda hands to the function.
    pub fn record(&self, queue_arn: &str) -> Value {
        json!({
            "messageId": self.id,
            "receiptHandle": self.receipt,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.receives.to_string(),
                "SentTimestamp": self.sent.to_string(),
                "MessageGroupId": self.group,
                "SequenceNumber": "1",
            },
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": "us-east-1",
        })
    }
}
