//! Deadlines, panics, and answers that are not taken.

use std::time::Duration;

use agent_composer::{https::Https, response_url::ResponseUrl, signal::Put};
use tokio::time::Instant;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{
    account::{Fault, Moment},
    stack::{Stack, TIMEOUT, ruby},
};

#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers_is_reported_before_the_function_ends() {
    for timeout in [TIMEOUT, Duration::from_secs(10)] {
        let stack = Stack::new();
        stack.account.fault_always("ecs:RegisterTaskDefinition", Fault::Hang);
        let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
        let began = Instant::now();
        let answer = stack.deliver_within(&event, timeout).await.unwrap();
        assert!(began.elapsed() < timeout, "{:?}", began.elapsed());
        assert!(
            answer.clone().failure().contains("the time for this request ended"),
            "{}",
            answer.reason
        );

        stack.account.clear_faults();
        stack.delete("Ruby2", &answer.id, &ruby("ruby:2.7")).await.success();
        assert_eq!(stack.account.leftovers(), [] as [String; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_when_the_time_is_over_is_answered_so_and_writes_nothing() {
    let stack = Stack::new();
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    let answer = stack.deliver_within(&event, Duration::ZERO).await.unwrap();
    assert!(
        answer.clone().failure().contains("the time for this request ended"),
        "{}",
        answer.reason
    );
    assert!(stack.account.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_that_names_itself() {
    let stack = Stack::new();
    stack.account.set_hook(|call, moment| {
        assert!(
            call.action() != "ecs:RegisterTaskDefinition" || moment != Moment::Arriving,
            "a defect"
        );
        Box::pin(std::future::ready(()))
    });
    let answer = stack.create("Ruby2", &ruby("ruby:2.7")).await;
    assert!(
        answer.clone().failure().contains("the provider panicked"),
        "{}",
        answer.reason
    );
    stack.account.clear_pace();
    stack.delete("Ruby2", &answer.id, &ruby("ruby:2.7")).await.success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_at_first_is_sent_again() {
    let stack = Stack::new();
    stack
        .inbox
        .refuse(vec![Err("connection reset".into()), Ok(500), Ok(503)]);
    stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_delivered_is_an_error_and_the_next_delivery_finds_the_work_done() {
    let stack = Stack::new();
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    stack.inbox.refuse(vec![Ok(503); 6]);
    let undelivered = stack.deliver(&event).await.unwrap_err().to_string();
    assert!(
        undelivered.contains("503") && !undelivered.contains("secret-signature"),
        "{undelivered}"
    );
    stack.deliver(&event).await.unwrap().success();
    assert_eq!(stack.account.calls_to("ecs:RegisterTaskDefinition").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_was_answered_is_not_an_error_to_lambda() {
    let stack = Stack::new();
    let event = stack.event("Create", "Ruby2", None, &serde_json::json!({}));
    stack.deliver(&event).await.unwrap().failure();
    assert_eq!(stack.inbox.taken(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_sweep_neither_delays_nor_spoils_the_answer() {
    let stack = Stack::new();
    let image = |n: usize| ruby(&format!("ruby:{n}"));
    let created = stack.create("Ruby2", &image(0)).await.success();
    stack
        .account
        .fault_always("ecs:DeregisterTaskDefinition", Fault::Throttle);
    for n in 1..6 {
        stack
            .update("Ruby2", &created.id, &image(n - 1), &image(n))
            .await
            .success();
    }
    assert_eq!(stack.account.active_revisions("ruby2").len(), 6);
    stack.account.clear_faults();
    stack.update("Ruby2", &created.id, &image(5), &image(6)).await.success();
    assert_eq!(stack.account.active_revisions("ruby2").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_reason_is_cut_to_what_cloudformation_reads_and_has_no_control_characters() {
    let stack = Stack::new();
    let long = format!("no such role\n\u{1b}[31m{}", "\"é\" ".repeat(2000));
    let refused = Fault::error(400, "ClientException", &long);
    stack.account.fault_always("ecs:RegisterTaskDefinition", refused);
    // Read as CloudFormation does: within 4096 bytes, no control characters.
    let reason = stack.create("Ruby2", &ruby("ruby:2.7")).await.failure();
    assert!(
        reason.contains("ecs:RegisterTaskDefinition") && reason.contains("no such role"),
        "{reason}"
    );
    assert!(reason.len() > 2000 && reason.ends_with("has all of it)"), "{reason}");
}

#[tokio::test]
async fn an_answer_is_put_with_no_content_type() {
    let server = MockServer::start().await;
    let taken = Mock::given(method("PUT")).respond_with(ResponseTemplate::new(200));
    taken.mount(&server).await;
    let url = ResponseUrl::parse(&format!("{}/answer?X-Amz-Signature=secret-signature", server.uri())).unwrap();
    let status = Https::new().put(&url, b"{}".to_vec()).await;
    assert_eq!(status, Ok(200));
    let received = &server.received_requests().await.unwrap()[0];
    assert_eq!(
        (received.body.as_slice(), received.headers.get("content-type")),
        (&b"{}"[..], None)
    );
}

#[test]
fn what_is_shown_of_a_response_url_has_no_credential() {
    let url = ResponseUrl::parse("https://answers.example/1?X-Amz-Signature=secret-signature").unwrap();
    for shown in [url.to_string(), format!("{url:?}")] {
        assert!(
            shown.contains("answers.example/1") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
