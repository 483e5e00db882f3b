//! The account behind a port, through the SDK's own HTTP client.

use aws_sdk_ecs::error::SdkError;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use super::{make_role, registration};
use crate::{Account, Clients, Fault};

/// Clients that know the account's address and nothing else of it.
fn remote(account: &Account, url: &str) -> Clients {
    let https = Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::Ring))
        .build_https();
    let config = account.sdk_config().into_builder().http_client(https);
    let config = config.endpoint_url(url).build();
    Clients {
        ecs: aws_sdk_ecs::Client::new(&config),
        iam: aws_sdk_iam::Client::new(&config),
        logs: aws_sdk_cloudwatchlogs::Client::new(&config),
        cloudformation: aws_sdk_cloudformation::Client::new(&config),
        sqs: aws_sdk_sqs::Client::new(&config),
    }
}

#[tokio::test]
async fn all_four_services_answer_on_one_port() {
    let account = Account::new();
    let server = account.serve().await.expect("binds");
    let clients = remote(&account, &server.url);
    registration(&clients, "web").send().await.expect("registers");
    make_role(&clients, "web").await;
    clients
        .logs
        .create_log_group()
        .log_group_name("web")
        .send()
        .await
        .expect("creates");
    let stacks = clients
        .cloudformation
        .describe_stacks()
        .send()
        .await
        .expect("describes");
    assert!(stacks.stacks().is_empty());
    assert_eq!(account.leftovers().len(), 3);
    assert!(account.unknown_calls().is_empty());
}

#[tokio::test]
async fn a_reset_and_a_lost_answer_close_the_connection() {
    let account = Account::new();
    let server = account.caller("over the wire").serve().await.expect("binds");
    let clients = remote(&account, &server.url);
    for (fault, effect) in [(Fault::Reset, 0), (Fault::LostAnswer, 1)] {
        account.fault_in(1, fault);
        let error = registration(&clients, "web").send().await.expect_err("no answer");
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(account.active_revisions("web").len(), effect);
    }
    assert_eq!(account.calls()[0].call.caller, "over the wire");
}
