//! CloudFormation's operations: create, update, delete of a stack, from the event table
//! (docs/internals/cloudformation.md, "Which events arrive").

use std::{cell::Cell, collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::{
    select,
    time::{sleep, timeout},
};

use super::{
    answers::{EXPIRES, id_of},
    clock::amz_date,
    request::{Kind, Request},
    rollback::Unfinished,
    story::{First, Forged, Operation, Other, Which},
    template::{Agent, STACK_TAGS, Template},
    world::{Resource, Stack, World, family_of},
};
use crate::answer::Answer;

/// How long CloudFormation waits for an answer unless the resource says less, in seconds.
const SERVICE_TIMEOUT: u64 = 3600;

/// What CloudFormation does to the stack at one place of a story.
pub struct CloudFormation {
    pub(super) world: Arc<World>,
    pub(super) place: usize,
    name: String,
    operation: Cell<usize>,
    sent: std::cell::RefCell<std::collections::HashMap<&'static str, usize>>,
    generation: Cell<u32>,
    pub(super) unfinished: std::cell::RefCell<Unfinished>,
}

/// What an operation asks of one resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource.
    pub logical: &'static str,
    /// What it is to be.
    pub agent: Agent,
    /// What it is, and its id, if it is there.
    pub before: Option<(Agent, String)>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Done.
    Succeeded(Answer),
    /// Not done.
    Failed(Answer),
    /// No answer came in time.
    Silent,
    /// Asked for and still under way; nobody waits for it any more.
    Cancelled,
    /// Never asked for.
    Unsent,
}

/// Something that is to be deleted.
#[derive(Clone, Debug)]
pub struct Doomed {
    /// The resource.
    pub logical: &'static str,
    /// The id that the Delete names.
    pub id: String,
    /// The properties that it says.
    pub agent: Agent,
    /// Whether a policy keeps it.
    pub retained: bool,
}

impl CloudFormation {
    /// The stack at that place.
    pub fn new(world: &Arc<World>, place: usize) -> Self {
        Self {
            world: Arc::clone(world),
            place,
            name: ["pipelines", "neighbours", "others"][place.min(2)].to_owned(),
            operation: Cell::default(),
            sent: std::cell::RefCell::default(),
            generation: Cell::default(),
            unfinished: std::cell::RefCell::default(),
        }
    }

    /// Does everything that the story does to this stack.
    pub async fn play(&self) {
        let operations = self.world.story.stacks[self.place].clone();
        for (at, operation) in operations.into_iter().enumerate() {
            self.operation.set(at);
            self.sent.borrow_mut().clear();
            self.world.note(format!("{}: {operation:?}", self.name));
            match operation {
                Operation::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
                Operation::Delete => self.delete().await,
                Operation::Forge(forged) => self.forge(&forged),
                Operation::Deploy { template, other, keep } => self.deploy(&template, other, keep).await,
            }
            self.world.check("after an operation");
            // Users take a moment, too.
            if !self.world.story.hurried {
                sleep(Duration::from_secs(5)).await;
            }
        }
    }

    // The stack as it is believed.

    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Stack) -> T) -> T {
        change(&mut self.world.stacks()[self.place])
    }

    pub(super) fn stack_id(&self) -> String {
        self.with(|stack| stack.id.clone())
    }

    pub(super) async fn status(&self, status: &str) {
        let id = self.stack_id();
        self.with(|stack| {
            status.clone_into(&mut stack.status);
            stack.operating = status.ends_with("_IN_PROGRESS");
        });
        self.world.account.set_stack(&id, status);
        self.world.account.set_stack_tags(&id, &STACK_TAGS);
        self.world.note(format!("{}: {status}", self.name));
        if status.ends_with("_IN_PROGRESS") {
            // CloudFormation takes seconds between its phases, and signs its URLs in whole seconds: what takes a request
            // back is signed in a later one.
            let pause = 2000 + self.world.below(1000);
            let pause = match (self.world.story.hurried, status.contains("ROLLBACK")) {
                (false, _) => pause,
                (true, true) => 1000,
                (true, false) => 0,
            };
            sleep(Duration::from_millis(pause)).await;
        }
    }

    pub(super) fn resource(&self, logical: &'static str, change: impl FnOnce(&mut Resource)) {
        let id = self.stack_id();
        let now = i64::try_from(self.world.clock.now()).unwrap_or_default() + self.world.story.stamp;
        let resource = self.with(|stack| {
            stack.resources.get_mut(logical).map(|resource| {
                let before = resource.status;
                change(resource);
                if resource.status != before || resource.since == 0 {
                    resource.since = now;
                }
                resource.clone()
            })
        });
        if let Some(resource) = resource {
            self.world.account.set_stack_resource(
                &id,
                logical,
                resource.physical.as_deref(),
                "Custom::BuildkiteAgent",
                resource.status,
            );
            self.world.account.stamp_stack_resource(&id, logical, resource.since);
        }
    }

    /// A resource was never asked for.
    pub(super) fn remove(&self, logical: &'static str) {
        let id = self.stack_id();
        self.with(|stack| stack.resources.remove(logical));
        self.world.account.remove_stack_resource(&id, logical);
    }

    /// A resource is deleted or kept. A stack that is gone goes on to list it; whether one that goes on does is not
    /// established, so that both are tried.
    pub(super) fn gone(&self, logical: &'static str) {
        let listed = self.with(|stack| !stack.status.contains("CLEANUP")) || self.world.story.seed.is_multiple_of(2);
        if listed {
            self.resource(logical, |resource| {
                if resource.status != "DELETE_SKIPPED" {
                    resource.status = "DELETE_COMPLETE";
                }
            });
            self.with(|stack| stack.resources.remove(logical));
        } else {
            self.remove(logical);
        }
    }

    // Requests.

    /// Sends a request and waits for its answer; `sent` is set once it is on its way.
    pub(super) async fn ask(
        &self,
        kind: Kind,
        logical: &'static str,
        id: Option<&str>,
        properties: &Value,
        old: Option<&Value>,
        in_flight: &std::cell::RefCell<Option<Arc<Request>>>,
    ) -> End {
        let which = Which {
            stack: self.place,
            operation: self.operation.get(),
            logical,
            request: {
                let mut sent = self.sent.borrow_mut();
                let count = sent.entry(logical).or_default();
                *count += 1;
                *count - 1
            },
        };
        let request = Arc::new(self.request(which, kind, id, properties, old));
        *in_flight.borrow_mut() = Some(Arc::clone(&request));
        self.world.note(format!(
            "{}: {kind:?} {logical} {} is sent: {} {}{}",
            self.name,
            request.id,
            id.unwrap_or("-"),
            properties,
            old.map(|old| format!(", before {old}")).unwrap_or_default()
        ));
        self.world.invoke(&request);
        let patience = properties["ServiceTimeout"]
            .as_str()
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(SERVICE_TIMEOUT);
        let answered = timeout(Duration::from_secs(patience), request.answered()).await;
        let end = match answered {
            Ok(answer) if answer.succeeded => End::Succeeded(answer),
            Ok(answer) => End::Failed(answer),
            Err(_) => {
                request.close();
                self.world
                    .note(format!("{}: no answer to {} in time", self.name, request.id));
                if patience == SERVICE_TIMEOUT && !self.world.story.may_silence(&request.which) {
                    self.world.breach(format!("{} was never answered", request.id));
                }
                End::Silent
            }
        };
        match &end {
            End::Succeeded(answer) => {
                if kind != Kind::Delete {
                    self.with(|stack| {
                        let resource = stack.resources.get_mut(logical);
                        resource.map(|resource| resource.beside.extend(family_of(&answer.id)))
                    });
                }
                self.world.succeeded(&request, answer);
            }
            End::Failed(answer) => self.world.failed(&request, answer),
            End::Silent | End::Cancelled | End::Unsent => {}
        }
        // CloudFormation looks for answers every so often.
        self.world.dawdle(1500).await;
        end
    }

    fn request(&self, which: Which, kind: Kind, id: Option<&str>, properties: &Value, old: Option<&Value>) -> Request {
        let number = self.world.next_request();
        let request_id = format!("r{number}");
        self.event(
            which,
            kind,
            id,
            properties,
            old,
            &request_id,
            number,
            self.world.clock.now(),
        )
    }

    #[allow(clippy::too_many_arguments, reason = "an event has as many parts")]
    fn event(
        &self,
        which: Which,
        kind: Kind,
        id: Option<&str>,
        properties: &Value,
        old: Option<&Value>,
        request_id: &str,
        number: usize,
        signed: u64,
    ) -> Request {
        let mut event = json!({
            "RequestType": format!("{kind:?}"),
            "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider",
            "ResponseURL": format!(
                "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/{request_id}\
                 ?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={}&X-Amz-SignedHeaders=host&X-Amz-Expires={EXPIRES}\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature={number:064x}",
                amz_date(signed)
            ),
            "StackId": self.stack_id(),
            "RequestId": request_id,
            "ResourceType": "Custom::BuildkiteAgent",
            "LogicalResourceId": which.logical,
            "ResourceProperties": properties,
        });
        if let Some(id) = id {
            event["PhysicalResourceId"] = id.into();
        }
        if let Some(old) = old {
            event["OldResourceProperties"] = old.clone();
        }
        Request::new(which, request_id.to_owned(), kind, event, signed)
    }

    /// Somebody sends a request of their own; nobody waits for its answer.
    fn forge(&self, forged: &Forged) {
        let Forged {
            kind,
            logical,
            named,
            agent,
            ahead,
        } = forged;
        let number = self.world.next_request();
        let which = Which {
            stack: self.place,
            operation: self.operation.get(),
            logical,
            request: 0,
        };
        let invented = self.world.invented_id(&self.stack_id(), logical);
        let id = named.map_or(invented, |family| id_of(&self.world.account, family));
        let id = (*kind != Kind::Create).then_some(id.as_str());
        let properties = agent.properties();
        let old = (*kind == Kind::Update).then_some(&properties);
        let signed = self.world.clock.now() + ahead;
        let request = self.event(
            which,
            *kind,
            id,
            &properties,
            old,
            &format!("r{number}"),
            number,
            signed,
        );
        request.close();
        self.world.invoke(&Arc::new(request));
    }

    // Operations.

    async fn deploy(&self, template: &Template, other: Other, keep: Option<First>) {
        if self.with(|stack| stack.status == "UPDATE_ROLLBACK_FAILED") {
            self.continue_rollback().await;
            if self.with(|stack| stack.status == "UPDATE_ROLLBACK_FAILED") {
                return;
            }
        }
        let status = self.with(|stack| stack.status.clone());
        match status.as_str() {
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" => {
                self.delete().await;
                if self.with(|stack| stack.status != "DELETE_COMPLETE") {
                    return;
                }
                self.create(template, other, keep).await;
            }
            "" | "DELETE_COMPLETE" => self.create(template, other, keep).await,
            _ => self.update(template, other, keep).await,
        }
    }

    async fn create(&self, template: &Template, other: Other, keep: Option<First>) {
        self.generation.set(self.generation.get() + 1);
        let unique = format!("5f2c1b70-{:04}-11f0-8de9-0242ac120002", self.generation.get());
        let id = self.world.account.stack_id(&self.name, &unique);
        self.with(|stack| {
            stack.id.clone_from(&id);
            stack.ids.insert(id);
        });
        self.status("CREATE_IN_PROGRESS").await;
        let changes: Vec<Change> = template
            .iter()
            .map(|(logical, agent)| Change {
                logical,
                agent: agent.clone(),
                before: None,
            })
            .collect();
        let (ends, failed) = self.provision(&changes, other, keep.is_some()).await;
        if !failed {
            self.settle(&changes);
            self.status("CREATE_COMPLETE").await;
        } else if keep.is_some() {
            self.settle(&changes);
            self.keep_failed(&changes, &ends);
            self.status("CREATE_FAILED").await;
        } else {
            self.roll_back_creation(&changes, &ends).await;
        }
    }

    async fn update(&self, template: &Template, other: Other, keep: Option<First>) {
        let was_complete = self.with(|stack| !["CREATE_FAILED", "UPDATE_FAILED"].contains(&stack.status.as_str()));
        // A stack that was never complete has nothing to be rolled back to.
        let keep = if was_complete {
            None
        } else {
            keep.or(Some(First::Delete))
        };
        self.status("UPDATE_IN_PROGRESS").await;
        let resources = self.with(|stack| stack.resources.clone());
        let mut cleanup = Vec::new();
        let mut changes = Vec::new();
        let mut first = Vec::new();
        for (logical, agent) in template {
            let change = |before| Change {
                logical,
                agent: agent.clone(),
                before,
            };
            match resources.get(logical) {
                None => changes.push(change(None)),
                Some(there) if there.status == "CREATE_FAILED" => {
                    let doomed = doomed(logical, there, false);
                    if self.creates_first(keep) {
                        cleanup.push(doomed);
                    } else {
                        first.push(doomed);
                    }
                    changes.push(change(None));
                }
                Some(there) => {
                    let id = there.physical.clone().unwrap_or_default();
                    let mut wanted = change(Some((there.agent.clone(), id)));
                    if keep.is_some() {
                        // "Replacement type updates not supported on stack with disable-rollback"
                        // (docs/internals/cloudformation.md, "What an old and a new id share").
                        wanted.agent.family = there.agent.family;
                    }
                    if wanted.agent.properties() != there.properties() || !there.sound {
                        changes.push(wanted);
                    } else {
                        self.resource(logical, |resource| resource.agent = wanted.agent);
                    }
                }
            }
        }
        if !self.delete_all(first, 1).await.is_empty() {
            self.status("UPDATE_FAILED").await;
            return;
        }
        let (ends, failed) = self.provision(&changes, other, keep.is_some()).await;
        if failed && keep.is_some() {
            self.settle(&changes);
            self.keep_failed(&changes, &ends);
            self.with(|stack| {
                for doomed in cleanup {
                    stack
                        .allowed
                        .extend(family_of(&doomed.id).map(|family| (stack.id.clone(), doomed.logical, family)));
                }
            });
            self.status("UPDATE_FAILED").await;
        } else if failed {
            self.roll_back_update(&changes, &ends).await;
        } else {
            self.complete_update(template, &resources, &changes, &ends, cleanup)
                .await;
        }
    }

    /// E14: what becomes of a resource that could not be created.
    fn creates_first(&self, keep: Option<First>) -> bool {
        let creates = matches!(keep, Some(First::Create));
        self.world.row(if creates {
            "E14, the Create first"
        } else {
            "E14, the Delete first"
        });
        creates
    }

    /// E8, and the removal of what the template no longer has.
    async fn complete_update(
        &self,
        template: &Template,
        before: &std::collections::BTreeMap<&'static str, Resource>,
        changes: &[Change],
        ends: &[End],
        mut cleanup: Vec<Doomed>,
    ) {
        self.settle(changes);
        for (change, end) in changes.iter().zip(ends) {
            if let (Some((old, id)), End::Succeeded(answer)) = (&change.before, end)
                && answer.id != *id
            {
                cleanup.push(Doomed {
                    logical: change.logical,
                    id: id.clone(),
                    agent: self.world.either(old, &change.agent),
                    retained: change.agent.retain_replaced,
                });
            }
        }
        for (logical, there) in before {
            if !template.contains_key(logical) {
                cleanup.push(doomed(logical, there, there.agent.retain.is_some() && there.sound));
                self.resource(logical, |resource| {
                    resource.status = "DELETE_IN_PROGRESS";
                    resource.sound = false;
                    resource.held.clear();
                });
            }
        }
        self.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").await;
        self.abandon(self.delete_all(cleanup, 3).await);
        self.have_left();
        for logical in before.keys() {
            if !template.contains_key(logical) {
                self.gone(logical);
            }
        }
        self.status("UPDATE_COMPLETE").await;
    }

    async fn delete(&self) {
        if self.with(|stack| ["", "DELETE_COMPLETE"].contains(&stack.status.as_str())) {
            return;
        }
        self.world.row("E13");
        self.status("DELETE_IN_PROGRESS").await;
        let resources = self.with(|stack| stack.resources.clone());
        let unfinished = self.unfinished.take();
        let mut all: Vec<Doomed> = resources
            .iter()
            .map(|(logical, there)| doomed(logical, there, there.agent.retain.is_some() && there.sound))
            .collect();
        for doomed in unfinished.cleanup.into_iter().chain(unfinished.replaced) {
            if !all
                .iter()
                .any(|there| there.logical == doomed.logical && there.id == doomed.id)
            {
                all.push(doomed);
            }
        }
        for logical in resources.keys() {
            self.resource(logical, |resource| {
                resource.status = "DELETE_IN_PROGRESS";
                resource.sound = false;
                resource.given = None;
                resource.held.clear();
            });
        }
        let failed: BTreeSet<&'static str> = self
            .delete_all(all, 1)
            .await
            .iter()
            .map(|doomed| doomed.logical)
            .collect();
        for logical in resources.keys() {
            if failed.contains(logical) {
                self.resource(logical, |resource| resource.status = "DELETE_FAILED");
            } else {
                self.gone(logical);
            }
        }
        let status = if failed.is_empty() {
            "DELETE_COMPLETE"
        } else {
            "DELETE_FAILED"
        };
        self.status(status).await;
    }

    // What operations are made of.

    /// Makes the changes side by side. The first failure cancels what is under way, unless failed resources are kept.
    async fn provision(&self, changes: &[Change], other: Other, keep: bool) -> (Vec<End>, bool) {
        let in_flight: Vec<_> = changes.iter().map(|_| std::cell::RefCell::new(None)).collect();
        let mut ends = vec![End::Unsent; changes.len()];
        let mut running: FuturesUnordered<_> = changes
            .iter()
            .zip(&in_flight)
            .enumerate()
            .map(|(at, (change, in_flight))| async move { (at, self.make(change, in_flight).await) })
            .collect();
        let failure = async {
            match other {
                Other::FailsAfter(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
                Other::Succeeds | Other::FailsLast => std::future::pending().await,
            }
        };
        tokio::pin!(failure);
        let mut failed = false;
        let mut struck = false;
        loop {
            select! {
                biased;
                ended = running.next() => match ended {
                    None => break,
                    Some((at, end)) => {
                        let change = &changes[at];
                        failed |= !matches!(end, End::Succeeded(_));
                        match &end {
                            End::Succeeded(answer) => self.made(change, answer),
                            _ => self.unmade(change),
                        }
                        ends[at] = end;
                    }
                },
                () = &mut failure, if !struck => {
                    struck = true;
                    failed = true;
                    self.world.note(format!("{}: Other fails", self.name));
                }
            }
            if failed && !keep && (struck || self.world.story.cancels) {
                break;
            }
        }
        drop(running);
        for (at, in_flight) in in_flight.iter().enumerate() {
            let request = in_flight.borrow_mut().take();
            if let (End::Unsent, Some(request)) = (&ends[at], request) {
                request.close();
                self.world.note(format!("{}: {} is cancelled", self.name, request.id));
                self.unmade(&changes[at]);
                ends[at] = End::Cancelled;
            }
        }
        if !struck && !matches!(other, Other::Succeeds) && !failed {
            self.world.note(format!("{}: Other fails", self.name));
            failed = true;
        }
        (ends, failed)
    }

    async fn make(&self, change: &Change, in_flight: &std::cell::RefCell<Option<Arc<Request>>>) -> End {
        self.world.dawdle(2000).await;
        let Change { logical, agent, before } = change;
        let properties = agent.properties();
        // What a policy kept is managed again, and goes where its resource goes.
        let family = agent.family(logical);
        self.with(|stack| stack.retained.remove(&(stack.id.clone(), *logical, family)));
        match before {
            None => {
                self.with(|stack| stack.resources.insert(logical, Resource::new(agent)));
                self.resource(logical, |_| {});
                self.ask(Kind::Create, logical, None, &properties, None, in_flight)
                    .await
            }
            Some((old, id)) => {
                self.resource(logical, |resource| {
                    resource.status = "UPDATE_IN_PROGRESS";
                    resource.sound = false;
                });
                let old = old.properties();
                self.ask(Kind::Update, logical, Some(id), &properties, Some(&old), in_flight)
                    .await
            }
        }
    }

    /// A change is done. What holds the old revision's ARN may still be rolled back to it.
    fn made(&self, change: &Change, answer: &Answer) {
        self.world.row(match &change.before {
            None => "E1",
            Some((_, id)) if *id == answer.id => "E6",
            Some(_) => "E8",
        });
        self.resource(change.logical, |resource| {
            resource.status = if change.before.is_some() {
                "UPDATE_COMPLETE"
            } else {
                "CREATE_COMPLETE"
            };
            resource.moves_to(&answer.id);
            resource.agent = change.agent.clone();
            resource.sound = true;
            resource.given = Some(answer.attribute("TaskDefinitionArn").to_owned());
        });
    }

    /// A change failed, or is cancelled.
    fn unmade(&self, change: &Change) {
        self.resource(change.logical, |resource| {
            resource.status = if change.before.is_some() {
                "UPDATE_FAILED"
            } else {
                "CREATE_FAILED"
            };
        });
    }

    /// Nothing is rolled back any more: others have the new revisions' ARNs, and no older ones.
    fn settle(&self, changes: &[Change]) {
        for change in changes {
            self.resource(change.logical, |resource| {
                if let Some(given) = resource.given.take() {
                    resource.held = BTreeSet::from([given]);
                }
            });
        }
    }

    /// `--disable-rollback`: what failed stays as it is until the next operation.
    fn keep_failed(&self, changes: &[Change], ends: &[End]) {
        let stack = self.stack_id();
        for (change, end) in changes.iter().zip(ends) {
            let created = change.before.is_none();
            let physical = match end {
                End::Succeeded(_) => continue,
                End::Unsent if created => {
                    self.remove(change.logical);
                    continue;
                }
                End::Failed(answer) => answer.id.clone(),
                End::Silent | End::Cancelled | End::Unsent => self.world.invented_id(&stack, change.logical),
            };
            self.resource(change.logical, |resource| {
                resource.status = if created { "CREATE_FAILED" } else { "UPDATE_FAILED" };
                if created {
                    resource.physical = Some(physical);
                }
            });
        }
    }

    /// Deletes side by side, in so many attempts; what could not be deleted is reported.
    pub(super) async fn delete_all(&self, all: Vec<Doomed>, attempts: u32) -> Vec<Doomed> {
        let deleted = all.into_iter().map(|doomed| async move {
            if doomed.retained {
                self.world.note(format!(
                    "{}: {} DELETE_SKIPPED {}",
                    self.name, doomed.logical, doomed.id
                ));
                self.with(|stack| {
                    if let Some(family) = family_of(&doomed.id) {
                        let thing = (stack.id.clone(), doomed.logical, family);
                        stack.allowed.insert(thing.clone());
                        stack.retained.insert(thing);
                    }
                });
                self.resource(doomed.logical, |resource| {
                    if resource.physical.as_ref() == Some(&doomed.id) {
                        resource.status = "DELETE_SKIPPED";
                    }
                });
                return None;
            }
            self.world.dawdle(2000).await;
            let properties = doomed.agent.properties();
            for _ in 0..attempts {
                self.doom(&doomed);
                let nobody = std::cell::RefCell::default();
                let end = self
                    .ask(
                        Kind::Delete,
                        doomed.logical,
                        Some(&doomed.id),
                        &properties,
                        None,
                        &nobody,
                    )
                    .await;
                if let End::Succeeded(_) = end {
                    self.is_deleted(&doomed);
                    return None;
                }
            }
            Some(doomed)
        });
        join_all(deleted).await.into_iter().flatten().collect()
    }

    /// Lets the family of this id go from now on, unless it is the resource's own again.
    fn doom(&self, doomed: &Doomed) {
        let Some(family) = family_of(&doomed.id) else {
            return;
        };
        let live = self.with(|stack| {
            stack
                .resources
                .get(doomed.logical)
                .is_some_and(|there| there.sound && there.physical.as_ref() == Some(&doomed.id))
        });
        if !live {
            self.world
                .forget_role(&(self.stack_id(), doomed.logical, family.clone()));
            self.with(|stack| stack.retained.remove(&(stack.id.clone(), doomed.logical, family)));
        }
    }

    /// What it names is gone.
    fn is_deleted(&self, doomed: &Doomed) {
        if let Some(family) = family_of(&doomed.id) {
            self.with(|stack| stack.allowed.remove(&(stack.id.clone(), doomed.logical, family)));
        }
    }

    /// What was replaced is gone, or abandoned.
    pub(super) fn have_left(&self) {
        self.with(|stack| {
            stack
                .resources
                .values_mut()
                .for_each(|resource| resource.beside.clear());
        });
    }

    /// After three attempts, CloudFormation lets go of it.
    pub(super) fn abandon(&self, failed: Vec<Doomed>) {
        for doomed in failed {
            self.world.note(format!("{}: {} is abandoned", self.name, doomed.id));
            self.may_be_left(&doomed);
        }
    }

    /// Allows for what was not deleted, or not yet.
    pub(super) fn may_be_left(&self, doomed: &Doomed) {
        let family = family_of(&doomed.id).unwrap_or_else(|| doomed.agent.family(doomed.logical));
        self.with(|stack| stack.allowed.insert((stack.id.clone(), doomed.logical, family)));
    }
}

/// The Delete of a resource as it is.
fn doomed(logical: &'static str, there: &Resource, retained: bool) -> Doomed {
    Doomed {
        logical,
        id: there.physical.clone().unwrap_or_else(|| format!("lost-{logical}")),
        agent: there.agent.clone(),
        retained,
    }
}
