//! The commands that look at an account, as programs, against one in memory.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a binary of tests: nothing of it is used by anybody else"
)]

mod doctor;
mod list;
mod planted;
