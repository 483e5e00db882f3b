//! What the command reads in an AWS account. It only reads; the library decides.

mod asked;
mod examination;
mod existing;
mod inventory;

use agent_composer_model::ownership::Tags;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::refused::Refused;

/// How many calls of one kind there are at once: fewer than any service accepts in a second.
const AT_ONCE: usize = 8;

/// How often a call is attempted that AWS throttles; after a throttled call, the SDK also waits before the next ones.
const ATTEMPTS: u32 = 5;

/// What is looked at.
struct Clients {
    ecs: aws_sdk_ecs::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    cloudformation: aws_sdk_cloudformation::Client,
}

/// One account in one Region.
pub(crate) struct Account {
    clients: Clients,
    region: String,
    config: SdkConfig,
}

impl Account {
    /// The account of the caller's credentials, in `region` or else in the one that they are configured with; `endpoint` is
    /// another cloud's address.
    pub(crate) async fn of(region: Option<&str>, endpoint: Option<&str>) -> Result<Self, String> {
        let https = Builder::new()
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .build_https();
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https)
            .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS));
        if let Some(region) = region {
            config = config.region(Region::new(region.to_owned()));
        }
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        let config = config.load().await;
        let region = config
            .region()
            .ok_or("no Region is configured: give --region")?
            .to_string();
        Ok(Self {
            clients: Clients::of(&config),
            region,
            config,
        })
    }

    /// The Region.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }
}

impl Clients {
    fn of(config: &SdkConfig) -> Self {
        Self {
            ecs: aws_sdk_ecs::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
        }
    }
}

/// What is there, or nothing where it is not.
fn absent<T, E>(answer: Result<T, E>) -> Result<Option<T>, Refused>
where
    Refused: From<E>,
{
    match answer.map_err(Refused::from) {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.is_absent() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn failed<E>(call: &str, on: &str) -> impl Fn(E) -> String
where
    Refused: From<E>,
{
    move |error| message(call, on, &Refused::from(error))
}

fn message(call: &str, on: &str, refusal: &Refused) -> String {
    format!("{call} on {on}: {refusal}; this needs AWS credentials with read access")
}

/// Tags of ECS or IAM.
fn tags<'a>(pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Tags {
    let pairs = pairs.filter_map(|(key, value)| Some((key?.to_owned(), value?.to_owned())));
    pairs.collect()
}
