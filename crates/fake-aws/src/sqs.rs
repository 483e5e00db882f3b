//! Amazon SQS: FIFO queues, as a sender, a consumer and Lambda's event source mapping see them (aws.md 12).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::error::ApiError;
use super::home::Home;
use super::json::{number, text};
use super::state::{self, Scene};

/// For how long a duplicate is accepted and not delivered, in milliseconds.
const DEDUPLICATION: i64 = 300_000;

/// The longest visibility timeout: twelve hours, in seconds.
const LONGEST_VISIBILITY: i64 = 43_200;

/// The largest message: 1 MiB.
const LARGEST: usize = 1 << 20;

/// A queue's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// `VisibilityTimeout`, in seconds.
    pub visibility: i64,
    /// `MessageRetentionPeriod`, in seconds.
    pub retention: i64,
    /// `maxReceiveCount` of the redrive policy.
    pub most_receives: u32,
    /// `ContentBasedDeduplication`.
    pub deduplicates_by_content: bool,
}

/// As `template.yml` makes it.
impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            visibility: 360,
            retention: 7200,
            most_receives: 4,
            deduplicates_by_content: true,
        }
    }
}

/// One message, also one that went to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `MessageId`.
    pub id: String,
    /// `MessageGroupId`.
    pub group: String,
    /// The body.
    pub body: String,
    /// `MessageDeduplicationId`.
    pub deduplication: String,
    /// `SequenceNumber`.
    pub sequence: u64,
    /// When it was sent, in milliseconds since 1970.
    pub sent: i64,
    /// `ApproximateReceiveCount`.
    pub receives: u32,
    /// Until when it is hidden, in milliseconds since 1970.
    hidden_until: i64,
    /// The receipt of the last receive.
    receipt: Option<String>,
}

/// One FIFO queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    settings: QueueSettings,
    /// In the order of sending.
    messages: Vec<Message>,
    /// Deduplication ids, and when and under which id they were sent.
    seen: BTreeMap<String, (i64, String)>,
    sent: u64,
    received: u64,
    /// What was received too often.
    dead: Vec<Message>,
    /// What nobody received in time.
    expired: Vec<Message>,
}

/// All queues.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    /// By URL.
    all: BTreeMap<String, Queue>,
}

fn absent_queue() -> ApiError {
    ApiError::bad("QueueDoesNotExist", "The specified queue does not exist.")
}

fn invalid_value(receipt: &str, reason: &str) -> ApiError {
    ApiError::bad(
        "InvalidParameterValue",
        format!("Value {receipt} for parameter ReceiptHandle is invalid. Reason: {reason}"),
    )
}

impl Queues {
    /// Makes a queue.
    pub fn make(&mut self, url: &str, settings: QueueSettings) {
        let queue = Queue {
            settings,
            ..Queue::default()
        };
        self.all.insert(url.to_owned(), queue);
    }

    /// A queue by its URL.
    pub fn queue(&mut self, url: &str) -> Option<&mut Queue> {
        self.all.get_mut(url)
    }

    /// Performs an operation.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        let url = text(&call.params, "QueueUrl").unwrap_or_default();
        let queue = self.all.get_mut(url).ok_or_else(absent_queue)?;
        match call.operation.as_str() {
            "SendMessage" => queue.send(&call.params, scene.now),
            "ChangeMessageVisibility" => queue.change_visibility(&call.params, scene.now),
            "DeleteMessage" => {
                let receipt = text(&call.params, "ReceiptHandle").unwrap_or_default();
                queue.delete(receipt, scene.now).map(|()| Value::Null)
            }
            _ => Err(state::unknown(call)),
        }
    }
}

impl Queue {
    fn send(&mut self, params: &Value, now: i64) -> Result<Value, ApiError> {
        let body = text(params, "MessageBody").unwrap_or_default();
        if body.is_empty() {
            return Err(ApiError::bad(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        if body.len() > LARGEST {
            return Err(ApiError::bad(
                "InvalidParameterValue",
                format!("One or more parameters are invalid. Reason: Message must be shorter than {LARGEST} bytes."),
            ));
        }
        let is_allowed =
            |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if !body.chars().all(is_allowed) {
            return Err(ApiError::bad(
                "InvalidMessageContents",
                "Invalid characters found in the message.",
            ));
        }
        let group = text(params, "MessageGroupId").ok_or_else(|| {
            ApiError::bad(
                "MissingParameter",
                "The request must contain the parameter MessageGroupId.",
            )
        })?;
        let deduplication = match text(params, "MessageDeduplicationId") {
            Some(given) => given.to_owned(),
            None if self.settings.deduplicates_by_content => hex(body),
            None => {
                return Err(ApiError::bad(
                    "InvalidParameterValue",
                    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
                ));
            }
        };
        // A duplicate gets the first one's id, also when the first is received and deleted.
        self.seen.retain(|_, (sent, _)| now - *sent < DEDUPLICATION);
        if let Some((_, id)) = self.seen.get(&deduplication) {
            return Ok(json!({ "MessageId": id, "SequenceNumber": self.sent.to_string() }));
        }
        self.sent += 1;
        let id = format!("00000000-0000-4000-9000-{:012}", self.sent);
        self.seen.insert(deduplication.clone(), (now, id.clone()));
        self.messages.push(Message {
            id: id.clone(),
            group: group.to_owned(),
            body: body.to_owned(),
            deduplication,
            sequence: self.sent,
            sent: now,
            receives: 0,
            hidden_until: now,
            receipt: None,
        });
        Ok(json!({ "MessageId": id, "SequenceNumber": self.sent.to_string() }))
    }

    /// The message that a receipt is of. One that was received again has a new receipt; one whose visibility has run out
    /// belongs to nobody.
    fn held(&mut self, receipt: &str, now: i64) -> Result<usize, ApiError> {
        self.expire(now);
        let at = self
            .messages
            .iter()
            .position(|message| message.receipt.as_deref() == Some(receipt));
        let at = at.ok_or_else(|| {
            ApiError::bad(
                "ReceiptHandleIsInvalid",
                format!("The input receipt handle \"{receipt}\" is not valid."),
            )
        })?;
        if self.messages[at].hidden_until <= now {
            return Err(invalid_value(receipt, "The receipt handle has expired."));
        }
        Ok(at)
    }

    /// Whether the message is hidden under that receipt.
    pub fn holds(&mut self, receipt: &str, now: i64) -> bool {
        self.held(receipt, now).is_ok()
    }

    fn change_visibility(&mut self, params: &Value, now: i64) -> Result<Value, ApiError> {
        let receipt = text(params, "ReceiptHandle").unwrap_or_default();
        let seconds = number(params, "VisibilityTimeout").unwrap_or(-1);
        if !(0..=LONGEST_VISIBILITY).contains(&seconds) {
            return Err(ApiError::bad(
                "InvalidParameterValue",
                format!(
                    "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and {LONGEST_VISIBILITY}."
                ),
            ));
        }
        let at = self.held(receipt, now)?;
        self.messages[at].hidden_until = now + seconds * 1000;
        Ok(Value::Null)
    }

    /// Deletes a message that is held.
    pub fn delete(&mut self, receipt: &str, now: i64) -> Result<(), ApiError> {
        let at = self.held(receipt, now)?;
        self.messages.remove(at);
        Ok(())
    }

    /// Receives the oldest message of the first group of which none is in flight.
    pub fn receive(&mut self, now: i64) -> Option<Message> {
        self.expire(now);
        loop {
            let mut blocked = BTreeSet::new();
            let at = self.messages.iter().position(|message| {
                let is_first = blocked.insert(message.group.clone());
                is_first && message.hidden_until <= now
            })?;
            if self.messages[at].receives >= self.settings.most_receives {
                let dead = self.messages.remove(at);
                self.dead.push(dead);
                continue;
            }
            self.received += 1;
            let message = &mut self.messages[at];
            message.receives += 1;
            message.hidden_until = now + self.settings.visibility * 1000;
            message.receipt = Some(format!("receipt-{}", self.received));
            return Some(message.clone());
        }
    }

    /// When a message may next be received, in milliseconds since 1970: now or earlier for one that is there, `None` where
    /// there is none at all.
    pub fn next(&self) -> Option<i64> {
        let mut blocked = BTreeSet::new();
        let firsts = self.messages.iter().filter(|message| blocked.insert(&message.group));
        firsts.map(|message| message.hidden_until).min()
    }

    fn expire(&mut self, now: i64) {
        let retention = self.settings.retention * 1000;
        let (kept, gone) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|message| now - message.sent < retention);
        self.messages = kept;
        self.expired.extend::<Vec<Message>>(gone);
    }

    /// What is in the queue, in flight or not.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// What was received too often.
    pub fn dead(&self) -> &[Message] {
        &self.dead
    }

    /// What nobody took in time.
    pub fn expired(&self) -> &[Message] {
        &self.expired
    }
}

impl Message {
    /// The record that Lambda hands over.
    pub fn record(&self, arn: &str, region: &str, now: i64) -> Value {
        json!({
            "messageId": self.id,
            "receiptHandle": self.receipt,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.receives.to_string(),
                "ApproximateFirstReceiveTimestamp": now.to_string(),
                "MessageDeduplicationId": self.deduplication,
                "MessageGroupId": self.group,
                "SenderId": "AROAEXAMPLE:receiver",
                "SentTimestamp": self.sent.to_string(),
                "SequenceNumber": self.sequence.to_string(),
            },
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": region,
        })
    }

    /// The receipt of the last receive.
    pub fn receipt(&self) -> &str {
        self.receipt.as_deref().unwrap_or_default()
    }
}

/// The URL of a queue of that name.
pub fn url(home: &Home, name: &str) -> String {
    format!("https://sqs.{}.amazonaws.com/{}/{name}", home.region, home.account)
}

/// The ARN of the queue at that URL.
pub fn arn(home: &Home, url: &str) -> String {
    let name = url.rsplit('/').next().unwrap_or_default();
    format!("arn:{}:sqs:{}:{}:{name}", home.partition, home.region, home.account)
}

fn hex(body: &str) -> String {
    Sha256::digest(body.as_bytes())
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
