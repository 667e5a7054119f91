//! Sends requests to the Cloud API.
//!
//! The client never retries and follows no redirect: one call of [`Client::send`] is at most one request on the
//! wire, because WhatsApp has no idempotency key by which it would recognise a repetition.

use std::time::{Duration, Instant};

use domain::after_call::CallOutcome;
use domain::endpoint::Endpoint;
use domain::ids::NumberId;
use outbound::{HttpClientError, Outbound};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, SERVER};
use reqwest::{Response, redirect, retry};
use url::Url;

use crate::answer::{self, Answer, AskedPause};
use crate::error_codes::{self, ErrorObject};
use crate::request::Outgoing;

mod media;
mod reading;
mod unreachable;

pub use media::{LARGEST_FILE, MediaFile, NotFetched};

pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The base of the Graph API, unless the settings name another one.
pub const DEFAULT_URL: &str = "https://graph.facebook.com";
/// The pinned version of the Graph API, unless the settings name another one.
pub const DEFAULT_VERSION: &str = "v25.0";

/// By W3C; a proxy of the company may continue the trace.
const TRACEPARENT: &str = "traceparent";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not a base for paths, or neither `http` nor `https`.
    #[error("the address of the WhatsApp API is not an http or https URL")]
    Address,
    #[error("the version of the WhatsApp API is not written like v25.0")]
    Version,
    /// The proxy cannot be used, or no certificate authority is trusted.
    #[error("cannot set up the proxy or the certificate authorities for the WhatsApp API")]
    Outbound(#[source] HttpClientError),
    #[error("cannot set up the HTTP client for the WhatsApp API")]
    Setup(#[source] reqwest::Error),
}

/// A pool of connections to the Cloud API; clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    outbound: Outbound,
}

impl Client {
    /// Makes a client without a proxy that trusts the system's certificate authorities.
    pub fn new(api_url: &Url, version: &str, timeout: Duration) -> Result<Self, ClientError> {
        Self::through(&Outbound::default(), api_url, version, timeout)
    }

    /// Makes a client whose calls take at most `timeout` each, connecting included.
    ///
    /// # Errors
    ///
    /// If the address or the version cannot be used, or no certificate authority is trusted.
    pub fn through(
        outbound: &Outbound,
        api_url: &Url,
        version: &str,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let base = versioned(api_url, version)?;
        let builder = http_client(outbound, &base, timeout).map_err(ClientError::Outbound)?;
        let http = builder
            .tcp_nodelay(true)
            .build()
            .map_err(|error| ClientError::Setup(error.without_url()))?;
        Ok(Self {
            http,
            base,
            outbound: outbound.clone(),
        })
    }

    /// Sends one message from `number`. Every failure is an outcome, never an error.
    ///
    /// If the future is dropped after its first poll, the outcome is unknown.
    pub async fn send(&self, number: &NumberId, token: &str, message: &Outgoing) -> Answer {
        let started_at = Instant::now();
        let mut answer = self.call(number, token, message).await;
        answer.duration = started_at.elapsed();
        answer
    }

    async fn call(&self, number: &NumberId, token: &str, message: &Outgoing) -> Answer {
        let Some(authorization) = bearer(token) else {
            let refusal = error_codes::refusal(
                ErrorObject {
                    code: NO_TOKEN,
                    ..Default::default()
                },
                401,
                None,
            );
            return Answer::without_content(
                CallOutcome::Refused(refusal),
                None,
                "the token does not fit into a header; nothing was sent",
            );
        };
        let mut request = self
            .http
            .post(self.url(number, message.endpoint))
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(message.to_json().to_string());
        if let Some(trace) = message.trace {
            request = request.header(TRACEPARENT, trace.to_string());
        }
        match request.send().await {
            Ok(response) => read(response).await.of(message.endpoint),
            Err(error) => without_answer(&error),
        }
    }

    /// Checks whether WhatsApp can be reached: connects as a call would, and accepts any answer. The error is the
    /// reason, for logs.
    pub async fn reach(&self) -> Result<(), &'static str> {
        match self.http.head(self.base.clone()).send().await {
            Err(error) if error.is_connect() => Err(unreachable::reason(&error)),
            _ => Ok(()),
        }
    }

    fn url(&self, number: &NumberId, endpoint: Endpoint) -> Url {
        self.url_of(&[number.as_str(), endpoint.as_str()])
    }

    fn url_of(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url
    }
}

/// WhatsApp's code for a missing or unusable token.
const NO_TOKEN: i64 = 0;

fn versioned(api_url: &Url, version: &str) -> Result<Url, ClientError> {
    let plain = version.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    });
    if !plain {
        return Err(ClientError::Version);
    }
    if !matches!(api_url.scheme(), "http" | "https") {
        return Err(ClientError::Address);
    }
    let mut base = api_url.clone();
    base.path_segments_mut()
        .map_err(|()| ClientError::Address)?
        .pop_if_empty()
        .push(version);
    base.set_query(None);
    base.set_fragment(None);
    Ok(base)
}

/// A client for this host's calls, each of which is at most one request and takes at most `timeout`.
fn http_client(
    outbound: &Outbound,
    url: &Url,
    timeout: Duration,
) -> Result<reqwest::ClientBuilder, HttpClientError> {
    let builder = outbound.http_client(url)?;
    Ok(builder
        .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout))
}

fn bearer(token: &str) -> Option<HeaderValue> {
    if token.is_empty() {
        return None;
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Tells a request that was never sent from one that may have arrived.
fn without_answer(error: &reqwest::Error) -> Answer {
    let (outcome, note) = if error.is_connect() {
        (CallOutcome::Unreachable, unreachable::reason(error))
    } else if error.is_builder() {
        let note = "the request could not be built; nothing was sent";
        return Answer {
            foreign: Some(note.to_owned()),
            ..Answer::without_content(CallOutcome::Intercepted, None, note)
        };
    } else if error.is_timeout() {
        (CallOutcome::Unknown, "no answer in time")
    } else {
        (CallOutcome::Unknown, "the connection broke before the answer")
    };
    Answer::without_content(outcome, None, note)
}

async fn read(mut response: Response) -> Answer {
    let http_status = response.status().as_u16();
    let asked_pause = AskedPause::from_headers(
        text(response.headers(), RETRY_AFTER.as_str()),
        text(response.headers(), "x-business-use-case-usage"),
    );
    let described = |response: &Response, answer: Answer| {
        let header = |name: &str| text(response.headers(), name);
        answer.or_describe(&[header(CONTENT_TYPE.as_str()), header(SERVER.as_str())])
    };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_ANSWER => {
                let answer = Answer::not_whatsapps(http_status, "the answer is too long");
                return described(&response, answer);
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return described(&response, answer::read(http_status, asked_pause, &body)),
            Err(error) => {
                let note = if error.is_timeout() {
                    "no whole answer in time"
                } else {
                    "the answer broke off"
                };
                return Answer::without_content(CallOutcome::Unknown, Some(http_status), note);
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_call_is_built_from_base_version_and_number() {
        let number = NumberId::parse("10/6?#").unwrap();
        for (base, want) in [
            (
                "https://graph.facebook.com",
                "https://graph.facebook.com/v25.0/10%2F6%3F%23/messages",
            ),
            (
                "http://127.0.0.1:8090/",
                "http://127.0.0.1:8090/v25.0/10%2F6%3F%23/messages",
            ),
            (
                "http://gateway/meta/?x=1",
                "http://gateway/meta/v25.0/10%2F6%3F%23/messages",
            ),
        ] {
            let client = Client::new(&base.parse().unwrap(), "v25.0", DEFAULT_TIMEOUT).unwrap();
            let url = |endpoint| client.url(&number, endpoint).to_string();
            assert_eq!(url(Endpoint::Messages), want);
            let marketing = want.replace("/messages", "/marketing_messages");
            assert_eq!(url(Endpoint::MarketingMessages), marketing);
        }
    }

    #[test]
    fn an_address_or_a_version_that_cannot_be_used_is_refused() {
        let of = |base: &str, version| Client::new(&base.parse().unwrap(), version, DEFAULT_TIMEOUT);

        assert!(matches!(
            of("mailto:a@b.example", "v25.0"),
            Err(ClientError::Address)
        ));
        assert!(matches!(
            of("ftp://a.example", "v25.0"),
            Err(ClientError::Address)
        ));
        for version in ["", "25.0", "v", "v/..", "v25.0/x", "v.."] {
            assert!(
                matches!(of("http://a.example", version), Err(ClientError::Version)),
                "{version}"
            );
        }
    }

    /// The error of a call through a proxy that gives this answer to CONNECT.
    async fn error_through_proxy(answer: &'static [u8]) -> reqwest::Error {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", proxy.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        });
        let through = reqwest::Proxy::all(address).unwrap();
        let builder = Outbound::default()
            .http_client(&"https://graph.example/".parse().unwrap())
            .unwrap();
        let http = builder.proxy(through).build().unwrap();
        http.post("https://graph.example/").send().await.unwrap_err()
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_to_connect_leaves_whatsapp_unreachable() {
        for answer in [
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".as_slice(),
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            b"",
        ] {
            let answer = without_answer(&error_through_proxy(answer).await);

            assert_eq!(answer.outcome, CallOutcome::Unreachable);
            assert_eq!(answer.note, Some("the proxy refuses to connect"));
        }
    }
}
