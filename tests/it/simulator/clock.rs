//! The simulated wall clock: a fixed beginning, and tokio's paused time since.

use std::time::Duration;

use tokio::time::Instant;

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const BEGINNING: u64 = 1_767_225_600;

/// A clock that began with the story.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long the story has been going.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Seconds since 1970.
    pub fn now(self) -> u64 {
        BEGINNING + self.elapsed().as_secs()
    }
}

/// `20260101T000000Z`, as `X-Amz-Date` has it.
pub fn amz_date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar from days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(amz_date(0), "19700101T000000Z");
    assert_eq!(amz_date(BEGINNING), "20260101T000000Z");
    assert_eq!(amz_date(1_709_251_199), "20240229T235959Z");
}
