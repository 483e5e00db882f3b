//! Serves the account on a loopback port, for `benches/run.py`: prints the address and the id of a stack that is in progress.
//! The argument is how many milliseconds each call takes.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program for benchmarks, which ends where it can't go on"
)]

use std::time::Duration;

use fake_aws::{Account, Moment};

#[tokio::main]
async fn main() {
    let latency = Duration::from_millis(std::env::args().nth(1).unwrap().parse().unwrap());
    let account = Account::new();
    account.set_throttling(false);
    account.set_hook(move |_, moment| {
        let pause = if moment == Moment::Arriving {
            latency
        } else {
            Duration::ZERO
        };
        Box::pin(tokio::time::sleep(pause))
    });
    let stack = account.stack_id("bench", "5f2c1b70-0001-11f0-8de9-0242ac120002");
    account.set_stack(&stack, "UPDATE_IN_PROGRESS");
    let server = account.serve().await.unwrap();
    println!("{} {stack}", server.url);
    std::future::pending::<()>().await;
}
