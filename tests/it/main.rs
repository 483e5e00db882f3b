//! Integration tests, one binary. In reading order:
//!
//! - `account`: the simulated AWS account that the others run against, with its own tests.
//! - `stack`: a stack with the provider behind it, driven as CloudFormation drives it.
//! - `granted`: what template.yml lets the provider do.
//! - `second_opinion`: another evaluator of policies agrees with the account's.
//! - `answer`: what it answers, read as CloudFormation reads it.
//! - `lifecycle`: what Create, Update and Delete leave, on a good day.
//! - `examples`: the life of every agent of the examples.
//! - `faults`: the same on every kind of bad day, at every call.
//! - `calls`: how many calls each request makes, and the picture of them in the documents.
//! - `ownership`: what is somebody else's stays as it was.
//! - `properties`: each property added, changed, taken back and removed.
//! - `refusals`: malformed properties and events.
//! - `hostile`: events that nobody would write, at random.
//! - `roles`: rights, boundaries, paths, and roles of the author's own.
//! - `queue`: the receiver, and the handler's messages: the lock, redelivery, the last receive.
//! - `admitted`: late, duplicate and forged requests, which change nothing.
//! - `features`: what agents need beside an image: rights, tags, retention, through updates and rollbacks.
//! - `shell`: the lines of shell in the composed containers, run by a real shell.
//! - `renames`: of the family and the logical id, one family twice, and what a Retain policy keeps.
//! - `delivery`: deadlines, panics, and answers that are not taken.
//! - `schema`, `plan`: what an author sees before a deployment is what the function answers.
//! - `documents`: what the documents claim holds.
//! - `simulator`: a deterministic CloudFormation over all of it, and thousands of stories.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::duration_suboptimal_units,
    reason = "a binary of tests: nothing of it is used by anybody else"
)]

use fake_aws as account;
mod admitted;
mod answer;
mod calls;
mod delivery;
mod documents;
mod examples;
mod faults;
mod features;
mod granted;
mod hostile;
mod lifecycle;
mod ownership;
mod plan;
mod properties;
mod queue;
mod refusals;
mod renames;
mod roles;
mod schema;
mod second_opinion;
mod shell;
mod simulator;
mod stack;
