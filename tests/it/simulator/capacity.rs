//! Many resources at once: how long they take, checked against the least time that AWS's quotas force.

use std::{
    collections::HashMap,
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use agent_composer::{
    handler::{Invocation, Provider},
    response_url::ResponseUrl,
    signal::{Put, Signal},
};
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep, timeout},
};

use super::{
    clock::{Clock, amz_date},
    lambda::{CONCURRENCY, QUEUE, QUEUE_SETTINGS},
    template::settings,
};
use crate::{
    account::{Account, Outcome, Record, Service},
    answer::Answer,
    stack::{TIMEOUT, cargo, over},
};

/// How long CloudFormation waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The last run of a few may be in its longest pause when it could go on, in seconds.
const LONGEST_PAUSE: f64 = 10.0;

/// How much longer than the quotas force many resources may take.
const WASTE: f64 = 1.2;

/// Stacks of many resources, and the provider behind its queue.
struct Fleet {
    account: Account,
    clock: Clock,
    stacks: Vec<String>,
    queue_url: String,
    inbox: Arc<Inbox>,
    /// Messages that were received more than once.
    repeated: AtomicUsize,
}

/// What CloudFormation has sent, and what it has been answered.
struct Inbox {
    account: Account,
    /// Events, by their URLs.
    sent: Mutex<HashMap<String, Value>>,
    /// The request that CloudFormation waits for, by logical id.
    current: Mutex<HashMap<String, String>>,
    /// The answers, by request.
    answers: Mutex<HashMap<String, (Answer, Instant)>>,
    answered: Notify,
}

/// The response URLs, all of one stack.
struct Urls(Arc<Inbox>);

impl Put for Urls {
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>> {
        self.0.take(url, &body);
        Box::pin(ready(Ok(200)))
    }
}

impl Inbox {
    /// CloudFormation reads an answer.
    fn take(&self, url: &ResponseUrl, body: &[u8]) {
        let event = self.sent.lock().unwrap()[url.with_credential()].clone();
        let answer = Answer::read(body, &event).unwrap();
        let [kind, stack, logical] = ["RequestType", "StackId", "LogicalResourceId"].map(|name| event[name].as_str());
        let status = match (kind, answer.succeeded) {
            (Some("Create"), true) => "CREATE_COMPLETE",
            (Some("Create"), false) => "CREATE_FAILED",
            (_, true) => "DELETE_COMPLETE",
            (_, false) => "DELETE_FAILED",
        };
        let (stack, logical) = (stack.unwrap(), logical.unwrap());
        let request = event["RequestId"].as_str().unwrap().to_owned();
        if self.current.lock().unwrap()[logical] == request {
            show(&self.account, stack, logical, Some(&answer.id), status);
        }
        let before = self
            .answers
            .lock()
            .unwrap()
            .insert(request.clone(), (answer, Instant::now()));
        assert!(before.is_none(), "{request} is answered twice");
        self.answered.notify_waiters();
    }
}

fn show(account: &Account, stack: &str, logical: &str, id: Option<&str>, status: &str) {
    account.set_stack_resource(stack, logical, id, "Custom::BuildkiteAgent", status);
}

impl Fleet {
    /// So many empty stacks, and calls that take 40 ms on average.
    fn of(stacks: usize) -> Arc<Self> {
        fastrand::seed(1);
        let account = Account::new();
        let clock = Clock::start();
        account.set_time(clock.now());
        account.set_latency(1, Duration::from_millis(40));
        let inbox = Inbox {
            account: account.clone(),
            sent: Mutex::default(),
            current: Mutex::default(),
            answers: Mutex::default(),
            answered: Notify::new(),
        };
        let fleet = Arc::new(Self {
            stacks: (0..stacks)
                .map(|nth| account.stack_id(&format!("pipelines{nth}"), "5f2c1b70-0001-11f0-8de9-0242ac120002"))
                .collect(),
            queue_url: account.set_queue(QUEUE, QUEUE_SETTINGS),
            inbox: Arc::new(inbox),
            repeated: AtomicUsize::default(),
            account,
            clock,
        });
        tokio::spawn(Arc::clone(&fleet).map_messages());
        fleet
    }

    /// The event source mapping.
    async fn map_messages(self: Arc<Self>) {
        let free = Arc::new(Semaphore::new(CONCURRENCY));
        loop {
            let permit = Arc::clone(&free).acquire_owned().await.unwrap();
            let Some(message) = self.account.receive(QUEUE) else {
                drop(permit);
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            self.repeated
                .fetch_add(usize::from(message.receives > 1), Ordering::Relaxed);
            let fleet = Arc::clone(&self);
            tokio::spawn(async move {
                let event = json!({ "Records": [message.record(&fleet.account.queue_arn(QUEUE))] });
                let answer = timeout(TIMEOUT, fleet.invoke(&event)).await;
                if answer.is_ok_and(|answer| answer == json!({ "batchItemFailures": [] })) {
                    fleet.account.delete_message(QUEUE, &message.receipt);
                }
                drop(permit);
            });
        }
    }

    /// One invocation of a function of the provider, whose event shows which it is.
    async fn invoke(&self, event: &Value) -> Value {
        let (clients, clock) = (self.account.clients(), self.clock);
        let provider = Provider {
            settings: settings(),
            clients: over(clients),
            queue_url: Some(self.queue_url.clone()),
            signal: Signal {
                put: Box::new(Urls(Arc::clone(&self.inbox))),
                allowed_hosts: Vec::new(),
            },
            clock: Box::new(move || UNIX_EPOCH + Duration::from_secs(clock.now())),
        };
        let invocation = Invocation {
            deadline: Instant::now() + TIMEOUT,
            function_arn: self.account.function_arn("buildkite-agent-provider"),
        };
        let handled = Box::pin(provider.handle(&event.to_string(), invocation)).await;
        handled.unwrap()
    }

    /// The stack of a resource: they take turns.
    fn stack_of(&self, logical: &str) -> &str {
        let number: usize = logical.trim_start_matches("Pipeline").parse().unwrap();
        &self.stacks[number % self.stacks.len()]
    }

    fn set_stacks(&self, status: &str) {
        for stack in &self.stacks {
            self.account.set_stack(stack, status);
        }
    }

    /// Sends a request about every resource, all at once.
    fn ask(self: &Arc<Self>, kind: &str, status: &str, logicals: &[String], id: impl Fn(&str) -> Option<String>) {
        for logical in logicals {
            let id = id(logical);
            show(&self.account, self.stack_of(logical), logical, id.as_deref(), status);
            let mut properties = cargo("cargo:1");
            properties.as_object_mut().unwrap().remove("TaskFamily");
            let request = format!("{kind}-{logical}");
            let current = &self.inbox.current;
            current.lock().unwrap().insert(logical.clone(), request.clone());
            let url = format!(
                "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/{request}?X-Amz-Date={}\
                 &X-Amz-Expires=7200&X-Amz-Signature=0",
                amz_date(self.clock.now())
            );
            let mut event = json!({
                "RequestType": kind,
                "ServiceToken": self.account.function_arn("buildkite-agent-provider"),
                "ResponseURL": url,
                "StackId": self.stack_of(logical),
                "RequestId": request,
                "ResourceType": "Custom::BuildkiteAgent",
                "LogicalResourceId": logical,
                "ResourceProperties": properties,
            });
            if let Some(id) = id {
                event["PhysicalResourceId"] = id.into();
            }
            self.inbox.sent.lock().unwrap().insert(url, event.clone());
            let fleet = Arc::clone(self);
            tokio::spawn(async move { fleet.invoke(&event).await });
        }
    }

    /// Waits until all requests of a kind are answered, which must be with SUCCESS; returns the ids.
    async fn done(&self, kind: &str, logicals: &[String]) -> HashMap<String, String> {
        let all = async {
            for logical in logicals {
                let request = format!("{kind}-{logical}");
                loop {
                    let answered = self.inbox.answered.notified();
                    if self.inbox.answers.lock().unwrap().contains_key(&request) {
                        break;
                    }
                    answered.await;
                }
            }
        };
        let in_time = timeout(PATIENCE, all).await;
        let answers = self.inbox.answers.lock().unwrap();
        let answer = |logical: &String| answers.get(&format!("{kind}-{logical}"));
        let missing: Vec<&String> = logicals.iter().filter(|logical| answer(logical).is_none()).collect();
        assert!(in_time.is_ok(), "no answer to the {kind} of {missing:?}");
        let ids = logicals.iter().map(|logical| {
            let (answer, _) = answer(logical).unwrap().clone();
            (logical.clone(), answer.success().id)
        });
        ids.collect()
    }

    /// Creates all resources; how long it takes.
    async fn comes_up(self: &Arc<Self>, logicals: &[String]) -> (Duration, HashMap<String, String>) {
        let began = Instant::now();
        self.set_stacks("CREATE_IN_PROGRESS");
        self.ask("Create", "CREATE_IN_PROGRESS", logicals, |_| None);
        let ids = self.done("Create", logicals).await;
        self.set_stacks("CREATE_COMPLETE");
        for logical in logicals {
            let family = logical.to_lowercase();
            assert_eq!(self.account.active_revisions(&family).len(), 1, "{family}");
        }
        (began.elapsed(), ids)
    }

    /// How many calls IAM has let through.
    fn iam_calls(&self) -> f64 {
        let is_throttled =
            |call: &Record| matches!(&call.outcome, Outcome::Refused(error) if error.code == "Throttling");
        let calls = self.account.calls();
        let through = calls
            .iter()
            .filter(|call| call.call.service == Service::Iam && !is_throttled(call));
        f64::from(u32::try_from(through.count()).unwrap())
    }

    /// Deletes them; how long it takes.
    async fn goes(self: &Arc<Self>, logicals: &[String], ids: &HashMap<String, String>) -> Duration {
        let began = Instant::now();
        self.set_stacks("DELETE_IN_PROGRESS");
        self.ask("Delete", "DELETE_IN_PROGRESS", logicals, |logical| {
            ids.get(logical).cloned()
        });
        self.done("Delete", logicals).await;
        assert_eq!(self.account.leftovers(), Vec::<String>::new());
        began.elapsed()
    }
}

fn resources(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("Pipeline{number}")).collect()
}

/// The least time that so many calls take.
fn forced(calls: f64, burst: f64, per_second: f64) -> f64 {
    (calls - burst) / per_second
}

#[track_caller]
fn takes_little_more(took: Duration, forced: f64, what: &str) {
    let took = took.as_secs_f64();
    assert!(
        took <= WASTE * forced,
        "{what} takes {took:.0} s, and the quotas force {forced:.0} s"
    );
}

#[tokio::test(start_paused = true)]
async fn sixty_resources_come_up_and_go_under_tight_quotas_each_in_one_run() {
    let fleet = Fleet::of(1);
    fleet.account.set_iam_rate(15.0, 15.0);
    fleet.account.set_registration_rate(20.0, 4.0);
    let all = resources(60);
    let (up, ids) = fleet.comes_up(&all).await;
    let creating = fleet.iam_calls();
    let down = fleet.goes(&all, &ids).await;
    let deleting = fleet.iam_calls() - creating;
    for (took, calls, what) in [(up, creating, "coming up"), (down, deleting, "going")] {
        let forced = forced(calls, 15.0, 15.0);
        let latest = forced + LONGEST_PAUSE;
        assert!(
            took.as_secs_f64() <= latest,
            "{what} takes {took:?}, and the quotas force {forced:.0} s"
        );
    }
    assert!(up + down < TIMEOUT, "{up:?} and {down:?}");
    assert_eq!(fleet.repeated.load(Ordering::Relaxed), 0, "messages came back");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_resources_take_at_most_a_fifth_more_than_the_quotas_force() {
    let fleet = Fleet::of(1);
    let all = resources(500);
    let least = forced(500.0, 20.0, 1.0);
    let (up, ids) = fleet.comes_up(&all).await;
    takes_little_more(up, least, "coming up");
    takes_little_more(fleet.goes(&all, &ids).await, least, "going");
    assert_eq!(fleet.repeated.load(Ordering::Relaxed), 0, "messages came back");
}

#[tokio::test(start_paused = true)]
async fn ten_stacks_at_once_take_what_their_resources_take_and_none_waits_for_the_others() {
    let fleet = Fleet::of(10);
    let all = resources(200);
    let least = forced(200.0, 20.0, 1.0);
    let began = Instant::now();
    let (up, ids) = fleet.comes_up(&all).await;
    takes_little_more(up, least, "coming up");
    let mut ends: HashMap<&str, Duration> = HashMap::new();
    for logical in &all {
        let (_, at) = fleet.inbox.answers.lock().unwrap()[&format!("Create-{logical}")];
        let end = ends.entry(fleet.stack_of(logical)).or_default();
        *end = (*end).max(at - began);
    }
    let (earliest, latest) = (ends.values().min().unwrap(), ends.values().max().unwrap());
    assert!(latest.as_secs_f64() <= WASTE * earliest.as_secs_f64(), "{ends:?}");
    takes_little_more(fleet.goes(&all, &ids).await, least, "going");
    assert_eq!(fleet.repeated.load(Ordering::Relaxed), 0, "messages came back");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_cancelled_creates_cost_one_look_each() {
    let fleet = Fleet::of(1);
    fleet.account.set_stacks_throttling(true);
    let all = resources(500);
    fleet.set_stacks("CREATE_IN_PROGRESS");
    fleet.ask("Create", "CREATE_IN_PROGRESS", &all, |_| None);
    sleep(Duration::from_secs(5)).await;
    let began = Instant::now();
    fleet.set_stacks("ROLLBACK_IN_PROGRESS");
    // What is made already is known by its id; CloudFormation invents one for the rest.
    let made: HashMap<String, String> = {
        let answers = fleet.inbox.answers.lock().unwrap();
        let ids = all.iter().map(|logical| {
            let answer = answers.get(&format!("Create-{logical}"));
            let invented = || format!("pipelines-{logical}-1A2B3C4D5E6F");
            (
                logical.clone(),
                answer.map_or_else(invented, |(answer, _)| answer.id.clone()),
            )
        });
        ids.collect()
    };
    fleet.ask("Delete", "DELETE_IN_PROGRESS", &all, |logical| {
        made.get(logical).cloned()
    });
    fleet.done("Delete", &all).await;
    takes_little_more(began.elapsed(), forced(1000.0, 5.0, 5.0), "the rollback");
    assert_eq!(fleet.account.leftovers(), Vec::<String>::new());
    assert_eq!(fleet.repeated.load(Ordering::Relaxed), 0, "messages came back");
}
