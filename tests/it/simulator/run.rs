//! Plays one story: on a runtime of its own, with paused time, from one seed.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{cloudformation::CloudFormation, story::Story, world::World};
use crate::granted::BOUNDED;

/// Longer than any story takes.
const LONGEST: Duration = Duration::from_secs(60 * 86_400);

/// What went wrong, and the whole story.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The first thing.
    pub what: String,
    /// Who got what, which calls were made, what was answered.
    pub chronicle: String,
}

/// Plays the story; the world after it has the chronicle.
pub fn play(story: &Story) -> Result<Arc<World>, Breach> {
    // The provider's own pauses are drawn from this thread's generator.
    fastrand::seed(story.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::new(story);
        world.account.enforce_all(&policies());
        world.befall();
        tokio::spawn(Arc::clone(&world).map_messages());
        let played = timeout(LONGEST, async {
            let places = 0..story.stacks.len();
            let stacks: Vec<CloudFormation> = places.map(|place| CloudFormation::new(&world, place)).collect();
            join_all(stacks.iter().map(CloudFormation::play)).await;
            while !world.is_at_rest() {
                sleep(Duration::from_secs(10)).await;
            }
        });
        if played.await.is_err() {
            world.breach("the story does not end");
        }
        world.check("at the end");
        world.check_permissions();
        world.check_registrations();
        world.check_silence();
        match world.first_breach() {
            None => Ok(world),
            Some(what) => Err(Breach {
                what,
                chronicle: world.chronicle(),
            }),
        }
    })
}

/// The handler's rights, and what both functions may do with the queue.
fn policies() -> Vec<Value> {
    let queue = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["sqs:SendMessage", "sqs:ChangeMessageVisibility"],
        "Resource": "*",
    }] });
    BOUNDED.iter().cloned().chain([queue]).collect()
}
