//! A stack with the provider behind it: sends the events that CloudFormation sends, and reads the answers as it does.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use agent_composer::{
    handler::{Provider, Unfinished},
    reconcile::Clients,
    request::ResponseUrl,
    settings::Settings,
    signal::Put,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{account::Account, answer::Answer};

/// The function's timeout in `template.yml`.
pub const TIMEOUT: Duration = Duration::from_secs(900);

/// When the simulated clock begins: 2026-11-23 20:15:00 UTC, in seconds since 1970.
const EPOCH: u64 = 1_795_464_900;

/// The time of day, as far as the provider can tell: it stands still.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(EPOCH)
}

/// A time of day on the simulated clock's first day, as presigned URLs have it.
fn date(seconds: u64) -> String {
    let since = seconds - EPOCH + 20 * 3600 + 15 * 60;
    format!("20261123T{:02}{:02}{:02}Z", since / 3600, since / 60 % 60, since % 60)
}

/// A stack, the account that it is in, and the function that serves it.
pub struct Stack {
    pub account: Account,
    pub id: String,
    pub inbox: Inbox,
    provider: Arc<Provider>,
    requests: Arc<AtomicUsize>,
}

/// What the response URL was sent.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<InboxState>>);

#[derive(Default)]
struct InboxState {
    bodies: Vec<(String, Vec<u8>)>,
    last: Option<Instant>,
    refusals: Vec<Result<u16, String>>,
}

impl Inbox {
    /// The next PUTs get these answers, one each, before they are taken again.
    pub fn refuse(&self, mut refusals: Vec<Result<u16, String>>) {
        refusals.reverse();
        self.0.lock().unwrap().refusals = refusals;
    }

    /// When the last answer was taken.
    pub fn last_taken(&self) -> Option<Instant> {
        self.0.lock().unwrap().last
    }

    /// How many answers were taken.
    pub fn taken(&self) -> usize {
        self.0.lock().unwrap().bodies.len()
    }
}

impl Put for Inbox {
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>> {
        let mut state = self.0.lock().unwrap();
        let answer = state.refusals.pop().unwrap_or(Ok(200));
        if answer == Ok(200) {
            state.bodies.push((url.with_credential().to_owned(), body));
            state.last = Some(Instant::now());
        }
        Box::pin(std::future::ready(answer))
    }
}

impl Stack {
    /// A stack in an empty account, and a function with no setting.
    pub fn new() -> Self {
        Self::in_account(&Account::new(), "pipelines")
    }

    /// Another stack of an account.
    pub fn in_account(account: &Account, name: &str) -> Self {
        Self::configured(account, name, &[])
    }

    /// The same, and the function has these settings.
    pub fn configured(account: &Account, name: &str, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<(String, String)> = settings
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let inbox = Inbox::default();
        let clients = account.clients();
        let provider = Arc::new(Provider {
            settings: Settings::read(|wanted| {
                let found = settings.iter().find(|(name, _)| name == wanted);
                found.map(|(_, value)| value.clone())
            }),
            clients: Clients {
                ecs: clients.ecs,
                iam: clients.iam,
                logs: clients.logs,
                cloudformation: clients.cloudformation,
            },
            put: Box::new(inbox.clone()),
            clock: Box::new(now),
        });
        let id = account.stack_id(name, "5f2c1b70-0001-11f0-8de9-0242ac120002");
        Self {
            account: account.clone(),
            id,
            inbox,
            provider,
            requests: Arc::default(),
        }
    }

    /// The same stack, served by a function with other settings.
    pub fn reconfigured(&self, settings: &[(&str, &str)]) -> Self {
        let name = self.id.split('/').nth(1).unwrap();
        Self {
            requests: Arc::clone(&self.requests),
            ..Self::configured(&self.account, name, settings)
        }
    }

    /// An event, as CloudFormation writes it.
    pub fn event(&self, request_type: &str, logical_id: &str, physical_id: Option<&str>, properties: &Value) -> Value {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut event = json!({
            "RequestType": request_type,
            "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
            "ResponseURL": format!(
                "https://answers.example/{request}?X-Amz-Date={}&X-Amz-Expires=7200&X-Amz-Signature=secret-signature",
                date(EPOCH + request as u64)
            ),
            "StackId": self.id,
            "RequestId": format!("request-{request}"),
            "ResourceType": "Custom::BuildkiteAgent",
            "LogicalResourceId": logical_id,
            "ResourceProperties": properties,
        });
        if let Some(id) = physical_id {
            event["PhysicalResourceId"] = id.into();
        }
        event
    }

    /// An Update from the old properties to the new.
    pub fn update_event(&self, logical_id: &str, physical_id: &str, old: &Value, new: &Value) -> Value {
        let mut event = self.event("Update", logical_id, Some(physical_id), new);
        event["OldResourceProperties"] = old.clone();
        event
    }

    /// Delivers an event as Lambda does. What remains to be put right after an answer is for the next delivery.
    pub async fn deliver(&self, event: &Value) -> Result<Answer, Unfinished> {
        self.deliver_within(event, TIMEOUT).await
    }

    /// The same, with another timeout of the function.
    pub async fn deliver_within(&self, event: &Value, timeout: Duration) -> Result<Answer, Unfinished> {
        Box::pin(Arc::clone(&self.provider).handle(event.clone(), Instant::now() + timeout)).await?;
        let state = self.inbox.0.lock().unwrap();
        let (url, body) = state
            .bodies
            .last()
            .expect("an answer, since the handler said that there is one");
        assert_eq!(*url, event["ResponseURL"].as_str().unwrap(), "answered to this request");
        Ok(
            Answer::read(body, event)
                .unwrap_or_else(|fault| panic!("CloudFormation does not take the answer: {fault}")),
        )
    }

    /// Creates a resource.
    pub async fn create(&self, logical_id: &str, properties: &Value) -> Answer {
        let event = self.event("Create", logical_id, None, properties);
        self.deliver(&event).await.unwrap()
    }

    /// Updates one, from the old properties to the new.
    pub async fn update(&self, logical_id: &str, physical_id: &str, old: &Value, new: &Value) -> Answer {
        let event = self.update_event(logical_id, physical_id, old, new);
        self.deliver(&event).await.unwrap()
    }

    /// Deletes one.
    pub async fn delete(&self, logical_id: &str, physical_id: &str, properties: &Value) -> Answer {
        let event = self.event("Delete", logical_id, Some(physical_id), properties);
        self.deliver(&event).await.unwrap()
    }
}

/// `Ruby2` of requirements.md, stringified as CloudFormation does.
pub fn ruby(image: &str) -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
        "Image": image,
        "BuildkiteAgentImage": "keithduncan/buildkite-sidecar:latest",
        "TaskCpu": "1024",
        "TaskMemory": "2048",
    })
}

/// `CargoPublish` of requirements.md, with what its references give.
pub fn cargo(image: &str) -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
        "Image": format!("111122223333.dkr.ecr.us-east-1.amazonaws.com/{image}"),
        "BuildkiteAgentImage": "111122223333.dkr.ecr.us-east-1.amazonaws.com/sidecar:1",
        "SshAgentBackend": "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/Prod",
        "Secrets": [{"Name": "CARGO_REGISTRY_TOKEN", "ValueFrom": "/cargo/registry-token"}],
        "TaskFamily": "cargo-publish",
        "TaskCpu": "1024",
        "TaskMemory": "2048",
    })
}

impl Stack {
    /// Delivers an event among others; the answer is in the inbox.
    pub async fn handled(&self, event: &Value) -> Result<(), Unfinished> {
        Box::pin(Arc::clone(&self.provider).handle(event.clone(), Instant::now() + TIMEOUT)).await
    }
}

impl Inbox {
    /// The answers after the first `already`, as they were sent.
    pub fn since(&self, already: usize) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        let bodies = state.bodies.iter().skip(already);
        bodies.map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }
}

/// The account without the records of requests, which every request that is begun changes.
pub fn without_records(mut snapshot: Value) -> Value {
    for role in snapshot["roles"]
        .as_object_mut()
        .into_iter()
        .flat_map(|roles| roles.values_mut())
    {
        if let Some(tags) = role["tags"].as_object_mut() {
            tags.retain(|key, _| !key.starts_with("agent-composer:request:"));
        }
    }
    snapshot
}
