//! What everybody in a story shares: the account, the clock, the stacks as CloudFormation believes them, the chronicle.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent_composer::identity::hash;
use serde_json::Value;
use tokio::{sync::Notify, time::sleep};

use super::{
    chronicle::Chronicle,
    clock::Clock,
    foreign::Foreign,
    lambda::{CONCURRENCY, QUEUE, QUEUE_SETTINGS, is_change},
    request::Request,
    story::Story,
    template::Agent,
};
use crate::account::{Account, Call};

/// One story's world.
pub struct World {
    /// The story.
    pub story: Story,
    /// AWS.
    pub account: Account,
    /// Time.
    pub clock: Clock,
    /// What other people have.
    pub foreign: Foreign,
    chronicle: Chronicle,
    breaches: Mutex<Vec<String>>,
    random: Mutex<fastrand::Rng>,
    stacks: Mutex<Vec<Stack>>,
    /// Deliveries to the receiver that are under way or due, by stack id and logical id.
    busy: Mutex<BTreeMap<(String, String), usize>>,
    /// The queue's URL.
    pub queue_url: String,
    /// How many messages the event source mapping hands over at a time.
    pub concurrency: usize,
    /// Wakes the event source mapping.
    pub wake: Notify,
    /// All requests, by their ids.
    pub sent: Mutex<HashMap<String, Arc<Request>>>,
    /// Runs that are under way, by their names.
    pub runs: Mutex<BTreeMap<String, Run>>,
    /// How many calls had been made when an invocation ended, by its name.
    ended: Mutex<HashMap<String, usize>>,
    /// The unique ids of task roles, as they were first answered.
    pub role_ids: Mutex<BTreeMap<Thing, String>>,
    /// Which rows of the event table have come up.
    pub rows: Mutex<BTreeSet<&'static str>>,
    /// All deliveries that are still to end, duplicates too.
    pub deliveries: AtomicUsize,
    /// When a request about a family last began or ended.
    claims: Mutex<Claims>,
    requests: AtomicUsize,
}

/// A run of a message.
#[derive(Clone, Debug)]
pub struct Run {
    /// The stack's id and the logical id.
    resource: (String, String),
    /// The receipt.
    receipt: String,
    /// Whether it has written or answered.
    acts: bool,
}

/// A stack as CloudFormation believes it.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// Its ARN; empty before it is first made.
    pub id: String,
    /// `StackStatus`.
    pub status: String,
    /// Whether an operation is going on.
    pub operating: bool,
    /// Its resources, by logical id.
    pub resources: BTreeMap<&'static str, Resource>,
    /// What may be there of this and former stacks of the name: ids of stacks, logical ids, families.
    pub allowed: BTreeSet<Thing>,
    /// What of these a Retain policy keeps.
    pub retained: BTreeSet<Thing>,
    /// All ids that the stack had.
    pub ids: BTreeSet<String>,
}

/// Moments, by family, stack id and logical id.
type Claims = BTreeMap<String, BTreeMap<(String, String), u64>>;

/// A stack's id, a logical id, and a family.
pub type Thing = (String, &'static str, String);

/// A resource as CloudFormation believes it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its physical id; none before there is one.
    pub physical: Option<String>,
    /// The agent as it was declared when it was last complete.
    pub agent: Agent,
    /// `ResourceStatus`.
    pub status: &'static str,
    /// Since when, as CloudFormation stamps it, in seconds since 1970.
    pub since: i64,
    /// Whether it is complete, so that everything of it must hold.
    pub sound: bool,
    /// ARNs of revisions that other resources of the stack have, or may be rolled back to.
    pub held: BTreeSet<String>,
    /// The one that they are being given by an update.
    pub given: Option<String>,
    /// Families that it has beside the one of its id: one that it was given a moment ago, and those that were replaced,
    /// until they are deleted.
    pub beside: BTreeSet<String>,
}

impl Resource {
    /// One that is being made.
    pub fn new(agent: &Agent) -> Self {
        Self {
            physical: None,
            agent: agent.clone(),
            status: "CREATE_IN_PROGRESS",
            since: 0,
            sound: false,
            held: BTreeSet::new(),
            given: None,
            beside: BTreeSet::new(),
        }
    }

    /// Gives it another id: what the one before names is there until its Delete.
    pub fn moves_to(&mut self, id: &str) {
        let before = self.physical.replace(id.to_owned()).filter(|before| before != id);
        self.beside.extend(before.as_deref().and_then(family_of));
        self.beside.retain(|family| Some(family) != family_of(id).as_ref());
    }

    /// The properties as CloudFormation sends them.
    pub fn properties(&self) -> Value {
        self.agent.properties()
    }
}

/// The family that a physical id names; none if CloudFormation invented it.
pub fn family_of(physical: &str) -> Option<String> {
    physical
        .split_once(":task-definition/")
        .map(|(_, family)| family.to_owned())
}

impl World {
    /// The world before a story.
    pub fn new(story: &Story) -> Arc<Self> {
        let account = Account::new();
        let clock = Clock::start();
        account.set_time(clock.now());
        let foreign = Foreign::plant(&account, story.neighbours);
        Arc::new(Self {
            chronicle: Chronicle::new(&account, clock),
            foreign,
            breaches: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(story.seed)),
            stacks: Mutex::new(vec![Stack::default(); story.stacks.len()]),
            busy: Mutex::default(),
            queue_url: account.set_queue(QUEUE, QUEUE_SETTINGS),
            concurrency: CONCURRENCY,
            wake: Notify::new(),
            sent: Mutex::default(),
            runs: Mutex::default(),
            ended: Mutex::default(),
            role_ids: Mutex::default(),
            rows: Mutex::default(),
            deliveries: AtomicUsize::default(),
            claims: Mutex::default(),
            requests: AtomicUsize::default(),
            story: story.clone(),
            account,
            clock,
        })
    }

    /// Writes a line of the chronicle.
    pub fn note(&self, line: impl Into<String>) {
        self.chronicle.note(line);
    }

    /// A row of the event table has come up (docs/internals/cloudformation.md, "Which events arrive").
    pub fn row(&self, row: &'static str) {
        self.rows.lock().unwrap().insert(row);
    }

    /// Something that must not be.
    pub fn breach(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(format!("BREACH: {what}"));
        self.breaches.lock().unwrap().push(what);
    }

    /// What was breached first.
    pub fn first_breach(&self) -> Option<String> {
        self.breaches.lock().unwrap().first().cloned()
    }

    /// The chronicle.
    pub fn chronicle(&self) -> String {
        self.chronicle.text()
    }

    /// The stacks.
    pub fn stacks(&self) -> MutexGuard<'_, Vec<Stack>> {
        self.stacks.lock().unwrap()
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.random.lock().unwrap().u64(0..bound.max(1))
    }

    /// The properties that the Delete of a replaced id carries: which of the two is not established
    /// (docs/internals/cloudformation.md, "Not established"), so that in some stories it is the less likely ones.
    pub fn either(&self, likely: &Agent, unlikely: &Agent) -> Agent {
        let unlikely_here = self.story.seed.is_multiple_of(3);
        if unlikely_here { unlikely } else { likely }.clone()
    }

    /// Lets up to so many milliseconds pass.
    pub async fn dawdle(&self, most: u64) {
        let pause = self.below(most);
        if !self.story.hurried {
            sleep(Duration::from_millis(pause)).await;
        }
    }

    /// A number that no request has.
    pub fn next_request(&self) -> usize {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// A physical id as CloudFormation invents one (docs/internals/cloudformation.md, "Invented ids").
    pub fn invented_id(&self, stack: &str, logical: &str) -> String {
        const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let name = stack.split('/').nth(1).unwrap_or_default();
        let unique: String = (0..12)
            .map(|_| {
                let at = usize::try_from(self.below(CHARACTERS.len() as u64)).unwrap_or_default();
                char::from(CHARACTERS[at])
            })
            .collect();
        format!("{name}-{logical}-{unique}")
    }

    /// A delivery about a resource begins to count.
    pub fn begin(&self, request: &Request) {
        *self.busy.lock().unwrap().entry(request.resource()).or_default() += 1;
    }

    /// A delivery ends: what is left is in the queue.
    pub fn end(&self, request: &Request) {
        if let Some(deliveries) = self.busy.lock().unwrap().get_mut(&request.resource()) {
            *deliveries -= 1;
        }
    }

    /// A message is handed over.
    pub fn run_begins(&self, name: &str, request: &Request, receipt: &str) {
        let run = Run {
            resource: request.resource(),
            receipt: receipt.to_owned(),
            acts: false,
        };
        self.runs.lock().unwrap().insert(name.to_owned(), run);
    }

    /// An invocation has ended: nothing may be called in its name any more.
    pub fn ended(&self, name: &str) {
        self.ended.lock().unwrap().insert(name.to_owned(), self.account.mark());
    }

    /// A run writes or answers: the message is its own, and no other run for the resource does the same.
    pub fn acts(&self, name: &str, what: &str) {
        let mut runs = self.runs.lock().unwrap();
        let Some(run) = runs.get_mut(name) else {
            return;
        };
        run.acts = true;
        let resource = run.resource.clone();
        let other = runs
            .iter()
            .find(|(other, run)| *other != name && run.resource == resource && run.acts)
            .map(|(other, _)| other.clone());
        drop(runs);
        if let Some(other) = other {
            self.breach(format!(
                "{name}: {what}, while {other} is under way for the same resource"
            ));
        }
    }

    /// A run writes: its message is hidden from all others.
    pub fn check_lock(&self, call: &Call) {
        if !is_change(call) {
            return;
        }
        self.acts(&call.caller, &call.action());
        let receipt = self
            .runs
            .lock()
            .unwrap()
            .get(&call.caller)
            .map(|run| run.receipt.clone());
        if receipt.is_none_or(|receipt| !self.account.holds_message(QUEUE, &receipt)) {
            self.breach(format!("{} does not hold the message: {}", call.caller, call.action()));
        }
    }

    /// Nothing was called once the invocation was over.
    pub fn check_silence(&self) {
        let ended = self.ended.lock().unwrap().clone();
        for call in self.account.calls() {
            let after = ended.get(&call.call.caller).is_some_and(|end| call.call.number > *end);
            if after || call.call.caller.is_empty() {
                self.breach(format!("called after the end: {call}"));
            }
        }
    }

    /// A delivery begins or ends, and with it what it may claim.
    pub fn claim(&self, request: &Request) {
        let who = (request.text("StackId").to_owned(), request.which.logical.to_owned());
        for family in request.families() {
            let mut claims = self.claims.lock().unwrap();
            claims.entry(family).or_default().insert(who.clone(), self.clock.now());
        }
    }

    /// Whether another resource ever asked for the family.
    pub fn was_anothers(&self, family: &str, stack: &str, logical: &str) -> bool {
        let claims = self.claims.lock().unwrap();
        let mut others = claims.get(family).into_iter().flat_map(BTreeMap::keys);
        others.any(|(id, other)| (id.as_str(), other.as_str()) != (stack, logical))
    }

    /// Whether another resource has the family that a request wants, keeps it, or has asked for it since that was sent.
    pub fn is_anothers(&self, request: &Request) -> bool {
        let us = (request.text("StackId"), request.which.logical);
        let family = request.family();
        let claimed = self.claims.lock().unwrap().get(&family).is_some_and(|claims| {
            claims.iter().any(|((stack, logical), last)| {
                (stack.as_str(), logical.as_str()) != us && (*last >= request.signed || self.is_busy(stack, logical))
            })
        });
        // What is left of a stack that is gone is free.
        let mut standing = self.stacks.lock().unwrap().clone();
        standing.retain(|stack| stack.status != "DELETE_COMPLETE");
        claimed
            || standing.iter().any(|stack| {
                let resources = stack.resources.iter().any(|(logical, there)| {
                    let has = there.physical.as_deref().and_then(family_of);
                    (stack.id.as_str(), *logical) != us
                        && (has.unwrap_or_else(|| there.agent.family(logical)) == family
                            || there.beside.contains(&family))
                });
                let mut left = stack.allowed.iter().filter(|(id, _, _)| *id == stack.id);
                resources || left.any(|(id, logical, of)| (id.as_str(), *logical) != us && *of == family)
            })
    }

    /// Whether anything about the resource is under way.
    pub fn is_busy(&self, stack: &str, logical: &str) -> bool {
        let key = (stack.to_owned(), logical.to_owned());
        self.busy
            .lock()
            .unwrap()
            .get(&key)
            .is_some_and(|deliveries| *deliveries > 0)
            || self.runs.lock().unwrap().values().any(|run| run.resource == key)
            || self.account.has_message(QUEUE, &hash(&[stack, logical]))
    }

    /// Whether nothing is under way or due.
    pub fn is_at_rest(&self) -> bool {
        self.deliveries.load(Ordering::Relaxed) == 0
            && self.runs.lock().unwrap().is_empty()
            && self.account.waiting_messages(QUEUE).is_empty()
    }
}
