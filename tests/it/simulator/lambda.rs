//! Lambda: asynchronous delivery, duplicates, two redeliveries after an error or a crash, a deadline (cloudformation.md
//! section 4).

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use agent_composer::{handler::Provider, reconcile::Clients};
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
use crate::stack::TIMEOUT;

/// After an error, the event is delivered again after these.
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// `MaximumEventAgeInSeconds` of template.yml: what is older is not delivered after an error.
const MAXIMUM_AGE: u64 = 2700;

impl World {
    /// Takes an event, and delivers it at least once.
    pub fn invoke(self: &Arc<Self>, request: &Arc<Request>) {
        let stack = request.text("StackId").to_owned();
        self.begin(&stack, request.which.logical, &request.id);
        let was_anothers = self.is_anothers(request);
        request.was_anothers.store(was_anothers, Ordering::Relaxed);
        let late = self.story.late(&request.which) + Duration::from_millis(self.below(400));
        self.spawn(request, late, true);
        for seconds in self.story.again(&request.which) {
            self.spawn(request, Duration::from_secs(seconds), false);
        }
    }

    fn spawn(self: &Arc<Self>, request: &Arc<Request>, after: Duration, counted: bool) {
        let (world, request) = (Arc::clone(self), Arc::clone(request));
        self.deliveries.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            sleep(after).await;
            let (stack, logical) = (request.text("StackId").to_owned(), request.which.logical);
            if !counted {
                world.begin(&stack, logical, &request.id);
            }
            world.claim(&request);
            world.deliver(&request).await;
            world.claim(&request);
            world.end(&stack, logical, &request.id);
            world.check("after a run");
            world.deliveries.fetch_sub(1, Ordering::Relaxed);
        });
    }

    async fn deliver(self: &Arc<Self>, request: &Arc<Request>) {
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            if self.run(request).await {
                return;
            }
            let Some(pause) = pause else {
                self.note(format!("{} is not delivered again", request.id));
                return;
            };
            sleep(pause).await;
            if self.clock.now() > request.signed + MAXIMUM_AGE {
                self.note(format!("{} has become too old to be delivered again", request.id));
                return;
            }
        }
    }

    /// Runs the function once; whether it ended without an error is said.
    async fn run(self: &Arc<Self>, request: &Arc<Request>) -> bool {
        let run = request.runs.fetch_add(1, Ordering::Relaxed);
        let name = name_of(&request.which, run);
        let expired = is_expired(request, self.clock);
        self.note(format!(
            "{name} begins: {:?} {}{}",
            request.kind,
            request.id,
            if expired { ", whose URL has expired" } else { "" }
        ));
        let account = self.account.caller(&name);
        let mark = account.mark();
        let (clients, clock) = (account.clients(), self.clock);
        let taken = Arc::new(AtomicUsize::default());
        let provider = Arc::new(Provider {
            settings: settings(),
            clients: Clients {
                ecs: clients.ecs,
                iam: clients.iam,
                logs: clients.logs,
                cloudformation: clients.cloudformation,
            },
            put: Box::new(Url {
                world: Arc::clone(self),
                request: Arc::clone(request),
                run: name.clone(),
                ends: Mutex::new(self.story.ends(&request.which, run)),
                taken: Arc::clone(&taken),
            }),
            clock: Box::new(move || UNIX_EPOCH + Duration::from_secs(clock.now())),
        });
        let deadline = Instant::now() + self.story.deadline(&request.which, run).unwrap_or(TIMEOUT);
        let done = select! {
            biased;
            () = account.crashed() => Err("crashes".to_owned()),
            handled = Box::pin(provider.handle(request.event.clone(), deadline)) => handled.map_err(|error| error.to_string()),
            () = sleep_until(deadline) => Err("is ended by Lambda".to_owned()),
        };
        if let Err(error) = &done {
            self.note(format!("{name} ends: {error}"));
        }
        let wrote = account
            .calls_since(mark)
            .into_iter()
            .find(|call| call.call.caller == name && call.wrote());
        if let Some(wrote) = wrote.filter(|_| expired) {
            self.breach(format!("{name} acts on an event whose URL had expired: {wrote}"));
        }
        // Exactly one answer for each run, unless nobody waits for it or Lambda is to run it again.
        let taken = taken.load(Ordering::Relaxed);
        let fewest = usize::from(done.is_ok() && !expired);
        if !(fewest..=usize::from(!expired)).contains(&taken) {
            self.breach(format!("{name} ended with {taken} answers: {done:?}"));
        }
        done.is_ok()
    }
}
