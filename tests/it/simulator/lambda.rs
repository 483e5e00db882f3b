//! Lambda and the queue between its two functions: asynchronous delivery to the receiver, late, twice, and again after an
//! error (docs/internals/cloudformation.md, "Delivery"); the event source mapping, one message at a time for each
//! resource (docs/internals/aws.md, "Amazon SQS behind Lambda").

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use agent_composer::{
    handler::{Invocation, Provider, Unhandled},
    signal::Signal,
};
use serde_json::{Value, json};
use tokio::{
    select,
    time::{Instant, sleep, sleep_until},
};

use super::{
    answers::{Url, is_expired},
    request::Request,
    template::settings,
    troubles::name_of,
    world::World,
};
use crate::{
    account::{Account, Message, QueueSettings},
    stack::{TIMEOUT, over},
};

/// After an error of the receiver, the event is delivered again after these.
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// The receiver's timeout.
const RECEIVING: Duration = Duration::from_secs(60);

/// The queue's name.
pub const QUEUE: &str = "requests.fifo";

/// The queue in template.yml, in milliseconds.
pub const QUEUE_SETTINGS: QueueSettings = QueueSettings {
    visibility: 360_000,
    retention: 7_200_000,
    most_receives: 4,
};

/// `MaximumConcurrency` of the event source mapping.
pub const CONCURRENCY: usize = 10;

impl World {
    /// Takes an event, and delivers it to the receiver at least once.
    pub fn invoke(self: &Arc<Self>, request: &Arc<Request>) {
        self.sent
            .lock()
            .unwrap()
            .insert(request.id.clone(), Arc::clone(request));
        let was_anothers = self.is_anothers(request);
        request.was_anothers.store(was_anothers, Ordering::Relaxed);
        let late = self.story.late(&request.which) + Duration::from_millis(self.below(400));
        let again = self.story.again(&request.which).into_iter().map(Duration::from_secs);
        for (nth, after) in std::iter::once(late).chain(again).enumerate() {
            let (world, request) = (Arc::clone(self), Arc::clone(request));
            self.deliveries.fetch_add(1, Ordering::Relaxed);
            if nth == 0 {
                self.begin(&request);
            }
            tokio::spawn(async move {
                sleep(after).await;
                if nth > 0 {
                    world.begin(&request);
                }
                world.claim(&request);
                world.deliver(&request, nth).await;
                world.end(&request);
                world.deliveries.fetch_sub(1, Ordering::Relaxed);
                world.wake.notify_one();
            });
        }
    }

    async fn deliver(self: &Arc<Self>, request: &Arc<Request>, nth: usize) {
        for (attempt, pause) in PAUSES.into_iter().map(Some).chain([None]).enumerate() {
            if self.receive(request, nth, attempt).await {
                return;
            }
            match pause {
                Some(pause) => sleep(pause).await,
                None => self.note(format!("{} is not delivered again", request.id)),
            }
        }
    }

    /// One invocation of the receiver; whether it ended well.
    async fn receive(self: &Arc<Self>, request: &Arc<Request>, nth: usize, attempt: usize) -> bool {
        let name = format!("{}.receiver.{nth}.{attempt}", name_of(&request.which, 0));
        let account = self.account.caller(&name);
        let taken = Arc::new(AtomicUsize::default());
        let provider = self.provider(&account, request, &name, &taken);
        let done = self
            .invocation(&account, &name, &provider, &request.event.to_string(), RECEIVING)
            .await;
        self.ended(&name);
        match done {
            Ok(_) => true,
            Err(error) => {
                self.note(format!("{name} ends: {error}"));
                false
            }
        }
    }

    /// The event source mapping: hands messages over as long as anybody lives.
    pub async fn map_messages(self: Arc<Self>) {
        loop {
            while self.runs.lock().unwrap().len() < self.concurrency {
                let Some(message) = self.account.receive(QUEUE) else {
                    break;
                };
                let request = serde_json::from_str::<Value>(&message.body).unwrap_or_default();
                let id = request["RequestId"].as_str().unwrap_or_default();
                let request = self.sent.lock().unwrap().get(id).cloned();
                let Some(request) = request else {
                    self.breach(format!("a message that nobody sent: {}", message.body));
                    continue;
                };
                let run = request.runs.fetch_add(1, Ordering::Relaxed);
                let name = name_of(&request.which, run);
                self.run_begins(&name, &request, &message.receipt);
                let world = Arc::clone(&self);
                tokio::spawn(async move {
                    world.run(&request, run, &name, &message).await;
                    world.runs.lock().unwrap().remove(&name);
                    world.claim(&request);
                    world.check("after a run");
                    world.wake.notify_one();
                });
            }
            let is_full = self.runs.lock().unwrap().len() >= self.concurrency;
            let next = self.account.next_return(QUEUE).filter(|_| !is_full);
            select! {
                () = self.wake.notified() => {}
                () = sleep(next.unwrap_or_default()), if next.is_some() => {}
            }
        }
    }

    /// One run of a message, from its receive to its deletion or its return.
    async fn run(self: &Arc<Self>, request: &Arc<Request>, run: usize, name: &str, message: &Message) {
        // Throttled invocations wait within the message's visibility.
        sleep(self.story.start(&request.which, run)).await;
        self.claim(request);
        let expired = is_expired(request, self.clock);
        self.note(format!(
            "{name} begins: {:?} {}, receive {}{}",
            request.kind,
            request.id,
            message.receives,
            if expired { ", whose URL has expired" } else { "" }
        ));
        let account = self.account.caller(name);
        let mark = account.mark();
        let taken = Arc::new(AtomicUsize::default());
        let provider = self.provider(&account, request, name, &taken);
        let event = json!({ "Records": [message.record(&account.queue_arn(QUEUE))] }).to_string();
        let timeout = self.story.deadline(&request.which, run).unwrap_or(TIMEOUT);
        let done = self.invocation(&account, name, &provider, &event, timeout).await;
        drop(provider);
        self.ended(name);
        let wrote = |call: &crate::account::Record| call.call.caller == name && is_change(&call.call) && call.wrote();
        if expired && let Some(wrote) = account.calls_since(mark).iter().find(|call| wrote(call)) {
            self.breach(format!("{name} acts on an event whose URL had expired: {wrote}"));
        }
        if taken.load(Ordering::Relaxed) > 1 {
            self.breach(format!("{name} answered more than once"));
        }
        match done {
            Ok(answer) if answer == json!({ "batchItemFailures": [] }) => {
                if !self.account.delete_message(QUEUE, &message.receipt) {
                    self.note(format!("{name}: the message can't be deleted"));
                }
            }
            Ok(answer) if answer == json!({ "batchItemFailures": [{ "itemIdentifier": message.id }] }) => {
                self.note(format!("{name} ends: the message is to come back"));
            }
            Ok(other) => self.breach(format!("{name} answers Lambda {other}")),
            Err(error) => self.note(format!("{name} ends: {error}")),
        }
    }

    fn provider(
        self: &Arc<Self>,
        account: &Account,
        request: &Arc<Request>,
        name: &str,
        taken: &Arc<AtomicUsize>,
    ) -> Provider {
        let (clients, clock) = (account.clients(), self.clock);
        let run = request.runs.load(Ordering::Relaxed).saturating_sub(1);
        Provider {
            settings: settings(),
            clients: over(clients),
            queue_url: Some(self.queue_url.clone()),
            signal: Signal {
                put: Box::new(Url {
                    world: Arc::clone(self),
                    request: Arc::clone(request),
                    run: name.to_owned(),
                    ends: Mutex::new(self.story.ends(&request.which, run)),
                    taken: Arc::clone(taken),
                }),
                allowed_hosts: Vec::new(),
            },
            clock: Box::new(move || UNIX_EPOCH + Duration::from_secs(clock.now())),
        }
    }

    async fn invocation(
        &self,
        account: &Account,
        name: &str,
        provider: &Provider,
        event: &str,
        timeout: Duration,
    ) -> Result<Value, String> {
        let deadline = Instant::now() + timeout;
        let invocation = Invocation {
            deadline,
            function_arn: account.function_arn("buildkite-agent-provider"),
        };
        select! {
            biased;
            () = account.crashed() => Err("crashes".to_owned()),
            handled = Box::pin(provider.handle(event, invocation)) => {
                if let Err(unhandled @ (Unhandled::Unknown(_) | Unhandled::Unanswerable(_))) = &handled {
                    self.breach(format!("{name} does not know the event: {unhandled}"));
                }
                handled.map_err(|error| error.to_string())
            }
            () = sleep_until(deadline) => Err("is ended by Lambda".to_owned()),
        }
    }
}

/// Whether a call changes anything but a message's visibility.
pub fn is_change(call: &crate::account::Call) -> bool {
    !call.is_read() && call.service != crate::account::Service::Sqs
}
