//! Families, revisions, listings, tags.

use aws_sdk_ecs::operation::list_tasks::ListTasksOutput;
use aws_sdk_ecs::types::{
    DesiredStatus, SortOrder, Tag, TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus,
};

use super::{code, refusal, registration};
use crate::Account;

#[tokio::test]
async fn revisions_count_up_and_numbers_are_never_given_again() {
    let account = Account::new();
    let clients = account.clients();
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let made = registration(&clients, "web").send().await.expect("registers");
        let definition = made.task_definition.expect("has a definition");
        numbers.push(definition.revision);
        let arn = definition.task_definition_arn.expect("has an ARN");
        assert_eq!(
            arn,
            format!(
                "arn:aws:ecs:us-east-1:111122223333:task-definition/web:{}",
                definition.revision
            )
        );
        clients
            .ecs
            .deregister_task_definition()
            .task_definition(&arn)
            .send()
            .await
            .expect("deregisters");
        clients
            .ecs
            .delete_task_definitions()
            .task_definitions(&arn)
            .send()
            .await
            .expect("deletes");
    }
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn a_bare_family_is_its_newest_active_revision() {
    let account = Account::new();
    let clients = account.clients();
    for _ in 0..3 {
        registration(&clients, "web").send().await.expect("registers");
    }
    let describe = |name: &str| clients.ecs.describe_task_definition().task_definition(name).send();
    clients
        .ecs
        .deregister_task_definition()
        .task_definition("web:3")
        .send()
        .await
        .expect("deregisters");

    let newest = describe("web")
        .await
        .expect("describes")
        .task_definition
        .expect("has one");
    assert_eq!(newest.revision, 2);

    let inactive = describe("web:3")
        .await
        .expect("describes")
        .task_definition
        .expect("has one");
    assert_eq!(inactive.status, Some(TaskDefinitionStatus::Inactive));

    for name in ["web:1", "web:2"] {
        clients
            .ecs
            .deregister_task_definition()
            .task_definition(name)
            .send()
            .await
            .expect("deregisters");
    }
    for absent in [
        "web",
        "web:9",
        "other",
        "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
    ] {
        assert_eq!(
            refusal(describe(absent).await),
            (
                "ClientException".to_owned(),
                "Unable to describe task definition.".to_owned()
            )
        );
    }
    account.set_inactive_described(false);
    assert_eq!(code(describe("web:3").await), "ClientException");
}

#[tokio::test]
async fn tags_are_shown_only_when_asked_for() {
    let account = Account::new();
    let clients = account.clients();
    let tag = Tag::builder().key("owner").value("stack one").build();
    registration(&clients, "web").tags(tag).send().await.expect("registers");
    let describe = || clients.ecs.describe_task_definition().task_definition("web");
    assert!(describe().send().await.expect("describes").tags().is_empty());
    let with = describe()
        .include(TaskDefinitionField::Tags)
        .send()
        .await
        .expect("describes");
    assert_eq!(with.tags()[0].value(), Some("stack one"));
}

#[tokio::test]
async fn listing_wants_the_full_family_name_and_goes_page_by_page() {
    let account = Account::new();
    let clients = account.clients();
    for _ in 0..5 {
        registration(&clients, "web").send().await.expect("registers");
    }
    registration(&clients, "web-2").send().await.expect("registers");
    clients
        .ecs
        .deregister_task_definition()
        .task_definition("web:2")
        .send()
        .await
        .expect("deregisters");
    account.set_page_size(2);

    let list = || {
        clients
            .ecs
            .list_task_definitions()
            .family_prefix("web")
            .sort(SortOrder::Desc)
    };
    let first = list().send().await.expect("lists");
    assert_eq!(first.task_definition_arns().len(), 2);
    assert!(first.next_token().is_some());

    let all: Vec<String> = list()
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .expect("lists");
    let numbers: Vec<&str> = all.iter().filter_map(|arn| arn.rsplit(':').next()).collect();
    assert_eq!(numbers, ["5", "4", "3", "1"]);
    assert!(all.iter().all(|arn| arn.contains("task-definition/web:")));

    let inactive = list()
        .status(TaskDefinitionStatus::Inactive)
        .send()
        .await
        .expect("lists");
    assert_eq!(inactive.task_definition_arns().len(), 1);
    assert_eq!(code(list().max_results(101).send().await), "InvalidParameterException");
    assert_eq!(
        code(list().next_token("nonsense").send().await),
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn pages_hold_still_while_items_go() {
    let account = Account::new();
    let clients = account.clients();
    for _ in 0..4 {
        account.plant_revision("web", "ruby:3", &[]);
    }
    account.set_page_size(2);
    let list = || clients.ecs.list_task_definitions().family_prefix("web");
    let first = list().send().await.expect("lists");
    for arn in first.task_definition_arns() {
        account.plant_deregistration(arn);
    }
    let second = list().set_next_token(first.next_token).send().await.expect("lists");
    assert_eq!(second.task_definition_arns().len(), 2);
}

#[tokio::test]
async fn deregistering_twice_is_fine_and_what_is_absent_is_not() {
    let account = Account::new();
    let clients = account.clients();
    account.plant_revision("web", "ruby:3", &[]);
    let deregister = |name: &str| clients.ecs.deregister_task_definition().task_definition(name).send();
    for _ in 0..2 {
        let gone = deregister("web:1")
            .await
            .expect("deregisters")
            .task_definition
            .expect("has one");
        assert_eq!(gone.status, Some(TaskDefinitionStatus::Inactive));
    }
    assert_eq!(code(deregister("web:2").await), "ClientException");
    assert_eq!(code(deregister("web").await), "ClientException");
}

#[tokio::test]
async fn only_an_inactive_revision_can_be_deleted() {
    let account = Account::new();
    let clients = account.clients();
    let arn = account.plant_revision("web", "ruby:3", &[]);
    let delete = || clients.ecs.delete_task_definitions().task_definitions(&arn).send();
    assert_eq!(delete().await.expect("answers").failures().len(), 1);
    account.plant_deregistration(&arn);
    let deleted = delete().await.expect("answers");
    assert_eq!(
        deleted.task_definitions()[0].status(),
        Some(&TaskDefinitionStatus::DeleteInProgress)
    );
}

#[tokio::test]
async fn a_revision_can_be_tagged_later() {
    let account = Account::new();
    let clients = account.clients();
    let arn = account.plant_revision("web", "ruby:3", &[("a", "1")]);
    let tag = Tag::builder().key("b").value("2").build();
    clients
        .ecs
        .tag_resource()
        .resource_arn(&arn)
        .tags(tag)
        .send()
        .await
        .expect("tags");
    clients
        .ecs
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("untags");
    let listed = clients
        .ecs
        .list_tags_for_resource()
        .resource_arn(&arn)
        .send()
        .await
        .expect("lists");
    assert_eq!(listed.tags().len(), 1);
    assert_eq!(listed.tags()[0].key(), Some("b"));
}

#[tokio::test]
async fn families_are_listed_by_whether_one_of_their_revisions_can_be_run() {
    let account = Account::new();
    account.set_page_size(1);
    let clients = account.clients();
    for family in ["api", "web", "worker"] {
        registration(&clients, family).send().await.expect("registers");
    }
    account.plant_deregistration("arn:aws:ecs:us-east-1:111122223333:task-definition/web:1");
    let listed = async |status: TaskDefinitionFamilyStatus| -> Vec<String> {
        let list = clients.ecs.list_task_definition_families().status(status);
        let pages = list.into_paginator().items().send();
        pages.try_collect().await.expect("lists")
    };
    assert_eq!(listed(TaskDefinitionFamilyStatus::Active).await, ["api", "worker"]);
    assert_eq!(listed(TaskDefinitionFamilyStatus::Inactive).await, ["web"]);
    assert_eq!(listed(TaskDefinitionFamilyStatus::All).await, ["api", "web", "worker"]);
}

#[tokio::test]
async fn tasks_are_listed_by_cluster_family_and_desired_status() {
    let account = Account::new();
    let stopped = serde_json::json!({ "taskArn": "arn:1", "desiredStatus": "STOPPED" });
    account.set_task("agents", "web", stopped);
    let clients = account.clients();
    let list = || {
        let list = clients.ecs.list_tasks().cluster("agents").family("web");
        list.desired_status(DesiredStatus::Stopped)
    };
    let arns = |answer: ListTasksOutput| answer.task_arns.unwrap_or_default();
    assert_eq!(arns(list().send().await.expect("lists")), ["arn:1"]);
    for other in [
        list().family("api"),
        list().desired_status(DesiredStatus::Running),
        list().cluster("default"),
    ] {
        assert_eq!(arns(other.send().await.expect("lists")), [] as [&str; 0]);
    }
    assert_eq!(code(list().cluster("x").send().await), "ClusterNotFoundException");
}
