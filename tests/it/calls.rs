//! Which calls each request makes, how many of them wait for one another, and the picture of that in the documents.

use std::{fmt::Write, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    account::{Account, Moment, Record},
    documents::check_table,
    stack::{Stack, cargo},
};

/// What each call is for.
const PURPOSES: [(&str, &str); 17] = [
    (
        "cloudformation:DescribeStackResource",
        "does CloudFormation wait for this request?",
    ),
    ("cloudformation:DescribeStacks", "the stack's tags"),
    ("ecs:DeregisterTaskDefinition", "removes a revision"),
    ("ecs:DescribeTaskDefinition", "a revision's content and owner"),
    ("ecs:ListTaskDefinitions", "older revisions"),
    ("ecs:RegisterTaskDefinition", "the new revision"),
    ("iam:CreateRole", "a role, the execution role with the mark"),
    ("iam:DeleteRole", "removes a role"),
    ("iam:DeleteRolePolicy", "removes rights that nothing needs any more"),
    ("iam:GetRole", "a role's owner, mark, trust and boundary"),
    ("iam:ListRolePolicies", "which rights a role has"),
    ("iam:PutRolePolicy", "gives a role its rights"),
    ("iam:TagRole", "the mark of this request"),
    ("logs:CreateLogGroup", "the claim on the family"),
    ("logs:DeleteLogGroup", "gives the family up"),
    ("logs:ListTagsForResource", "whose the log group is"),
    ("logs:PutRetentionPolicy", "how long events are kept"),
];

/// The calls of one request, each of which takes a second.
struct Drawn {
    name: &'static str,
    /// Each with the second in which it began.
    calls: Vec<(u64, String)>,
    /// The second in which the answer was taken.
    answered: u64,
}

async fn calls(stack: &Stack, name: &'static str, event: &Value) -> Drawn {
    let (mark, began) = (stack.account.mark(), Instant::now());
    stack.deliver(event).await.unwrap().success();
    let records = stack.account.calls_since(mark);
    let first = records.iter().map(|record| record.at).min().unwrap();
    let call = |record: &Record| (record.at.saturating_sub(first).as_secs(), record.action());
    let mut calls: Vec<(u64, String)> = records.iter().map(call).collect();
    calls.sort();
    Drawn {
        name,
        calls,
        answered: stack.inbox.last_taken().unwrap().duration_since(began).as_secs(),
    }
}

/// The life of an agent with a sidecar, ssh and a secret.
async fn life(settings: &[(&str, &str)]) -> [Drawn; 4] {
    let stack = Stack::configured(&Account::new(), "pipelines", settings);
    stack.account.set_hook(|_, moment| {
        let held = Duration::from_secs(u64::from(moment == Moment::Arriving));
        Box::pin(sleep(held))
    });
    let (old, new) = (cargo("rust:1"), cargo("rust:2"));
    let create = calls(&stack, "Create", &stack.event("Create", "CargoPublish", None, &old)).await;
    let id = stack.inbox.since(0)[0]["PhysicalResourceId"]
        .as_str()
        .unwrap()
        .to_owned();
    // A Delete soon after the newest request also lists the revisions.
    sleep(Duration::from_secs(3 * 60 * 60)).await;
    let event = stack.event("Delete", "CargoPublish", Some(&id), &old);
    let delete = calls(&stack, "Delete", &event).await;
    stack.create("CargoPublish", &old).await.success();
    let event = stack.update_event("CargoPublish", &id, &old, &new);
    let image = calls(&stack, "Update of the image", &event).await;
    let mut rights = new.clone();
    rights["Secrets"][0]["ValueFrom"] = json!("/cargo/another-token");
    let event = stack.update_event("CargoPublish", &id, &new, &rights);
    let rights_changed = calls(&stack, "Update of a secret", &event).await;
    [create, image, rights_changed, delete]
}

#[tokio::test(start_paused = true)]
async fn no_request_makes_more_calls_than_the_facts_force() {
    let most = [("Create", 10, 4), ("Update of the image", 9, 3), ("Delete", 10, 4)];
    let found = life(&[]).await;
    for (name, calls, rounds) in most {
        let one = found.iter().find(|one| one.name == name).unwrap();
        assert_eq!(
            (one.calls.len(), one.answered),
            (calls, rounds),
            "{name}: {:?}",
            one.calls
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_picture_of_the_calls_is_what_happens() {
    let mut picture = "```text\n".to_owned();
    for (nth, one) in life(&[("STACK_TAGS", "true")]).await.iter().enumerate() {
        let gap = if nth == 0 { "" } else { "\n" };
        let (count, rounds) = (one.calls.len(), one.answered);
        writeln!(picture, "{gap}{}: {count} calls, {rounds} in a row", one.name).unwrap();
        let mut lines: Vec<(u64, &str, &str)> = Vec::new();
        for (second, action) in &one.calls {
            let purpose = PURPOSES.iter().find(|(known, _)| known == action);
            lines.push((*second, action, purpose.expect(action).1));
        }
        lines.push((one.answered, "the answer", "PUT to the response URL"));
        lines.sort_by_key(|(second, action, _)| (*second, *action != "the answer"));
        for (second, action, purpose) in lines {
            let before = "    ".repeat(usize::try_from(second).unwrap());
            let bar = if action == "the answer" { "◆" } else { "████" };
            writeln!(picture, "  {:<32}{action:<38}{purpose}", format!("{before}{bar}")).unwrap();
        }
    }
    picture.push_str("```\n");
    check_table("docs/internals/performance.md", "calls", &picture);
}
