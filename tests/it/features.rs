//! What an author adds to an agent, added, changed, removed and rolled back.

use std::collections::BTreeSet;

use agent_composer::ownership;
use serde_json::{Value, json};
use tokio::select;

use crate::{
    account::{Account, Call, Fault, Lag, Record, Service},
    stack::{Stack, ruby},
};

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";
const READ_S3: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
const READ_SQS: &str = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
const BY_HAND: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn bounded(account: &Account) -> Stack {
    Stack::in_account(account, "pipelines").reconfigured(&[("PERMISSIONS_BOUNDARY_ARN", BOUNDARY)])
}

/// `Ruby2` with more properties.
fn with(more: &Value) -> Value {
    let mut properties = ruby("ruby:2.7");
    let more = more.as_object().unwrap().clone();
    properties.as_object_mut().unwrap().extend(more);
    properties
}

fn policy(name: &str, action: &str) -> Value {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::artifacts/*"});
    json!({"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}})
}

fn task_role(account: &Account) -> crate::account::RoleView {
    let roles = account.roles();
    roles.into_iter().find(|role| role.name.contains("-task-")).unwrap()
}

/// `Ruby2` with a policy of either kind.
fn with_rights() -> Value {
    with(&json!({
        "TaskRolePolicies": [policy("read", "s3:GetObject")],
        "TaskRoleManagedPolicyArns": [READ_S3],
    }))
}

/// Plants a role of the author's own with the boundary; returns its ARN.
fn role_of_ones_own(account: &Account) -> String {
    account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let boundary = json!({"RoleName": "deploy", "PermissionsBoundary": BOUNDARY});
    account.plant(Service::Iam, "PutRolePermissionsBoundary", boundary);
    account.role("deploy").unwrap().arn
}

fn attached(account: &Account) -> BTreeSet<String> {
    task_role(account).attached.into_iter().collect()
}

fn set(arns: &[&str]) -> BTreeSet<String> {
    arns.iter().map(|arn| (*arn).to_owned()).collect()
}

fn may(account: &Account, action: &str) -> bool {
    task_role(account).allows(action, "arn:aws:s3:::artifacts/a", &[])
}

#[tokio::test(start_paused = true)]
async fn rights_of_the_authors_are_exact_after_every_update() {
    let account = Account::new();
    let stack = bounded(&account);
    let none = ruby("ruby:2.7");
    let first = with_rights();
    let second = with(&json!({
        "TaskRolePolicies": [policy("write", "s3:PutObject")],
        "TaskRoleManagedPolicyArns": [READ_SQS],
    }));
    let rights = |account: &Account| {
        let inline = ["s3:GetObject", "s3:PutObject"].map(|action| may(account, action));
        (inline, attached(account))
    };
    let id = stack.create("Ruby2", &none).await.success().id;
    let by_hand = json!({"RoleName": task_role(&account).name, "PolicyArn": BY_HAND});
    account.plant(Service::Iam, "AttachRolePolicy", by_hand);
    assert_eq!(rights(&account), ([false, false], set(&[BY_HAND])));
    for (old, new, expected) in [
        // added, changed, taken back, removed
        (&none, &first, ([true, false], set(&[BY_HAND, READ_S3]))),
        (&first, &second, ([false, true], set(&[BY_HAND, READ_SQS]))),
        (&second, &first, ([true, false], set(&[BY_HAND, READ_S3]))),
        (&first, &none, ([false, false], set(&[BY_HAND]))),
    ] {
        let role = task_role(&account).id;
        stack.update("Ruby2", &id, old, new).await.success();
        assert_eq!(rights(&account), expected);
        assert_eq!(task_role(&account).id, role, "the role is never made anew");
    }
    stack.update("Ruby2", &id, &none, &first).await.success();
    stack.delete("Ruby2", &id, &first).await.success();
    assert_eq!(account.leftovers(), [] as [String; 0]);
    assert_eq!(account.unknown_calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn statements_reach_iam_as_they_were_read_and_each_under_a_sid_of_its_own() {
    let account = Account::new();
    let stack = bounded(&account);
    let document = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
    let sparse = json!({
        "Sid": "", "Effect": "Allow", "Condition": "",
        "Action": ["s3:GetObject", null], "NotAction": null, "Resource": ["arn:aws:s3:::artifacts/*", null],
    });
    let stringified = json!({
        "Sid": "ab0", "Effect": "Deny", "NotAction": "s3:*", "NotResource": "*",
        "Condition": {
            "Bool": {"aws:SecureTransport": "false"},
            "ForAnyValue:StringLikeIfExists": {"aws:PrincipalTag/team": ["", "a*"]},
        },
    });
    let properties = with(&json!({"TaskRolePolicies": [
        {"PolicyName": "a-b", "PolicyDocument": document(json!([sparse, sparse]))},
        {"PolicyName": "ab", "PolicyDocument": document(stringified)},
        {"PolicyName": "a.b", "PolicyDocument": document(sparse)},
    ]}));
    stack.create("Ruby2", &properties).await.success();
    insta::assert_json_snapshot!("statements", task_role(&account).inline.values().next().unwrap());
    assert_eq!(account.calls_to("iam:PutRolePolicy").len(), 2, "one of each role");
}

#[tokio::test(start_paused = true)]
async fn managed_policies_are_attached_before_the_registration_and_detached_after_it() {
    let account = Account::new();
    let stack = bounded(&account);
    let first = with(&json!({"TaskRoleManagedPolicyArns": [READ_S3]}));
    let mut second = with(&json!({"TaskRoleManagedPolicyArns": [READ_SQS]}));
    second["Image"] = "ruby:3.4".into();
    let id = stack.create("Ruby2", &first).await.success().id;
    let mark = account.mark();
    stack.update("Ruby2", &id, &first, &second).await.success();
    let order: Vec<String> = account.calls_since(mark).iter().map(Record::action).collect();
    let place = |action: &str| order.iter().position(|call| call == action).unwrap();
    assert!(place("iam:AttachRolePolicy") < place("ecs:RegisterTaskDefinition"));
    assert!(place("ecs:RegisterTaskDefinition") < place("iam:DetachRolePolicy"));
}

#[tokio::test(start_paused = true)]
async fn a_role_of_ones_own_takes_all_rights_from_the_one_that_was_made() {
    let account = Account::new();
    let stack = bounded(&account);
    let arn = role_of_ones_own(&account);
    let made = with_rights();
    let own = with(&json!({"TaskRoleArn": arn}));
    let id = stack.create("Ruby2", &made).await.success().id;
    stack.update("Ruby2", &id, &made, &own).await.success();
    assert_eq!((may(&account, "s3:GetObject"), attached(&account)), (false, set(&[])));
    stack.update("Ruby2", &id, &own, &made).await.success();
    assert_eq!(
        (may(&account, "s3:GetObject"), attached(&account)),
        (true, set(&[READ_S3]))
    );
}

#[tokio::test(start_paused = true)]
async fn rights_that_were_given_a_moment_ago_are_taken_back_though_no_list_shows_them() {
    for call in 1..=4 {
        let account = Account::new();
        let stack = bounded(&account);
        let arn = role_of_ones_own(&account);
        let own = with(&json!({"TaskRoleArn": arn}));
        let made = with_rights();
        let other = with(&json!({"TaskRoleManagedPolicyArns": [READ_SQS]}));
        let id = stack.create("Ruby2", &other).await.success().id;
        let lag = Lag::CallWithin(call, std::time::Duration::from_secs(60));
        for before in [&other, &own] {
            let is_gift = |call: &Call| ["iam:PutRolePolicy", "iam:AttachRolePolicy"].contains(&call.action().as_str());
            account.stale_when(move |call| is_gift(call).then_some(lag));
            stack.update("Ruby2", &id, before, &made).await.success();
            stack.update("Ruby2", &id, &made, before).await.success();
            account.clear_staleness();
            let expected = if *before == own { set(&[]) } else { set(&[READ_SQS]) };
            assert_eq!(
                (may(&account, "s3:GetObject"), attached(&account)),
                (false, expected),
                "after look {call} lagged behind, back to {before}"
            );
            stack.update("Ruby2", &id, before, &own).await.success();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rights_that_were_given_a_moment_ago_to_a_role_that_does_not_show_yet_are_taken_back() {
    for look in 1..=4 {
        let account = Account::new();
        let stack = bounded(&account);
        let given = with(&json!({"TaskRolePolicies": [policy("read", "s3:GetObject")]}));
        account.stale_when(move |call| match call.action().as_str() {
            "iam:CreateRole" => Some(Lag::Calls(1)),
            "iam:PutRolePolicy" => Some(Lag::CallWithin(look, std::time::Duration::from_secs(60))),
            _ => None,
        });
        let id = stack.create("Ruby2", &given).await.success().id;
        stack.update("Ruby2", &id, &given, &ruby("ruby:2.7")).await.success();
        assert!(
            !may(&account, "s3:GetObject"),
            "look {look} lags behind\n{}",
            account.story()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn managed_policies_of_two_updates_that_failed_one_after_the_other_go_with_the_next_one() {
    let account = Account::new();
    let stack = bounded(&account);
    let sound = ruby("ruby:2.7");
    let id = stack.create("Ruby2", &sound).await.success().id;
    // Under `--disable-rollback` there is no reverse update in between.
    for arn in [READ_S3, READ_SQS] {
        account.fault_on(
            "ecs:RegisterTaskDefinition",
            1,
            Fault::error(400, "ClientException", "No."),
        );
        let failing = with(&json!({"Image": "ruby:3.4", "TaskRoleManagedPolicyArns": [arn]}));
        stack.update("Ruby2", &id, &sound, &failing).await.failure();
    }
    let fixed = with(&json!({"Image": "ruby:4.0"}));
    stack.update("Ruby2", &id, &sound, &fixed).await.success();
    assert_eq!(attached(&account), set(&[]));
}

#[tokio::test(start_paused = true)]
async fn rights_stay_until_the_registration_though_the_old_properties_are_not_valid_any_more() {
    let account = Account::new();
    let stack = bounded(&account);
    let (given, plain) = (
        with(&json!({"TaskRoleManagedPolicyArns": [READ_S3]})),
        with(&json!({"Image": "ruby:3.4"})),
    );
    let id = stack.create("Ruby2", &given).await.success().id;
    // Without a boundary the provider takes no rights of the authors'.
    let stack = stack.reconfigured(&[]);
    account.fault_on("ecs:RegisterTaskDefinition", 1, Fault::Deny);
    stack.update("Ruby2", &id, &given, &plain).await.failure();
    assert_eq!(attached(&account), set(&[READ_S3]));
    stack.update("Ruby2", &id, &given, &plain).await.success();
    assert_eq!(attached(&account), set(&[]));
}

#[tokio::test(start_paused = true)]
async fn rights_of_a_kept_family_go_though_the_first_run_dies() {
    let kept = with_rights();
    for has_own_role in [false, true] {
        for nth in 1..40 {
            let account = Account::new();
            let stack = bounded(&account);
            let arn = role_of_ones_own(&account);
            // The resource leaves the stack, with `DeletionPolicy: Retain`, and comes back without rights.
            stack.create("Ruby2", &kept).await.success();
            let plain = if has_own_role {
                with(&json!({"TaskRoleArn": arn}))
            } else {
                ruby("ruby:2.7")
            };
            let event = stack.event("Create", "Ruby2", None, &plain);
            account.fault_in(nth, Fault::CrashAfter);
            select! {
                answered = stack.deliver(&event) => drop(answered.unwrap()),
                () = account.crashed() => drop(stack.deliver(&event).await.unwrap().success()),
            }
            assert_eq!(
                (may(&account, "s3:GetObject"), attached(&account)),
                (false, set(&[])),
                "died at call {nth}, own role: {has_own_role}\n{}",
                account.story()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_managed_policy_that_somebody_attaches_by_hand_stays() {
    let account = Account::new();
    let stack = bounded(&account);
    let (given, plain) = (with(&json!({"TaskRoleManagedPolicyArns": [READ_S3]})), ruby("ruby:2.7"));
    let id = stack.create("Ruby2", &given).await.success().id;
    stack.update("Ruby2", &id, &given, &plain).await.success();
    let by_hand = json!({"RoleName": task_role(&account).name, "PolicyArn": READ_S3});
    account.plant(Service::Iam, "AttachRolePolicy", by_hand);
    stack.update("Ruby2", &id, &plain, &ruby("ruby:3.4")).await.success();
    assert_eq!(attached(&account), set(&[READ_S3]));
}

#[tokio::test(start_paused = true)]
async fn a_managed_policy_that_is_not_there_is_named() {
    let account = Account::new();
    let stack = bounded(&account);
    let missing = "arn:aws:iam::111122223333:policy/Missing";
    let properties = with(&json!({"TaskRoleManagedPolicyArns": [missing]}));
    account.set_managed_policy_absent(missing);
    let answer = stack.create("Ruby2", &properties).await;
    let id = answer.id.clone();
    let reason = answer.failure();
    assert!(
        reason.contains(missing) && reason.contains("iam:AttachRolePolicy"),
        "{reason}"
    );
    stack.delete("Ruby2", &id, &properties).await.success();
    assert_eq!(account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_managed_policy_whose_name_iam_refuses_does_not_block_the_rollback() {
    let account = Account::new();
    let stack = bounded(&account);
    let sound = ruby("ruby:2.7");
    let refused = with(&json!({"TaskRoleManagedPolicyArns": [READ_S3, READ_SQS]}));
    let id = stack.create("Ruby2", &sound).await.success().id;
    account.fault_when(|call| {
        let is_about_it = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"].contains(&call.action().as_str());
        is_about_it.then(|| Fault::error(400, "InvalidInput", "ARN is not valid."))
    });
    stack.update("Ruby2", &id, &sound, &refused).await.failure();
    stack.update("Ruby2", &id, &refused, &sound).await.success();
    // One that is attached must not stay, also beside one that is not.
    account.clear_faults();
    stack.update("Ruby2", &id, &sound, &refused).await.success();
    let by_hand = json!({"RoleName": task_role(&account).name, "PolicyArn": READ_SQS});
    account.plant(Service::Iam, "DetachRolePolicy", by_hand);
    account.fault_always(
        "iam:DetachRolePolicy",
        Fault::error(400, "InvalidInput", "ARN is not valid."),
    );
    let reason = stack.update("Ruby2", &id, &refused, &sound).await.failure();
    assert!(reason.contains("iam:DetachRolePolicy"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn rights_are_refused_by_a_provider_without_a_boundary_before_any_write() {
    let stack = Stack::new();
    let properties = with(&json!({"TaskRolePolicies": [policy("read", "s3:GetObject")]}));
    let reason = stack.create("Ruby2", &properties).await.failure();
    assert!(reason.contains("`PermissionsBoundaryArn`"), "{reason}");
    assert!(stack.account.writes().is_empty());
}

/// The author's tags of everything that carries some: the revision, both roles, the log group.
fn tags(account: &Account) -> Vec<BTreeSet<(String, String)>> {
    let mut all = vec![
        account.newest_revision("ruby2").unwrap().tags,
        account.log_group("/aws/ecs/ruby2").unwrap().tags,
    ];
    all.extend(account.roles().into_iter().map(|role| role.tags));
    all.into_iter()
        .map(|tags| {
            let authors = tags.into_iter().filter(|(key, _)| !key.starts_with("agent-composer:"));
            authors.collect()
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn tags_follow_every_update_and_those_of_others_stay() {
    let stack = Stack::configured(&Account::new(), "pipelines", &[("ROLE_TAG_KEYS", "team, cost")]);
    let account = &stack.account;
    let none = ruby("ruby:2.7");
    let first = with(&json!({"Tags": [{"Key": "team", "Value": "platform"}, {"Key": "cost", "Value": "7"}]}));
    let second = with(&json!({"Tags": [{"Key": "team", "Value": "mobile"}]}));
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let id = stack.create("Ruby2", &first).await.success().id;
    for role in account.roles() {
        let by_hand = json!({"RoleName": role.name, "Tags": [{"Key": "scanned", "Value": "yes"}]});
        account.plant(Service::Iam, "TagRole", by_hand);
    }
    let group = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/ruby2";
    let by_hand = json!({"resourceArn": group, "tags": {"scanned": "yes"}});
    account.plant(Service::Logs, "TagResource", by_hand);
    for (old, new, expected) in [
        (
            &first,
            &first,
            BTreeSet::from([pair("team", "platform"), pair("cost", "7")]),
        ),
        (&first, &second, BTreeSet::from([pair("team", "mobile")])),
        (
            &second,
            &first,
            BTreeSet::from([pair("team", "platform"), pair("cost", "7")]),
        ),
        (&first, &none, BTreeSet::new()),
    ] {
        stack.update("Ruby2", &id, old, new).await.success();
        for (place, found) in tags(account).into_iter().enumerate() {
            let mut expected = expected.clone();
            // The revision comes first.
            expected.extend((place > 0).then(|| pair("scanned", "yes")));
            assert_eq!(found, expected);
        }
    }
    stack.delete("Ruby2", &id, &none).await.success();
    assert_eq!(account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_goes_to_and_fro_follows_though_a_look_at_the_roles_lags_behind() {
    let stack = Stack::configured(&Account::new(), "pipelines", &[("ROLE_TAG_KEYS", "team, Team")]);
    let tagged = |key: &str, value: &str| with(&json!({"Tags": [{"Key": key, "Value": value}]}));
    let first = tagged("team", "platform");
    for second in [tagged("team", "mobile"), tagged("Team", "platform"), ruby("ruby:2.7")] {
        let id = stack.create("Ruby2", &first).await.success().id;
        // The look of the second Update shows neither role as the first one left it.
        let is_tag = |call: &Call| ["iam:TagRole", "iam:UntagRole"].contains(&call.action().as_str());
        stack
            .account
            .stale_when(move |call| is_tag(call).then_some(Lag::Calls(1)));
        stack.update("Ruby2", &id, &first, &second).await.success();
        let there = tags(&stack.account);
        assert!(there.iter().all(|tags| *tags == there[0]), "{there:?}");
        stack.update("Ruby2", &id, &second, &first).await.success();
        for tags in tags(&stack.account) {
            assert_eq!(tags, pairs(&[("team", "platform")]), "after {second}");
        }
        stack.account.clear_staleness();
        stack.delete("Ruby2", &id, &first).await.success();
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_family_that_is_taken_up_again_loses_its_former_tags() {
    let stack = Stack::configured(&Account::new(), "pipelines", &[("ROLE_TAG_KEYS", "team")]);
    let tagged = with(&json!({"Tags": [{"Key": "team", "Value": "platform"}]}));
    stack.create("Ruby2", &tagged).await.success();
    // The resource leaves the stack, with `DeletionPolicy: Retain`, and comes back.
    stack.create("Ruby2", &ruby("ruby:2.7")).await.success();
    for tags in tags(&stack.account) {
        assert_eq!(tags, pairs(&[]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_of_ones_own_takes_all_tags_from_the_one_that_was_made() {
    let stack = Stack::configured(&Account::new(), "pipelines", &[("ROLE_TAG_KEYS", "team")]);
    stack.account.plant_role("/BuildkiteAgentTask/", "deploy", &[]);
    let arn = stack.account.role("deploy").unwrap().arn;
    let made = with(&json!({"Tags": [{"Key": "team", "Value": "platform"}]}));
    let own = with(&json!({"Tags": [{"Key": "team", "Value": "platform"}], "TaskRoleArn": arn}));
    let id = stack.create("Ruby2", &made).await.success().id;
    stack.update("Ruby2", &id, &made, &own).await.success();
    let team = || task_role(&stack.account).tags.get("team").cloned();
    assert_eq!(team(), None);
    stack.update("Ruby2", &id, &own, &made).await.success();
    assert_eq!(team().as_deref(), Some("platform"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_roles_may_not_have_any_more_goes_with_the_next_update() {
    let account = Account::new();
    let stack = Stack::configured(&account, "pipelines", &[("ROLE_TAG_KEYS", "team")]);
    let tagged = |image: &str| with(&json!({"Image": image, "Tags": [{"Key": "team", "Value": "platform"}]}));
    let id = stack.create("Ruby2", &tagged("ruby:2.7")).await.success().id;
    let stack = stack.reconfigured(&[]);
    stack
        .update("Ruby2", &id, &tagged("ruby:2.7"), &tagged("ruby:3.4"))
        .await
        .success();
    let [revision, group, execution, task] = tags(&account).try_into().unwrap();
    assert_eq!(
        [revision, group],
        [pairs(&[("team", "platform")]), pairs(&[("team", "platform")])]
    );
    assert_eq!([execution, task], [pairs(&[]), pairs(&[])]);
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let pairs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
    pairs.collect()
}

#[tokio::test(start_paused = true)]
async fn roles_get_only_those_tags_of_the_authors_that_the_provider_is_configured_for() {
    let properties = with(&json!({"Tags": [{"Key": "team", "Value": "platform"}, {"Key": "admin", "Value": "yes"}]}));
    let all = pairs(&[("team", "platform"), ("admin", "yes")]);
    for (configured, on_roles) in [("", pairs(&[])), ("team", pairs(&[("team", "platform")]))] {
        let stack = Stack::configured(&Account::new(), "pipelines", &[("ROLE_TAG_KEYS", configured)]);
        stack.create("Ruby2", &properties).await.success();
        let [revision, group, execution, task] = tags(&stack.account).try_into().unwrap();
        assert_eq!([revision, group], [all.clone(), all.clone()]);
        assert_eq!([execution, task], [on_roles.clone(), on_roles], "{configured}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_stacks_tags_are_under_the_authors_and_a_change_of_them_alone_registers_nothing() {
    let settings = [("STACK_TAGS", "true"), ("ROLE_TAG_KEYS", "cost")];
    let stack = Stack::configured(&Account::new(), "pipelines", &settings);
    let account = &stack.account;
    let [image, other] = ["ruby:2.7", "ruby:3.0"]
        .map(|image| with(&json!({"Image": image, "Tags": [{"Key": "team", "Value": "platform"}]})));
    let tagged = |tags: &[(&str, &str)]| {
        account.set_stack(&stack.id, "CREATE_COMPLETE");
        account.set_stack_tags(&stack.id, tags);
    };
    tagged(&[("cost", "7"), ("team", "mobile"), ("agent-composer:kms-key", "x")]);
    let id = stack.create("Ruby2", &image).await.success().id;
    let both = pairs(&[("cost", "7"), ("team", "platform")]);
    assert_eq!(
        tags(account)[..2],
        [both.clone(), both.clone()],
        "revision and log group"
    );
    assert_eq!(
        tags(account)[2..],
        [pairs(&[("cost", "7")]), pairs(&[("cost", "7")])],
        "roles"
    );

    tagged(&[("cost", "8")]);
    stack.update("Ruby2", &id, &image, &image).await.success();
    assert_eq!(account.newest_revision("ruby2").unwrap().number, 1);
    let changed = pairs(&[("cost", "8"), ("team", "platform")]);
    assert_eq!(
        tags(account)[..2],
        [both, changed.clone()],
        "the revision is as it was registered"
    );
    stack.update("Ruby2", &id, &image, &other).await.success();
    assert_eq!(tags(account)[..2], [changed.clone(), changed]);
    assert_eq!(tags(account)[2..], [pairs(&[("cost", "8")]), pairs(&[("cost", "8")])]);
    stack.delete("Ruby2", &id, &other).await.success();
    assert_eq!(account.leftovers(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_carries_the_version_and_a_new_version_alone_registers_nothing() {
    let stack = Stack::new();
    let account = &stack.account;
    let ruby = ruby("ruby:2.7");
    let id = stack.create("Ruby2", &ruby).await.success().id;
    let versions = || -> Vec<String> {
        let everything = [
            account.newest_revision("ruby2").unwrap().tags,
            account.log_group("/aws/ecs/ruby2").unwrap().tags,
        ];
        let roles = account.roles().into_iter().map(|role| role.tags);
        let all = everything.into_iter().chain(roles);
        all.map(|tags| tags[ownership::VERSION].clone()).collect()
    };
    assert_eq!(versions(), vec![agent_composer::VERSION; 4]);
    for role in account.roles() {
        let older = json!({"RoleName": role.name, "Tags": [{"Key": ownership::VERSION, "Value": "0.0.1"}]});
        account.plant(Service::Iam, "TagRole", older);
    }
    stack.update("Ruby2", &id, &ruby, &ruby).await.success();
    assert_eq!(account.newest_revision("ruby2").unwrap().number, 1);
    assert_eq!(versions(), vec![agent_composer::VERSION; 4]);
}

#[tokio::test(start_paused = true)]
async fn the_retention_follows_every_update() {
    let stack = Stack::new();
    let month = with(&json!({"LogRetentionInDays": "30"}));
    let none = ruby("ruby:2.7");
    let retention = || stack.account.log_group("/aws/ecs/ruby2").unwrap().retention;
    let id = stack.create("Ruby2", &month).await.success().id;
    assert_eq!(retention(), Some(30));
    stack.update("Ruby2", &id, &month, &none).await.success();
    assert_eq!(retention(), Some(1), "the provider's own");
    stack.update("Ruby2", &id, &none, &month).await.success();
    assert_eq!(retention(), Some(30));
    assert_eq!(
        stack.account.revisions("ruby2").len(),
        1,
        "it is not part of a revision"
    );
}

#[tokio::test(start_paused = true)]
async fn the_key_of_the_log_group_follows_every_update() {
    let stack = Stack::new();
    let key = |id: &str| format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
    let under = |id: &str| with(&json!({"LogGroupKmsKeyId": key(id)}));
    let (none, first, second) = (ruby("ruby:2.7"), under("1"), under("2"));
    let found = || stack.account.log_group("/aws/ecs/ruby2").unwrap().key;
    let id = stack.create("Ruby2", &none).await.success().id;
    for (old, new, expected) in [
        (&none, &first, Some(key("1"))),
        (&first, &second, Some(key("2"))),
        (&second, &first, Some(key("1"))),
        (&first, &none, None),
    ] {
        stack.update("Ruby2", &id, old, new).await.success();
        assert_eq!(found(), expected);
        let mark = stack.account.mark();
        stack.update("Ruby2", &id, new, new).await.success();
        let calls = stack.account.calls_since(mark);
        assert!(
            calls.iter().all(|call| !call.action().contains("KmsKey")),
            "nothing has changed"
        );
    }
    stack.delete("Ruby2", &id, &none).await.success();
    stack.create("Ruby2", &first).await.success();
    assert_eq!(found(), Some(key("1")));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_logs_may_not_use_is_reported_with_what_its_policy_must_allow() {
    let refused = Fault::error(
        400,
        "InvalidParameterException",
        "The specified KMS key does not exist or is not allowed to be used with LogGroup 'arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/ruby2'",
    );
    let under_a_key = with(&json!({"LogGroupKmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/1"}));
    let hint = "its key policy must let CloudWatch Logs in this Region (`logs.REGION.amazonaws.com`) use it";
    let stack = Stack::new();
    stack.account.fault_always("logs:CreateLogGroup", refused.clone());
    let reason = stack.create("Ruby2", &under_a_key).await.failure();
    assert!(
        reason.contains("logs:CreateLogGroup") && reason.contains(hint),
        "{reason}"
    );

    let stack = Stack::new();
    let id = stack.create("Ruby2", &ruby("ruby:2.7")).await.success().id;
    stack.account.fault_always("logs:AssociateKmsKey", refused);
    let updated = stack.update("Ruby2", &id, &ruby("ruby:2.7"), &under_a_key).await;
    let reason = updated.failure();
    assert!(
        reason.contains("logs:AssociateKmsKey") && reason.contains(hint),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn another_class_of_the_log_group_is_refused_and_safe_to_take_back() {
    let stack = Stack::new();
    let (standard, infrequent) = (ruby("ruby:2.7"), with(&json!({"LogGroupClass": "INFREQUENT_ACCESS"})));
    let class = || stack.account.log_group("/aws/ecs/ruby2").unwrap().class;
    for (old, new, expected) in [
        (&standard, &infrequent, "STANDARD"),
        (&infrequent, &standard, "INFREQUENT_ACCESS"),
    ] {
        let id = stack.create("Ruby2", old).await.success().id;
        assert_eq!(class(), expected);
        let reason = stack.update("Ruby2", &id, old, new).await.failure();
        assert!(
            reason.contains("`LogGroupClass`") && reason.contains(expected),
            "{reason}"
        );
        stack.update("Ruby2", &id, new, old).await.success();
        assert_eq!(class(), expected);
        stack.delete("Ruby2", &id, old).await.success();
        assert_eq!(stack.account.leftovers(), [] as [String; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_an_author_says_of_containers_reaches_ecs() {
    let stack = Stack::new();
    let everything = with(&json!({
        "RepositoryCredentials": {"CredentialsParameter": "docker-hub"},
        "CpuArchitecture": "ARM64",
        "EphemeralStorage": {"SizeInGiB": "64"},
        "Sidecars": [
            {
                "Name": "prepare",
                "Image": "alpine:3.22",
                "RepositoryCredentials": {"CredentialsParameter": "docker-hub"},
                "Essential": "false",
                "EntryPoint": ["sh", "-c"],
                "Command": ["mkdir -p /cache/bundle"],
                "WorkingDirectory": "/tmp",
                "User": "1000:1000",
                "Environment": [{"Name": "A", "Value": "1"}],
                "Secrets": [{"Name": "B", "ValueFrom": "/b"}],
                "MountPoints": [{"SourceVolume": "cache", "ContainerPath": "/cache"}],
                "Cpu": "256",
                "Memory": "512",
                "MemoryReservation": "256",
                "ReadonlyRootFilesystem": "true",
                "LinuxParameters": {"InitProcessEnabled": "true"},
                "StartTimeout": "60",
                "StopTimeout": "30",
            },
            {
                "Name": "database",
                "Image": "postgres:18",
                "DependsOn": [{"ContainerName": "prepare", "Condition": "SUCCESS"}],
                "VolumesFrom": [{"SourceContainer": "prepare", "ReadOnly": "true"}],
                "HealthCheck": {
                    "Command": ["CMD-SHELL", "pg_isready"],
                    "Interval": "5",
                    "Timeout": "2",
                    "Retries": "9",
                    "StartPeriod": "15",
                },
            },
        ],
        "Volumes": [{"Name": "cache", "EFSVolumeConfiguration": {
            "FilesystemId": "fs-0123456789abcdef0",
            "TransitEncryption": "ENABLED",
            "TransitEncryptionPort": "2999",
            "AuthorizationConfig": {"AccessPointId": "fsap-0123456789abcdef0", "IAM": "ENABLED"},
        }}],
        "MountPoints": [{"SourceVolume": "cache", "ContainerPath": "/cache", "ReadOnly": "true"}],
        "DependsOn": [{"ContainerName": "database", "Condition": "HEALTHY"}],
    }));
    let id = stack.create("Ruby2", &everything).await.success().id;
    let registered = stack.account.newest_revision("ruby2").unwrap().definition;
    insta::assert_json_snapshot!("everything", registered);
    stack
        .update("Ruby2", &id, &everything, &ruby("ruby:2.7"))
        .await
        .success();
    let without = stack.account.newest_revision("ruby2").unwrap().definition;
    assert_eq!(without["containerDefinitions"].as_array().unwrap().len(), 2);
    stack
        .update("Ruby2", &id, &ruby("ruby:2.7"), &everything)
        .await
        .success();
    let again = stack.account.newest_revision("ruby2").unwrap().definition;
    assert_eq!(again["containerDefinitions"], registered["containerDefinitions"]);
}
