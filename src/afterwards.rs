//! What is left to do beside the answer: a cancelled request leaves nothing, of several that ran together the newest
//! decides, and old revisions go.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    composition::Composition,
    identity::Identity,
    order::{Record, VALID},
    reconcile::{Applied, Clients, Done, Patience, Reconciler},
    request::{Request, RequestType},
    witness::{AtEnd, Seen},
};

/// How long the sweep of old revisions may keep a function that has answered.
const SWEEP: Duration = Duration::from_secs(30);

/// How long before the end the sweep stops, so that it is no reason to fail.
const MARGIN: Duration = Duration::from_millis(200);

/// What a Create or Update that may have written leaves to do.
pub(crate) struct Afterwards {
    pub(crate) request_type: RequestType,
    /// Whose it is, under the wanted family.
    pub(crate) identity: Identity,
    /// What the id names that an Update came with.
    pub(crate) came_with: Option<Identity>,
    /// When CloudFormation made the request, as its record has it.
    pub(crate) order: u64,
    /// The stack when it began.
    pub(crate) began: Seen,
    /// What it wanted, if that can be composed.
    pub(crate) asked: Option<Asked>,
    /// What it has ensured, if it succeeded.
    pub(crate) applied: Option<Applied>,
}

/// What a request wanted.
pub(crate) struct Asked {
    pub(crate) record: Record,
    pub(crate) wanted: Composition,
    /// What was before, if it can be composed and is of the same family.
    pub(crate) before: Option<Composition>,
}

impl Afterwards {
    /// What is left by a run that ended in the middle.
    pub(crate) fn unfinished(request: &Request, order: u64, asked: Option<Asked>) -> Option<Self> {
        (request.request_type != RequestType::Delete).then(|| Self {
            request_type: request.request_type,
            identity: request.identity(request.family_in(&request.properties)),
            came_with: request.family_of_physical_id(),
            order,
            began: Seen::default(),
            asked,
            applied: None,
        })
    }

    /// Does it, until `until`.
    ///
    /// # Errors
    /// What could not be put right, in words, for which Lambda should deliver the event again.
    pub(crate) async fn run(&self, clients: &Clients, until: Instant) -> Result<(), String> {
        match timeout_at(until, Box::pin(self.run_through(clients, until))).await {
            Ok(finished) => finished,
            Err(_elapsed) => Err("the function's time ended before everything was put right".to_owned()),
        }
    }

    async fn run_through(&self, clients: &Clients, until: Instant) -> Result<(), String> {
        let Self {
            request_type,
            identity,
            came_with,
            order,
            began,
            asked,
            applied,
        } = self;
        let reconciler = Reconciler::new(clients, Patience::until(until));
        let renamed_from = came_with.as_ref().filter(|from| *from != identity);

        let seen = reconciler.look_at_stack_again(&identity.owner).await;
        let at_end = seen.at_end(
            *request_type,
            &identity.physical_id(),
            renamed_from.is_some(),
            began,
            order.saturating_sub(VALID.as_secs()),
        );
        let destroyed = match (at_end, renamed_from) {
            (AtEnd::Keep, _) => None,
            (AtEnd::Destroy, _) => Some(Box::pin(reconciler.destroy(identity, *order)).await),
            (AtEnd::DestroyMadeAfter(time), _) => {
                Some(Box::pin(reconciler.destroy_made_after(identity, time, *order)).await)
            }
            (AtEnd::DestroyIfOvertaken, from) => {
                let overtaken = match from {
                    Some(from) => reconciler.has_request_after(*order, from).await,
                    None => Ok(false),
                };
                match overtaken {
                    Ok(true) => Some(Box::pin(reconciler.destroy(identity, *order)).await),
                    Ok(false) => None,
                    Err(failures) => Some(Err(failures)),
                }
            }
        };
        if let Some(destroyed) = destroyed {
            tracing::warn!("this request was cancelled while it ran: what it made is taken away");
            return destroyed.map_err(|failures| failures.to_string());
        }
        let Some(Asked { record, wanted, before }) = asked else {
            return Ok(());
        };
        let done = Done {
            identity,
            record,
            wanted,
            before: before.as_ref(),
            revision: applied.as_ref().map(|applied| &applied.revision),
        };
        let Some(applied) = applied else {
            return Box::pin(reconciler.settle_if_overtaken(&done))
                .await
                .map_err(|failures| failures.to_string());
        };
        let overtaken = Box::pin(reconciler.settle(&done))
            .await
            .map_err(|failures| failures.to_string())?;
        if !overtaken && seen.lets_old_revisions_go() {
            self.sweep(clients, applied, until).await;
        }
        Ok(())
    }

    /// Best effort: the next update's sweep finds the same revisions.
    async fn sweep(&self, clients: &Clients, applied: &Applied, until: Instant) {
        let Some(replaced) = &applied.replaced else { return };
        let until = until.min(Instant::now() + SWEEP) - MARGIN;
        let reconciler = Reconciler::new(clients, Patience::until(until));
        let sweep = reconciler.sweep(&self.identity, replaced, &applied.revision);
        match timeout_at(until, Box::pin(sweep)).await {
            Ok(Ok(swept)) => tracing::info!(swept, "old revisions swept"),
            Ok(Err(failures)) => tracing::warn!(%failures, "old revisions not swept"),
            Err(_elapsed) => tracing::warn!("old revisions not swept in time"),
        }
    }
}
