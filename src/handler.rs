//! The pipeline: one event in, one answer out, for every way that it can end.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tokio::{
    join,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tracing::Instrument;

use crate::{
    Faults,
    afterwards::{Afterwards, Asked},
    composition::Composition,
    identity::{Family, Identity, Owner, StackId},
    order::{Record, Signed, VALID, Wanted},
    ownership::Tags,
    properties::Properties,
    reconcile::{Clients, Failures, Patience, Reconciler},
    request::{Envelope, Malformed, Request, RequestType},
    response::{Attributes, Outcome, Response},
    settings::Settings,
    signal::{self, Put, Undelivered},
    witness::AtStart,
};

/// How long before the function's end the work stops, so that the answer can still be said (design.md section 3).
const RESERVE: Duration = Duration::from_secs(10);

/// How long after a look that showed no open request the next one comes.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// The provider: its settings and what it talks to. It holds nothing that a request changes.
pub struct Provider {
    /// The settings, or what is wrong with them: that is answered, not a reason not to start.
    pub settings: Result<Settings, Faults>,
    /// AWS.
    pub clients: Clients,
    /// The way to CloudFormation's response URL.
    pub put: Box<dyn Put>,
    /// The time of day, against which the response URL's end is held.
    pub clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

/// Lambda should deliver the event again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// The event names nowhere to answer.
    #[error("{0}")]
    NoEvent(&'static str),
    /// The answer was not taken.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
    /// The answer was delivered; what a cancelled or overtaken request has left could not be put right.
    #[error("{0}")]
    NotPutRight(String),
}

/// What a request came to.
struct Worked {
    physical_id: String,
    outcome: Outcome,
    /// What is left to do beside the answer.
    afterwards: Option<Afterwards>,
}

impl Provider {
    /// Handles one event. `deadline` is when Lambda ends the function.
    ///
    /// # Errors
    /// [`Unfinished`], and only then: a handler that has said FAILED is done, and would be run again for nothing.
    pub async fn handle(self: Arc<Self>, event: Value, deadline: Instant) -> Result<(), Unfinished> {
        let (envelope, parsed) = match Request::parse(&event) {
            Ok(request) => (request.envelope.clone(), Ok(request)),
            Err(Malformed::Answerable(envelope, reason)) => (*envelope, Err(reason)),
            Err(Malformed::Unanswerable(reason)) => return Err(Unfinished::NoEvent(reason)),
        };
        let span = tracing::info_span!(
            "request",
            stack = envelope.stack_id,
            logical_id = envelope.logical_id,
            request_id = envelope.request_id,
            request_type = parsed
                .as_ref()
                .map_or("malformed", |request| request.request_type.as_str()),
        );
        self.answer(envelope, parsed, deadline).instrument(span).await
    }

    async fn answer(
        self: Arc<Self>,
        envelope: Envelope,
        parsed: Result<Request, String>,
        deadline: Instant,
    ) -> Result<(), Unfinished> {
        let began = Instant::now();
        if Signed::of(&envelope.response_url).is_some_and(|signed| signed.has_ended((self.clock)())) {
            tracing::warn!("the response URL has ended, so nobody waits for this event any more: nothing was changed");
            return Ok(());
        }
        let reserve = RESERVE.min(deadline.saturating_duration_since(began) / 5);
        let work_until = deadline - reserve;

        let Worked {
            physical_id,
            outcome,
            afterwards,
        } = match parsed {
            Ok(request) => self.clone().guarded(request, work_until).await,
            Err(reason) => Worked::failed(fallback_id(&envelope), reason),
        };
        let response = Response::new(&envelope, physical_id, outcome);
        tracing::info!(
            status = response.status(),
            physical_id = response.physical_id(),
            reason = response.reason(),
            ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answering"
        );

        // Beside the answer, which must not wait; and not after it, since a function that has returned is frozen.
        let (delivered, finished) = join!(
            signal::deliver(&*self.put, &envelope.response_url, &response, deadline),
            async {
                match &afterwards {
                    Some(afterwards) => Box::pin(afterwards.run(&self.clients, deadline - reserve / 2)).await,
                    None => Ok(()),
                }
            }
        );
        if let Err(undelivered) = &delivered {
            tracing::error!(%undelivered, "the answer was not delivered");
        }
        if let Err(reason) = &finished {
            tracing::error!(
                reason,
                "what a cancelled or overtaken request left could not be put right"
            );
        }
        delivered?;
        finished.map_err(Unfinished::NotPutRight)
    }

    /// Does the work, with an outcome also for a panic and for a deadline that strikes.
    async fn guarded(self: Arc<Self>, request: Request, work_until: Instant) -> Worked {
        let order = self.order(&request.envelope);
        // What it has written so far is not known then, but only whether any of it may stay.
        let unfinished = |reason: &str, asked: Option<Asked>| Worked {
            afterwards: Afterwards::unfinished(&request, order, asked),
            ..Worked::failed(physical_id_before(&request), reason)
        };
        // A task of its own, so that a panic is an answer; whoever drops this future ends the work with it.
        let mut work = JoinSet::new();
        let (provider, task) = (Arc::clone(&self), request.clone());
        work.spawn(async move { provider.work(&task, work_until).await }.in_current_span());
        match timeout_at(work_until, work.join_next()).await {
            Ok(Some(Ok(worked))) => worked,
            // What panicked once is not called again outside of its task.
            Ok(Some(Err(_)) | None) => unfinished(
                "the provider panicked, which is a defect of its own; its log group has the place. Nothing was undone",
                None,
            ),
            Err(_elapsed) => unfinished(
                "the function's time ended before the work did; what was done stays, and a further attempt goes on \
                 from there",
                self.asked(&request, order),
            ),
        }
    }

    async fn work(&self, request: &Request, work_until: Instant) -> Worked {
        let reconciler = Reconciler::new(&self.clients, Patience::until(work_until));
        match request.request_type {
            RequestType::Create | RequestType::Update => self.ensure(request, &reconciler).await,
            RequestType::Delete => self.destroy(request, &reconciler).await,
        }
    }

    async fn ensure(&self, request: &Request, reconciler: &Reconciler<'_>) -> Worked {
        let physical_id = physical_id_before(request);
        let failed = |reason: &dyn ToString| Worked::failed(physical_id.clone(), reason.to_string());

        // validate and compose (no client)
        let (identity, composition) = match self.compose(request, &request.properties) {
            Ok(composed) => composed,
            Err(reason) => return failed(&reason),
        };

        // look (AWS clients, no call that writes); boxed, as the SDK's nested futures are deep
        let from = request.family_of_physical_id();
        let looked = match Box::pin(reconciler.look(&identity, &composition, from.as_ref())).await {
            Ok(looked) => looked,
            // An earlier delivery may have been cancelled, and its family be another's by now.
            Err(failures) => {
                return Worked {
                    afterwards: Afterwards::unfinished(request, self.order(&request.envelope), None),
                    ..failed(&failures)
                };
            }
        };

        // decide whether the request is still open (no client)
        let record = Record::begin(
            self.order(&request.envelope),
            looked.stack.is_rolling_back(),
            &request.envelope.request_id,
            Wanted::of(&composition),
            &looked.records,
        );
        if record.is_overtaken(&looked.records) {
            let reason = "a newer request for this resource was begun before this one: nothing was changed";
            // An earlier delivery may have changed something, and not have come to put it right.
            let has_written = record.written(&looked.records).is_some();
            let order = record.order;
            let asked = has_written.then(|| Asked {
                record,
                before: self.before(request, &identity),
                wanted: composition,
            });
            return Worked {
                afterwards: asked.and_then(|asked| Afterwards::unfinished(request, order, Some(asked))),
                ..failed(&reason)
            };
        }
        let wanted_id = identity.physical_id();
        let is_late = Signed::of(&request.envelope.response_url).is_some_and(|signed| signed.is_late((self.clock)()));
        let mut at_start = looked.stack.at_start(request.request_type, &wanted_id, is_late);
        if at_start != AtStart::Open {
            // A request that is refused by mistake fails a deployment: CloudFormation's view may be behind by moments.
            sleep(SECOND_LOOK).await;
            let again = reconciler.look_at_stack(&identity.owner).await;
            at_start = again.at_start(request.request_type, &wanted_id, is_late);
        }
        match at_start {
            AtStart::Open => {}
            AtStart::Over => return failed(&"this request is over, as its stack's status says: nothing was changed"),
            AtStart::Cancelled => {
                let reason = "this request was cancelled, as its stack's status says: what it made was taken away";
                return match Box::pin(reconciler.destroy(&identity, record.order)).await {
                    Ok(()) => failed(&reason),
                    Err(failures) => failed(&failures),
                };
            }
        }
        let before = self.before(request, &identity);

        // reconcile (AWS clients)
        let began = looked.stack.clone();
        let ensured = Box::pin(reconciler.ensure(&identity, &composition, looked, &record, before.as_ref())).await;
        let ensured = match ensured {
            Ok(applied) => self
                .sweep_abandoned(request, reconciler, &identity)
                .await
                .map(|()| applied),
            Err(failures) => Err(failures),
        };
        let (outcome, applied) = match ensured {
            Ok(applied) => {
                let attributes = Attributes::of(&identity, &applied, &composition.log_group);
                (Outcome::Success(Some(attributes)), Some(applied))
            }
            Err(failures) => (Outcome::Failed(failures.to_string()), None),
        };
        Worked {
            physical_id: if applied.is_some() { wanted_id } else { physical_id },
            outcome,
            afterwards: Some(Afterwards {
                request_type: request.request_type,
                came_with: from,
                order: record.order,
                identity,
                began,
                asked: Some(Asked {
                    record,
                    wanted: composition,
                    before,
                }),
                applied,
            }),
        }
    }

    /// What was before an Update, if it can be composed and is of the same family.
    fn before(&self, request: &Request, identity: &Identity) -> Option<Composition> {
        let is_update = request.request_type == RequestType::Update;
        let before = is_update.then(|| self.compose(request, &request.old_properties).ok())?;
        before
            .filter(|(before, _)| before == identity)
            .map(|(_, before)| before)
    }

    /// What a request wanted whose run has not told it; its record is known by the request alone.
    fn asked(&self, request: &Request, order: u64) -> Option<Asked> {
        let (identity, wanted) = self.compose(request, &request.properties).ok()?;
        Some(Asked {
            record: Record::begin(
                order,
                false,
                &request.envelope.request_id,
                Wanted::of(&wanted),
                &Tags::new(),
            ),
            before: self.before(request, &identity),
            wanted,
        })
    }

    /// What properties come to, or why they come to nothing.
    fn compose(
        &self,
        request: &Request,
        properties: &serde_json::Map<String, Value>,
    ) -> Result<(Identity, Composition), String> {
        let settings = self
            .settings
            .as_ref()
            .map_err(|faults| format!("the provider is not configured as it must be; update its stack: {faults}"))?;
        let properties =
            Properties::validate(properties, &request.owner, settings).map_err(|faults| faults.to_string())?;
        let identity = Identity {
            owner: request.owner.clone(),
            family: properties.family.clone(),
        };
        let composition = Composition::compose(&identity, &properties, settings);
        let composition = composition.fitting().map_err(|faults| faults.to_string())?;
        Ok((identity, composition))
    }

    async fn destroy(&self, request: &Request, reconciler: &Reconciler<'_>) -> Worked {
        let physical_id = physical_id_before(request);
        let doomed = doomed(request);
        let done = |outcome| Worked {
            physical_id: physical_id.clone(),
            outcome,
            afterwards: None,
        };

        // look (AWS clients, no call that writes)
        let surveyed = match Box::pin(reconciler.survey(&doomed)).await {
            Ok(surveyed) => surveyed,
            Err(failures) => return done(Outcome::Failed(remains(&failures))),
        };

        // decide whether it is for what stands (no client)
        let order = self.order(&request.envelope);
        if Record::is_any_after(order, &surveyed.records) {
            tracing::warn!("not deleted: a newer request for this resource was begun before this Delete was made");
            return done(Outcome::Success(None));
        }
        if surveyed.stack.is_for_a_predecessor(&doomed.physical_id()) {
            tracing::warn!("not deleted: this Delete is for a predecessor of what stands under the same id");
            return done(Outcome::Success(None));
        }

        // reconcile (AWS clients)
        match Box::pin(reconciler.remove(&doomed, surveyed, order)).await {
            Ok(()) => done(Outcome::Success(None)),
            Err(failures) => done(Outcome::Failed(remains(&failures))),
        }
    }

    /// Takes away the family that a reverse Update leaves behind, if there is one.
    async fn sweep_abandoned(
        &self,
        request: &Request,
        reconciler: &Reconciler<'_>,
        wanted: &Identity,
    ) -> Result<(), Failures> {
        match abandoned(request, wanted) {
            Some(abandoned) => Box::pin(reconciler.destroy(&abandoned, self.order(&request.envelope))).await,
            None => Ok(()),
        }
    }

    /// When CloudFormation made the request, as the end of its URL tells; where that does not say, it is made now.
    fn order(&self, envelope: &Envelope) -> u64 {
        let now = || {
            let now = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
            (now + VALID).as_secs()
        };
        Signed::of(&envelope.response_url).map_or_else(now, |signed| signed.ends)
    }
}

impl Worked {
    fn failed(physical_id: String, reason: impl Into<String>) -> Self {
        Self {
            physical_id,
            outcome: Outcome::Failed(reason.into()),
            afterwards: None,
        }
    }
}

fn remains(failures: &Failures) -> String {
    format!("{failures}; what is named remains: delete the stack again once this is mended")
}

/// The id that a failure answers with: the event's, and for a Create the one that it would have got, so that the
/// Delete that follows finds whatever was made (cloudformation.md 2.3).
fn physical_id_before(request: &Request) -> String {
    request.envelope.physical_id.clone().unwrap_or_else(|| {
        let family = request.family_in(&request.properties);
        request.identity(family).physical_id()
    })
}

/// An id for an event that names no stack to make one of: never empty, since that hides the reason (cloudformation.md 1.4).
fn fallback_id(envelope: &Envelope) -> String {
    let given = envelope.physical_id.clone().or_else(|| {
        let owner = Owner {
            stack_id: StackId::parse(&envelope.stack_id)?,
            logical_id: envelope.logical_id.clone(),
        };
        let family = Family::of_logical_id(&owner.logical_id);
        Some(Identity { owner, family }.physical_id())
    });
    given.unwrap_or_else(|| "never-created".to_owned())
}

/// What a Delete takes away: the family of the physical id, never that of the properties, unless CloudFormation has
/// invented the id (cloudformation.md 2.1).
fn doomed(request: &Request) -> Identity {
    let by_id = request.family_of_physical_id();
    by_id.unwrap_or_else(|| request.identity(request.family_in(&request.properties)))
}

/// The family that a reverse Update leaves behind: the one of the old properties, if it is neither the wanted one nor
/// the event's own, for which CloudFormation sends a Delete (design.md section 2).
fn abandoned(request: &Request, wanted: &Identity) -> Option<Identity> {
    if request.request_type != RequestType::Update || request.old_properties.is_empty() {
        return None;
    }
    let before = request.identity(request.family_in(&request.old_properties));
    let events = request.family_of_physical_id()?;
    (before != *wanted && before != events).then_some(before)
}
