//! The receiver and the handler with the queue between them: what goes in, the lock, redelivery, the last receive.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    select,
    time::{Instant, sleep},
};

use crate::{
    account::{Account, Fault, Message, Moment, QueueSettings, Record},
    stack::{Stack, TIMEOUT, cargo, ruby},
};

const QUEUE: &str = "requests.fifo";

/// The settings of `template.yml`.
const SETTINGS: QueueSettings = QueueSettings {
    visibility: 360_000,
    retention: 7_200_000,
    most_receives: 4,
};

/// The receiver's timeout in `template.yml`.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(60);

/// How a run ended, as the event source mapping sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Run {
    Done,
    Reported,
}

fn queued() -> Stack {
    let account = Account::new();
    let url = account.set_queue(QUEUE, SETTINGS);
    Stack::in_account(&account, "pipelines").behind_queue(&url)
}

/// CloudFormation's event reaches the receiver.
async fn received(stack: &Stack, event: &Value) -> bool {
    stack.waits_for(event);
    stack.hand_over_text(&event.to_string(), RECEIVER_TIMEOUT).await.is_ok()
}

fn next(stack: &Stack) -> Message {
    stack.account.receive(QUEUE).expect("a message to receive")
}

/// The handler gets messages; the mapping deletes those that are not reported.
async fn handled(stack: &Stack, messages: &[Message]) -> Vec<Run> {
    let arn = stack.account.queue_arn(QUEUE);
    let records: Vec<Value> = messages.iter().map(|message| message.record(&arn)).collect();
    let answered = stack
        .hand_over_text(&json!({ "Records": records }).to_string(), TIMEOUT)
        .await
        .unwrap();
    let failures = answered["batchItemFailures"].as_array().unwrap().clone();
    let run = |message: &Message| {
        if failures
            .iter()
            .any(|failure| failure["itemIdentifier"] == message.id.as_str())
        {
            return Run::Reported;
        }
        stack.account.delete_message(QUEUE, &message.receipt);
        Run::Done
    };
    messages.iter().map(run).collect()
}

async fn handled_next(stack: &Stack) -> Run {
    handled(stack, &[next(stack)]).await[0]
}

/// All answers so far: status and reason.
fn answers(stack: &Stack) -> Vec<(String, String)> {
    let text = |answer: &Value, name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let answers = stack.inbox.since(0);
    answers
        .iter()
        .map(|answer| (text(answer, "Status"), text(answer, "Reason")))
        .collect()
}

fn statuses(stack: &Stack) -> Vec<String> {
    answers(stack).into_iter().map(|(status, _)| status).collect()
}

fn nothing_was_written(stack: &Stack) {
    let written: Vec<Record> = stack.account.writes();
    let written: Vec<String> = written
        .iter()
        .map(Record::action)
        .filter(|action| !action.starts_with("sqs:"))
        .collect();
    assert_eq!(written, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_enqueued_as_it_came_in_the_group_of_its_resource_and_then_carried_out() {
    let stack = queued();
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    assert!(received(&stack, &event).await);
    let waiting = stack.account.waiting_messages(QUEUE);
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].body, event.to_string());
    assert_eq!(
        stack.account.calls().iter().map(Record::action).collect::<Vec<_>>(),
        ["sqs:SendMessage"]
    );
    assert_eq!(statuses(&stack), [] as [&str; 0]);

    assert_eq!(handled_next(&stack).await, Run::Done);
    assert_eq!(statuses(&stack), ["SUCCESS"]);
    assert!(stack.account.waiting_messages(QUEUE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_group_holds_every_request_for_a_resource_and_no_other() {
    let stack = queued();
    let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2";
    for event in [
        stack.event("Create", "Ruby2", None, &ruby("ruby:2.7")),
        stack.event("Delete", "Ruby2", Some("pipelines-Ruby2-1ABCDEFGHIJK"), &Value::Null),
        stack.event("Delete", "Ruby2", Some(id), &cargo("rust:1")),
        stack.event("Create", "Ruby3", None, &ruby("ruby:2.7")),
    ] {
        received(&stack, &event).await;
    }
    let groups: Vec<String> = stack
        .account
        .waiting_messages(QUEUE)
        .into_iter()
        .map(|message| message.group)
        .collect();
    assert!(
        groups[0] == groups[1] && groups[1] == groups[2] && groups[2] != groups[3],
        "{groups:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_delivery_of_an_event_is_one_message() {
    let stack = queued();
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    received(&stack, &event).await;
    received(&stack, &event).await;
    handled_next(&stack).await;
    received(&stack, &event).await;
    assert!(stack.account.receive(QUEUE).is_none());
    assert_eq!(statuses(&stack), ["SUCCESS"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_never_accepts_is_answered_failed_at_once() {
    let mut large = ruby("ruby:2.7");
    large["Environment"] = json!([{"Name": "LARGE", "Value": "x".repeat(1_100_000)}]);
    let mut control = ruby("ruby:2.7");
    control["Environment"] = json!([{"Name": "ODD", "Value": "\u{ffff}"}]);
    for (properties, fault) in [(ruby("ruby:2.7"), Some(Fault::Deny)), (large, None), (control, None)] {
        let stack = queued();
        if let Some(fault) = fault {
            stack.account.fault_always("sqs:SendMessage", fault);
        }
        let event = stack.event("Create", "Ruby2", None, &properties);
        assert!(received(&stack, &event).await, "no error to Lambda");
        let (status, reason) = answers(&stack).remove(0);
        assert_eq!(status, "FAILED");
        assert!(
            reason.contains("sqs:SendMessage") && reason.contains("nothing was changed"),
            "{reason}"
        );
        assert_eq!(stack.account.calls_to("sqs:SendMessage").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_does_not_accept_for_now_is_left_to_lambda_until_it_is_too_late_for_that() {
    for fault in [Fault::Throttle, Fault::Status500, Fault::Reset] {
        let stack = queued();
        stack.account.fault_always("sqs:SendMessage", fault);
        let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
        assert!(!received(&stack, &event).await, "Lambda delivers it again in a minute");
        assert_eq!(statuses(&stack), [] as [&str; 0]);
        sleep(Duration::from_secs(150)).await;
        assert!(received(&stack, &event).await);
        assert_eq!(statuses(&stack), ["FAILED"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_for_a_minute_fails_no_request() {
    let stack = queued();
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    stack.account.fault_always("sqs:SendMessage", Fault::Unavailable);
    assert!(!received(&stack, &event).await);
    sleep(Duration::from_secs(60)).await;
    stack.account.clear_faults();
    assert!(received(&stack, &event).await);
    handled_next(&stack).await;
    assert_eq!(statuses(&stack), ["SUCCESS"]);
}

#[tokio::test(start_paused = true)]
async fn the_message_is_hidden_past_the_functions_end_before_the_first_write() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    handled_next(&stack).await;
    let calls = stack.account.calls();
    let place = |action: &str| calls.iter().position(|call| call.action() == action).unwrap();
    let hidden = place("sqs:ChangeMessageVisibility");
    assert_eq!(calls[hidden].call.params["VisibilityTimeout"], 330);
    let first_write = calls
        .iter()
        .position(|call| call.wrote() && !call.action().starts_with("sqs:"))
        .unwrap();
    assert!(hidden < first_write, "{}", stack.account.story());
}

#[tokio::test(start_paused = true)]
async fn a_visibility_that_is_slow_to_renew_holds_the_first_write_back() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    stack.account.set_hook(|call, moment| {
        let slow = call.operation == "ChangeMessageVisibility" && moment == Moment::Arriving;
        Box::pin(sleep(Duration::from_secs(if slow { 9 } else { 0 })))
    });
    let began = Instant::now();
    handled_next(&stack).await;
    assert_eq!(statuses(&stack), ["SUCCESS"]);
    assert!(began.elapsed() >= Duration::from_secs(9));
    let writes = stack.account.calls_to("logs:CreateLogGroup");
    let renewed = stack.account.calls_to("sqs:ChangeMessageVisibility");
    assert!(writes[0].at >= renewed[0].at + Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_receipt_is_stale_writes_and_answers_nothing() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    let late = next(&stack);
    // The mapping was throttled, and the message's visibility ran out before this run began.
    sleep(Duration::from_secs(361)).await;
    assert_eq!(handled(&stack, std::slice::from_ref(&late)).await, [Run::Reported]);
    nothing_was_written(&stack);
    // Another run has it meanwhile.
    let newer = next(&stack);
    assert_eq!(handled(&stack, &[late]).await, [Run::Reported]);
    nothing_was_written(&stack);
    assert_eq!(statuses(&stack), [] as [&str; 0]);
    assert_eq!(handled(&stack, &[newer]).await, [Run::Done]);
    assert_eq!(statuses(&stack), ["SUCCESS"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_never_answers_leaves_the_request_untouched() {
    for fault in [Fault::Hang, Fault::Throttle, Fault::Deny] {
        let stack = queued();
        received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
        stack.account.fault_always("sqs:ChangeMessageVisibility", fault);
        assert_eq!(handled_next(&stack).await, Run::Reported);
        nothing_was_written(&stack);
        assert_eq!(statuses(&stack), [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_accepted_for_now_brings_the_message_back_in_half_a_minute() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    stack.inbox.refuse(vec![Ok(503); 6]);
    assert_eq!(handled_next(&stack).await, Run::Reported);
    assert_eq!(stack.account.next_return(QUEUE), Some(Duration::from_secs(30)));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(handled_next(&stack).await, Run::Done);
    assert_eq!(statuses(&stack), ["SUCCESS"]);
    assert_eq!(
        stack.account.calls_to("ecs:RegisterTaskDefinition").len(),
        1,
        "the work was found done"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_refused_for_good_is_not_retried() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    stack.inbox.refuse(vec![Ok(403)]);
    assert_eq!(handled_next(&stack).await, Run::Done);
    assert!(stack.account.waiting_messages(QUEUE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_last_receive_does_no_work_and_answers_failed() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    for _ in 1..4 {
        next(&stack);
        sleep(Duration::from_secs(361)).await;
    }
    assert_eq!(handled_next(&stack).await, Run::Done);
    nothing_was_written(&stack);
    let (status, reason) = answers(&stack).remove(0);
    assert_eq!(status, "FAILED");
    assert!(reason.contains("tried 3 times"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn the_last_receive_of_a_request_that_has_been_answered_sends_nothing() {
    let stack = queued();
    let event = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    received(&stack, &event).await;
    for _ in 1..4 {
        next(&stack);
        sleep(Duration::from_secs(361)).await;
    }
    let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2";
    stack.show(&event, Some(id), "CREATE_COMPLETE");
    stack.stamp(&event, 9);
    assert_eq!(handled_next(&stack).await, Run::Done);
    assert_eq!(
        statuses(&stack),
        [] as [&str; 0],
        "a FAILED must not follow its SUCCESS"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_in_a_group_that_is_not_its_resources_is_dropped() {
    let stack = queued();
    let event = stack.event("Delete", "Ruby2", Some("an-id"), &ruby("ruby:2.7"));
    stack.waits_for(&event);
    let url = stack.account.set_queue(QUEUE, SETTINGS);
    let send = stack.account.clients().sqs.send_message().queue_url(url);
    send.message_group_id("forged")
        .message_body(event.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(handled_next(&stack).await, Run::Done);
    nothing_was_written(&stack);
    assert_eq!(statuses(&stack), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_stops_at_its_first_failure_and_reports_what_follows() {
    let stack = queued();
    for name in ["One", "Two", "Three"] {
        received(&stack, &stack.event("Create", name, None, &ruby("ruby:2.7"))).await;
    }
    let messages = [next(&stack), next(&stack), next(&stack)];
    // The second one's answer is not accepted.
    stack
        .inbox
        .refuse(vec![Ok(200), Ok(503), Ok(503), Ok(503), Ok(503), Ok(503), Ok(503)]);
    assert_eq!(
        handled(&stack, &messages).await,
        [Run::Done, Run::Reported, Run::Reported]
    );
    assert_eq!(stack.account.active_revisions("three").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_next_request_for_a_resource_waits_until_the_one_before_is_over() {
    let stack = queued();
    let create = stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"));
    received(&stack, &create).await;
    let delete = stack.event(
        "Delete",
        "Ruby2",
        Some("pipelines-Ruby2-1ABCDEFGHIJK"),
        &ruby("ruby:2.7"),
    );
    let running = next(&stack);
    received(&stack, &delete).await;
    assert!(stack.account.receive(QUEUE).is_none());
    // It was cancelled before it began: the view shows that.
    stack.stamp(&delete, 1);
    assert_eq!(handled(&stack, &[running]).await, [Run::Done]);
    assert_eq!(handled_next(&stack).await, Run::Done);
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_call_with_three_requests_behind_it_leaves_what_the_last_one_wants() {
    let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/cargo-publish";
    for nth in 1..=12 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let stack = queued();
            let (one, two, three) = (cargo("rust:1"), cargo("rust:2"), cargo("rust:3"));
            let events = [
                stack.event("Create", "CargoPublish", None, &one),
                stack.update_event("CargoPublish", id, &one, &two),
                stack.update_event("CargoPublish", id, &two, &three),
                stack.event("Delete", "CargoPublish", Some(id), &three),
            ];
            for event in &events {
                received(&stack, event).await;
            }
            stack.account.fault_in(nth, fault.clone());
            for event in &events {
                stack.waits_for(event);
                let messages = [next(&stack)];
                let is_dead = select! {
                    runs = handled(&stack, &messages) => { assert_eq!(runs, [Run::Done]); false }
                    () = stack.account.crashed() => true,
                };
                if is_dead {
                    stack.account.clear_faults();
                    assert!(stack.account.receive(QUEUE).is_none(), "nothing overtakes it");
                    sleep(Duration::from_secs(361)).await;
                    assert_eq!(handled_next(&stack).await, Run::Done);
                }
                if event["RequestType"] != "Delete" {
                    let newest = stack.account.newest_revision("cargo-publish").unwrap();
                    let image = newest.container("agent").unwrap()["image"].as_str().unwrap().to_owned();
                    assert!(
                        event["ResourceProperties"]["Image"].as_str().unwrap() == image,
                        "call {nth}, {fault:?}: {image}\n{}",
                        stack.account.story()
                    );
                }
            }
            assert_eq!(statuses(&stack), ["SUCCESS"; 4], "call {nth}, {fault:?}");
            assert_eq!(stack.account.leftovers(), [] as [String; 0], "call {nth}, {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pruning_that_fails_hangs_or_panics_fails_no_message() {
    for trouble in ["throttled", "hanging", "panicking"] {
        let stack = queued();
        let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2";
        let image = |n: usize| ruby(&format!("ruby:{n}"));
        received(&stack, &stack.event("Create", "Ruby2", None, &image(0))).await;
        handled_next(&stack).await;
        for n in 1..5 {
            if n == 4 {
                match trouble {
                    "throttled" => stack
                        .account
                        .fault_always("ecs:DeregisterTaskDefinition", Fault::Throttle),
                    "hanging" => stack.account.fault_always("ecs:DeregisterTaskDefinition", Fault::Hang),
                    _ => stack.account.set_hook(|call, _| {
                        assert_ne!(call.operation, "DeregisterTaskDefinition", "a defect");
                        Box::pin(std::future::ready(()))
                    }),
                }
            }
            received(&stack, &stack.update_event("Ruby2", id, &image(n - 1), &image(n))).await;
            assert_eq!(handled_next(&stack).await, Run::Done, "{trouble}");
        }
        assert_eq!(statuses(&stack), ["SUCCESS"; 5], "{trouble}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_pruning_is_not_answered_again() {
    let stack = queued();
    let id = "arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2";
    let image = |n: usize| ruby(&format!("ruby:{n}"));
    received(&stack, &stack.event("Create", "Ruby2", None, &image(0))).await;
    handled_next(&stack).await;
    for n in 1..4 {
        received(&stack, &stack.update_event("Ruby2", id, &image(n - 1), &image(n))).await;
        handled_next(&stack).await;
    }
    stack
        .account
        .fault_always("ecs:DeregisterTaskDefinition", Fault::CrashBefore);
    let event = stack.update_event("Ruby2", id, &image(3), &image(4));
    received(&stack, &event).await;
    let messages = [next(&stack)];
    select! {
        _ = handled(&stack, &messages) => panic!("it did not crash"),
        () = stack.account.crashed() => {}
    }
    stack.account.clear_faults();
    stack.show(&event, Some(id), "UPDATE_COMPLETE");
    stack.stamp(&event, 3);
    for _ in 0..3 {
        sleep(Duration::from_secs(361)).await;
        let Some(message) = stack.account.receive(QUEUE) else {
            break;
        };
        assert_eq!(handled(&stack, &[message]).await, [Run::Done]);
    }
    assert_eq!(statuses(&stack), ["SUCCESS"; 5]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_after_a_run_is_over() {
    let stack = queued();
    received(&stack, &stack.event("Create", "Ruby2", None, &ruby("ruby:2.7"))).await;
    handled_next(&stack).await;
    let calls = stack.account.calls().len();
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(stack.account.calls().len(), calls);
}
