//! A deterministic CloudFormation, with Lambda's delivery and AWS's bad days: what it is, and in which order to read it.
//!
//! ```text
//!  story ─▶ cloudformation ─▶ lambda ─▶ provider ─▶ account (with the story's troubles)
//!  (data)   operations,       runs,       │  answers ▲
//!           rollbacks         duplicates  ▼          │
//!                └──────────── answers ◀─ PUT    invariants, after every step and at rest
//! ```
//!
//! What CloudFormation does is written from the event table (docs/internals/cloudformation.md, "Which events arrive")
//! and the delivery rules ("Delivery"), and from nothing else. Time is tokio's paused clock; one seed decides all. A
//! story is a plain value: a failing one is made short by leaving things out of it, and is printed in full.
//!
//! `SIMULATOR_STORIES=50000 cargo test simulator` plays that many under each hypothesis, with `SIMULATOR_FROM=…` from that
//! seed on, and `SIMULATOR_SEED=…` one of them again. `python3 tests/mutations.py` shows what all this finds.

#![allow(unreachable_pub, reason = "private to the tests, like the account that it drives")]

// What happens, as data.
mod generate;
mod shrink;
mod story;
mod template;

// CloudFormation and Lambda.
mod answers;
mod clock;
mod cloudformation;
mod lambda;
mod request;
mod rollback;
mod world;

// What must hold in it.
mod chronicle;
mod foreign;
mod invariants;
mod permissions;
mod registrations;
mod troubles;

// The tests.
mod capacity;
mod crossed;
mod regressions;
mod run;
mod stories;
