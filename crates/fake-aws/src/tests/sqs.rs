//! FIFO queues, through the real SDK client.

use std::time::Duration;

use aws_sdk_sqs::Client;
use tokio::time::sleep;

use super::{code, refusal};
use crate::{Account, Fault, QueueSettings};

/// A queue, and its sender.
struct Queue {
    account: Account,
    client: Client,
    url: String,
}

impl Queue {
    fn new() -> Self {
        let account = Account::new();
        let url = account.make_queue("requests.fifo", QueueSettings::default());
        Self {
            client: account.clients().sqs,
            account,
            url,
        }
    }

    async fn send(&self, group: &str, body: &str) -> String {
        let send = self.client.send_message().queue_url(&self.url);
        let sent = send.message_group_id(group).message_body(body).send().await;
        sent.expect("is accepted").message_id.expect("has an id")
    }

    /// The body and the receipt of the next message.
    fn receive(&self) -> Option<(String, String)> {
        let (message, _) = self.account.receive(&self.url)?;
        Some((message.body.clone(), message.receipt().to_owned()))
    }

    async fn hide(&self, receipt: &str, seconds: i32) -> Result<(), (String, String)> {
        let change = self.client.change_message_visibility().queue_url(&self.url);
        let changed = change.receipt_handle(receipt).visibility_timeout(seconds).send().await;
        if changed.is_ok() { Ok(()) } else { Err(refusal(changed)) }
    }

    fn delete(&self, receipt: &str) {
        self.account.delete_message(&self.url, receipt).expect("is held");
    }
}

#[tokio::test(start_paused = true)]
async fn one_message_of_a_group_is_in_flight_and_groups_do_not_wait_for_each_other() {
    let queue = Queue::new();
    for (group, body) in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")] {
        queue.send(group, body).await;
    }
    let (first, receipt) = queue.receive().expect("the first");
    let (other, _) = queue.receive().expect("the other group's");
    assert_eq!((first.as_str(), other.as_str()), ("1", "3"));
    assert_eq!(queue.receive(), None, "both groups have one in flight");
    queue.delete(&receipt);
    assert_eq!(queue.receive().expect("the next").0, "2");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_comes_before_the_next_of_its_group() {
    let queue = Queue::new();
    queue.send("a", "1").await;
    queue.send("a", "2").await;
    queue.receive().expect("the first");
    sleep(Duration::from_secs(359)).await;
    assert_eq!(queue.receive(), None);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(queue.receive().expect("again").0, "1");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_the_last_five_minutes_is_accepted_and_not_delivered() {
    let queue = Queue::new();
    let first = queue.send("a", "same").await;
    let (_, receipt) = queue.receive().expect("the first");
    queue.delete(&receipt);
    assert_eq!(queue.send("b", "same").await, first, "also of another group");
    assert_eq!(queue.receive(), None);
    sleep(Duration::from_secs(300)).await;
    assert_ne!(queue.send("a", "same").await, first);
    assert_eq!(queue.receive().expect("a message of its own").0, "same");
}

#[tokio::test(start_paused = true)]
async fn the_visibility_counts_from_the_call() {
    let queue = Queue::new();
    queue.send("a", "1").await;
    let (_, receipt) = queue.receive().expect("it");
    sleep(Duration::from_secs(350)).await;
    queue.hide(&receipt, 330).await.expect("is held");
    sleep(Duration::from_secs(329)).await;
    assert_eq!(queue.receive(), None);
    sleep(Duration::from_secs(1)).await;
    assert!(queue.receive().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stale_receipt_is_refused() {
    let queue = Queue::new();
    queue.send("a", "1").await;
    let (_, first) = queue.receive().expect("it");
    sleep(Duration::from_secs(360)).await;
    let (code, message) = queue.hide(&first, 30).await.expect_err("has run out");
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.contains("The receipt handle has expired"), "{message}");
    assert!(queue.account.delete_message(&queue.url, &first).is_err());
    let (_, second) = queue.receive().expect("again");
    assert_eq!(
        queue.hide(&first, 30).await.expect_err("was received again").0,
        "ReceiptHandleIsInvalid"
    );
    queue.delete(&second);
    assert_eq!(
        queue.hide(&second, 30).await.expect_err("is deleted").0,
        "ReceiptHandleIsInvalid"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_says_when_it_was_sent_and_how_often_it_was_received_and_dies_after_four_times() {
    let queue = Queue::new();
    queue.send("a", "1").await;
    queue.send("a", "2").await;
    let mut sent = None;
    for count in 1..=4 {
        let (_, record) = queue.account.receive(&queue.url).expect("is received");
        let attributes = &record["attributes"];
        assert_eq!(attributes["ApproximateReceiveCount"], count.to_string());
        assert_eq!(attributes["MessageGroupId"], "a");
        assert_eq!(
            sent.get_or_insert(attributes["SentTimestamp"].clone()),
            &attributes["SentTimestamp"]
        );
        sleep(Duration::from_secs(360)).await;
    }
    assert_eq!(queue.receive().expect("the next").0, "2");
    let dead = queue.account.dead_letters(&queue.url);
    assert_eq!((dead.len(), dead[0].body.as_str()), (1, "1"));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_kept_for_two_hours() {
    let queue = Queue::new();
    queue.send("a", "1").await;
    sleep(Duration::from_secs(7199)).await;
    assert!(queue.receive().is_some());
    sleep(Duration::from_secs(360)).await;
    assert_eq!(queue.receive(), None);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_sent_says_so() {
    let queue = Queue::new();
    let send = |body: &str| {
        let send = queue.client.send_message().queue_url(&queue.url);
        send.message_group_id("a").message_body(body).send()
    };
    assert_eq!(code(send("a\u{1}b").await), "InvalidMessageContents");
    assert_eq!(code(send(&"a".repeat((1 << 20) + 1)).await), "InvalidParameterValue");
    let nowhere = queue
        .client
        .send_message()
        .queue_url("https://sqs.us-east-1.amazonaws.com/1/none");
    assert_eq!(code(nowhere.message_body("1").send().await), "QueueDoesNotExist");
    let ungrouped = queue.client.send_message().queue_url(&queue.url).message_body("1");
    assert_eq!(code(ungrouped.send().await), "MissingParameter");
    queue.account.fault_in(1, Fault::Throttle);
    assert_eq!(code(send("1").await), "RequestThrottled");
    queue.account.fault_in(1, Fault::Deny);
    assert_eq!(code(send("1").await), "AccessDeniedException");
    assert!(queue.account.messages(&queue.url).is_empty());
    queue.account.fault_in(1, Fault::LostAnswer);
    send("1").await.expect_err("no answer came");
    assert_eq!(queue.account.messages(&queue.url).len(), 1);
}
