//! The SDK's side: the account as an HTTP client, and SDK clients that run over it.

use std::io;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::Account;
use super::exchange::silence;
use super::wire::{Delivery, Request, Response};

/// The clients that a provider has.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Amazon ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// CloudFormation.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// Amazon SQS.
    pub sqs: aws_sdk_sqs::Client,
}

impl Account {
    /// A configuration whose clients call this account, as this caller, once for each call: no retries.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.lock().home.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone())
            .build()
    }

    /// Clients that call this account, as this caller.
    pub fn clients(&self) -> Clients {
        let config = self.sdk_config();
        Clients {
            ecs: aws_sdk_ecs::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
        }
    }
}

impl HttpClient for Account {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            account: self.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

/// The account with the timeout that the SDK asks its connectors to keep.
#[derive(Debug)]
struct Connector {
    account: Account,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let account = self.account.clone();
        let read_timeout = self.read_timeout;
        HttpConnectorFuture::new(async move {
            let request = read(&request);
            let answer = deliver(&account, &request);
            match read_timeout {
                None => answer.await,
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into()))),
            }
        })
    }
}

async fn deliver(account: &Account, request: &Request) -> Result<HttpResponse, ConnectorError> {
    match account.exchange(request).await {
        Delivery::Answer(response) => write(response),
        Delivery::Reset => {
            let reset = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
            Err(ConnectorError::io(reset.into()))
        }
        Delivery::TimedOut => Err(ConnectorError::timeout("no answer in time".into())),
        Delivery::Silence => silence().await,
    }
}

fn read(request: &HttpRequest) -> Request {
    let body = request.body().bytes().unwrap_or_default();
    Request {
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

fn write(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(response.status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut written = HttpResponse::new(status, SdkBody::from(response.body));
    for (name, value) in response.headers {
        written.headers_mut().insert(name, value);
    }
    Ok(written)
}
