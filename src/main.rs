//! The binary of both functions: reads the environment and hands each event over.

use std::{sync::Arc, time::SystemTime};

use agent_composer::{
    aws::Clients,
    event,
    handler::{Invocation, Provider},
    https::Https,
    log,
    settings::Settings,
    signal::Signal,
};
use lambda_runtime::{Error, LambdaEvent, LambdaInvocation, Runtime, service_fn, tower::util::MapRequestLayer};
use serde_json::value::RawValue;
use tokio::time::Instant;

// One event at a time, whose calls wait side by side in one task: more threads would only cost memory.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the environment")]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    log::start(variable(log::LEVEL).as_deref());
    tracing::info!(version = agent_composer::VERSION, "started");
    let settings = Settings::read(variable);
    if let Err(faults) = &settings {
        tracing::error!(%faults, "the settings are invalid");
    }
    let https = Https::new();
    let provider = Arc::new(Provider {
        settings,
        clients: Clients::from_variables(variable, https.for_sdk()),
        queue_url: variable("REQUEST_QUEUE_URL"),
        signal: Signal {
            put: Box::new(https),
            allowed_hosts: hosts(variable("ALLOWED_RESPONSE_HOSTS").as_deref()),
        },
        clock: Box::new(SystemTime::now),
    });
    // The event's own text: the queue gets it as it came.
    let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| {
        let provider = Arc::clone(&provider);
        let left = event.context.deadline().duration_since(SystemTime::now());
        let invocation = Invocation {
            deadline: Instant::now() + left.unwrap_or_default(),
            function_arn: event.context.invoked_function_arn.clone(),
        };
        async move {
            let handled = provider.handle(event.payload.get(), invocation).await;
            handled.map_err(Error::from)
        }
    });
    let readable = MapRequestLayer::new(|mut invocation: LambdaInvocation| {
        if let Some(quoted) = event::quoted(&invocation.body) {
            invocation.body = quoted.into();
        }
        invocation
    });
    Runtime::new(handler).layer(readable).run().await
}

/// The hosts of a list with commas.
fn hosts(list: Option<&str>) -> Vec<String> {
    let hosts = list.unwrap_or_default().split(',').map(str::trim);
    hosts.filter(|host| !host.is_empty()).map(str::to_owned).collect()
}
