//! The chronicle: who got what, which calls were made, and what was answered, in order.

use std::sync::Mutex;

use super::clock::Clock;
use crate::account::Account;

/// Lines, each with how many calls had been made before it.
pub struct Chronicle {
    account: Account,
    clock: Clock,
    lines: Mutex<Vec<(usize, String)>>,
}

impl Chronicle {
    /// An empty one, which is put together with the account's own journal.
    pub fn new(account: &Account, clock: Clock) -> Self {
        Self {
            account: account.clone(),
            clock,
            lines: Mutex::default(),
        }
    }

    /// Writes a line.
    pub fn note(&self, line: impl Into<String>) {
        let line = format!("{:>9.3} {}", self.clock.elapsed().as_secs_f64(), line.into());
        self.lines.lock().unwrap().push((self.account.mark(), line));
    }

    /// All of it, the calls in their places.
    pub fn text(&self) -> String {
        let mut calls = self.account.calls().into_iter().map(|call| {
            let call: String = call.to_string().chars().take(220).collect();
            format!("            {call}")
        });
        let (mut lines, mut given) = (Vec::new(), 0);
        for (before, line) in &*self.lines.lock().unwrap() {
            lines.extend(calls.by_ref().take(before.saturating_sub(given)));
            given = given.max(*before);
            lines.push(line.clone());
        }
        lines.extend(calls);
        lines.join("\n")
    }
}
