//! Waiting: which refusals time mends, for how long, and when to look again. The one place where calls are repeated.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use super::refusal::{Kind, Refusal};

/// How long AWS may take until a role made moments ago is there for everybody; advice and reports speak of seconds to
/// a minute (aws.md 3.2). A real denial looks the same, so this is also how late it is reported.
pub(super) const SETTLING: Duration = Duration::from_secs(60);

/// The first pause's upper bound.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: registrations come back at one a second for a whole account (aws.md 2.1), and sixty that wait
/// must neither crowd nor idle.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a request may wait for AWS.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    until: Instant,
}

impl Patience {
    /// Patience that ends at `until`.
    #[must_use]
    pub fn until(until: Instant) -> Self {
        Self { until }
    }

    /// The same, but for at most `limit` from now.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            until: self.until.min(Instant::now() + limit),
        }
    }

    /// Calls until it is done, is refused for good, or patience ends. Throttling, concurrent changes, server errors and
    /// lost answers are waited out. Use it for calls that may take effect twice.
    pub(super) async fn call<T, E, F>(
        self,
        action: &'static str,
        on: &str,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, E>>,
        Refusal: From<E>,
    {
        self.call_through(action, on, |_| false, attempt).await
    }

    /// The same, and also waits out what `settles`, for [`SETTLING`].
    pub(super) async fn call_through<T, E, F>(
        self,
        action: &'static str,
        on: &str,
        settles: impl Fn(&Refusal) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, E>>,
        Refusal: From<E>,
    {
        let mut waiting = self.wait(action, on);
        loop {
            match attempt().await {
                Ok(done) => {
                    waiting.done("done");
                    return Ok(done);
                }
                Err(error) => waiting.after(error.into(), &settles).await?,
            }
        }
    }

    /// Begins to wait for one thing, for loops that look before they call again.
    pub(super) fn wait<'a>(self, action: &'static str, on: &'a str) -> Waiting<'a> {
        Waiting {
            action,
            on,
            until: self.until,
            began: Instant::now(),
            attempts: 0,
        }
    }
}

/// The state of one wait.
pub(super) struct Waiting<'a> {
    action: &'static str,
    on: &'a str,
    until: Instant,
    began: Instant,
    attempts: u32,
}

impl Waiting<'_> {
    /// Pauses, if time may mend the refusal and there is enough left.
    ///
    /// # Errors
    /// The refusal, if not, with what was waited.
    pub(super) async fn after(&mut self, refusal: Refusal, settles: impl Fn(&Refusal) -> bool) -> Result<(), Refusal> {
        self.attempts += 1;
        let until = match refusal.kind {
            Kind::Throttled | Kind::Busy | Kind::Server | Kind::Transport => self.until,
            _ if settles(&refusal) => self.until.min(self.began + SETTLING),
            _ => {
                // What callers ask for, such as whether something is there, is no failure.
                self.ended(&refusal.code, self.attempts);
                return Err(refusal);
            }
        };
        let bound = FIRST_PAUSE
            .saturating_mul(1 << self.attempts.min(10))
            .min(LONGEST_PAUSE);
        let pause = jitter(bound);
        if Instant::now() + pause >= until {
            self.ended(&refusal.code, self.attempts);
            let (attempts, seconds) = (self.attempts, self.began.elapsed().as_secs());
            return Err(Refusal {
                message: format!("{} (after {attempts} attempts in {seconds} s)", refusal.message),
                ..refusal
            });
        }
        tracing::debug!(action = self.action, on = self.on, refusal = %refusal, pause_ms = millis(pause), "waiting");
        sleep(pause).await;
        Ok(())
    }

    /// Notes that the last attempt, after those that were refused, came to something.
    pub(super) fn done(&self, outcome: &str) {
        self.ended(outcome, self.attempts + 1);
    }

    /// Writes what was done to what, and how long it took.
    fn ended(&self, outcome: &str, attempts: u32) {
        tracing::info!(
            action = self.action,
            on = self.on,
            outcome,
            attempts,
            ms = millis(self.began.elapsed()),
            "called"
        );
    }
}

/// Half of the bound and a random part of the other half: spread, but never a pause of nothing.
fn jitter(bound: Duration) -> Duration {
    let half = millis(bound) / 2;
    Duration::from_millis(half + fastrand::u64(0..=half))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Refuses `times` times, then says how long it took.
    async fn waited(
        patience: Duration,
        refusal: Refusal,
        times: u32,
        settles: bool,
    ) -> (Result<(), Refusal>, Duration, u32) {
        let (began, calls) = (Instant::now(), Cell::new(0));
        let done = Patience::until(began + patience)
            .call_through(
                "test:Call",
                "a thing",
                |_| settles,
                || {
                    calls.set(calls.get() + 1);
                    let answer = if calls.get() > times {
                        Ok(())
                    } else {
                        Err(refusal.clone())
                    };
                    std::future::ready(answer)
                },
            )
            .await;
        (done, began.elapsed(), calls.get())
    }

    const LONG: Duration = Duration::from_secs(890);

    #[tokio::test(start_paused = true)]
    async fn what_time_mends_is_waited_out() {
        for kind in [Kind::Throttled, Kind::Busy, Kind::Server, Kind::Transport] {
            let (done, _, calls) = waited(LONG, Refusal::of(kind, "Code", "m"), 3, false).await;
            assert_eq!((done, calls), (Ok(()), 4), "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_before_the_deadline_and_says_how_long_it_was() {
        let (done, took, calls) = waited(
            LONG,
            Refusal::of(Kind::Throttled, "Throttling", "Rate exceeded"),
            u32::MAX,
            false,
        )
        .await;
        assert!(took < LONG && took + LONGEST_PAUSE > LONG, "{took:?}");
        assert_eq!(
            done.unwrap_err().message,
            format!("Rate exceeded (after {calls} attempts in {} s)", took.as_secs())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_settle_is_reported_within_a_minute() {
        let denied = Refusal::of(Kind::Denied, "AccessDenied", "no iam:PassRole");
        let (done, took, _) = waited(LONG, denied, u32::MAX, true).await;
        assert!(
            done.is_err() && took <= SETTLING && took + LONGEST_PAUSE > SETTLING,
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_time_does_not_mend_is_reported_at_once() {
        for kind in [Kind::Denied, Kind::Absent, Kind::Exists, Kind::Conflict, Kind::Other] {
            let (done, took, calls) = waited(LONG, Refusal::of(kind, "Code", "m"), 1, false).await;
            assert_eq!(
                (done.unwrap_err().message.as_str(), took, calls),
                ("m", Duration::ZERO, 1),
                "{kind:?}"
            );
        }
    }
}
