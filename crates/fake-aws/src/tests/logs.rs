//! Log groups.

use std::collections::HashMap;

use super::{code, refusal};
use crate::Account;

const ARN: &str = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/web";

#[tokio::test]
async fn a_group_is_made_once_kept_and_deleted_once() {
    let account = Account::new();
    let logs = account.clients().logs;
    let create = || logs.create_log_group().log_group_name("/aws/ecs/web");
    create().tags("owner", "one").send().await.expect("creates");
    assert_eq!(code(create().send().await), "ResourceAlreadyExistsException");
    logs.put_retention_policy()
        .log_group_name("/aws/ecs/web")
        .retention_in_days(7)
        .send()
        .await
        .expect("keeps");
    let group = account.log_group("/aws/ecs/web").expect("is there");
    assert_eq!((group.retention, group.tags["owner"].as_str()), (Some(7), "one"));
    logs.delete_retention_policy()
        .log_group_name("/aws/ecs/web")
        .send()
        .await
        .expect("keeps for ever");
    let delete = || logs.delete_log_group().log_group_name("/aws/ecs/web").send();
    delete().await.expect("deletes");
    let absent = (
        "ResourceNotFoundException".to_owned(),
        "The specified log group does not exist.".to_owned(),
    );
    assert_eq!(refusal(delete().await), absent);
    let keep = logs
        .put_retention_policy()
        .log_group_name("/aws/ecs/web")
        .retention_in_days(1)
        .send()
        .await;
    assert_eq!(refusal(keep), absent);
}

#[tokio::test]
async fn names_tags_and_days_are_checked() {
    let account = Account::new();
    let logs = account.clients().logs;
    for bad in ["a b", "aws/x", "", &"x".repeat(513)] {
        let result = logs.create_log_group().log_group_name(bad).send().await;
        assert_eq!(code(result), "InvalidParameterException", "{bad}");
    }
    let empty = logs
        .create_log_group()
        .log_group_name("x")
        .set_tags(Some(HashMap::new()))
        .send()
        .await;
    assert_eq!(code(empty), "InvalidParameterException");
    account.plant_log_group("x", &[]);
    for days in [0, 2, 366] {
        let result = logs
            .put_retention_policy()
            .log_group_name("x")
            .retention_in_days(days)
            .send()
            .await;
        assert_eq!(code(result), "InvalidParameterException");
    }
}

#[tokio::test]
async fn tags_are_found_by_the_arn_without_its_suffix() {
    let account = Account::new();
    let logs = account.clients().logs;
    account.plant_log_group("/aws/ecs/web", &[("a", "1")]);
    let list = |arn: &str| logs.list_tags_for_resource().resource_arn(arn).send();
    logs.tag_resource()
        .resource_arn(ARN)
        .tags("b", "2")
        .send()
        .await
        .expect("tags");
    logs.untag_resource()
        .resource_arn(ARN)
        .tag_keys("a")
        .send()
        .await
        .expect("untags");
    let tags = list(ARN).await.expect("lists").tags.expect("has tags");
    assert_eq!(tags, HashMap::from([("b".to_owned(), "2".to_owned())]));
    assert_eq!(code(list(&format!("{ARN}:*")).await), "InvalidParameterException");
    assert_eq!(
        code(list(&ARN.replace("web", "none")).await),
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_protected_group_stays() {
    let account = Account::new();
    let logs = account.clients().logs;
    account.plant_log_group("x", &[]);
    account.set_deletion_protection("x", true);
    let delete = || logs.delete_log_group().log_group_name("x").send();
    assert_eq!(code(delete().await), "ValidationException");
    account.set_deletion_protection("x", false);
    delete().await.expect("deletes");
}

#[tokio::test]
async fn groups_are_listed_by_prefix_in_pages() {
    let account = Account::new();
    let logs = account.clients().logs;
    for name in ["/aws/ecs/a", "/aws/ecs/b", "/aws/ecs/c", "/other"] {
        account.plant_log_group(name, &[]);
    }
    account.set_page_size(2);
    let groups: Vec<_> = logs
        .describe_log_groups()
        .log_group_name_prefix("/aws/ecs/")
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .expect("lists");
    assert_eq!(groups.len(), 3);
    assert_eq!(
        groups[0].log_group_arn(),
        Some("arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/a")
    );
    assert_eq!(
        groups[0].arn(),
        Some("arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/a:*")
    );
}
