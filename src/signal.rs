//! The PUT of the answer to CloudFormation's presigned URL, with bounded retries. The only file that names an HTTP client.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{causes::causes, request::ResponseUrl, response::Response};

/// How many times a body is sent before it counts as undeliverable.
const ATTEMPTS: u32 = 6;

/// How long one attempt may take: an S3 PUT of a few kilobytes takes milliseconds.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Sends one PUT and says the HTTP status, or why there was none. A trait so that lifecycles run without a network.
pub trait Put: Send + Sync {
    /// PUTs `body` without a Content-Type and with a Content-Length (cloudformation.md 1.5). The error is a text
    /// without the URL's query.
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>>;
}

/// [`Put`] over HTTPS.
#[derive(Clone, Debug)]
pub struct Https(reqwest::Client);

impl Https {
    /// A client that is kept for the life of the process: making one loads the trusted certificates.
    ///
    /// # Errors
    /// The TLS backend's, in words.
    pub fn new() -> Result<Self, String> {
        reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .build()
            .map(Self)
            .map_err(|error| format!("failed to build the HTTP client: {error}"))
    }
}

impl Put for Https {
    fn put<'a>(
        &'a self,
        url: &'a ResponseUrl,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, String>> + Send + 'a>> {
        Box::pin(async move {
            // `.body`, never `.json`: the latter adds a Content-Type, which older presigned URLs do not sign.
            let answer = self.0.put(url.with_credential()).body(body).send().await;
            answer
                .map(|answer| answer.status().as_u16())
                .map_err(|error| causes(&error.without_url()))
        })
    }
}

/// The answer could not be delivered, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to deliver the answer after {attempts} attempts: {problem}")]
pub struct Undelivered {
    /// How many times it was sent.
    pub attempts: u32,
    /// The last attempt's HTTP status or transport error.
    pub problem: String,
}

/// Delivers the answer. Transport errors and 5xx are tried again, with jitter, until `deadline`; any other status that
/// is not a success is final, above all 403: the URL has expired or is not for this body.
///
/// # Errors
/// [`Undelivered`], for which Lambda should deliver the event again.
pub async fn deliver(
    put: &dyn Put,
    url: &ResponseUrl,
    response: &Response,
    deadline: Instant,
) -> Result<(), Undelivered> {
    let body = response.body();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let left = deadline.saturating_duration_since(Instant::now());
        let problem = match timeout(ATTEMPT.min(left), put.put(url, body.clone())).await {
            Ok(Ok(200..=299)) => return Ok(()),
            Ok(Ok(status @ (408 | 429 | 500..))) => format!("HTTP status {status}"),
            Ok(Ok(status)) => {
                return Err(Undelivered {
                    attempts,
                    problem: format!("HTTP status {status}, which is final"),
                });
            }
            Ok(Err(transport)) => transport,
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(attempt = attempts, problem, "the answer was not taken");
        let pause = Duration::from_millis(fastrand::u64(50..=200) << attempts.min(4));
        if attempts == ATTEMPTS || Instant::now() + pause >= deadline {
            return Err(Undelivered { attempts, problem });
        }
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

    use super::*;
    use crate::{
        request::{Request, tests::event},
        response::Outcome,
    };

    fn response() -> Response {
        let envelope = Request::parse(&event()).unwrap().envelope;
        Response::new(&envelope, "the-id".into(), Outcome::Failed("naïve".into()))
    }

    fn url() -> ResponseUrl {
        ResponseUrl::parse("https://example.invalid/answer?X-Amz-Signature=secret").unwrap()
    }

    /// Answers with each of these in turn, and remembers the bodies.
    struct Answers(Mutex<Vec<Result<u16, String>>>, Mutex<Vec<Vec<u8>>>);

    impl Answers {
        fn new(mut answers: Vec<Result<u16, String>>) -> Self {
            answers.reverse();
            Self(Mutex::new(answers), Mutex::default())
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
        deliver(answers, &url(), &response(), Instant::now() + Duration::from_secs(10)).await
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
        assert_eq!(
            delivered(&answers).await.unwrap_err().problem,
            "HTTP status 403, which is final"
        );
        assert_eq!(answers.sent(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_before_the_deadline() {
        let began = Instant::now();
        let answers = Answers::new(vec![Ok(500); ATTEMPTS as usize]);
        let undelivered = delivered(&answers).await.unwrap_err();
        assert_eq!(undelivered.problem, "HTTP status 500");
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn the_put_has_no_content_type_and_counts_bytes() {
        let server = MockServer::start().await;
        Mock::given(method("PUT"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&server)
            .await;
        let url = ResponseUrl::parse(&format!("{}/answer?X-Amz-Signature=secret", server.uri())).unwrap();
        deliver(
            &Https::new().unwrap(),
            &url,
            &response(),
            Instant::now() + Duration::from_secs(10),
        )
        .await
        .unwrap();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        assert!(!requests[0].headers.contains_key("content-type"));
        assert_eq!(
            requests[0].headers["content-length"],
            requests[0].body.len().to_string().as_str()
        );
        assert_eq!(requests[0].body, response().body());
    }

    #[tokio::test]
    async fn what_is_said_of_an_unreachable_url_has_no_credential() {
        // Nothing listens on the discard port of the loopback address.
        let url = ResponseUrl::parse("http://127.0.0.1:9/answer?X-Amz-Signature=secret").unwrap();
        let problem = Https::new().unwrap().put(&url, Vec::new()).await.unwrap_err();
        assert!(!problem.contains("secret") && !problem.is_empty(), "{problem}");
    }
}
