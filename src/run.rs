//! One run: a request is looked at, admitted, carried out, answered; then old revisions are pruned. Nothing goes on after
//! that.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::{
    join,
    time::{Instant, timeout_at},
};

use crate::{
    Faults,
    aws::{Aws, Failures, ObservedRole, Retry},
    composition::Composition,
    handler::{Invocation, Provider, Unhandled},
    identity::Identity,
    mark::Mark,
    messages::{Lock, NotHeld},
    reconcile::{
        destroy,
        ensure::{self, Applied, Wanted},
        look, prune,
    },
    request::{Request, RequestType},
    response::{Attributes, Outcome, Response},
    response_url::Signed,
    settings::Settings,
    waiting::{AHEAD, Admitted, has_begun, other_roles},
};

/// How long before its end a run stops its work, so that it can still answer.
const RESERVE: Duration = Duration::from_secs(10);

/// How long pruning may keep a run that has answered.
const PRUNING: Duration = Duration::from_secs(30);

/// Why a run did not finish its request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    /// The lock on the resource was not held: nothing was changed or answered.
    #[error("the message's visibility could not be renewed")]
    NotHeld,
    /// The answer was not delivered.
    #[error(transparent)]
    Unanswered(#[from] Unhandled),
}

/// How the work on a request ended.
enum Worked {
    /// With an answer.
    Answered(Box<Ending>),
    /// Without one: the request has been answered.
    Silent,
    /// Without one: the lock is not held.
    NotHeld,
}

/// What to answer, and what to do after that.
struct Ending {
    physical_id: String,
    outcome: Outcome,
    /// The revisions to prune after the answer.
    prunable: Option<(Identity, Applied)>,
}

impl From<NotHeld> for Worked {
    fn from(_: NotHeld) -> Self {
        Self::NotHeld
    }
}

impl Provider {
    /// Carries a request out without a queue.
    pub(crate) async fn run_directly(&self, request: &Request, invocation: &Invocation) -> Result<(), Unhandled> {
        match self.run(request, None, None, invocation).await {
            Err(Unfinished::Unanswered(unhandled)) => Err(unhandled),
            Ok(()) | Err(Unfinished::NotHeld) => Ok(()),
        }
    }

    /// Carries a request out, under the lock if there is one. `sent` is when its message was sent.
    pub(crate) async fn run(
        &self,
        request: &Request,
        lock: Option<&Lock<'_>>,
        sent: Option<u64>,
        invocation: &Invocation,
    ) -> Result<(), Unfinished> {
        let signed = Signed::of(&request.envelope.response_url);
        if signed.is_some_and(|signed| signed.expires < self.now()) {
            tracing::warn!(
                "the response URL has expired, so CloudFormation does not wait any more: nothing was changed"
            );
            return Ok(());
        }
        let made = self.made(request, sent);
        let deadline = self.deadline(request, made, invocation);
        let reserve = RESERVE.min(deadline.saturating_duration_since(Instant::now()) / 5);
        let worked = self.work(request, lock, made, deadline - reserve, invocation).await;
        let Ending {
            physical_id,
            outcome,
            prunable,
        } = match worked {
            Worked::Answered(ending) => *ending,
            Worked::Silent => {
                tracing::warn!("the request has been answered: nothing was changed, and nothing is sent");
                return Ok(());
            }
            Worked::NotHeld => return Err(Unfinished::NotHeld),
        };
        let response = Response::new(&request.envelope, physical_id, outcome);
        self.answer(&request.envelope, &response, invocation, invocation.deadline)
            .await?;
        if let Some((identity, applied)) = prunable {
            let until = (Instant::now() + PRUNING).min(invocation.deadline - reserve / 2);
            self.prune(&identity, &applied, until).await;
        }
        Ok(())
    }

    /// When CloudFormation made the request, in seconds since 1970: the URL's time; where the URL has none, when its message
    /// was sent, or now.
    pub(crate) fn made(&self, request: &Request, sent: Option<u64>) -> u64 {
        let signed = Signed::of(&request.envelope.response_url);
        signed.map(|signed| signed.made).or(sent).unwrap_or_else(|| self.now())
    }

    /// When a run has to have answered: before Lambda ends the function, and before CloudFormation gives up on a Create or
    /// Update.
    fn deadline(&self, request: &Request, made: u64, invocation: &Invocation) -> Instant {
        match request.request_type {
            RequestType::Create | RequestType::Update => {
                let timeout = request.service_timeout();
                let left = made.saturating_add(timeout).saturating_sub(self.now());
                // Past it, or with a time from the future, the request is refused, which needs a look at most.
                if left == 0 || left > timeout.saturating_add(AHEAD) {
                    return invocation.deadline;
                }
                invocation.deadline.min(Instant::now() + Duration::from_secs(left))
            }
            RequestType::Delete => invocation.deadline,
        }
    }

    /// Does the work, with an outcome also for a panic and for a deadline that strikes.
    async fn work(
        &self,
        request: &Request,
        lock: Option<&Lock<'_>>,
        made: u64,
        until: Instant,
        invocation: &Invocation,
    ) -> Worked {
        let aws = Aws::new(&self.clients.resources, Retry::until(until));
        let work = async {
            if until <= Instant::now() {
                // Nothing is begun that can't be finished.
                std::future::pending::<()>().await;
            }
            if let Some(refused) = self.refuse_at_sight(request, made, invocation) {
                renew(lock, invocation).await?;
                return Ok(refused);
            }
            match request.request_type {
                RequestType::Create | RequestType::Update => {
                    Box::pin(self.ensure(request, &aws, lock, made, invocation)).await
                }
                RequestType::Delete => Box::pin(self.destroy(request, &aws, lock, made, invocation)).await,
            }
        };
        let work = AssertUnwindSafe(Box::pin(work)).catch_unwind();
        let reason = match timeout_at(until, work).await {
            Ok(Ok(Ok(worked) | Err(worked))) => return worked,
            Ok(Err(_panic)) => {
                "the provider panicked: this is a defect, please report it; the handler's log shows where. What was already done remains"
            }
            Err(_elapsed) => {
                "the time for this request ended before the work did; what was done remains, and the next request for this \
                 resource goes on from there"
            }
        };
        if lock.is_some_and(|lock| !lock.is_held()) {
            return Worked::NotHeld;
        }
        failed(request, reason)
    }

    /// Refuses what no look is needed for: a request of a stack somewhere else, and one from the future.
    fn refuse_at_sight(&self, request: &Request, made: u64, invocation: &Invocation) -> Option<Worked> {
        let now = self.now();
        if !invocation.serves(&request.owner.stack_id) {
            let reason = "the stack is in another account, Region or partition than the provider; deploy the provider there. \
                          Nothing was changed";
            return Some(over(request, reason));
        }
        let url = &request.envelope.response_url;
        if Signed::of(url).is_none() && !self.signal.is_allowed_host(url) {
            let reason = "the response URL carries no time, so it is not CloudFormation's: nothing was changed";
            return Some(failed(request, reason));
        }
        if made > now.saturating_add(AHEAD) {
            let reason =
                "the request's time is more than five minutes ahead of the provider's clock: nothing was changed";
            return Some(failed(request, reason));
        }
        None
    }

    async fn ensure(
        &self,
        request: &Request,
        aws: &Aws<'_>,
        lock: Option<&Lock<'_>>,
        made: u64,
        invocation: &Invocation,
    ) -> Result<Worked, Worked> {
        // validate and compose (no client)
        let (settings, identity, composition) = match self.compose(request) {
            Ok(composed) => composed,
            Err(refused) => {
                renew(lock, invocation).await?;
                return Ok(failed(request, refused.to_string()));
            }
        };

        // look (AWS clients, no call that writes), and hold the lock before the first write
        let is_new = request.family_of_physical_id().as_ref() != Some(&identity);
        let (held, (admitted, known), observed, others) = join!(
            renew(lock, invocation),
            self.admit_and_ask(aws, request, &identity, made, settings),
            Box::pin(look::look(aws, &identity, &composition, is_new)),
            other_roles(aws, request, &identity)
        );
        held?;
        let view = match admitted {
            Ok(Admitted::Yes { view, shown_id: _ }) => view,
            // A run of this very request has begun before: it has been answered, whatever the view's stamp says.
            Ok(Admitted::Over) if has_begun(request, made, observed.as_ref().ok()) => {
                return Ok(Worked::Silent);
            }
            Ok(Admitted::Over) => return Ok(over(request, OVER)),
            Ok(Admitted::Answered) => return Ok(Worked::Silent),
            Err(failure) => return Ok(failed(request, failure.to_string())),
        };
        let refused = |reason: &str| {
            // A status that is newer than the request is that of a newer one: this one has been answered.
            if view.may_lag {
                over(request, reason)
            } else {
                Worked::Silent
            }
        };
        if made.saturating_add(request.service_timeout()) <= self.now() {
            return Ok(refused(TIMED_OUT));
        }
        let (observed, others, (stack_tags, shown)) = match (observed, others, known) {
            (Ok(observed), Ok(others), Ok(known)) => (observed, others, known),
            (Err(failures), _, _) => return Ok(failed(request, failures.to_string())),
            (_, Err(failure), _) | (_, _, Err(failure)) => return Ok(failed(request, failure.to_string())),
        };
        let roles = others.iter().chain(&observed.execution_role).chain(&shown);
        if self.is_overtaken(made, roles) {
            return Ok(refused(OVERTAKEN));
        }

        // reconcile (AWS clients)
        let labelled = |composition: Composition| composition.labelled(crate::VERSION, &stack_tags, settings);
        let composition = labelled(composition);
        let before = before(request, &identity, settings).map(labelled);
        let wanted = Wanted {
            identity: &identity,
            composition: &composition,
            before: before.as_ref(),
            made,
            request_id: &request.envelope.request_id,
        };
        let abandoned = abandoned(request, &identity, &observed, &others);
        let applied = match Box::pin(self.make_it_hold(aws, wanted, observed, abandoned)).await {
            Ok(applied) => applied,
            Err(failures) => return Ok(failed(request, failures.to_string())),
        };
        let attributes = Attributes::of(&identity, &applied, &composition.log_group);
        Ok(Worked::Answered(Box::new(Ending {
            physical_id: identity.physical_id(),
            outcome: Outcome::Success(Some(attributes)),
            prunable: Some((identity, applied)),
        })))
    }

    /// Removes the abandoned family, and then makes the wanted one hold. In this order a run that ended in between, or failed,
    /// left the marks from which the next one knows what is abandoned.
    async fn make_it_hold(
        &self,
        aws: &Aws<'_>,
        wanted: Wanted<'_>,
        observed: look::Observed,
        abandoned: Option<Identity>,
    ) -> Result<Applied, Failures> {
        if let Some(abandoned) = abandoned {
            let surveyed = Box::pin(destroy::survey(aws, &abandoned, self.is_within_prefix(&abandoned))).await?;
            Box::pin(destroy::remove(aws, &abandoned, surveyed, self.now())).await?;
        }
        Box::pin(ensure::ensure(aws, wanted, observed)).await
    }

    /// Whether the handler has rights on the family's log group, as far as `FamilyPrefix` limits them.
    fn is_within_prefix(&self, identity: &Identity) -> bool {
        let settings = self.settings.as_ref();
        settings.map_or(true, |settings| settings.has_prefix(&identity.family))
    }

    async fn destroy(
        &self,
        request: &Request,
        aws: &Aws<'_>,
        lock: Option<&Lock<'_>>,
        made: u64,
        invocation: &Invocation,
    ) -> Result<Worked, Worked> {
        let removes = request.removes();

        // look (AWS clients, no call that writes), and hold the lock before the first write
        let (held, admitted, surveyed) = join!(
            renew(lock, invocation),
            self.admit(aws, request, &removes, made),
            destroy::survey(aws, &removes, self.is_within_prefix(&removes))
        );
        held?;
        let reason = match admitted {
            Ok(Admitted::Answered) => return Ok(Worked::Silent),
            Ok(Admitted::Over) => Some(OVER),
            Ok(Admitted::Yes { .. }) => None,
            Err(failure) => return Ok(failed(request, failure.to_string())),
        };
        let surveyed = match surveyed {
            Ok(surveyed) => surveyed,
            Err(failures) => return Ok(failed(request, remaining(&failures))),
        };
        let overtaken = self
            .is_overtaken(made, surveyed.execution_role.iter())
            .then_some(OVERTAKEN);
        if let Some(reason) = reason.or(overtaken) {
            let leaves_something = surveyed.has_anything_of(&request.owner);
            return Ok(self.leave(aws, request, reason, leaves_something).await);
        }

        // reconcile (AWS clients)
        match Box::pin(destroy::remove(aws, &removes, surveyed, self.now())).await {
            Ok(()) => Ok(succeeded(request)),
            Err(failures) => Ok(failed(request, remaining(&failures))),
        }
    }

    /// Answers a Delete that is not carried out: SUCCESS, but FAILED where its whole stack is being deleted and something of
    /// ours would stay behind unseen.
    async fn leave(&self, aws: &Aws<'_>, request: &Request, reason: &str, leaves_something: bool) -> Worked {
        use aws_sdk_cloudformation::types::StackStatus::DeleteInProgress;
        if leaves_something {
            match aws.cloudformation.stack_status(request.owner.stack_id.as_str()).await {
                Ok(Some(DeleteInProgress)) => {
                    let reason = format!("{reason}, and what was made for it remains: delete the stack again");
                    return failed(request, reason);
                }
                Ok(_) => {}
                Err(failure) => return failed(request, failure.to_string()),
            }
        }
        over(request, reason)
    }

    fn compose(&self, request: &Request) -> Result<(&Settings, Identity, Composition), NotComposed> {
        let settings = self.settings.as_ref();
        let settings = settings.map_err(|faults| NotComposed::Settings(faults.clone()))?;
        let composed = Composition::of(&request.properties, &request.owner, settings);
        let (identity, composition) = composed.map_err(NotComposed::Properties)?;
        Ok((settings, identity, composition))
    }

    /// Prunes old revisions: best effort, the next update finds the same ones.
    async fn prune(&self, identity: &Identity, applied: &Applied, until: Instant) {
        let aws = Aws::new(&self.clients.resources, Retry::until(until));
        let pruning = AssertUnwindSafe(Box::pin(prune::prune(&aws, identity, applied))).catch_unwind();
        match timeout_at(until, pruning).await {
            Ok(Ok(Ok(pruned))) => tracing::info!(pruned, "old revisions pruned"),
            Ok(Ok(Err(failures))) => tracing::warn!(%failures, "old revisions not pruned"),
            Ok(Err(_panic)) => tracing::error!("the provider panicked while it pruned old revisions"),
            Err(_elapsed) => tracing::warn!("old revisions not pruned in time"),
        }
    }
}

const OVER: &str = "this request is over, as its stack's status shows: nothing was changed";
const TIMED_OUT: &str = "this request is over, as its ServiceTimeout has passed: nothing was changed";
const OVERTAKEN: &str = "this request is over, as a newer one has changed the resource: nothing was changed";

/// Why nothing can be composed for a request.
#[derive(Debug, thiserror::Error)]
enum NotComposed {
    /// The deployer's faults.
    #[error("the provider's own parameters are invalid; update its stack: {0}")]
    Settings(Faults),
    /// The author's faults.
    #[error("{0}")]
    Properties(Faults),
}

/// The family that a reverse Update leaves behind, if the update which it takes back has made it: then its mark is not older
/// than that of the family which the resource has. An older one is of a family that a Retain policy keeps, and that the other
/// update named but never changed, as it was refused.
fn abandoned(
    request: &Request,
    wanted: &Identity,
    observed: &look::Observed,
    others: &[ObservedRole],
) -> Option<Identity> {
    let abandoned = request.abandons(wanted)?;
    let current = request.family_of_physical_id()?;
    let time = |identity: &Identity| {
        let role = if identity == wanted {
            observed.execution_role.as_ref()
        } else {
            let name = identity.execution_role_name();
            others.iter().find(|role| role.name == name)
        };
        Some(Mark::on(role?)?.time)
    };
    let is_kept = time(&abandoned)
        .zip(time(&current))
        .is_some_and(|(theirs, ours)| theirs < ours);
    (!is_kept).then_some(abandoned)
}

async fn renew(lock: Option<&Lock<'_>>, invocation: &Invocation) -> Result<(), NotHeld> {
    match lock {
        Some(lock) => lock.renew(invocation).await,
        None => Ok(()),
    }
}

/// What the resource was made of before an Update, where that is valid and of the same family.
fn before(request: &Request, identity: &Identity, settings: &Settings) -> Option<Composition> {
    if request.request_type != RequestType::Update {
        return None;
    }
    let (before, composition) = Composition::of(&request.old_properties, &request.owner, settings).ok()?;
    (before == *identity).then_some(composition)
}

fn failed(request: &Request, reason: impl Into<String>) -> Worked {
    ended(request, Outcome::Failed(reason.into()))
}

fn succeeded(request: &Request) -> Worked {
    ended(request, Outcome::Success(None))
}

fn ended(request: &Request, outcome: Outcome) -> Worked {
    Worked::Answered(Box::new(Ending {
        physical_id: request.physical_id(),
        outcome,
        prunable: None,
    }))
}

/// The answer to a request that is not carried out: there is nothing to do for a Delete, and nothing to report for the
/// others.
fn over(request: &Request, reason: &str) -> Worked {
    tracing::warn!(reason, "not carried out");
    match request.request_type {
        RequestType::Create | RequestType::Update => failed(request, reason),
        RequestType::Delete => succeeded(request),
    }
}

fn remaining(failures: &Failures) -> String {
    format!("{failures}; the resources named here still exist: fix the cause and delete the stack again")
}
