//! Every fault, and what is left behind it.

use std::time::Duration;

use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionError;

use super::{TRUST, code, make_role, refusal, registration};
use crate::{Account, Fault, Held, Moment, Outcome, Record};

async fn register(account: &Account) -> Result<(), SdkError<RegisterTaskDefinitionError>> {
    registration(&account.clients(), "web").send().await.map(|_| ())
}

#[tokio::test]
async fn each_service_throttles_in_its_own_words() {
    let account = Account::new();
    account.fault_when(|_| Some(Fault::Throttle));
    let clients = account.clients();
    let rate = |code: &str| (code.to_owned(), "Rate exceeded".to_owned());
    assert_eq!(refusal(register(&account).await), rate("ThrottlingException"));
    let group = clients.logs.create_log_group().log_group_name("x").send().await;
    assert_eq!(refusal(group), rate("ThrottlingException"));
    let role = clients.iam.get_role().role_name("x").send().await;
    assert_eq!(refusal(role), rate("Throttling"));
    let stack = clients.cloudformation.describe_stacks().send().await;
    assert_eq!(refusal(stack), rate("Throttling"));
    assert!(account.leftovers().is_empty());
}

#[tokio::test]
async fn a_500_has_the_services_own_code_and_no_effect() {
    let account = Account::new();
    account.fault_when(|_| Some(Fault::Status500));
    let clients = account.clients();
    let error = register(&account).await.expect_err("fails");
    assert_eq!(error.raw_response().map(|raw| raw.status().as_u16()), Some(500));
    assert!(error.into_service_error().is_server_exception());
    assert_eq!(
        code(clients.iam.get_role().role_name("x").send().await),
        "ServiceFailure"
    );
    let group = clients.logs.create_log_group().log_group_name("x").send().await;
    assert!(
        group
            .expect_err("fails")
            .into_service_error()
            .is_service_unavailable_exception()
    );
    assert!(account.leftovers().is_empty());
}

#[tokio::test]
async fn some_faults_have_an_effect_and_the_others_have_none() {
    for (fault, effect) in [
        (Fault::Reset, 0),
        (Fault::LostAnswer, 1),
        (Fault::Timeout, 0),
        (Fault::LateTimeout, 1),
        (Fault::Unavailable, 0),
        (Fault::Late500, 1),
        (Fault::BadGateway, 0),
    ] {
        let account = Account::new();
        account.fault_at(1, fault.clone());
        let error = register(&account).await.expect_err("fails");
        match fault {
            Fault::Reset | Fault::LostAnswer => {
                assert!(matches!(&error, SdkError::DispatchFailure(cause) if cause.is_io()));
            }
            Fault::Timeout | Fault::LateTimeout => {
                assert!(matches!(&error, SdkError::DispatchFailure(cause) if cause.is_timeout()));
            }
            _ => assert!(error.raw_response().is_some_and(|raw| raw.status().is_server_error())),
        }
        assert_eq!(account.active_revisions("web").len(), effect, "{fault:?}");
        assert_eq!(account.calls()[0].wrote(), effect == 1);
        register(&account).await.expect("struck once only");
    }
}

#[tokio::test]
async fn a_denial_has_awss_words() {
    let account = Account::new();
    account.plant_role("/Agents/", "web", &[]);
    account.fault_when(|_| Some(Fault::Deny));
    let clients = account.clients();
    assert_eq!(
        refusal(clients.iam.get_role().role_name("web").send().await),
        (
            "AccessDenied".to_owned(),
            "User: arn:aws:sts::111122223333:assumed-role/provider/function is not authorized to perform: iam:GetRole on resource: arn:aws:iam::111122223333:role/Agents/web because no identity-based policy allows the iam:GetRole action".to_owned()
        )
    );
    let (code, message) = refusal(register(&account).await);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("on resource: arn:aws:ecs:us-east-1:111122223333:task-definition/web:* because"));
    assert_eq!(account.denied_calls().len(), 2);
}

#[tokio::test]
async fn passing_a_role_can_be_denied_by_itself() {
    let account = Account::new();
    account.fault_on("ecs:RegisterTaskDefinition", 1, Fault::DenyPassRole);
    let clients = account.clients();
    let role = "arn:aws:iam::111122223333:role/x";
    let register = || registration(&clients, "web").task_role_arn(role).send();
    let message = refusal(register().await).1;
    assert!(
        message.contains("iam:PassRole on resource: arn:aws:iam::111122223333:role/x"),
        "{message}"
    );
    register().await.expect("the second time it may");
}

#[tokio::test]
async fn any_error_can_be_had() {
    let account = Account::new();
    account.fault_in(1, Fault::concurrent_revision());
    let (code, message) = refusal(register(&account).await);
    assert_eq!(code, "ClientException");
    assert!(message.starts_with("Too many concurrent attempts"));
    account.fault_in(1, Fault::concurrent_modification());
    let role = account
        .clients()
        .iam
        .create_role()
        .role_name("x")
        .assume_role_policy_document(TRUST)
        .send()
        .await;
    assert!(
        role.expect_err("fails")
            .into_service_error()
            .is_concurrent_modification_exception()
    );
    account.fault_in(1, Fault::operation_aborted());
    let group = account
        .clients()
        .logs
        .create_log_group()
        .log_group_name("x")
        .send()
        .await;
    assert!(
        group
            .expect_err("fails")
            .into_service_error()
            .is_operation_aborted_exception()
    );
}

#[tokio::test]
async fn each_distinct_call_fails_so_many_times() {
    let account = Account::new();
    account.fault_each(2, Fault::Reset);
    let clients = account.clients();
    for name in ["a", "b"] {
        let create = || clients.logs.create_log_group().log_group_name(name).send();
        create().await.expect_err("the first time");
        create().await.expect_err("the second time");
        create().await.expect("the third time");
    }
    account.clear_faults();
    clients
        .logs
        .create_log_group()
        .log_group_name("c")
        .send()
        .await
        .expect("no fault any more");
}

#[tokio::test]
async fn the_first_rule_that_names_a_fault_decides() {
    let account = Account::new();
    account.fault_on("iam:CreateRole", 2, Fault::Deny);
    account.fault_always("iam:CreateRole", Fault::Throttle);
    let make = |name: &str| {
        account
            .clients()
            .iam
            .create_role()
            .role_name(name)
            .assume_role_policy_document(TRUST)
            .send()
    };
    assert_eq!(code(make("a").await), "Throttling");
    assert_eq!(code(make("b").await), "AccessDenied");
    assert_eq!(code(make("c").await), "Throttling");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_ends_with_its_callers_patience() {
    for (fault, effect) in [(Fault::Hang, 0), (Fault::HangAfter, 1)] {
        let account = Account::new();
        account.fault_at(1, fault);
        let answer = tokio::time::timeout(Duration::from_mins(10), register(&account)).await;
        assert!(answer.is_err(), "no answer in ten minutes");
        assert_eq!(account.active_revisions("web").len(), effect);
    }
}

#[tokio::test(start_paused = true)]
async fn the_sdks_read_timeout_is_kept() {
    let account = Account::new();
    account.fault_at(1, Fault::Hang);
    let timeouts = aws_config::timeout::TimeoutConfig::builder()
        .read_timeout(Duration::from_secs(5))
        .build();
    let config = account.sdk_config().into_builder().timeout_config(timeouts).build();
    let client = aws_sdk_iam::Client::new(&config);
    let began = tokio::time::Instant::now();
    client.get_role().role_name("x").send().await.expect_err("times out");
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_crash_strikes_one_caller_before_or_after_the_effect() {
    for (fault, effect) in [(Fault::CrashBefore, 0), (Fault::CrashAfter, 1)] {
        let account = Account::new();
        let (doomed, other) = (account.caller("doomed"), account.caller("other"));
        account.fault_when(move |call| (call.caller == "doomed").then(|| fault.clone()));
        let crashed = tokio::select! {
            _ = register(&doomed) => false,
            () = doomed.crashed() => true,
        };
        assert!(crashed);
        assert_eq!(account.active_revisions("web").len(), effect);
        register(&other).await.expect("lives on");
        let calls = account.calls();
        assert_eq!(
            (calls[0].call.caller.as_str(), calls[1].call.caller.as_str()),
            ("doomed", "other")
        );
    }
}

#[tokio::test]
async fn a_fault_can_follow_one_caller() {
    let account = Account::new();
    let (one, two) = (account.caller("one"), account.caller("two"));
    two.fault_own(2, Fault::Reset);
    register(&two).await.expect("its first call");
    register(&one).await.expect("somebody else's");
    register(&two).await.expect_err("its second call");
    assert_eq!((one.own_calls().len(), two.own_calls().len()), (1, 2));
    assert_eq!(two.own_calls()[1].call.number, 3);
}

#[tokio::test(start_paused = true)]
async fn latency_interleaves_callers_and_its_seed_replays_them() {
    async fn story(seed: u64) -> String {
        let account = Account::new();
        account.set_latency(seed, Duration::from_millis(100));
        let run = |name: &'static str| {
            let clients = account.caller(name).clients();
            async move {
                for step in 0..5 {
                    make_role(&clients, &format!("{name}-{step}")).await;
                }
            }
        };
        tokio::join!(run("one"), run("two"));
        account.story()
    }
    let first = story(1).await;
    assert_eq!(first, story(1).await);
    assert_ne!(first, story(2).await);
}

#[tokio::test]
async fn a_hook_holds_a_call_on_both_ways() {
    let account = Account::new();
    let seen = account.clone();
    let (send, mut moments) = tokio::sync::mpsc::unbounded_channel();
    account.set_hook(move |call, moment| {
        let _ = send.send((call.action(), moment, seen.active_revisions("web").len()));
        let held: Held = Box::pin(tokio::task::yield_now());
        held
    });
    register(&account).await.expect("registers");
    let action = "ecs:RegisterTaskDefinition".to_owned();
    assert_eq!(moments.recv().await, Some((action.clone(), Moment::Arriving, 0)));
    assert_eq!(moments.recv().await, Some((action, Moment::Answering, 1)));
}

#[tokio::test]
async fn an_unknown_operation_is_refused_and_remembered() {
    let account = Account::new();
    let clients = account.clients();
    assert_eq!(code(clients.iam.list_users().send().await), "InvalidAction");
    assert_eq!(
        code(clients.ecs.list_clusters().send().await),
        "UnknownOperationException"
    );
    register(&account).await.expect("is known");
    let unknown: Vec<String> = account.unknown_calls().iter().map(Record::action).collect();
    assert_eq!(unknown, ["iam:ListUsers", "ecs:ListClusters"]);
}

#[tokio::test]
async fn the_journal_has_every_call_and_what_became_of_it() {
    let account = Account::new();
    let clients = account.clients();
    make_role(&clients, "web").await;
    let mark = account.mark();
    clients
        .iam
        .get_role()
        .role_name("none")
        .send()
        .await
        .expect_err("is not there");
    let records = account.calls_since(mark);
    assert_eq!(records.len(), 1);
    assert!(matches!(&records[0].outcome, Outcome::Refused(error) if error.code == "NoSuchEntity"));
    assert_eq!(account.writes().len(), 1);
    assert_eq!(account.calls_to("iam:CreateRole")[0].call.params["RoleName"], "web");
    assert_eq!(
        account.calls()[0].resource(),
        "arn:aws:iam::111122223333:role/Agents/web"
    );
    assert!(
        account
            .story()
            .starts_with("#1 0ns iam:CreateRole arn:aws:iam::111122223333:role/Agents/web: done\n#2")
    );
}
