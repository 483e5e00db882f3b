//! The account checked against what AWS documents, through the real SDK clients.

mod ecs;
mod faults;
mod iam;
mod lags;
mod logs;
mod policies;
mod rates;
mod registration;
mod server;
mod sqs;
mod stacks;

use std::fmt::Debug;

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{Compatibility, ContainerDefinition, NetworkMode};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Clients;

/// A trust policy for ECS tasks.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// An inline policy that IAM takes.
const INLINE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:us-east-1:111122223333:parameter/token"}]}"#;

/// The code and the message of a refusal.
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(result: Result<T, SdkError<E, R>>) -> (String, String) {
    let error = result.expect_err("the call was to be refused");
    (
        error.code().unwrap_or("no code").to_owned(),
        error.message().unwrap_or("no message").to_owned(),
    )
}

/// The code alone.
fn code<T: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(result: Result<T, SdkError<E, R>>) -> String {
    refusal(result).0
}

/// The smallest container.
fn container() -> aws_sdk_ecs::types::builders::ContainerDefinitionBuilder {
    ContainerDefinition::builder().name("agent").image("ruby:3")
}

/// The smallest registration for Fargate, without containers.
fn bare(clients: &Clients, family: &str) -> RegisterTaskDefinitionFluentBuilder {
    clients
        .ecs
        .register_task_definition()
        .family(family)
        .requires_compatibilities(Compatibility::Fargate)
        .network_mode(NetworkMode::Awsvpc)
        .cpu("256")
        .memory("512")
}

/// The smallest registration that Fargate takes.
fn registration(clients: &Clients, family: &str) -> RegisterTaskDefinitionFluentBuilder {
    bare(clients, family).container_definitions(container().build())
}

/// Makes a role.
async fn make_role(clients: &Clients, name: &str) -> aws_sdk_iam::types::Role {
    clients
        .iam
        .create_role()
        .role_name(name)
        .path("/Agents/")
        .assume_role_policy_document(TRUST)
        .send()
        .await
        .expect("the role can be made")
        .role
        .expect("the answer has the role")
}
