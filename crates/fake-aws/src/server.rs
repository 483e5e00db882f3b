//! The account behind a loopback port, for a program that runs as itself: give it `AWS_ENDPOINT_URL`.

use std::io;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Account;
use super::exchange::silence;
use super::wire::{Delivery, Request};

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Account {
    /// Serves the account, as this caller, on a free port of 127.0.0.1. Needs a clock that runs.
    pub async fn serve(&self) -> io::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = self.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let account = account.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let account = account.clone();
                        async move { answer(&account, request).await }
                    });
                    // An error here is a connection that was reset, by either side: nothing to do.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Server { url, task })
    }
}

async fn answer(
    account: &Account,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let request = Request {
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    match account.exchange(&request).await {
        Delivery::Answer(response) => {
            let mut builder = hyper::Response::builder().status(response.status);
            for (name, value) in response.headers {
                builder = builder.header(name, value);
            }
            builder
                .body(Full::new(Bytes::from(response.body)))
                .map_err(io::Error::other)
        }
        // An error of the service makes hyper close the connection without an answer.
        Delivery::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        // The client's own timeout has to end this.
        Delivery::TimedOut | Delivery::Silence => silence().await,
    }
}
