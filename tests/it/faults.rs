//! Every kind of bad day, at every call: what holds on a good day holds on these.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{select, time::timeout};

use crate::{
    account::{Account, Fault, Lag, Record, RoleView, Service},
    answer::Answer,
    granted::{self, BOUNDARY, BOUNDED, UNBOUNDED},
    stack::{Stack, TIMEOUT, cargo},
};

/// The operations, each after what comes before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

use Operation::{Create, Delete, Update};

/// What an agent is before and after its update, which all calls that the function makes are spread over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Agent {
    /// Another image and other secrets, and no boundary is configured.
    Cargo,
    /// Managed policies, tags and a key are added, and the function has a boundary and another trust policy by then.
    Grows,
    /// The same, removed.
    Shrinks,
}

use Agent::{Cargo, Grows, Shrinks};

/// Every operation upon every agent.
pub fn cases() -> impl Iterator<Item = (Agent, Operation)> {
    let agents = [Cargo, Grows, Shrinks].into_iter();
    agents.flat_map(|agent| [Create, Update, Delete].map(|operation| (agent, operation)))
}

const SETTINGS: [(&str, &str); 4] = [
    ("PERMISSIONS_BOUNDARY_ARN", BOUNDARY),
    ("EXECUTION_ROLE_SOURCE_ACCOUNT", "true"),
    ("ROLE_TAG_KEYS", "team"),
    ("STACK_TAGS", "true"),
];

/// `CargoPublish` with all that is set by calls of its own.
fn full() -> Value {
    let mut full = cargo("rust:2");
    full["TaskRoleManagedPolicyArns"] = json!(["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]);
    full["Tags"] = json!([{ "Key": "team", "Value": "platform" }]);
    full["LogGroupKmsKeyId"] = "arn:aws:kms:us-east-1:111122223333:key/11112222-3333-4444-5555-666677778888".into();
    full["LogRetentionInDays"] = "14".into();
    full
}

impl Agent {
    /// The properties before the update.
    fn old(self) -> Value {
        match self {
            Cargo | Grows => cargo("rust:1"),
            Shrinks => full(),
        }
    }

    /// What `template.yml` lets the function do.
    fn granted(self) -> &'static [Value] {
        match self {
            Cargo => &UNBOUNDED,
            Grows | Shrinks => &BOUNDED,
        }
    }

    /// The properties after it; with other secrets, so that rights change too.
    fn wanted(self) -> Value {
        let mut wanted = match self {
            Cargo => cargo("rust:2"),
            Grows => full(),
            Shrinks => cargo("rust:1"),
        };
        wanted["Secrets"][0]["ValueFrom"] = "/cargo/another-token".into();
        wanted
    }
}

/// A stack in which the operations before this one have been done, and its event. The function may do what
/// `template.yml` lets it.
pub async fn before(agent: Agent, operation: Operation) -> (Stack, Value) {
    before_within(agent, operation, agent.granted()).await
}

/// The same, within these rights.
async fn before_within(agent: Agent, operation: Operation, granted: &[Value]) -> (Stack, Value) {
    let stack = Stack::new();
    let (old, new) = (agent.old(), agent.wanted());
    let settings = match agent {
        Cargo => &SETTINGS[..0],
        Grows | Shrinks => &SETTINGS[..],
    };
    let bounded = stack.reconfigured(settings);
    let first = if agent == Grows { &stack } else { &bounded };
    let event = match operation {
        Create => bounded.event("Create", "CargoPublish", None, &old),
        Update => {
            let id = first.create("CargoPublish", &old).await.success().id;
            bounded.update_event("CargoPublish", &id, &old, &new)
        }
        Delete => {
            let id = first.create("CargoPublish", &old).await.success().id;
            stack.account.enforce_all(agent.granted());
            bounded.update("CargoPublish", &id, &old, &new).await.success();
            bounded.event("Delete", "CargoPublish", Some(&id), &new)
        }
    };
    stack.account.enforce_all(granted);
    (bounded, event)
}

/// The result of an operation when nothing goes wrong: the account, the answer, and how many calls it made.
async fn undisturbed(agent: Agent, operation: Operation) -> (Value, Answer, usize) {
    let (stack, event) = before(agent, operation).await;
    let mark = stack.account.mark();
    let answer = stack.deliver(&event).await.unwrap().success();
    (stack.account.snapshot(), answer, stack.account.calls_since(mark).len())
}

#[tokio::test(start_paused = true)]
async fn every_action_of_the_template_is_called_in_what_has_faults_here() {
    let mut called = BTreeSet::new();
    for (agent, operation) in cases() {
        let (stack, event) = before(agent, operation).await;
        let mark = stack.account.mark();
        stack.deliver(&event).await.unwrap().success();
        called.extend(stack.account.calls_since(mark).iter().map(Record::action));
    }
    let mut granted = granted::actions(&BOUNDED);
    let others = [
        // In the course of a registration.
        "ecs:TagResource",
        "iam:PassRole",
    ];
    for other in others.iter().chain(&CALLED_BY_LAMBDA) {
        assert!(granted.remove(*other), "{other}");
    }
    assert_eq!(called, granted);
}

/// What the functions' code does not call itself: Lambda writes the log, and its mapping takes the messages.
const CALLED_BY_LAMBDA: [&str; 6] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    // By the code, for messages alone.
    "sqs:ChangeMessageVisibility",
];

/// The policies without one action or one resource, for each that the code needs, with what was removed.
pub fn narrowed(policies: &[Value]) -> Vec<(String, Vec<Value>)> {
    let mut all = Vec::new();
    for (nth, policy) in policies.iter().enumerate() {
        let statements = policy["Statement"].as_array().expect("statements");
        for (at, statement) in statements.iter().enumerate() {
            let listed = |element: &str| match &statement[element] {
                Value::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            // Without a denial there would be more rights, not fewer.
            if statement["Effect"] == "Deny" {
                continue;
            }
            let is_for_lambda = |action: &Value| CALLED_BY_LAMBDA.iter().any(|called| action == called);
            if listed("Action").iter().all(is_for_lambda) {
                continue;
            }
            for element in ["Action", "Resource"] {
                let listed = listed(element);
                for removed in &listed {
                    let mut policies = policies.to_vec();
                    let left: Vec<&Value> = listed.iter().filter(|one| *one != removed).collect();
                    let statements = policies[nth]["Statement"].as_array_mut().expect("statements");
                    if left.is_empty() {
                        statements.remove(at);
                    } else {
                        statements[at][element] = json!(left);
                    }
                    all.push((format!("{} without {removed}", statement["Sid"]), policies));
                }
            }
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn each_action_and_each_resource_of_the_template_is_needed() {
    let mut needed: BTreeMap<String, bool> = BTreeMap::new();
    for (agents, policies) in [(&[Cargo][..], &UNBOUNDED), (&[Grows, Shrinks], &BOUNDED)] {
        for (removed, narrowed) in narrowed(policies) {
            let is_needed = needed.entry(removed).or_default();
            for (agent, operation) in cases().filter(|(agent, _)| agents.contains(agent)) {
                let (stack, event) = before_within(agent, operation, &narrowed).await;
                let _ = stack.deliver(&event).await;
                *is_needed |= !stack.account.denied_calls().is_empty();
            }
            *is_needed |= are_denied(&narrowed).await;
        }
    }
    let not_needed: Vec<&String> = needed
        .iter()
        .filter(|(_, needed)| !**needed)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(not_needed, [] as [&String; 0]);
}

/// Whether something is denied to what the cases have not: a role of the author's own, a task role that is gone, and a URL
/// that says no time.
async fn are_denied(granted: &[Value]) -> bool {
    let stack = Stack::new();
    let account = &stack.account;
    account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let mut own = cargo("rust:1");
    own["TaskRoleArn"] = account.role("deploy").expect("a role").arn.into();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let task_role = account
        .roles()
        .into_iter()
        .find(|role| role.name.contains("-task-"))
        .expect("a role");
    for policy in task_role.inline.keys() {
        account.plant(
            Service::Iam,
            "DeleteRolePolicy",
            json!({"RoleName": task_role.name, "PolicyName": policy}),
        );
    }
    account.plant(Service::Iam, "DeleteRole", json!({"RoleName": task_role.name}));
    account.enforce_all(granted);
    let mut untimed = stack.update_event("CargoPublish", &created.id, &cargo("rust:1"), &cargo("rust:2"));
    untimed["ResponseURL"] = "https://answers.example/untimed".into();
    for event in [untimed, stack.event("Create", "Own", None, &own)] {
        stack.waits_for(&event);
        let _ = stack.deliver_unexpected(&event).await;
    }
    !account.denied_calls().is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_at_any_point_of_a_create_leaves_nothing_after_the_delete() {
    for agent in [Cargo, Shrinks] {
        let (_, _, calls) = undisturbed(agent, Create).await;
        assert!(calls >= 10, "{calls}");
        for nth in 1..=calls {
            let (stack, event) = before(agent, Create).await;
            stack.account.fault_in(nth, Fault::Deny);
            let answer = stack.deliver(&event).await.unwrap();
            stack.account.clear_faults();
            stack.delete("CargoPublish", &answer.id, &agent.old()).await.success();
            assert_eq!(
                stack.account.leftovers(),
                [] as [String; 0],
                "{agent:?}, call {nth}:\n{}",
                stack.account.story()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_action_is_named_with_what_to_do_and_reported_within_minutes() {
    for action in [
        "logs:CreateLogGroup",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "ecs:RegisterTaskDefinition",
    ] {
        let (stack, event) = before(Cargo, Create).await;
        stack.account.fault_always(action, Fault::Deny);
        let reason = timeout(Duration::from_secs(120), stack.deliver(&event))
            .await
            .expect(action)
            .unwrap()
            .failure();
        assert!(reason.contains(action) && reason.contains("AccessDenied"), "{reason}");
        assert!(reason.contains("update the provider's stack"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_at_any_call_changes_nothing_in_the_outcome() {
    for (agent, operation) in cases() {
        let (account, answer, calls) = undisturbed(agent, operation).await;
        for nth in 1..=calls {
            for fault in [
                Fault::Throttle,
                Fault::Status500,
                Fault::Unavailable,
                Fault::BadGateway,
                Fault::Late500,
                Fault::Reset,
                Fault::LostAnswer,
                Fault::Timeout,
                Fault::LateTimeout,
            ] {
                let (stack, event) = before(agent, operation).await;
                stack.account.fault_in(nth, fault.clone());
                let delivered = stack.deliver(&event).await.unwrap();
                let story = || {
                    format!(
                        "{agent:?}, {operation:?}, call {nth}: {fault:?}\n{}",
                        stack.account.story()
                    )
                };
                assert_eq!(delivered, answer, "{}", story());
                assert_eq!(stack.account.snapshot(), account, "{}", story());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn three_faults_at_each_call_change_nothing_in_the_outcome() {
    for (agent, operation) in cases() {
        let (account, answer, _) = undisturbed(agent, operation).await;
        for fault in [
            Fault::Throttle,
            Fault::Status500,
            Fault::Late500,
            Fault::Reset,
            Fault::LostAnswer,
            Fault::LateTimeout,
        ] {
            let (stack, event) = before(agent, operation).await;
            stack.account.fault_each(3, fault.clone());
            let delivered = stack.deliver(&event).await.unwrap();
            let story = || format!("{agent:?}, {operation:?}: {fault:?}\n{}", stack.account.story());
            assert_eq!(delivered, answer, "{}", story());
            assert_eq!(stack.account.snapshot(), account, "{}", story());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_time_mends_is_waited_out() {
    for (action, fault) in [
        ("ecs:RegisterTaskDefinition", Fault::concurrent_revision()),
        ("ecs:RegisterTaskDefinition", Fault::DenyPassRole),
        ("logs:CreateLogGroup", Fault::operation_aborted()),
        ("logs:PutRetentionPolicy", Fault::operation_aborted()),
        ("iam:CreateRole", Fault::concurrent_modification()),
        ("iam:PutRolePolicy", Fault::concurrent_modification()),
        (
            "iam:PutRolePolicy",
            Fault::error(404, "NoSuchEntity", "The role cannot be found."),
        ),
        (
            "iam:DeleteRole",
            Fault::error(
                409,
                "DeleteConflict",
                "Cannot delete entity, must delete policies first.",
            ),
        ),
    ] {
        let operation = if action == "iam:DeleteRole" { Delete } else { Create };
        let (account, answer, _) = undisturbed(Cargo, operation).await;
        let (stack, event) = before(Cargo, operation).await;
        for occurrence in 1..=3 {
            stack.account.fault_on(action, occurrence, fault.clone());
        }
        assert_eq!(stack.deliver(&event).await.unwrap(), answer, "{action}: {fault:?}");
        assert_eq!(stack.account.snapshot(), account, "{action}: {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_takes_a_while_to_be_known_is_waited_for() {
    let (account, answer, _) = undisturbed(Cargo, Create).await;
    let (stack, event) = before(Cargo, Create).await;
    stack.account.set_role_lag(Lag::Time(Duration::from_secs(15)));
    stack.account.set_pass_role_lag(Lag::Time(Duration::from_secs(25)));
    assert_eq!(stack.deliver(&event).await.unwrap(), answer);
    assert_eq!(stack.account.snapshot(), account);
}

/// Delivers an event to a function that dies at some call; returns whether it lived to answer.
async fn dies(stack: &Stack, event: &Value) -> bool {
    select! {
        answered = stack.handled(event) => { answered.unwrap(); false }
        () = stack.account.crashed() => true,
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_call_and_delivered_again_the_result_is_the_same() {
    for (agent, operation) in cases() {
        let (account, answer, calls) = undisturbed(agent, operation).await;
        let mut deaths = 0;
        for nth in 1..=calls {
            for fault in [Fault::CrashBefore, Fault::CrashAfter] {
                let (stack, event) = before(agent, operation).await;
                stack.account.fault_in(nth, fault.clone());
                let story = || {
                    format!(
                        "{agent:?}, {operation:?}, call {nth}: {fault:?}\n{}",
                        stack.account.story()
                    )
                };
                if dies(&stack, &event).await {
                    deaths += 1;
                    assert_eq!(stack.deliver(&event).await.unwrap(), answer, "{}", story());
                }
                assert_eq!(stack.account.snapshot(), account, "{}", story());
            }
        }
        assert!(
            deaths >= calls,
            "{agent:?}, {operation:?}: {deaths} deaths in {calls} calls"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_delivered_twice_is_done_once() {
    for (agent, operation) in cases() {
        let (account, answer, _) = undisturbed(agent, operation).await;
        let (stack, event) = before(agent, operation).await;
        assert_eq!(stack.deliver(&event).await.unwrap(), answer);
        assert_eq!(stack.deliver(&event).await.unwrap(), answer);
        assert_eq!(stack.account.snapshot(), account, "{agent:?}, {operation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_is_taken_back_by_the_reverse_update() {
    for agent in [Cargo, Grows, Shrinks] {
        let (_, _, calls) = undisturbed(agent, Update).await;
        for nth in 1..=calls {
            let (stack, event) = before(agent, Update).await;
            let before = stack.account.newest_revision("cargo-publish").unwrap();
            let (rights, groups) = (rights(&stack), stack.account.log_groups());
            stack.account.fault_in(nth, Fault::Deny);
            let delivered = stack.deliver(&event).await.unwrap();
            stack.account.clear_faults();
            assert_eq!(delivered.id, event["PhysicalResourceId"].as_str().unwrap());
            let (new, old) = (&event["ResourceProperties"], &event["OldResourceProperties"]);
            stack.update("CargoPublish", &delivered.id, new, old).await.success();
            let story = || format!("{agent:?}, call {nth}\n{}", stack.account.story());
            let now = stack.account.newest_revision("cargo-publish").unwrap();
            let containers = "containerDefinitions";
            assert_eq!(now.definition[containers], before.definition[containers], "{}", story());
            assert_eq!(
                stack.account.revision(&before.arn).unwrap().status,
                "ACTIVE",
                "{}",
                story()
            );
            assert_eq!(self::rights(&stack), rights, "{}", story());
            assert_eq!(stack.account.log_groups(), groups, "{}", story());
        }
    }
}

/// The roles' policies, inline and attached, and the authors' tags, by the role's name.
fn rights(stack: &Stack) -> BTreeMap<String, Value> {
    let of = |role: RoleView| {
        let mut tags = role.tags;
        tags.retain(|key, _| !key.starts_with("agent-composer:"));
        (role.name, json!([role.inline, role.attached, tags]))
    };
    stack.account.roles().into_iter().map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stale_look_at_what_was_just_made_leaves_nothing_after_the_delete() {
    let account = Account::new();
    let stack = Stack::in_account(&account, "pipelines");
    account.stale_each(Lag::Calls(1));
    let answer = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    stack
        .delete("CargoPublish", &answer.id, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(account.leftovers(), [] as [String; 0], "{}", account.story());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_the_log_group_that_failed_is_repeated_though_the_look_after_it_lags_behind() {
    let stack = Stack::new();
    let lag = Lag::CallWithin(2, Duration::from_secs(5));
    stack.account.stale_after("logs:CreateLogGroup", 1, lag);
    let answer = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    stack.account.fault_on("logs:DeleteLogGroup", 1, Fault::Status500);
    stack
        .delete("CargoPublish", &answer.id, &cargo("rust:1"))
        .await
        .success();
    assert_eq!(stack.account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn throttling_that_does_not_end_is_reported_before_the_function_ends() {
    let (stack, event) = before(Cargo, Create).await;
    stack
        .account
        .fault_always("ecs:RegisterTaskDefinition", Fault::Throttle);
    let reason = timeout(TIMEOUT, stack.deliver(&event))
        .await
        .unwrap()
        .unwrap()
        .failure();
    assert!(
        reason.contains("Rate exceeded (after ") && reason.contains("deploy fewer stacks at once"),
        "{reason}"
    );
}
