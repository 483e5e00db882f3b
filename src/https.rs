//! The one HTTP and TLS stack: the SDK's calls and the answer's PUT share its trusted certificates and its connections. The
//! only file that names an HTTP client.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;

use crate::{causes::causes, response_url::ResponseUrl, signal::Put};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// An HTTPS client for the life of the process. It loads the system's trusted certificates with the first request, so that
/// the function's start does not wait for them; it follows no redirect and uses no proxy.
#[derive(Clone, Debug)]
pub struct Https(Arc<LazyLock<SharedHttpConnector>>);

impl Https {
    /// A client that has loaded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(LazyLock::new(|| {
            let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
            let connector = Connector::builder()
                .connector_settings(settings)
                .tls_provider(Provider::rustls(CryptoMode::Ring));
            SharedHttpConnector::new(connector.build())
        })))
    }

    /// This client for the SDK.
    #[must_use]
    pub fn for_sdk(&self) -> SharedHttpClient {
        let connector = Arc::clone(&self.0);
        http_client_fn(move |_settings, _components| SharedHttpConnector::clone(&connector))
    }
}

impl Default for Https {
    fn default() -> Self {
        Self::new()
    }
}

impl Put for Https {
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>> {
        Box::pin(async move {
            // No Content-Type: older presigned URLs do not sign one.
            let mut request = HttpRequest::new(SdkBody::from(body));
            request.set_method("PUT").map_err(|error| causes(&error))?;
            request.set_uri(url.with_credential()).map_err(|error| causes(&error))?;
            let answer = self.0.call(request).await;
            answer
                .map(|answer| answer.status().as_u16())
                .map_err(|error| causes(&error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_error_for_an_unreachable_url_has_no_credential() {
        // Nothing listens on the discard port of the loopback address.
        for url in [
            "http://127.0.0.1:9/answer?X-Amz-Signature=secret",
            "http://127.0.0.1:9/ answer?X-Amz-Signature=secret",
        ] {
            let url = ResponseUrl::parse(url).unwrap();
            let problem = Https::new().put(&url, Vec::new()).await.unwrap_err();
            assert!(!problem.contains("secret") && !problem.is_empty(), "{problem}");
        }
    }
}
