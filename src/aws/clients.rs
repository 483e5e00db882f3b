//! The SDK's clients, made from the variables that Lambda gives a function.
//!
//! Not by the crate `aws-config`: it also reads profiles, SSO, web identities and the metadata of instances and containers,
//! none of which Lambda has, and brings the SDK of STS into the function (docs/internals/performance.md).

use std::{sync::LazyLock, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{behavior_version::BehaviorVersion, http::SharedHttpClient};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

/// How long one attempt of a call may take: AWS's control planes answer in well under a second, or not at all.
const ATTEMPT: Duration = Duration::from_secs(15);

/// The SDK's clients, each set made once in the life of the process, when it is first used: the receiver needs the queue
/// alone, and the function's start neither. The SDK's own retries are off: [`super::Retry`] knows the deadline and which
/// calls may be repeated.
#[derive(Debug)]
pub struct Clients {
    /// What a resource is made with.
    pub resources: Lazy<ResourceClients>,
    /// The queue of requests.
    pub sqs: Lazy<aws_sdk_sqs::Client>,
}

/// Made when it is first used.
pub type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

/// The clients of the services that a resource is made with.
#[derive(Clone, Debug)]
pub struct ResourceClients {
    /// Task definitions.
    pub ecs: aws_sdk_ecs::Client,
    /// Roles.
    pub iam: aws_sdk_iam::Client,
    /// Log groups.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Stacks, which are only looked at.
    pub cloudformation: aws_sdk_cloudformation::Client,
}

impl Clients {
    /// The clients of a function with these variables, which call through `http`.
    #[must_use]
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String> + Clone + Send + 'static,
        http: SharedHttpClient,
    ) -> Self {
        let config = move |service: &str| config(&variable, http.clone(), service);
        let of_queue = config.clone();
        Self {
            resources: Lazy::new(Box::new(move || ResourceClients {
                ecs: aws_sdk_ecs::Client::new(&config("ECS")),
                iam: aws_sdk_iam::Client::new(&config("IAM")),
                logs: aws_sdk_cloudwatchlogs::Client::new(&config("CLOUDWATCH_LOGS")),
                cloudformation: aws_sdk_cloudformation::Client::new(&config("CLOUDFORMATION")),
            })),
            sqs: Lazy::new(Box::new(move || aws_sdk_sqs::Client::new(&of_queue("SQS")))),
        }
    }
}

/// Lambda's variables (Lambda Developer Guide, "Defined runtime environment variables"), and of the SDKs' own those for
/// endpoints (AWS SDKs and Tools Reference Guide, "Service-specific endpoints", "Dual-stack and FIPS endpoints").
fn config(variable: &impl Fn(&str) -> Option<String>, http: SharedHttpClient, service: &str) -> SdkConfig {
    let credentials = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
    let credentials =
        credentials.map(|(id, secret)| Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "Lambda"));
    let is_on = |name: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let endpoint = variable(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| variable("AWS_ENDPOINT_URL"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(variable("AWS_REGION").map(Region::new))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
    config.set_endpoint_url(endpoint);
    config.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::https::Https;

    fn config_with(variables: &'static [(&str, &str)], service: &str) -> SdkConfig {
        let variable = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        config(&variable, Https::new().for_sdk(), service)
    }

    #[tokio::test]
    async fn region_and_credentials_are_those_that_lambda_gives() {
        use aws_credential_types::provider::ProvideCredentials;
        let config = config_with(
            &[
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "id"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_SESSION_TOKEN", "token"),
            ],
            "ECS",
        );
        assert_eq!(config.region().map(Region::as_ref), Some("eu-west-1"));
        let credentials = config
            .credentials_provider()
            .unwrap()
            .provide_credentials()
            .await
            .unwrap();
        let parts = (
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token(),
        );
        assert_eq!(parts, ("id", "secret", Some("token")));
        assert_eq!((config.endpoint_url(), config.use_fips()), (None, Some(false)));
    }

    #[test]
    fn a_services_own_endpoint_goes_before_the_one_of_all() {
        let variables = &[
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
        ];
        let sqs = config_with(variables, "SQS");
        assert_eq!(
            (sqs.endpoint_url(), sqs.use_fips()),
            (Some("http://127.0.0.1:2"), Some(true))
        );
        assert_eq!(config_with(variables, "ECS").endpoint_url(), Some("http://127.0.0.1:1"));
    }
}
