//! From an HTTP request to a call, and from an outcome to an HTTP response, in each service's own protocol.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Call, Service};
use super::error::ApiError;
use super::query;

/// A request, whichever way it came: through the SDK's connector or over a socket.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// A response, whichever way it goes.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What the caller gets to see.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A response.
    Answer(Response),
    /// The connection breaks.
    Reset,
    /// The connector gives up waiting.
    TimedOut,
    /// Nothing, ever.
    Silence,
}

/// The call in a request. `number` and `caller` are left for the account to fill in.
pub fn read(request: &Request) -> Call {
    let (service, operation, params) = match request.headers.get("x-amz-target") {
        Some(target) => read_json(target, &request.body),
        None => read_query(request),
    };
    Call {
        number: 0,
        caller: String::new(),
        service,
        operation,
        params,
    }
}

fn read_json(target: &str, body: &str) -> (Service, String, Value) {
    let (prefix, operation) = target.split_once('.').unwrap_or(("", target));
    let service = match prefix {
        "AmazonEC2ContainerServiceV20141113" => Service::Ecs,
        "Logs_20140328" => Service::Logs,
        "AmazonSQS" => Service::Sqs,
        "AmazonSSM" => Service::Ssm,
        "secretsmanager" => Service::SecretsManager,
        "AmazonEC2ContainerRegistry_V20150921" => Service::Ecr,
        _ => Service::Unknown,
    };
    let params = serde_json::from_str(body).unwrap_or_else(|_| json!({}));
    (service, operation.to_owned(), params)
}

fn read_query(request: &Request) -> (Service, String, Value) {
    let fields = query::form(&request.body);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    // `Credential=KEY/DATE/REGION/SERVICE/aws4_request` names the service; unsigned requests have only the API version.
    let scope = request
        .headers
        .get("authorization")
        .and_then(|header| header.split("Credential=").nth(1))
        .and_then(|credential| credential.split('/').nth(3));
    let service = match (scope, field("Version")) {
        (Some("iam"), _) | (None, "2010-05-08") => Service::Iam,
        (Some("cloudformation"), _) | (None, "2010-05-15") => Service::CloudFormation,
        _ => Service::Unknown,
    };
    (service, field("Action").to_owned(), query::nested(&fields))
}

/// The response that says `outcome`.
pub fn write(call: &Call, outcome: &Result<Value, ApiError>) -> Response {
    let request_id = request_id(call.number);
    let (status, body) = match outcome {
        Ok(value) if call.service.speaks_json() => (
            200,
            if value.is_null() {
                String::new()
            } else {
                without_nulls(value).to_string()
            },
        ),
        Ok(value) => (200, xml_success(call, value, &request_id)),
        Err(error) if call.service.speaks_json() => (error.status, json_error(error)),
        Err(error) => (error.status, xml_error(call, error, &request_id)),
    };
    let content_type = match call.service {
        Service::Sqs => "application/x-amz-json-1.0",
        service if service.speaks_json() => "application/x-amz-json-1.1",
        _ => "text/xml",
    };
    Response {
        status,
        headers: vec![
            ("content-type", content_type.to_owned()),
            ("x-amzn-requestid", request_id),
        ],
        body,
    }
}

/// A load balancer's answer: not in the service's protocol at all.
pub fn bad_gateway() -> Response {
    Response {
        status: 502,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html><body><h1>502 Bad Gateway</h1></body></html>".to_owned(),
    }
}

/// No service writes null for what it leaves out.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, held)| !held.is_null())
            .map(|(name, held)| (name.clone(), without_nulls(held)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The authorisation layer of the JSON services says `Message`, the services themselves say `message`.
fn json_error(error: &ApiError) -> String {
    let key = if error.code == "AccessDeniedException" {
        "Message"
    } else {
        "message"
    };
    json!({ "__type": error.code, key: error.message }).to_string()
}

fn xml_success(call: &Call, value: &Value, request_id: &str) -> String {
    let operation = &call.operation;
    let result = if value.is_null() {
        String::new()
    } else {
        format!("<{operation}Result>{}</{operation}Result>", query::xml(value))
    };
    format!(
        "<{operation}Response xmlns=\"{}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>",
        namespace(call.service)
    )
}

fn xml_error(call: &Call, error: &ApiError, request_id: &str) -> String {
    let blame = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{blame}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        namespace(call.service),
        query::escape(&error.code),
        query::escape(&error.message),
    )
}

fn namespace(service: Service) -> &'static str {
    if service == Service::Iam {
        "https://iam.amazonaws.com/doc/2010-05-08/"
    } else {
        "http://cloudformation.amazonaws.com/doc/2010-05-15/"
    }
}

fn request_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
