//! The response URLs: S3's side of an answer, and what this provider has to say (docs/internals/cloudformation.md,
//! "Answers" and "The PUT").

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use agent_composer::{response_url::ResponseUrl, signal};

use super::{
    clock::Clock,
    request::{Kind, Request},
    story::Put,
    world::World,
};
use crate::{account::Account, answer::Answer};

/// How long a response URL can be written to, in seconds.
pub const EXPIRES: u64 = 7200;

/// The physical id of a family.
pub fn id_of(account: &Account, family: &str) -> String {
    let stack = account.stack_id("any", "any");
    let place: Vec<&str> = stack.split(':').collect();
    format!(
        "arn:{}:ecs:{}:{}:task-definition/{family}",
        place[1], place[3], place[4]
    )
}

/// The id that this provider has to give (docs/internals/architecture.md, "Identity").
fn right_id(answer: &Answer, request: &Request, account: &Account) -> String {
    let family = request.family();
    match request.kind {
        Kind::Create => id_of(account, &family),
        Kind::Update if answer.succeeded => id_of(account, &family),
        Kind::Update | Kind::Delete => request.text("PhysicalResourceId").to_owned(),
    }
}

/// Where one run of one request puts its answer.
pub struct Url {
    /// Everything.
    pub world: Arc<World>,
    /// The request.
    pub request: Arc<Request>,
    /// What the run is called.
    pub run: String,
    /// How the next PUTs end.
    pub ends: Mutex<VecDeque<Put>>,
    /// How many answers of the run were taken, and it knows.
    pub taken: Arc<AtomicUsize>,
}

impl signal::Put for Url {
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>> {
        Box::pin(async move {
            let end = self.ends.lock().unwrap().pop_front();
            match end {
                Some(Put::Status500) => Ok(500),
                Some(Put::Reset) => Err("connection reset by peer".to_owned()),
                Some(Put::Hang) => std::future::pending().await,
                Some(Put::LostAnswer) => {
                    self.take(url, &body);
                    Err("connection reset by peer".to_owned())
                }
                None => {
                    let status = self.take(url, &body);
                    self.taken.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                    Ok(status)
                }
            }
        })
    }
}

impl Url {
    /// What S3 says, and what CloudFormation then reads.
    fn take(&self, url: &ResponseUrl, body: &[u8]) -> u16 {
        let Self {
            world, request, run, ..
        } = self;
        if url.with_credential() != request.text("ResponseURL") {
            world.breach(format!("{run} answered to another request's URL"));
            return 403;
        }
        if is_expired(request, world.clock) {
            world.note(format!("{run} answers, but the URL has expired"));
            return 403;
        }
        match Answer::read(body, &request.event) {
            Err(fault) => world.breach(format!(
                "{run} gave an answer that CloudFormation does not take: {fault}"
            )),
            Ok(answer) => {
                let right = right_id(&answer, request, &world.account);
                if answer.id != right {
                    world.breach(format!("{run} answered with the id {} in place of {right}", answer.id));
                }
                if answer.reason.contains("panicked") {
                    world.breach(format!("{run} panicked"));
                }
                let answered = if answer.succeeded {
                    format!(
                        "SUCCESS {} {}",
                        answer.id,
                        answer.data.get("Revision").unwrap_or_default()
                    )
                } else {
                    format!("FAILED {} {}", answer.id, answer.reason)
                };
                self.world.acts(run, &answered);
                if request.answered_well.fetch_or(answer.succeeded, Ordering::Relaxed)
                    && !answer.succeeded
                    && world.story.is_punctual()
                    && !world.story.may_fail(&request.which)
                {
                    world.breach(format!("{run} answers {answered} after SUCCESS"));
                }
                let heard = if request.answer(answer) { "" } else { " (to nobody)" };
                world.note(format!("{run} answers {answered}{heard}"));
            }
        }
        200
    }
}

/// Whether the request's URL can't be written to any more.
pub fn is_expired(request: &Request, clock: Clock) -> bool {
    clock.now() >= request.signed + EXPIRES
}
