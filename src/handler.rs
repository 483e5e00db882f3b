//! The pipeline: one event in, one answer out, for every way that it can end.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio::{
    join,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tracing::Instrument;

use crate::{
    Faults,
    composition::Composition,
    identity::{Family, Identity},
    properties::Properties,
    reconcile::{Clients, Patience, Reconciler, Replaced},
    request::{Envelope, Malformed, Request, RequestType},
    response::{Attributes, Outcome, Response},
    settings::Settings,
    signal::{self, Put, Undelivered},
};

/// How long before the function's end the work stops, so that the answer can still be said (design.md section 3).
const RESERVE: Duration = Duration::from_secs(10);

/// How long the sweep of old revisions may keep a function that has answered.
const SWEEP: Duration = Duration::from_secs(30);

/// The provider: its settings and what it talks to. It holds nothing that a request changes.
pub struct Provider {
    /// The settings, or what is wrong with them: that is answered, not a reason not to start.
    pub settings: Result<Settings, Faults>,
    /// AWS.
    pub clients: Clients,
    /// The way to CloudFormation's response URL.
    pub put: Box<dyn Put>,
}

/// No answer was delivered, so Lambda should deliver the event again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The event names nowhere to answer.
    #[error("{0}")]
    NoEvent(&'static str),
    /// The answer was not taken.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
}

/// What a request came to.
struct Worked {
    physical_id: String,
    outcome: Outcome,
    /// What may be swept beside the answer.
    sweep: Option<(Identity, Replaced)>,
}

impl Provider {
    /// Handles one event. `deadline` is when Lambda ends the function.
    ///
    /// # Errors
    /// [`Unanswered`], and only then: a handler that has said FAILED is done, and would be run again for nothing.
    pub async fn handle(self: Arc<Self>, event: Value, deadline: Instant) -> Result<(), Unanswered> {
        let (envelope, parsed) = match Request::parse(&event) {
            Ok(request) => (request.envelope.clone(), Ok(request)),
            Err(Malformed::Answerable(envelope, reason)) => (*envelope, Err(reason)),
            Err(Malformed::Unanswerable(reason)) => return Err(Unanswered::NoEvent(reason)),
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
    ) -> Result<(), Unanswered> {
        let began = Instant::now();
        let reserve = RESERVE.min(deadline.saturating_duration_since(began) / 5);
        let work_until = deadline - reserve;

        let Worked {
            physical_id,
            outcome,
            sweep,
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

        // The sweep must not hold the answer back, and a function that has returned is frozen.
        let (delivered, ()) = join!(
            signal::deliver(&*self.put, &envelope.response_url, &response, deadline),
            async {
                if let Some((identity, replaced)) = &sweep {
                    self.sweep(identity, replaced, work_until).await;
                }
            }
        );
        delivered.map_err(|undelivered| {
            tracing::error!(%undelivered, "the answer was not delivered");
            undelivered.into()
        })
    }

    /// Does the work, with an outcome also for a panic and for a deadline that strikes.
    async fn guarded(self: Arc<Self>, request: Request, work_until: Instant) -> Worked {
        let physical_id = physical_id_before(&request);
        // A task of its own, so that a panic is an answer; whoever drops this future ends the work with it.
        let mut work = JoinSet::new();
        work.spawn(async move { self.work(&request, work_until).await }.in_current_span());
        match timeout_at(work_until, work.join_next()).await {
            Ok(Some(Ok(worked))) => worked,
            Ok(Some(Err(_)) | None) => Worked::failed(
                physical_id,
                "the provider panicked, which is a defect of its own; its log group has the place. Nothing was undone"
                    .to_owned(),
            ),
            Err(_elapsed) => Worked::failed(
                physical_id,
                "the function's time ended before the work did; what was done stays, and a further attempt goes on \
                 from there"
                    .to_owned(),
            ),
        }
    }

    async fn work(&self, request: &Request, work_until: Instant) -> Worked {
        let reconciler = Reconciler::new(&self.clients, Patience::until(work_until));
        let physical_id = physical_id_before(request);
        match request.request_type {
            RequestType::Create | RequestType::Update => self.ensure(request, &reconciler, physical_id).await,
            RequestType::Delete => match Box::pin(reconciler.destroy(&doomed(request))).await {
                Ok(()) => Worked {
                    physical_id,
                    outcome: Outcome::Success(None),
                    sweep: None,
                },
                Err(failures) => Worked::failed(
                    physical_id,
                    format!("{failures}; what is named remains: delete the stack again once this is mended"),
                ),
            },
        }
    }

    async fn ensure(&self, request: &Request, reconciler: &Reconciler<'_>, physical_id: String) -> Worked {
        // validate (no client)
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(faults) => {
                return Worked::failed(
                    physical_id,
                    format!("the provider is not configured as it must be; update its stack: {faults}"),
                );
            }
        };
        let properties = match Properties::validate(&request.properties, &request.owner, settings) {
            Ok(properties) => properties,
            Err(faults) => return Worked::failed(physical_id, faults.to_string()),
        };

        // compose (no client, cannot fail)
        let identity = Identity {
            owner: request.owner.clone(),
            family: properties.family.clone(),
        };
        let composition = match Composition::compose(&identity, &properties, settings).fitting() {
            Ok(composition) => composition,
            Err(faults) => return Worked::failed(physical_id, faults.to_string()),
        };

        // reconcile (AWS clients); boxed, as the SDK's nested futures are deep
        let applied = match Box::pin(reconciler.ensure(&identity, &composition)).await {
            Ok(applied) => applied,
            Err(failures) => return Worked::failed(physical_id, failures.to_string()),
        };
        if let Some(abandoned) = abandoned(request, &identity)
            && let Err(failures) = Box::pin(reconciler.destroy(&abandoned)).await
        {
            return Worked::failed(physical_id, failures.to_string());
        }

        let attributes = Attributes::of(&identity, &applied, &composition.log_group);
        Worked {
            physical_id: identity.physical_id(),
            outcome: Outcome::Success(Some(attributes)),
            sweep: applied.replaced.map(|replaced| (identity, replaced)),
        }
    }

    async fn sweep(&self, identity: &Identity, replaced: &Replaced, work_until: Instant) {
        let until = work_until.min(Instant::now() + SWEEP);
        let reconciler = Reconciler::new(&self.clients, Patience::until(until));
        match timeout_at(until, Box::pin(reconciler.sweep(identity, replaced))).await {
            Ok(Ok(swept)) => tracing::info!(swept, "old revisions swept"),
            Ok(Err(failures)) => tracing::warn!(%failures, "old revisions not swept"),
            Err(_elapsed) => tracing::warn!("old revisions not swept in time"),
        }
    }
}

impl Worked {
    fn failed(physical_id: String, reason: String) -> Self {
        Self {
            physical_id,
            outcome: Outcome::Failed(reason),
            sweep: None,
        }
    }
}

/// The id that a failure answers with: the event's, and for a Create the one that it would have got, so that the
/// Delete that follows finds whatever was made (cloudformation.md 2.3).
fn physical_id_before(request: &Request) -> String {
    request.envelope.physical_id.clone().unwrap_or_else(|| {
        let family = request.family_in(&request.properties);
        Identity {
            owner: request.owner.clone(),
            family,
        }
        .physical_id()
    })
}

/// An id for an event that names no stack to make one of: never empty, since that hides the reason (cloudformation.md 1.4).
fn fallback_id(envelope: &Envelope) -> String {
    let given = envelope.physical_id.clone().or_else(|| {
        let stack_id = crate::identity::StackId::parse(&envelope.stack_id)?;
        let family = Family::of_logical_id(&envelope.logical_id);
        let owner = crate::identity::Owner {
            stack_id,
            logical_id: envelope.logical_id.clone(),
        };
        Some(Identity { owner, family }.physical_id())
    });
    given.unwrap_or_else(|| "never-created".to_owned())
}

/// What a Delete takes away: the family of the physical id, never that of the properties, unless CloudFormation has
/// invented the id (cloudformation.md 2.1).
fn doomed(request: &Request) -> Identity {
    let by_id = request
        .envelope
        .physical_id
        .as_deref()
        .and_then(|id| Identity::family_of(id, &request.owner.stack_id));
    Identity {
        owner: request.owner.clone(),
        family: by_id.unwrap_or_else(|| request.family_in(&request.properties)),
    }
}

/// The family that a reverse Update leaves behind: the one of the old properties, if it is neither the wanted one nor
/// the event's own, for which CloudFormation sends a Delete (design.md section 2).
fn abandoned(request: &Request, wanted: &Identity) -> Option<Identity> {
    let is_empty = Map::is_empty(&request.old_properties);
    if request.request_type != RequestType::Update || is_empty {
        return None;
    }
    let family = request.family_in(&request.old_properties);
    let events = Identity::family_of(request.envelope.physical_id.as_deref()?, &request.owner.stack_id);
    (family != wanted.family && Some(&family) != events.as_ref()).then(|| Identity {
        owner: request.owner.clone(),
        family,
    })
}
