//! The Lambda's binary: reads the environment once, makes the clients, and hands each event to the pipeline.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use agent_composer::{handler::Provider, reconcile::Clients, settings::Settings, signal::Https};
use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::Instant;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// How long one attempt of a call may take: AWS's control planes answer in well under a second, or not at all.
const ATTEMPT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<(), Error> {
    log_as_json();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let settings = Settings::read(|name| std::env::var(name).ok());
    if let Err(faults) = &settings {
        tracing::error!(%faults, "the settings can't be used");
    }
    let provider = Arc::new(Provider {
        settings,
        clients: clients().await,
        put: Box::new(Https::new()?),
        clock: Box::new(SystemTime::now),
    });
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let left = event
            .context
            .deadline()
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        let handled = Arc::clone(&provider).handle(event.payload, Instant::now() + left);
        async move { handled.await.map_err(Error::from) }
    }))
    .await
}

/// One line of JSON for each event, with the request's fields. Only this crate speaks below warnings: what libraries
/// say of requests could hold what must not be said.
fn log_as_json() {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    let heard = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("agent_composer", LevelFilter::INFO);
    tracing_subscriber::registry().with(heard).with(lines).init();
}

async fn clients() -> Clients {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(ATTEMPT)
        .build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        // `Patience` repeats calls: it knows the deadline, and that a registration must not be repeated blindly.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .load()
        .await;
    Clients {
        ecs: aws_sdk_ecs::Client::new(&config),
        iam: aws_sdk_iam::Client::new(&config),
        logs: aws_sdk_cloudwatchlogs::Client::new(&config),
        cloudformation: aws_sdk_cloudformation::Client::new(&config),
    }
}
