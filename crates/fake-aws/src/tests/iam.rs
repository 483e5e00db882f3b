//! Roles and their policies.

use aws_sdk_iam::types::Tag;
use percent_encoding::percent_decode_str;

use super::{INLINE, TRUST, code, make_role, refusal};
use crate::Account;

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("whole")
}

#[tokio::test]
async fn a_role_is_shown_as_it_was_made() {
    let account = Account::new();
    let clients = account.clients();
    clients
        .iam
        .create_role()
        .role_name("web")
        .path("/Agents/")
        .assume_role_policy_document(TRUST)
        .permissions_boundary(BOUNDARY)
        .tags(tag("owner", "stack & co"))
        .send()
        .await
        .expect_err("an ampersand is not a tag character");
    clients
        .iam
        .create_role()
        .role_name("web")
        .path("/Agents/")
        .assume_role_policy_document(TRUST)
        .description("a <role> & more")
        .permissions_boundary(BOUNDARY)
        .tags(tag("owner", "stack one"))
        .send()
        .await
        .expect("can be made");
    let role = clients
        .iam
        .get_role()
        .role_name("web")
        .send()
        .await
        .expect("is there")
        .role
        .expect("in the answer");
    assert_eq!(role.arn(), "arn:aws:iam::111122223333:role/Agents/web");
    assert_eq!(role.description(), Some("a <role> & more"));
    assert!(role.role_id().starts_with("AROA") && role.role_id().len() == 21);
    assert_eq!(role.tags()[0].value(), "stack one");
    let boundary = role.permissions_boundary().expect("has one");
    assert_eq!(boundary.permissions_boundary_arn(), Some(BOUNDARY));
    let document = role.assume_role_policy_document().expect("has one");
    assert!(!document.contains('{'), "the document is percent-encoded");
    assert_eq!(percent_decode_str(document).decode_utf8_lossy(), TRUST);
    assert!(account.role("web").is_some());
}

#[tokio::test]
async fn role_names_are_unique_without_regard_to_case() {
    let account = Account::new();
    let clients = account.clients();
    make_role(&clients, "Web").await;
    let again = clients
        .iam
        .create_role()
        .role_name("wEB")
        .assume_role_policy_document(TRUST)
        .send()
        .await;
    assert_eq!(
        refusal(again),
        (
            "EntityAlreadyExists".to_owned(),
            "Role with name wEB already exists.".to_owned()
        )
    );
}

#[tokio::test]
async fn a_role_made_again_has_another_unique_id() {
    let account = Account::new();
    let clients = account.clients();
    let first = make_role(&clients, "web").await;
    clients
        .iam
        .delete_role()
        .role_name("web")
        .send()
        .await
        .expect("deletes");
    let second = make_role(&clients, "web").await;
    assert_ne!(first.role_id(), second.role_id());
}

#[tokio::test]
async fn what_is_absent_does_not_exist() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    assert_eq!(
        refusal(iam.get_role().role_name("web").send().await),
        (
            "NoSuchEntity".to_owned(),
            "The role with name web cannot be found.".to_owned()
        )
    );
    assert_eq!(code(iam.delete_role().role_name("web").send().await), "NoSuchEntity");
    assert_eq!(
        code(iam.list_role_policies().role_name("web").send().await),
        "NoSuchEntity"
    );
    make_role(&clients, "web").await;
    let absent = iam.get_role_policy().role_name("web").policy_name("p").send().await;
    assert!(
        absent
            .expect_err("no policy")
            .into_service_error()
            .is_no_such_entity_exception()
    );
    assert_eq!(
        code(iam.delete_role_policy().role_name("web").policy_name("p").send().await),
        "NoSuchEntity"
    );
    assert_eq!(
        code(
            iam.detach_role_policy()
                .role_name("web")
                .policy_arn(BOUNDARY)
                .send()
                .await
        ),
        "NoSuchEntity"
    );
}

#[tokio::test]
async fn a_role_is_deleted_only_when_its_policies_are_gone() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    make_role(&clients, "web").await;
    iam.put_role_policy()
        .role_name("web")
        .policy_name("p")
        .policy_document(INLINE)
        .send()
        .await
        .expect("puts");
    iam.attach_role_policy()
        .role_name("web")
        .policy_arn(BOUNDARY)
        .send()
        .await
        .expect("attaches");
    assert_eq!(code(iam.delete_role().role_name("web").send().await), "DeleteConflict");
    iam.detach_role_policy()
        .role_name("web")
        .policy_arn(BOUNDARY)
        .send()
        .await
        .expect("detaches");
    assert_eq!(code(iam.delete_role().role_name("web").send().await), "DeleteConflict");
    iam.delete_role_policy()
        .role_name("web")
        .policy_name("p")
        .send()
        .await
        .expect("deletes");
    iam.delete_role().role_name("web").send().await.expect("deletes");
    assert!(account.leftovers().is_empty());
}

#[tokio::test]
async fn documents_are_checked() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    make_role(&clients, "web").await;
    let statement = |inner: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{inner}}}]}}"#);
    let bad = [
        "not json".to_owned(),
        r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
        r#"{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#.to_owned(),
        statement(r#""Action":"ssm:GetParameters""#),
        statement(r#""Action":"ssm:GetParameters","Resource":[]"#),
        statement(r#""Action":"ssm:GetParameters","Resource":"parameter/x""#),
        statement(r#""Action":"GetParameters","Resource":"*""#),
        statement(r#""Action":"ssm:*","Resource":"*","Principal":"*""#),
        statement(r#""Action":"ssm:*","Resource":"*","Sid":"a-b""#),
    ];
    for document in bad {
        let result = iam
            .put_role_policy()
            .role_name("web")
            .policy_name("p")
            .policy_document(&document)
            .send()
            .await;
        assert_eq!(code(result), "MalformedPolicyDocument", "{document}");
    }
    for document in ["{", INLINE] {
        let result = iam
            .create_role()
            .role_name("new")
            .assume_role_policy_document(document)
            .send()
            .await;
        assert_eq!(code(result), "MalformedPolicyDocument");
        let result = iam
            .update_assume_role_policy()
            .role_name("web")
            .policy_document(document)
            .send()
            .await;
        assert_eq!(code(result), "MalformedPolicyDocument");
    }
}

#[tokio::test]
async fn inline_policies_share_one_quota_without_white_space() {
    let account = Account::new();
    let clients = account.clients();
    make_role(&clients, "web").await;
    let resources: Vec<String> = (0..100)
        .map(|n| format!("\"arn:aws:ssm:us-east-1:111122223333:parameter/{n:03}\""))
        .collect();
    let separator = format!(",{}", " ".repeat(100));
    let document = INLINE.replace(
        "\"arn:aws:ssm:us-east-1:111122223333:parameter/token\"",
        &format!("[{}]", resources.join(&separator)),
    );
    let put = |name: &str| {
        clients
            .iam
            .put_role_policy()
            .role_name("web")
            .policy_name(name)
            .policy_document(&document)
            .send()
    };
    put("one").await.expect("fits without its white space");
    put("one").await.expect("takes its own place");
    assert!(document.len() > 10_240);
    assert_eq!(code(put("two").await), "LimitExceeded");
}

#[tokio::test]
async fn tag_keys_have_no_case_and_an_empty_list_tags_nothing() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    make_role(&clients, "web").await;
    iam.tag_role()
        .role_name("web")
        .tags(tag("Owner", "1"))
        .send()
        .await
        .expect("tags");
    iam.tag_role()
        .role_name("web")
        .tags(tag("owner", "2"))
        .tags(tag("x", "3"))
        .send()
        .await
        .expect("tags");
    iam.tag_role()
        .role_name("web")
        .set_tags(Some(vec![]))
        .send()
        .await
        .expect("tags nothing");
    let tags = iam.list_role_tags().role_name("web").send().await.expect("lists").tags;
    assert_eq!(tags, [tag("owner", "2"), tag("x", "3")]);
    iam.untag_role()
        .role_name("web")
        .tag_keys("OWNER")
        .send()
        .await
        .expect("untags");
    assert_eq!(account.role("web").expect("is there").tags.len(), 1);
    let twice = iam
        .tag_role()
        .role_name("web")
        .tags(tag("a", "1"))
        .tags(tag("A", "1"))
        .send()
        .await;
    assert_eq!(code(twice), "InvalidInput");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    make_role(&clients, "web").await;
    account.set_page_size(2);
    for name in ["a", "b", "c", "d", "e"] {
        iam.put_role_policy()
            .role_name("web")
            .policy_name(name)
            .policy_document(INLINE)
            .send()
            .await
            .expect("puts");
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        iam.attach_role_policy()
            .role_name("web")
            .policy_arn(arn)
            .send()
            .await
            .expect("attaches");
    }
    let first = iam.list_role_policies().role_name("web").send().await.expect("lists");
    assert!(first.is_truncated() && first.policy_names().len() == 2);
    let names: Vec<String> = iam
        .list_role_policies()
        .role_name("web")
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .expect("lists");
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let attached: Vec<_> = iam
        .list_attached_role_policies()
        .role_name("web")
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .expect("lists");
    assert_eq!(attached.len(), 5);
    assert_eq!(attached[0].policy_name(), Some("a"));
}

#[tokio::test]
async fn a_boundary_comes_and_goes_and_has_to_exist() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    make_role(&clients, "web").await;
    iam.put_role_permissions_boundary()
        .role_name("web")
        .permissions_boundary(BOUNDARY)
        .send()
        .await
        .expect("puts");
    assert_eq!(
        account.role("web").expect("is there").boundary.as_deref(),
        Some(BOUNDARY)
    );
    iam.delete_role_permissions_boundary()
        .role_name("web")
        .send()
        .await
        .expect("deletes");
    assert_eq!(account.role("web").expect("is there").boundary, None);
    account.set_managed_policy_absent(BOUNDARY);
    let absent = iam
        .put_role_permissions_boundary()
        .role_name("web")
        .permissions_boundary(BOUNDARY)
        .send()
        .await;
    assert_eq!(code(absent), "NoSuchEntity");
    let odd = iam
        .attach_role_policy()
        .role_name("web")
        .policy_arn("Boundary")
        .send()
        .await;
    assert_eq!(code(odd), "InvalidInput");
}

#[tokio::test]
async fn a_trust_policy_and_an_inline_policy_are_replaced_whole() {
    let account = Account::new();
    let clients = account.clients();
    let iam = &clients.iam;
    make_role(&clients, "web").await;
    let other = TRUST.replace("ecs-tasks", "lambda");
    iam.update_assume_role_policy()
        .role_name("web")
        .policy_document(&other)
        .send()
        .await
        .expect("updates");
    let role = account.role("web").expect("is there");
    assert_eq!(
        role.trust["Statement"][0]["Principal"]["Service"],
        "lambda.amazonaws.com"
    );
    iam.put_role_policy()
        .role_name("web")
        .policy_name("p")
        .policy_document(INLINE)
        .send()
        .await
        .expect("puts");
    let got = iam
        .get_role_policy()
        .role_name("web")
        .policy_name("p")
        .send()
        .await
        .expect("gets");
    assert_eq!(percent_decode_str(got.policy_document()).decode_utf8_lossy(), INLINE);
    iam.update_role()
        .role_name("web")
        .description("new")
        .send()
        .await
        .expect("updates");
    assert_eq!(
        account.role("web").expect("is there").description.as_deref(),
        Some("new")
    );
}

#[tokio::test]
async fn names_and_paths_are_checked() {
    let account = Account::new();
    let clients = account.clients();
    let make = |name: &str, path: &str| {
        clients
            .iam
            .create_role()
            .role_name(name)
            .path(path)
            .assume_role_policy_document(TRUST)
            .send()
    };
    let long = "x".repeat(65);
    for (name, path) in [
        ("a b", "/"),
        (long.as_str(), "/"),
        ("a/b", "/"),
        ("ok", "Agents/"),
        ("ok", "/Agents"),
    ] {
        assert_eq!(code(make(name, path).await), "ValidationError");
    }
}

#[tokio::test]
async fn roles_are_listed_under_a_path_without_tags_and_boundaries() {
    let account = Account::new();
    account.set_page_size(1);
    account.plant_role("/Agents/", "web", &[("owner", "one")]);
    account.plant_role("/Agents/deep/", "api", &[]);
    account.plant_role("/", "other", &[]);
    let clients = account.clients();
    let list = clients.iam.list_roles().path_prefix("/Agents/");
    let pages = list.into_paginator().items().send();
    let roles: Vec<aws_sdk_iam::types::Role> = pages.try_collect().await.expect("lists");
    let names: Vec<&str> = roles.iter().map(aws_sdk_iam::types::Role::role_name).collect();
    assert_eq!(names, ["api", "web"]);
    assert!(roles.iter().all(|role| role.tags().is_empty()));
}
