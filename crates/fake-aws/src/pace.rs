//! When a call goes on: latency drawn from a seed, and a hook that a scheduler can hang itself into.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::call::Call;

/// The two moments at which a call can be held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// On the way there: nothing has happened yet.
    Arriving,
    /// On the way back: what the call does is done.
    Answering,
}

/// What a hook returns.
pub type Held = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Called, and awaited, at both moments of every call.
pub type Hook = Arc<dyn Fn(Call, Moment) -> Held + Send + Sync>;

/// How long calls take.
#[derive(Default)]
pub struct Pace {
    random: Option<(fastrand::Rng, Duration)>,
    /// The hook, if there is one.
    pub hook: Option<Hook>,
}

impl Pace {
    /// Makes each way of each call take between nothing and `longest` from now on, drawn from `seed`.
    pub fn draw(&mut self, seed: u64, longest: Duration) {
        self.random = Some((fastrand::Rng::with_seed(seed), longest));
    }

    /// How long the next call takes there and back, in whole milliseconds as tokio's clock has them.
    pub fn next(&mut self) -> (Duration, Duration) {
        match &mut self.random {
            None => (Duration::ZERO, Duration::ZERO),
            Some((random, longest)) => {
                let most = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
                let mut way = || Duration::from_millis(random.u64(0..=most));
                (way(), way())
            }
        }
    }
}
