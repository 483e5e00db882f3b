//! Token buckets, on a simulated clock.

use std::time::Duration;

use super::{code, registration};
use crate::Account;

#[tokio::test(start_paused = true)]
async fn registering_and_deregistering_share_twenty_and_one_a_second() {
    let account = Account::new();
    let clients = account.clients();
    for _ in 0..19 {
        registration(&clients, "web").send().await.expect("within the burst");
    }
    let deregister = || clients.ecs.deregister_task_definition().task_definition("web:1").send();
    deregister().await.expect("within the burst");
    assert_eq!(code(deregister().await), "ThrottlingException");
    assert_eq!(code(registration(&clients, "web").send().await), "ThrottlingException");
    tokio::time::sleep(Duration::from_secs(2)).await;
    registration(&clients, "web").send().await.expect("one token");
    deregister().await.expect("another");
    assert_eq!(code(deregister().await), "ThrottlingException");
}

#[tokio::test(start_paused = true)]
async fn describing_and_listing_share_fifty_and_twenty_a_second() {
    let account = Account::new();
    account.plant_revision("web", "ruby:3", &[]);
    let ecs = account.clients().ecs;
    for _ in 0..50 {
        ecs.list_task_definitions().send().await.expect("within the burst");
    }
    let describe = || ecs.describe_task_definition().task_definition("web").send();
    assert_eq!(code(describe().await), "ThrottlingException");
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..20 {
        describe().await.expect("refilled");
    }
    assert_eq!(code(describe().await), "ThrottlingException");
}

#[tokio::test(start_paused = true)]
async fn rates_can_be_switched() {
    let account = Account::new();
    account.set_throttling(false);
    account.set_logs_throttling(true);
    let clients = account.clients();
    for _ in 0..30 {
        registration(&clients, "web").send().await.expect("no rate");
    }
    for n in 0..5 {
        clients
            .logs
            .create_log_group()
            .log_group_name(format!("g{n}"))
            .send()
            .await
            .expect("within the burst");
    }
    let sixth = clients.logs.create_log_group().log_group_name("g5").send().await;
    assert_eq!(code(sixth), "ThrottlingException");
}

#[tokio::test(start_paused = true)]
async fn looks_at_stacks_share_five_a_second_once_that_is_switched_on() {
    let account = Account::new();
    account.set_stacks_throttling(true);
    let client = account.clients().cloudformation;
    for _ in 0..5 {
        client.describe_stacks().send().await.expect("within the burst");
    }
    let look = || {
        client
            .describe_stack_resource()
            .stack_name("web")
            .logical_resource_id("Ruby2")
            .send()
    };
    assert_eq!(code(look().await), "Throttling");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(code(look().await), "ValidationError", "let through");
}

#[tokio::test(start_paused = true)]
async fn iam_and_registrations_have_the_rates_that_a_test_sets() {
    let account = Account::new();
    account.set_iam_rate(2.0, 1.0);
    account.set_registration_rate(1.0, 4.0);
    let clients = account.clients();
    let get = || clients.iam.get_role().role_name("web").send();
    let refused = [code(get().await), code(get().await), code(get().await)];
    assert_eq!(refused, ["NoSuchEntity", "NoSuchEntity", "Throttling"]);
    registration(&clients, "web").send().await.expect("within the burst");
    assert_eq!(code(registration(&clients, "web").send().await), "ThrottlingException");
    tokio::time::sleep(Duration::from_millis(250)).await;
    registration(&clients, "web").send().await.expect("refilled");
}
