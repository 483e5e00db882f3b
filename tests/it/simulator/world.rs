//! What everybody in a story shares: the account, the clock, the stacks as CloudFormation believes them, the chronicle.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;

use super::{chronicle::Chronicle, clock::Clock, foreign::Foreign, request::Request, story::Story, template::Agent};
use crate::account::Account;

/// One story's world.
pub struct World {
    /// What is told.
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
    /// Requests with a run under way, or a delivery that is due, by stack id and logical id.
    busy: Mutex<BTreeMap<(String, String), Vec<String>>>,
    /// Requests beside which a run of another request about the same resource went on.
    met: Mutex<BTreeSet<String>>,
    /// The same by the resource: its stack's id and its logical id.
    ever_met: Mutex<BTreeSet<(String, String)>>,
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
    /// Of these, what a Retain policy keeps.
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
    /// As it was declared when it was last complete.
    pub agent: Agent,
    /// `ResourceStatus`.
    pub status: &'static str,
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
            sound: false,
            held: BTreeSet::new(),
            given: None,
            beside: BTreeSet::new(),
        }
    }

    /// It has another id, and what the one before names is there until its Delete.
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
        let foreign = Foreign::plant(&account, story.neighbours);
        Arc::new(Self {
            chronicle: Chronicle::new(&account, clock),
            foreign,
            breaches: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(story.seed)),
            stacks: Mutex::new(vec![Stack::default(); story.stacks.len()]),
            busy: Mutex::default(),
            met: Mutex::default(),
            ever_met: Mutex::default(),
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

    /// A row of the event table has come up (cloudformation.md section 2).
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
    pub fn told(&self) -> String {
        self.chronicle.told()
    }

    /// The stacks.
    pub fn stacks(&self) -> MutexGuard<'_, Vec<Stack>> {
        self.stacks.lock().unwrap()
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.random.lock().unwrap().u64(0..bound.max(1))
    }

    /// The properties that the Delete of a replaced id carries: which of the two is not established (cloudformation.md
    /// 2.2 and 2.4), so that in some stories it is the less likely ones.
    pub fn either(&self, likely: &Agent, unlikely: &Agent) -> Agent {
        let unlikely_here = self.story.seed.is_multiple_of(3);
        if unlikely_here { unlikely } else { likely }.clone()
    }

    /// Lets up to so many milliseconds pass.
    pub async fn dawdle(&self, most: u64) {
        sleep(Duration::from_millis(self.below(most))).await;
    }

    /// A number that no request has.
    pub fn next_request(&self) -> usize {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// A physical id as CloudFormation invents one (cloudformation.md 2.1).
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
    pub fn begin(&self, stack: &str, logical: &str, request: &str) {
        let key = (stack.to_owned(), logical.to_owned());
        let mut busy = self.busy.lock().unwrap();
        let requests = busy.entry(key.clone()).or_default();
        requests.push(request.to_owned());
        if requests.iter().any(|other| other != request) {
            self.met.lock().unwrap().extend(requests.iter().cloned());
            self.ever_met.lock().unwrap().insert(key);
        }
    }

    /// It does not any more.
    pub fn end(&self, stack: &str, logical: &str, request: &str) {
        if let Some(requests) = self
            .busy
            .lock()
            .unwrap()
            .get_mut(&(stack.to_owned(), logical.to_owned()))
            && let Some(at) = requests.iter().position(|one| one == request)
        {
            requests.remove(at);
        }
    }

    /// Whether a run of another request about the same resource went on beside the request.
    pub fn has_met_another(&self, request: &str) -> bool {
        self.met.lock().unwrap().contains(request)
    }

    /// Whether runs of several requests about the resource ever went on beside one another.
    pub fn was_ever_met(&self, stack: &str, logical: &str) -> bool {
        self.ever_met
            .lock()
            .unwrap()
            .contains(&(stack.to_owned(), logical.to_owned()))
    }

    /// How many deliveries about the resource are under way.
    pub fn deliveries_of(&self, stack: &str, logical: &str) -> usize {
        let busy = self.busy.lock().unwrap();
        busy.get(&(stack.to_owned(), logical.to_owned())).map_or(0, Vec::len)
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
        self.deliveries_of(stack, logical) > 0
    }
}
