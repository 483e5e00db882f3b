//! The answer's way to CloudFormation's presigned URL: which hosts may have it, and bounded retries.

use std::{future::Future, pin::Pin, time::Duration};

use agent_composer_model::partition;
use http::{Uri, uri::Scheme};
use tokio::time::{Instant, sleep, timeout};

use crate::{response::Response, response_url::ResponseUrl};

/// How often a body is sent before it counts as undeliverable.
const ATTEMPTS: u32 = 6;

/// How long one attempt may take: an S3 PUT of a few kilobytes takes milliseconds.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Sends one PUT and returns the HTTP status, or why there was none. A trait so that tests need no network.
pub trait Put: Send + Sync {
    /// PUTs `body` without a Content-Type and with a Content-Length (docs/internals/cloudformation.md, "The PUT"). The
    /// error is a text without the URL's query.
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>>;
}

/// The way to CloudFormation.
pub struct Signal {
    /// Sends the PUT.
    pub put: Box<dyn Put>,
    /// Hosts beside CloudFormation's own, for local clouds and tests; plain HTTP is allowed for these.
    pub allowed_hosts: Vec<String>,
}

/// Why an answer was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Not delivered for now: try again later.
    #[error("failed to deliver the answer after {attempts} attempts: {problem}")]
    ForNow {
        /// How often it was sent.
        attempts: u32,
        /// The last attempt's HTTP status or transport error.
        problem: String,
    },
    /// Never to be delivered: the URL has expired, or is not CloudFormation's.
    #[error("the answer can't be delivered: {0}")]
    ForGood(String),
}

impl Signal {
    /// Delivers the answer. Transport errors and 5xx are retried, with jitter, until `deadline`; any other status than a
    /// success is final, above all 403: the URL has expired or is not for this body. `region` is the stack's.
    ///
    /// # Errors
    /// [`Undelivered`].
    pub async fn deliver(
        &self,
        url: &ResponseUrl,
        region: &str,
        response: &Response,
        deadline: Instant,
    ) -> Result<(), Undelivered> {
        self.check(url, region).map_err(Undelivered::ForGood)?;
        let body = response.body();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let left = deadline.saturating_duration_since(Instant::now());
            let problem = match timeout(ATTEMPT.min(left), self.put.put(url, body.clone())).await {
                Ok(Ok(200..=299)) => return Ok(()),
                Ok(Ok(status @ (408 | 429 | 500..))) => format!("HTTP status {status}"),
                Ok(Ok(status)) => return Err(Undelivered::ForGood(format!("HTTP status {status}"))),
                Ok(Err(transport)) => transport,
                Err(_) => "no answer in time".to_owned(),
            };
            tracing::warn!(attempt = attempts, problem, "the answer was not accepted");
            let pause = Duration::from_millis(fastrand::u64(50..=200) << attempts.min(4));
            if attempts == ATTEMPTS || Instant::now() + pause >= deadline {
                return Err(Undelivered::ForNow { attempts, problem });
            }
            sleep(pause).await;
        }
    }

    /// Whether the URL's host is a local cloud's or a test's.
    #[must_use]
    pub fn is_allowed_host(&self, url: &ResponseUrl) -> bool {
        let uri: Result<Uri, _> = url.with_credential().parse();
        uri.is_ok_and(|uri| uri.host().is_some_and(|host| self.allows(host)))
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed_hosts.iter().any(|allowed| allowed == host)
    }

    /// Checks that the URL is one of CloudFormation's: HTTPS, an S3 host of the Region's partition, no credentials in front
    /// of the host. It reads the URL as the HTTP client does.
    fn check(&self, url: &ResponseUrl, region: &str) -> Result<(), String> {
        let uri: Uri = url
            .with_credential()
            .parse()
            .map_err(|error| format!("the response URL is not valid: {error}"))?;
        let host = uri.host().unwrap_or_default();
        let refused = |why: &str| Err(format!("the response URL's host is `{host}`: {why}"));
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return refused("it comes with a user name or password");
        }
        if self.allows(host) {
            return Ok(());
        }
        if uri.scheme() != Some(&Scheme::HTTPS) || !matches!(uri.port_u16(), None | Some(443)) {
            return refused("only HTTPS on its own port is allowed");
        }
        if !is_s3(host, partition::dns_suffix(region)) {
            return refused("it is not an S3 host of the stack's partition");
        }
        Ok(())
    }
}

/// Whether a host is a bucket's in S3: `BUCKET.s3.SUFFIX`, `BUCKET.s3.REGION.SUFFIX` or, in the older spelling,
/// `BUCKET.s3-REGION.SUFFIX`.
fn is_s3(host: &str, suffix: &str) -> bool {
    let Some(labels) = host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) else {
        return false;
    };
    let labels: Vec<&str> = labels.split('.').collect();
    let is_region = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match labels[..] {
        [.., bucket, "s3"] => !bucket.is_empty(),
        [.., bucket, "s3", region] => !bucket.is_empty() && is_region(region),
        [.., bucket, service] => !bucket.is_empty() && service.strip_prefix("s3-").is_some_and(is_region),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

    use super::*;
    use crate::{
        https::Https,
        request::{Request, tests::event},
        response::Outcome,
    };

    const REGION: &str = "us-east-1";

    fn response() -> Response {
        let envelope = Request::parse(&event()).unwrap().envelope;
        Response::new(&envelope, "the-id".into(), Outcome::Failed("naïve".into()))
    }

    fn url() -> ResponseUrl {
        ResponseUrl::parse("https://answers.s3.amazonaws.com/answer?X-Amz-Signature=secret").unwrap()
    }

    /// Answers with each of these in turn, and remembers the bodies.
    #[derive(Clone)]
    struct Answers(Arc<Mutex<Vec<Result<u16, String>>>>, Arc<Mutex<Vec<Vec<u8>>>>);

    impl Answers {
        fn new(mut answers: Vec<Result<u16, String>>) -> Self {
            answers.reverse();
            Self(Arc::new(Mutex::new(answers)), Arc::default())
        }
        fn sent(&self) -> usize {
            self.1.lock().unwrap().len()
        }
    }

    impl Put for Answers {
        fn put<'a>(
            &'a self,
            _: &'a ResponseUrl,
            body: Vec<u8>,
        ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>> {
            self.1.lock().unwrap().push(body);
            let answer = self.0.lock().unwrap().pop().unwrap();
            Box::pin(std::future::ready(answer))
        }
    }

    async fn delivered(answers: &Answers) -> Result<(), Undelivered> {
        let signal = Signal {
            put: Box::new(answers.clone()),
            allowed_hosts: Vec::new(),
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        signal.deliver(&url(), REGION, &response(), deadline).await
    }

    #[tokio::test(start_paused = true)]
    async fn transport_errors_and_5xx_are_tried_again_with_the_same_body() {
        let answers = Answers::new(vec![Err("reset".into()), Ok(500), Ok(503), Ok(200)]);
        delivered(&answers).await.unwrap();
        let bodies = answers.1.lock().unwrap();
        assert_eq!(bodies.len(), 4);
        assert!(bodies.iter().all(|body| *body == response().body()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_403_is_final() {
        let answers = Answers::new(vec![Ok(403)]);
        let undelivered = delivered(&answers).await.unwrap_err();
        assert_eq!(undelivered, Undelivered::ForGood("HTTP status 403".to_owned()));
        assert_eq!(answers.sent(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_before_the_deadline() {
        let began = Instant::now();
        let answers = Answers::new(vec![Ok(500); ATTEMPTS as usize]);
        let undelivered = delivered(&answers).await.unwrap_err();
        assert!(matches!(undelivered, Undelivered::ForNow { problem, .. } if problem == "HTTP status 500"));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    fn loopback() -> Signal {
        Signal {
            put: Box::new(Https::new()),
            allowed_hosts: vec!["127.0.0.1".to_owned()],
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let server = MockServer::start().await;
        let elsewhere = format!("{}/elsewhere", server.uri());
        for status in [301, 302, 303, 307, 308] {
            server.reset().await;
            Mock::given(method("PUT"))
                .respond_with(ResponseTemplate::new(status).insert_header("Location", elsewhere.as_str()))
                .mount(&server)
                .await;
            let url = ResponseUrl::parse(&format!("{}/answer", server.uri())).unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            let undelivered = loopback()
                .deliver(&url, REGION, &response(), deadline)
                .await
                .unwrap_err();
            assert_eq!(undelivered, Undelivered::ForGood(format!("HTTP status {status}")));
            assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
        }
    }

    #[test]
    fn only_cloudformations_hosts_of_the_partition_are_answered() {
        let signal = Signal {
            put: Box::new(Answers::new(Vec::new())),
            allowed_hosts: vec!["localhost".to_owned()],
        };
        let allows = |url: &str, region: &str| signal.check(&ResponseUrl::parse(url).unwrap(), region);
        let bucket = "cloudformation-custom-resource-response";
        for (url, region) in [
            (format!("https://{bucket}-useast1.s3.amazonaws.com/a?b"), "us-east-1"),
            (
                format!("https://{bucket}-euwest1.s3.eu-west-1.amazonaws.com/a"),
                "eu-west-1",
            ),
            (
                format!("https://{bucket}-uswest2.s3-us-west-2.amazonaws.com/a"),
                "us-west-2",
            ),
            (
                format!("https://{bucket}-uswest2.s3-us-west-2.amazonaws.com:443/a"),
                "us-west-2",
            ),
            (
                format!("https://{bucket}-cnnorth1.s3.cn-north-1.amazonaws.com.cn/a"),
                "cn-north-1",
            ),
            (
                format!("https://{bucket}-usgovwest1.s3.us-gov-west-1.amazonaws.com/a"),
                "us-gov-west-1",
            ),
            ("http://localhost:4566/a".to_owned(), "us-east-1"),
        ] {
            assert_eq!(allows(&url, region), Ok(()), "{url}");
        }
        for (url, region) in [
            ("http://bucket.s3.amazonaws.com/a", "us-east-1"),
            ("https://bucket.s3.amazonaws.com:8443/a", "us-east-1"),
            ("https://user:password@bucket.s3.amazonaws.com/a", "us-east-1"),
            ("https://user@localhost/a", "us-east-1"),
            ("https://bucket.s3.cn-north-1.amazonaws.com.cn/a", "us-east-1"),
            ("https://bucket.s3.amazonaws.com/a", "cn-north-1"),
            ("https://s3.amazonaws.com/bucket/a", "us-east-1"),
            ("https://buckets3.amazonaws.com/a", "us-east-1"),
            ("https://bucket.s3.amazonaws.com.example.org/a", "us-east-1"),
            ("https://example.org/bucket.s3.amazonaws.com", "us-east-1"),
            ("https://169.254.169.254/latest", "us-east-1"),
            ("https://ec2.amazonaws.com/", "us-east-1"),
            ("https://", "us-east-1"),
            ("https://example.org\\@bucket.s3.amazonaws.com/a", "us-east-1"),
            ("https://example.org#.s3.amazonaws.com/a", "us-east-1"),
        ] {
            assert!(allows(url, region).is_err(), "{url}");
        }
    }

    #[test]
    fn a_refused_url_is_named_by_its_host_alone() {
        let url = ResponseUrl::parse("https://example.org/a?X-Amz-Signature=secret").unwrap();
        let signal = Signal {
            put: Box::new(Answers::new(Vec::new())),
            allowed_hosts: Vec::new(),
        };
        let reason = signal.check(&url, REGION).unwrap_err();
        assert!(reason.contains("example.org") && !reason.contains("secret"), "{reason}");
    }

    #[tokio::test]
    async fn the_put_has_no_content_type_and_counts_bytes() {
        let server = MockServer::start().await;
        Mock::given(method("PUT"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&server)
            .await;
        let url = ResponseUrl::parse(&format!("{}/answer?X-Amz-Signature=secret", server.uri())).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        loopback().deliver(&url, REGION, &response(), deadline).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        assert!(!requests[0].headers.contains_key("content-type"));
        assert_eq!(
            requests[0].headers["content-length"],
            requests[0].body.len().to_string().as_str()
        );
        assert_eq!(requests[0].body, response().body());
    }
}
