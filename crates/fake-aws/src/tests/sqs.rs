//! The queue keeps SQS's rules.

use std::time::Duration;

use tokio::time::sleep;

use super::code;
use crate::{Account, Fault, QueueSettings};

const SETTINGS: QueueSettings = QueueSettings {
    visibility: 360_000,
    retention: 7_200_000,
    most_receives: 4,
};

async fn sent(account: &Account, url: &str, group: &str, body: &str) -> Option<String> {
    let send = account.clients().sqs.send_message().queue_url(url);
    let answered = send.message_group_id(group).message_body(body).send().await;
    answered.expect("sent").message_id
}

async fn hidden(account: &Account, url: &str, receipt: &str, seconds: i32) -> Result<(), String> {
    let change = account.clients().sqs.change_message_visibility().queue_url(url);
    let changed = change.receipt_handle(receipt).visibility_timeout(seconds).send().await;
    if changed.is_ok() { Ok(()) } else { Err(code(changed)) }
}

#[tokio::test(start_paused = true)]
async fn a_group_has_one_message_in_flight_and_others_pass_it() {
    let account = Account::new();
    let url = account.set_queue("q.fifo", SETTINGS);
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        sent(&account, &url, group, body).await;
    }
    let first = account.receive("q.fifo").unwrap();
    let second = account.receive("q.fifo").unwrap();
    assert_eq!((first.body.as_str(), second.body.as_str()), ("a1", "b1"));
    assert!(account.receive("q.fifo").is_none());
    assert!(account.delete_message("q.fifo", &first.receipt));
    assert_eq!(account.receive("q.fifo").unwrap().body, "a2");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_back_is_received_before_the_rest_of_its_group() {
    let account = Account::new();
    let url = account.set_queue("q.fifo", SETTINGS);
    sent(&account, &url, "a", "a1").await;
    sent(&account, &url, "a", "a2").await;
    let first = account.receive("q.fifo").unwrap();
    sleep(Duration::from_secs(361)).await;
    let again = account.receive("q.fifo").unwrap();
    assert_eq!((again.body.as_str(), again.receives), ("a1", 2));
    assert_ne!(again.receipt, first.receipt);
    assert!(!account.delete_message("q.fifo", &first.receipt), "a stale receipt");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_accepted_once_in_five_minutes_also_after_it_was_deleted() {
    let account = Account::new();
    let url = account.set_queue("q.fifo", SETTINGS);
    let first = sent(&account, &url, "a", "body").await;
    let received = account.receive("q.fifo").unwrap();
    account.delete_message("q.fifo", &received.receipt);
    assert_eq!(sent(&account, &url, "a", "body").await, first);
    assert!(account.receive("q.fifo").is_none());
    sleep(Duration::from_secs(300)).await;
    assert_ne!(sent(&account, &url, "a", "body").await, first);
    assert!(account.receive("q.fifo").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_visibility_counts_from_the_call_and_needs_a_valid_receipt() {
    let account = Account::new();
    let url = account.set_queue("q.fifo", SETTINGS);
    sent(&account, &url, "a", "body").await;
    let first = account.receive("q.fifo").unwrap();
    sleep(Duration::from_secs(350)).await;
    hidden(&account, &url, &first.receipt, 30).await.unwrap();
    sleep(Duration::from_secs(29)).await;
    assert!(account.receive("q.fifo").is_none());
    sleep(Duration::from_secs(2)).await;
    assert!(
        hidden(&account, &url, &first.receipt, 30)
            .await
            .unwrap_err()
            .contains("InvalidParameterValue"),
        "expired"
    );
    assert!(account.receive("q.fifo").is_some());
    assert!(
        hidden(&account, &url, &first.receipt, 30)
            .await
            .unwrap_err()
            .contains("ReceiptHandleIsInvalid"),
        "stale"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_received_too_often_goes_to_the_dead_letters() {
    let account = Account::new();
    let url = account.set_queue("q.fifo", SETTINGS);
    sent(&account, &url, "a", "body").await;
    for receives in 1..=4 {
        assert_eq!(account.receive("q.fifo").unwrap().receives, receives);
        sleep(Duration::from_secs(361)).await;
    }
    assert!(account.receive("q.fifo").is_none());
    assert_eq!(account.dead_letters("q.fifo"), ["body"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_queue_does_not_take_is_refused() {
    let account = Account::new();
    let url = account.set_queue("q.fifo", SETTINGS);
    let sqs = account.clients().sqs;
    let send = |body: String| {
        sqs.send_message()
            .queue_url(&url)
            .message_group_id("a")
            .message_body(body)
            .send()
    };
    assert!(code(send("\u{1}".to_owned()).await).contains("InvalidMessageContents"));
    assert!(code(send("x".repeat(1_048_577)).await).contains("InvalidParameterValue"));
    account.fault_always("sqs:SendMessage", Fault::Deny);
    assert!(code(send("x".to_owned()).await).contains("AccessDenied"));
}
