//! Rights: the evaluator by itself, and what calls need.

use std::collections::HashMap;

use aws_sdk_ecs::types::Tag;
use serde_json::{Value, json};

use super::{INLINE, TRUST, code, make_role, refusal, registration};
use crate::{Account, Demand, Policy, Verdict};

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";

/// A condition, the keys of a request, and whether the one holds for the other.
type Case = (Value, &'static [(&'static str, &'static [&'static str])], bool);

fn policy(statements: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn allow(action: &str, resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource })
}

fn verdict(statements: &Value, action: &str, resource: &str, keys: &[(&str, &[&str])]) -> Verdict {
    let policy = Policy::parse(&policy(statements)).expect("is understood");
    policy.verdict(&Demand {
        action: action.to_owned(),
        resource: resource.to_owned(),
        named: resource.to_owned(),
        context: keys
            .iter()
            .map(|(key, values)| {
                (
                    (*key).to_owned(),
                    values.iter().map(|value| (*value).to_owned()).collect(),
                )
            })
            .collect(),
    })
}

#[test]
fn patterns_match_actions_without_case_and_resources_part_by_part() {
    let role = "arn:aws:iam::1:role/Agents/web";
    let cases = [
        ("IAM:getrole", "*", true),
        ("iam:*", "arn:aws:iam::1:role/Agents/*", true),
        ("iam:Get*", "arn:aws:iam::1:role/*", true),
        ("iam:GetRol?", "arn:*:iam::*:role/Agents/web", true),
        ("iam:GetRole", "arn:aws:iam::1:role/agents/*", false),
        ("iam:GetRole", "arn:aws:*", false),
        ("iam:GetRole", "arn:aws:iam::1:role/Agents/we", false),
        ("iam:GetRolePolicy", "*", false),
    ];
    for (action, resource, allowed) in cases {
        let expected = if allowed { Verdict::Allowed } else { Verdict::NotAllowed };
        assert_eq!(
            verdict(&json!([allow(action, resource)]), "iam:GetRole", role, &[]),
            expected,
            "{action} {resource}"
        );
    }
}

#[test]
fn an_explicit_deny_wins_and_silence_allows_nothing() {
    let both = json!([allow("iam:*", "*"), { "Effect": "Deny", "NotAction": "iam:Get*", "Resource": "*" }]);
    assert_eq!(verdict(&both, "iam:GetRole", "*", &[]), Verdict::Allowed);
    assert_eq!(verdict(&both, "iam:DeleteRole", "*", &[]), Verdict::Denied);
    assert_eq!(
        verdict(&json!(allow("ecs:*", "*")), "iam:GetRole", "*", &[]),
        Verdict::NotAllowed
    );
    let others = json!({ "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::1:role/x" });
    assert_eq!(
        verdict(&others, "iam:GetRole", "arn:aws:iam::1:role/x", &[]),
        Verdict::NotAllowed
    );
}

#[test]
fn conditions_hold_as_awss_do() {
    let cases: [Case; 16] = [
        (json!({ "StringEquals": { "k": ["a", "b"] } }), &[("K", &["b"])], true),
        (json!({ "StringEquals": { "k": "a" } }), &[("k", &["A"])], false),
        (json!({ "StringEquals": { "k": "a" } }), &[], false),
        (json!({ "StringEqualsIfExists": { "k": "a" } }), &[], true),
        (json!({ "StringEqualsIfExists": { "k": "a" } }), &[("k", &["b"])], false),
        (json!({ "StringNotEquals": { "k": "a" } }), &[], true),
        (
            json!({ "StringNotEquals": { "k": ["a", "b"] } }),
            &[("k", &["b"])],
            false,
        ),
        (json!({ "StringLike": { "k": "a*c" } }), &[("k", &["abc"])], true),
        (
            json!({ "ArnLike": { "k": "arn:aws:iam::*:policy/*" } }),
            &[("k", &["arn:aws:iam::1:policy/a/b"])],
            true,
        ),
        (
            json!({ "ArnEquals": { "k": "arn:aws:iam::1:policy/x" } }),
            &[("k", &["arn:aws:iam::1:policy/y"])],
            false,
        ),
        (json!({ "Null": { "k": "true" } }), &[], true),
        (json!({ "Null": { "k": true } }), &[("k", &["a"])], false),
        (json!({ "Null": { "k": "false" } }), &[("k", &["a"])], true),
        (
            json!({ "ForAllValues:StringEquals": { "k": ["a", "b"] } }),
            &[("k", &["a", "c"])],
            false,
        ),
        (
            json!({ "ForAnyValue:StringEquals": { "k": ["a", "b"] } }),
            &[("k", &["a", "c"])],
            true,
        ),
        (
            json!({ "StringEquals": { "k": "a" }, "StringLike": { "l": "*" } }),
            &[("k", &["a"])],
            false,
        ),
    ];
    for (condition, keys, holds) in cases {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition });
        let expected = if holds { Verdict::Allowed } else { Verdict::NotAllowed };
        assert_eq!(verdict(&statement, "a:b", "*", keys), expected, "{condition} {keys:?}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for statement in [
        json!({ "Effect": "Allow", "Action": "*" }),
        json!({ "Effect": "Perhaps", "Action": "*", "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "IpAddress": { "k": "1" } } }),
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*" }),
        json!({ "Effect": "Allow", "Action": "*", "Resource": { "Fn::Sub": "x" } }),
    ] {
        assert!(Policy::parse(&policy(&statement)).is_err(), "{statement}");
    }
}

#[tokio::test]
async fn roles_are_matched_with_their_path_and_absent_ones_without() {
    let account = Account::new();
    account.plant_role("/Agents/", "web", &[]);
    account.plant_role("/", "foreign", &[]);
    account.enforce(&policy(&json!(allow(
        "iam:*",
        "arn:aws:iam::111122223333:role/Agents/*"
    ))));
    let iam = account.clients().iam;
    let get = |name: &str| iam.get_role().role_name(name).send();
    get("web").await.expect("is under the path");
    assert_eq!(code(get("foreign").await), "AccessDenied");
    let (absent, message) = refusal(get("none").await);
    assert_eq!(absent, "AccessDenied");
    assert!(message.contains("on resource: role none because"), "{message}");
    account.set_absent_roles_pathless(false);
    assert_eq!(code(get("none").await), "NoSuchEntity");
    account.enforce_nothing();
    get("foreign").await.expect("everything is allowed");
}

#[tokio::test]
async fn the_boundary_of_the_request_counts_at_creation_and_the_roles_own_after() {
    let account = Account::new();
    let condition = json!({ "ArnEquals": { "iam:PermissionsBoundary": BOUNDARY } });
    account.enforce(&policy(&json!([
        { "Effect": "Allow", "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"],
          "Resource": "*", "Condition": condition },
    ])));
    let iam = account.clients().iam;
    let create = |name: &str| iam.create_role().role_name(name).assume_role_policy_document(TRUST);
    let put = |name: &str| {
        iam.put_role_policy()
            .role_name(name)
            .policy_name("p")
            .policy_document(INLINE)
            .send()
    };
    let bound = |name: &str, arn: &str| {
        iam.put_role_permissions_boundary()
            .role_name(name)
            .permissions_boundary(arn)
            .send()
    };
    assert_eq!(code(create("web").send().await), "AccessDenied");
    create("web")
        .permissions_boundary(BOUNDARY)
        .send()
        .await
        .expect("has the boundary");
    put("web").await.expect("has the boundary");
    account.plant_role("/", "free", &[]);
    assert_eq!(code(put("free").await), "AccessDenied");
    assert_eq!(
        code(bound("free", "arn:aws:iam::111122223333:policy/Wider").await),
        "AccessDenied"
    );
    bound("free", BOUNDARY).await.expect("gets the boundary");
    put("free").await.expect("has the boundary now");
}

#[tokio::test]
async fn a_registration_needs_its_family_its_tags_and_its_roles() {
    let account = Account::new();
    let clients = account.clients();
    let role = "arn:aws:iam::111122223333:role/Agents/web";
    let tag = || Tag::builder().key("owner").value("one").build();
    let register = || registration(&clients, "web").tags(tag()).task_role_arn(role).send();
    let family = "arn:aws:ecs:us-east-1:111122223333:task-definition/*";
    let mut statements = vec![allow("ecs:RegisterTaskDefinition", family)];
    let attempt = async |statements: &[Value]| {
        account.enforce(&policy(&json!(statements)));
        refusal(register().await).1
    };
    assert!(
        attempt(&statements)
            .await
            .contains("ecs:TagResource on resource: arn:aws:ecs:us-east-1:111122223333:task-definition/web:*")
    );
    statements.push(json!({ "Effect": "Allow", "Action": "ecs:TagResource", "Resource": family,
        "Condition": { "StringEquals": { "ecs:CreateAction": "RegisterTaskDefinition", "aws:RequestTag/owner": "one" } } }));
    assert!(
        attempt(&statements)
            .await
            .contains(&format!("iam:PassRole on resource: {role} because"))
    );
    statements.push(
        json!({ "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/Agents/*",
        "Condition": { "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } } }),
    );
    account.enforce(&policy(&json!(statements)));
    register().await.expect("has all it needs");
    // Deregister knows no resources: a right on the family does not reach it.
    statements.push(allow("ecs:DeregisterTaskDefinition", family));
    account.enforce(&policy(&json!(statements)));
    let gone = clients
        .ecs
        .deregister_task_definition()
        .task_definition("web:1")
        .send()
        .await;
    assert!(refusal(gone).1.contains("on resource: *"));
}

#[tokio::test]
async fn making_something_with_tags_needs_the_right_to_tag() {
    let account = Account::new();
    let clients = account.clients();
    account.enforce(&policy(&json!([
        allow("iam:CreateRole", "*"),
        allow("logs:CreateLogGroup", "*")
    ])));
    make_role(&clients, "untagged").await;
    let tag = aws_sdk_iam::types::Tag::builder()
        .key("a")
        .value("1")
        .build()
        .expect("whole");
    let role = clients
        .iam
        .create_role()
        .role_name("web")
        .assume_role_policy_document(TRUST)
        .tags(tag)
        .send()
        .await;
    assert!(refusal(role).1.contains("iam:TagRole"));
    let tags = HashMap::from([("a".to_owned(), "1".to_owned())]);
    let group = clients
        .logs
        .create_log_group()
        .log_group_name("x")
        .set_tags(Some(tags))
        .send()
        .await;
    assert!(
        refusal(group)
            .1
            .contains("logs:TagResource on resource: arn:aws:logs:us-east-1:111122223333:log-group:x because")
    );
    assert!(account.log_groups().is_empty());
}

#[tokio::test]
async fn an_explicit_deny_has_words_of_its_own() {
    let account = Account::new();
    let clients = account.clients();
    account.enforce(&policy(&json!({ "Effect": "Deny", "Action": "*", "Resource": "*" })));
    let (code, message) = refusal(clients.cloudformation.describe_stacks().stack_name("web").send().await);
    assert_eq!(code, "AccessDenied");
    assert!(message.ends_with(
        "on resource: arn:aws:cloudformation:us-east-1:111122223333:stack/web/* with an explicit deny in an identity-based policy"
    ));
    assert_eq!(account.denied_calls().len(), 1);
}

#[tokio::test]
async fn a_roles_own_policies_can_be_asked() {
    let account = Account::new();
    let clients = account.clients();
    make_role(&clients, "web").await;
    let put = clients
        .iam
        .put_role_policy()
        .role_name("web")
        .policy_name("p")
        .policy_document(INLINE);
    put.send().await.expect("puts");
    let role = account.role("web").expect("is there");
    assert!(role.allows(
        "ssm:GetParameters",
        "arn:aws:ssm:us-east-1:111122223333:parameter/token",
        &[]
    ));
    assert!(!role.allows(
        "ssm:GetParameters",
        "arn:aws:ssm:us-east-1:111122223333:parameter/other",
        &[]
    ));
}

#[tokio::test]
async fn a_right_on_a_group_needs_an_asterisk_behind_its_name() {
    let account = Account::new();
    let logs = account.clients().logs;
    let group = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/web";
    let create = || logs.create_log_group().log_group_name("/aws/ecs/web").send();
    account.enforce(&policy(&json!(allow("logs:*", group))));
    assert!(
        refusal(create().await)
            .1
            .contains(&format!("on resource: {group}:log-stream: because"))
    );
    account.enforce(&policy(&json!(allow("logs:*", &format!("{group}:*")))));
    create().await.expect("is covered");
}
