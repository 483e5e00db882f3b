//! What is written and not yet to be seen.

use std::time::Duration;

use super::{INLINE, code, make_role, registration};
use crate::{Account, Lag};

#[tokio::test]
async fn a_fresh_revision_is_hidden_from_so_many_reads() {
    let account = Account::new();
    let clients = account.clients();
    account.stale_after("ecs:RegisterTaskDefinition", 2, Lag::Calls(2));
    let revision = async || {
        let answer = clients
            .ecs
            .describe_task_definition()
            .task_definition("web")
            .send()
            .await
            .expect("is there");
        answer.task_definition.expect("in the answer").revision
    };
    registration(&clients, "web").send().await.expect("registers");
    assert_eq!(revision().await, 1);
    registration(&clients, "web").send().await.expect("registers");
    // A read of something else uses nothing up.
    clients
        .iam
        .get_role()
        .role_name("web")
        .send()
        .await
        .expect_err("is not there");
    assert_eq!(revision().await, 1);
    assert_eq!(revision().await, 1);
    assert_eq!(revision().await, 2);
    assert_eq!(account.newest_revision("web").expect("is there").number, 2);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_role_is_hidden_for_so_long_and_writes_see_it() {
    let account = Account::new();
    let clients = account.clients();
    account.stale_each(Lag::Time(Duration::from_secs(10)));
    make_role(&clients, "web").await;
    let get = || clients.iam.get_role().role_name("web").send();
    assert_eq!(code(get().await), "NoSuchEntity");
    let put = clients
        .iam
        .put_role_policy()
        .role_name("web")
        .policy_name("p")
        .policy_document(INLINE);
    put.send().await.expect("writes see the present");
    tokio::time::sleep(Duration::from_secs(11)).await;
    get().await.expect("is there");
    account.clear_staleness();
}

#[tokio::test]
async fn a_list_may_lag_too() {
    let account = Account::new();
    let clients = account.clients();
    account.stale_each(Lag::Calls(1));
    clients
        .logs
        .create_log_group()
        .log_group_name("/aws/ecs/web")
        .send()
        .await
        .expect("creates");
    let count = async || {
        let answer = clients
            .logs
            .describe_log_groups()
            .log_group_name_prefix("/aws")
            .send()
            .await
            .expect("lists");
        answer.log_groups().len()
    };
    assert_eq!(count().await, 0);
    assert_eq!(count().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_made_a_moment_ago_takes_no_policy_and_cannot_be_passed() {
    let account = Account::new();
    let clients = account.clients();
    account.set_role_lag(Lag::Calls(1));
    account.set_pass_role_lag(Lag::Time(Duration::from_secs(5)));
    let role = make_role(&clients, "web").await;
    let put = || {
        clients
            .iam
            .put_role_policy()
            .role_name("web")
            .policy_name("p")
            .policy_document(INLINE)
            .send()
    };
    assert_eq!(code(put().await), "NoSuchEntity");
    put().await.expect("the second time");
    let register = || registration(&clients, "web").task_role_arn(role.arn()).send();
    assert_eq!(code(register().await), "AccessDeniedException");
    tokio::time::sleep(Duration::from_secs(5)).await;
    register().await.expect("after five seconds");
}
