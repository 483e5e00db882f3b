//! Retries: which errors time mends, for how long, and when to call again. The only place where calls are repeated.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use super::error::{CallError, Kind};

/// How long a new role may take until every service knows it; advice and reports speak of seconds to a minute
/// (docs/internals/aws.md, "Roles"). A real denial looks the same, so this is also how late it is reported.
const PROPAGATION: Duration = Duration::from_secs(60);

/// The first pause's upper bound.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: an account gets back one registration a second (docs/internals/aws.md, "Rates"), and the ten runs
/// that wait must neither crowd nor idle.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long one run may go on calling AWS.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    until: Instant,
}

impl Retry {
    /// Retries until that moment.
    #[must_use]
    pub fn until(until: Instant) -> Self {
        Self { until }
    }

    /// Returns the same, but for at most `limit` from now.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            until: self.until.min(Instant::now() + limit),
        }
    }

    /// Calls until it succeeds, fails for good, or the time is over. Throttling, concurrent changes, server errors and
    /// lost answers are retried. Use it for calls that may take effect twice.
    pub(super) async fn call<T, E, F>(
        self,
        action: &'static str,
        on: &str,
        attempt: impl FnMut() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, E>>,
        CallError: From<E>,
    {
        self.call_through(action, on, |_| false, attempt).await
    }

    /// The same, and also retries what `propagates`, for [`PROPAGATION`].
    pub(super) async fn call_through<T, E, F>(
        self,
        action: &'static str,
        on: &str,
        propagates: impl Fn(&CallError) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, E>>,
        CallError: From<E>,
    {
        let mut waiting = self.wait(action, on);
        loop {
            match attempt().await {
                Ok(done) => {
                    waiting.done("done");
                    return Ok(done);
                }
                Err(error) => waiting.after(error.into(), &propagates).await?,
            }
        }
    }

    /// Begins a wait, for loops that look before they call again.
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
    /// Pauses, if time may mend the error and enough of it is left.
    ///
    /// # Errors
    /// The error, if not, with how long it was retried.
    pub(super) async fn after(
        &mut self,
        error: CallError,
        propagates: impl Fn(&CallError) -> bool,
    ) -> Result<(), CallError> {
        self.attempts += 1;
        let until = match error.kind {
            Kind::Throttled | Kind::Busy | Kind::Server | Kind::Transport => self.until,
            _ if propagates(&error) => self.until.min(self.began + PROPAGATION),
            _ => {
                // The caller knows what it means: that something is absent is often the answer that was wanted.
                self.ended(&error.code, self.attempts);
                return Err(error);
            }
        };
        let bound = FIRST_PAUSE
            .saturating_mul(1 << self.attempts.min(10))
            .min(LONGEST_PAUSE);
        let pause = jitter(bound);
        if Instant::now() + pause >= until {
            self.ended(&error.code, self.attempts);
            let (attempts, seconds) = (self.attempts, self.began.elapsed().as_secs());
            return Err(CallError {
                message: format!("{} (after {attempts} attempts in {seconds} s)", error.message),
                ..error
            });
        }
        tracing::debug!(action = self.action, on = self.on, error = %error, pause_ms = millis(pause), "waiting");
        sleep(pause).await;
        Ok(())
    }

    /// Logs the outcome of the last attempt.
    pub(super) fn done(&self, outcome: &str) {
        self.ended(outcome, self.attempts + 1);
    }

    /// Logs the call, on what, its outcome, and how long it took.
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
        retry: Duration,
        error: CallError,
        times: u32,
        propagates: bool,
    ) -> (Result<(), CallError>, Duration, u32) {
        let (began, calls) = (Instant::now(), Cell::new(0));
        let done = Retry::until(began + retry)
            .call_through(
                "test:Call",
                "a thing",
                |_| propagates,
                || {
                    calls.set(calls.get() + 1);
                    let answer = if calls.get() > times {
                        Ok(())
                    } else {
                        Err(error.clone())
                    };
                    std::future::ready(answer)
                },
            )
            .await;
        (done, began.elapsed(), calls.get())
    }

    const LONG: Duration = Duration::from_secs(890);

    #[tokio::test(start_paused = true)]
    async fn what_time_mends_is_retried() {
        for kind in [Kind::Throttled, Kind::Busy, Kind::Server, Kind::Transport] {
            let (done, _, calls) = waited(LONG, CallError::of(kind, "Code", "m"), 3, false).await;
            assert_eq!((done, calls), (Ok(()), 4), "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retries_end_before_the_deadline_and_say_how_long_they_took() {
        let (done, took, calls) = waited(
            LONG,
            CallError::of(Kind::Throttled, "Throttling", "Rate exceeded"),
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
    async fn what_may_propagate_is_reported_within_a_minute() {
        let denied = CallError::of(Kind::Denied, "AccessDenied", "no iam:PassRole");
        let (done, took, _) = waited(LONG, denied, u32::MAX, true).await;
        assert!(
            done.is_err() && took <= PROPAGATION && took + LONGEST_PAUSE > PROPAGATION,
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_time_does_not_mend_is_reported_at_once() {
        for kind in [Kind::Denied, Kind::Absent, Kind::Exists, Kind::Conflict, Kind::Other] {
            let (done, took, calls) = waited(LONG, CallError::of(kind, "Code", "m"), 1, false).await;
            assert_eq!(
                (done.unwrap_err().message.as_str(), took, calls),
                ("m", Duration::ZERO, 1),
                "{kind:?}"
            );
        }
    }
}
