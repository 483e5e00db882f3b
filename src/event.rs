//! What Lambda hands over: a request of CloudFormation's, or messages of the queue that hold such requests.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// An event of one of the two kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// CloudFormation's request.
    Request(Value),
    /// A request of CloudFormation's that can't be read whole: its envelope, and why.
    Unreadable(Value, String),
    /// Messages of the queue, in their order.
    Messages(Vec<Message>),
}

/// A message of the queue, as Lambda hands it over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id, by which a failure is reported.
    pub message_id: String,
    /// The receipt of this very receive.
    pub receipt_handle: String,
    /// CloudFormation's event, as the receiver got it.
    pub body: String,
    /// What SQS says about it.
    pub attributes: Attributes,
    /// The queue's ARN.
    #[serde(rename = "eventSourceARN")]
    pub queue_arn: String,
}

/// What SQS says about a message. Numbers come as text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    /// How often it was received, this time included.
    pub approximate_receive_count: String,
    /// Its group; absent where the queue is not FIFO.
    pub message_group_id: Option<String>,
    /// When it was sent, in milliseconds since 1970.
    pub sent_timestamp: Option<String>,
}

/// An event of neither kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event must be a request of CloudFormation's or messages of its queue, not {0}")]
pub struct Unknown(String);

/// Quotes a body that is not UTF-8, as a JSON text: Lambda's runtime takes nothing but JSON, and a request that it refuses is
/// never answered. [`Event::read`] knows such a text by the request in it. `None` for what is UTF-8.
#[must_use]
pub fn quoted(body: &[u8]) -> Option<String> {
    let is_text = std::str::from_utf8(body).is_ok();
    (!is_text).then(|| Value::from(String::from_utf8_lossy(body)).to_string())
}

impl Event {
    /// Reads the payload's text.
    ///
    /// # Errors
    /// What came instead: only the shape, never a value.
    pub fn read(payload: &str) -> Result<Self, Unknown> {
        let event: Value = match serde_json::from_str(payload) {
            Ok(event) => event,
            Err(error) => {
                return match Envelope::read(payload) {
                    Some(envelope) => Ok(Self::Unreadable(envelope, error.to_string())),
                    None => Err(Unknown(format!("text that can't be read as JSON ({error})"))),
                };
            }
        };
        if let Some(text) = event.as_str()
            && let Some(envelope) = Envelope::read(text)
        {
            return Ok(Self::Unreadable(envelope, "it is not UTF-8".to_owned()));
        }
        let Some(fields) = event.as_object() else {
            return Err(Unknown(kind(&event).to_owned()));
        };
        if fields.contains_key("RequestType") || fields.contains_key("ResponseURL") {
            return Ok(Self::Request(event));
        }
        let Some(records) = fields.get("Records") else {
            let names: Vec<&str> = fields.keys().take(10).map(String::as_str).collect();
            return Err(Unknown(match names[..] {
                [] => "an empty object".to_owned(),
                _ => format!("an object with {}", names.join(", ")),
            }));
        };
        let of_sqs = |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
        match records.as_array() {
            Some(records) if records.iter().all(of_sqs) => {}
            _ => return Err(Unknown("records of another service".to_owned())),
        }
        Vec::<Message>::deserialize(records)
            .map(Self::Messages)
            .map_err(|error| Unknown(format!("incomplete messages ({error})")))
    }
}

/// The fields that an answer needs, each still unread: what is wrong elsewhere, such as nesting that is too deep, half a
/// surrogate pair or a number out of range, must not keep a request from being answered.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    #[serde(borrow, rename = "ResponseURL")]
    response_url: &'a RawValue,
    #[serde(borrow)]
    stack_id: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    logical_resource_id: Option<&'a RawValue>,
    #[serde(borrow)]
    physical_resource_id: Option<&'a RawValue>,
    #[serde(borrow)]
    request_type: Option<&'a RawValue>,
}

impl Envelope<'_> {
    /// Reads the fields, as far as each is a text.
    fn read(payload: &str) -> Option<Value> {
        let Envelope {
            response_url,
            stack_id,
            request_id,
            logical_resource_id,
            physical_resource_id,
            request_type,
        } = serde_json::from_str(payload).ok()?;
        let fields = [
            ("ResponseURL", Some(response_url)),
            ("StackId", stack_id),
            ("RequestId", request_id),
            ("LogicalResourceId", logical_resource_id),
            ("PhysicalResourceId", physical_resource_id),
            ("RequestType", request_type),
        ];
        let text = |field: &RawValue| serde_json::from_str::<String>(field.get()).ok();
        let read = fields
            .into_iter()
            .filter_map(|(name, field)| Some((name.to_owned(), text(field?)?.into())));
        Some(Value::Object(read.collect()))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
    use serde_json::json;

    use super::*;

    fn records() -> Value {
        json!({"Records": [{
            "messageId": "2e1424d4-f796-459a-8184-9c92662be6da",
            "receiptHandle": "AQEBzWwaftRI0KuVm4tP",
            "body": "{}",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1795464901000",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": "0a1b",
                "SenderId": "AIDAIO23YVJENQZJOL4VO",
                "MessageDeduplicationId": "1",
                "ApproximateFirstReceiveTimestamp": "1795464901002",
            },
            "messageAttributes": {},
            "md5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:requests.fifo",
            "awsRegion": "us-east-1",
        }]})
    }

    #[test]
    fn messages_of_the_queue_are_read_whole() {
        let Ok(Event::Messages(messages)) = Event::read(&records().to_string()) else {
            panic!("not messages");
        };
        insta::assert_debug_snapshot!(messages, @r#"
        [
            Message {
                message_id: "2e1424d4-f796-459a-8184-9c92662be6da",
                receipt_handle: "AQEBzWwaftRI0KuVm4tP",
                body: "{}",
                attributes: Attributes {
                    approximate_receive_count: "1",
                    message_group_id: Some(
                        "0a1b",
                    ),
                    sent_timestamp: Some(
                        "1795464901000",
                    ),
                },
                queue_arn: "arn:aws:sqs:us-east-1:123456789012:requests.fifo",
            },
        ]
        "#);
    }

    #[test]
    fn messages_that_the_published_types_write_are_read() {
        let typed: SqsEvent = serde_json::from_value(records()).unwrap();
        let SqsMessage { message_id, .. } = typed.records[0].clone();
        let Ok(Event::Messages(messages)) = Event::read(&serde_json::to_string(&typed).unwrap()) else {
            panic!("not messages");
        };
        assert_eq!(Some(&messages[0].message_id), message_id.as_ref());
    }

    #[test]
    fn the_envelope_of_a_request_is_read_whatever_its_properties_hold() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for properties in [deep.as_str(), "{\"Image\": \"\\ud800\"}", "{\"TaskCpu\": 1e999}"] {
            let payload = format!(
                "{{\"RequestType\": \"Create\", \"ResponseURL\": \"https://s3.example/?a\", \"ResourceProperties\": {properties}, \
                 \"StackId\": \"the-stack\", \"RequestId\": 5}}"
            );
            let Ok(Event::Unreadable(envelope, _)) = Event::read(&payload) else {
                panic!("{properties:.40}");
            };
            let expected = json!({
                "RequestType": "Create",
                "ResponseURL": "https://s3.example/?a",
                "StackId": "the-stack",
            });
            assert_eq!(envelope, expected);
        }
    }

    #[test]
    fn the_envelope_of_a_request_that_is_not_utf_8_is_read() {
        let request =
            b"{\"ResponseURL\": \"https://s3.example/?a\", \"StackId\": \"s\", \"ResourceProperties\": \"\xff\"}";
        let payload = quoted(request).unwrap();
        let Ok(Event::Unreadable(envelope, problem)) = Event::read(&payload) else {
            panic!("{payload}");
        };
        assert_eq!(
            envelope,
            json!({"ResponseURL": "https://s3.example/?a", "StackId": "s"})
        );
        assert_eq!(problem, "it is not UTF-8");
        assert_eq!(quoted("{\"ResponseURL\": \"ü\"}".as_bytes()), None);
        assert_eq!(Event::read("\"a text\"").unwrap_err(), Unknown("a string".to_owned()));
    }

    #[test]
    fn an_event_of_another_kind_is_an_error_that_names_what_came() {
        for (payload, named) in [
            (
                "{\"detail-type\": \"x\", \"source\": \"aws.ec2\"}",
                "an object with detail-type, source",
            ),
            (
                "{\"Records\": [{\"eventSource\": \"aws:s3\"}]}",
                "records of another service",
            ),
            (
                "{\"Records\": [{\"eventSource\": \"aws:sqs\"}]}",
                "incomplete messages (missing field `messageId`)",
            ),
            ("{}", "an empty object"),
            ("[]", "a list"),
            ("null", "null"),
        ] {
            let unknown = Event::read(payload).unwrap_err().to_string();
            assert!(unknown.ends_with(&format!("not {named}")), "{payload}: {unknown}");
        }
        assert!(
            Event::read("{\"RequestType\"")
                .unwrap_err()
                .to_string()
                .contains("can't be read as JSON")
        );
    }
}
