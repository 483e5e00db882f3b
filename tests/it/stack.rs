//! A stack with the provider behind it: sends the events that CloudFormation sends, and reads the answers as it does.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use agent_composer::{
    Faults,
    aws::{Clients, Lazy, ResourceClients},
    handler::{Invocation, Provider, Unhandled},
    response_url::{ResponseUrl, Signed},
    settings::Settings,
    signal::{Put, Signal},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    account::{self, Account},
    answer::Answer,
};

/// The handler's timeout in `template.yml`.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// When the simulated clock begins: 2026-11-23 20:15:00 UTC, in seconds since 1970.
const EPOCH: u64 = 1_795_464_900;

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
    began: Instant,
    function_arn: String,
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

/// The provider's clients over an account's.
pub fn over(clients: account::Clients) -> Clients {
    let account::Clients {
        ecs,
        iam,
        logs,
        cloudformation,
        sqs,
    } = clients;
    Clients {
        resources: Lazy::new(Box::new(move || ResourceClients {
            ecs,
            iam,
            logs,
            cloudformation,
        })),
        sqs: Lazy::new(Box::new(move || sqs)),
    }
}

/// The settings of these variables.
pub fn settings_of(given: &[(&str, &str)]) -> Result<Settings, Faults> {
    Settings::read(|wanted| {
        let found = given.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| (*value).to_owned())
    })
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
        Self::provided(account, name, settings, None, Instant::now())
    }

    fn provided(
        account: &Account,
        name: &str,
        settings: &[(&str, &str)],
        queue_url: Option<&str>,
        began: Instant,
    ) -> Self {
        let inbox = Inbox::default();
        let clients = account.clients();
        let provider = Arc::new(Provider {
            settings: settings_of(settings),
            clients: over(clients),
            queue_url: queue_url.map(str::to_owned),
            signal: Signal {
                put: Box::new(inbox.clone()),
                allowed_hosts: vec!["answers.example".to_owned()],
            },
            clock: Box::new(move || UNIX_EPOCH + Duration::from_secs(EPOCH) + began.elapsed()),
        });
        let id = account.stack_id(name, "5f2c1b70-0001-11f0-8de9-0242ac120002");
        Self {
            account: account.clone(),
            id,
            inbox,
            provider,
            requests: Arc::default(),
            began,
            function_arn: account.function_arn("buildkite-agent-provider"),
        }
    }

    /// The same stack, whose provider works through a queue of that URL.
    pub fn behind_queue(&self, queue_url: &str) -> Self {
        let name = self.id.split('/').nth(1).unwrap();
        Self {
            requests: Arc::clone(&self.requests),
            began: self.began,
            ..Self::provided(&self.account, name, &[], Some(queue_url), self.began)
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
                date(EPOCH + self.began.elapsed().as_secs() + request as u64)
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

    /// Delivers an event while CloudFormation shows that it waits for it, and lets it show the answer.
    pub async fn deliver(&self, event: &Value) -> Result<Answer, Unhandled> {
        self.deliver_within(event, TIMEOUT).await
    }

    /// The same, with another timeout of the function.
    pub async fn deliver_within(&self, event: &Value, timeout: Duration) -> Result<Answer, Unhandled> {
        self.waits_for(event);
        let already = self.inbox.taken();
        self.hand_over(event, timeout).await?;
        let state = self.inbox.0.lock().unwrap();
        let (url, body) = state.bodies.get(already).expect("an answer");
        assert_eq!(*url, event["ResponseURL"].as_str().unwrap(), "answered to this request");
        let answer = Answer::read(body, event)
            .unwrap_or_else(|fault| panic!("CloudFormation does not accept the answer: {fault}"));
        drop(state);
        self.shows(event, &answer);
        Ok(answer)
    }

    /// Delivers an event whatever CloudFormation shows; what was answered is in the inbox.
    pub async fn deliver_unexpected(&self, event: &Value) -> Result<(), Unhandled> {
        self.hand_over(event, TIMEOUT).await
    }

    /// Hands over a payload as its text, as Lambda does; returns what Lambda is answered.
    pub async fn hand_over_text(&self, payload: &str, timeout: Duration) -> Result<Value, Unhandled> {
        let invocation = Invocation {
            deadline: Instant::now() + timeout,
            function_arn: self.function_arn.clone(),
        };
        Box::pin(self.provider.handle(payload, invocation)).await
    }

    async fn hand_over(&self, event: &Value, timeout: Duration) -> Result<(), Unhandled> {
        let answered = self.hand_over_text(&event.to_string(), timeout).await?;
        assert_eq!(answered, Value::Null, "not messages");
        Ok(())
    }

    /// CloudFormation shows the resource in the state in which it sends such a request.
    pub fn waits_for(&self, event: &Value) {
        let Some(verb) = event["RequestType"].as_str().map(str::to_uppercase) else {
            return;
        };
        self.account.set_stack(&self.id, &format!("{verb}_IN_PROGRESS"));
        let id = event.get("PhysicalResourceId").and_then(Value::as_str);
        self.show(event, id, &format!("{verb}_IN_PROGRESS"));
    }

    /// CloudFormation shows what was answered.
    fn shows(&self, event: &Value, answer: &Answer) {
        let verb = event["RequestType"].as_str().unwrap_or_default().to_uppercase();
        let ending = if answer.reason.is_empty() { "COMPLETE" } else { "FAILED" };
        self.show(event, Some(&answer.id), &format!("{verb}_{ending}"));
        self.account.set_stack(&self.id, &format!("{verb}_{ending}"));
    }

    /// Since when CloudFormation shows the event's status, in seconds after the event was made.
    pub fn stamp(&self, event: &Value, after: i64) {
        let url = event["ResponseURL"].as_str().unwrap();
        let made = Signed::of(&ResponseUrl::parse(url).unwrap()).unwrap().made;
        let logical_id = event["LogicalResourceId"].as_str().unwrap();
        let seconds = i64::try_from(made).unwrap() + after;
        self.account.stamp_stack_resource(&self.id, logical_id, seconds);
    }

    /// CloudFormation shows the event's resource with that id and status.
    pub fn show(&self, event: &Value, id: Option<&str>, status: &str) {
        let logical_id = event["LogicalResourceId"].as_str().unwrap();
        (self.account).set_stack_resource(&self.id, logical_id, id, "Custom::BuildkiteAgent", status);
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

/// `Ruby2` of examples/ruby.yml, stringified as CloudFormation does.
pub fn ruby(image: &str) -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
        "Image": image,
        "BuildkiteAgentImage": "keithduncan/buildkite-sidecar:latest",
        "TaskCpu": "1024",
        "TaskMemory": "2048",
    })
}

/// `CargoPublish` of examples/cargo-publish.yml, with what its references give.
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

/// The same under a family; under the default one where there is none.
pub fn cargo_of(family: Option<&str>) -> Value {
    let mut properties = cargo("rust:1");
    match family {
        Some(family) => properties["TaskFamily"] = family.into(),
        None => drop(properties.as_object_mut().unwrap().remove("TaskFamily")),
    }
    properties
}

impl Stack {
    /// Delivers an event among others while CloudFormation waits for it; the answer is in the inbox.
    pub async fn handled(&self, event: &Value) -> Result<(), Unhandled> {
        self.waits_for(event);
        self.hand_over(event, TIMEOUT).await
    }
}

impl Inbox {
    /// How long each answer is, in bytes.
    pub fn sizes(&self) -> Vec<usize> {
        self.0
            .lock()
            .unwrap()
            .bodies
            .iter()
            .map(|(_, body)| body.len())
            .collect()
    }

    /// The answers after the first `already`, as they were sent.
    pub fn since(&self, already: usize) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        let bodies = state.bodies.iter().skip(already);
        bodies.map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }
}

/// The account without what every request changes: CloudFormation's view, and the marks.
pub fn without_view_or_marks(mut snapshot: Value) -> Value {
    snapshot["stacks"] = Value::Null;
    let roles = snapshot["roles"].as_object_mut();
    for role in roles.into_iter().flat_map(serde_json::Map::values_mut) {
        if let Some(tags) = role["tags"].as_object_mut() {
            tags.remove(agent_composer::mark::KEY);
        }
    }
    snapshot
}
