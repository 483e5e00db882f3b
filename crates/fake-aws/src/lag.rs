//! Eventual consistency: for a bounded while after a write, reads may not show it (docs/internals/aws.md, "Consistency"
//! and "Roles").

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::call::Call;
use super::state::State;

/// How long something lags behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// For so many calls that would have noticed.
    Calls(u32),
    /// For so much simulated time.
    Time(Duration),
    /// For the call of that number alone, from 1, of those that would have noticed, within so much simulated time.
    CallWithin(u32, Duration),
}

impl Lag {
    /// No lag.
    pub const NONE: Self = Self::Calls(0);
}

/// A lag that began at some moment and is being used up.
#[derive(Clone, Copy, Debug)]
struct Running {
    lag: Lag,
    since: Instant,
}

impl Running {
    /// Whether it still lags; uses up one call.
    fn lags(&mut self, now: Instant) -> bool {
        match &mut self.lag {
            Lag::CallWithin(_, span) if now.saturating_duration_since(self.since) >= *span => false,
            Lag::Calls(0) | Lag::CallWithin(0, _) => false,
            Lag::CallWithin(left, _) => {
                *left -= 1;
                *left == 0
            }
            Lag::Calls(left) => {
                *left -= 1;
                true
            }
            Lag::Time(span) => now.saturating_duration_since(self.since) < *span,
        }
    }
}

type Rule = Box<dyn FnMut(&Call) -> Option<Lag> + Send>;

/// Which writes reads do not see yet.
#[derive(Default)]
pub struct Staleness {
    rules: Vec<Rule>,
    unseen: Vec<(Vec<String>, State, Running)>,
}

impl Staleness {
    /// Adds a rule that says how long a write stays unseen.
    pub fn add(&mut self, rule: impl FnMut(&Call) -> Option<Lag> + Send + 'static) {
        self.rules.push(Box::new(rule));
    }

    /// Forgets rules and unseen writes: everything is seen from now on.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.unseen.clear();
    }

    /// How long this write, which took effect, is to stay unseen.
    pub fn decide(&mut self, call: &Call) -> Option<Lag> {
        let mut decided = None;
        for rule in &mut self.rules {
            let lag = rule(call);
            decided = decided.or(lag);
        }
        decided
    }

    /// Whether any rule is in force: only then is the state before a write worth keeping.
    pub fn is_on(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Keeps the state before a write of `subjects`.
    pub fn hide(&mut self, subjects: Vec<String>, before: State, lag: Lag, now: Instant) {
        let running = Running { lag, since: now };
        self.unseen.push((subjects, before, running));
    }

    /// The state that a read of `subjects` sees, if it is not the present one. The oldest unseen write decides.
    pub fn seen(&mut self, subjects: &[String], now: Instant) -> Option<State> {
        let seen = self.unseen.iter_mut().find_map(|(written, before, running)| {
            let touches = written.iter().any(|one| subjects.iter().any(|other| meet(one, other)));
            (touches && running.lags(now)).then(|| before.clone())
        });
        self.unseen.retain(|(_, _, running)| match running.lag {
            Lag::Calls(left) => left > 0,
            Lag::Time(span) => now.saturating_duration_since(running.since) < span,
            Lag::CallWithin(left, span) => left > 0 && now.saturating_duration_since(running.since) < span,
        });
        seen
    }
}

/// Whether two subjects, of which either may end in an asterisk, can be the same thing.
fn meet(one: &str, other: &str) -> bool {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (None, None) => one == other,
        (Some(prefix), None) => other.starts_with(prefix),
        (None, Some(prefix)) => one.starts_with(prefix),
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
    }
}

/// Lags that each new role has of its own, by the role's id.
#[derive(Default)]
pub struct Propagation {
    lag: Option<Lag>,
    roles: HashMap<String, Running>,
}

impl Propagation {
    /// How long a role made from now on lags.
    pub fn set(&mut self, lag: Lag) {
        self.lag = Some(lag);
    }

    /// A role was made.
    pub fn begin(&mut self, id: &str, now: Instant) {
        if let Some(lag) = self.lag {
            self.roles.insert(id.to_owned(), Running { lag, since: now });
        }
    }

    /// Whether a role still lags; uses up one call.
    pub fn lags(&mut self, id: &str, now: Instant) -> bool {
        self.roles.get_mut(id).is_some_and(|running| running.lags(now))
    }
}
