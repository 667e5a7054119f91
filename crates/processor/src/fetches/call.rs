//! One question to a platform: a GET, or a POST where the source's file has a body, with the source's credentials, to its hosts
//! alone.
//!
//! The host is checked before each request, also of a redirect. Without a proxy, what its name leads to is checked too
//! ([`addresses`](crate::addresses)); a proxy looks names up itself, so there only the host counts.

use std::collections::BTreeSet;

use chrono::Utc;
use outbound::Outbound;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, RequestBuilder, Response};
use settings::fetch::{Credentials, Fetch};
use url::Url;

use super::failure::Failure;
use super::tokens::Tokens;
use crate::addresses::check_host;
use crate::http_clients::{Clients, Reach, not_public, why_no_answer};
use crate::retry_after::retry_after;

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 1 << 20;
/// How many redirects are followed.
const REDIRECTS: usize = 3;

/// Clients and tokens of all platforms, for any number of calls at once.
pub(crate) struct Caller {
    clients: Clients,
    tokens: Tokens,
}

/// The header that shows who asks; none where the body shows it.
struct Proof(Option<(HeaderName, HeaderValue)>);

/// What is asked, and where.
struct Question<'f> {
    hosts: &'f BTreeSet<String>,
    url: Url,
    /// The JSON of a POST.
    body: Option<String>,
}

impl Caller {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self {
            clients: Clients::new(outbound),
            tokens: Tokens::default(),
        }
    }

    /// Asks for an id, and returns the body of the answer. Takes at most the source's time limit.
    pub(super) async fn ask(&self, fetch: &Fetch, id: &str) -> Result<Vec<u8>, Failure> {
        // As a segment of a path these two name another place.
        if matches!(id, "." | "..") {
            return Err(Failure::refused("the booking's id cannot be put into an address"));
        }
        let question = Question {
            hosts: &fetch.hosts,
            url: Url::parse(&fetch.url_of(id)).map_err(|_| Failure::refused("the address is no URL"))?,
            body: fetch.body_of(id, escape),
        };
        let asked = tokio::time::timeout(fetch.timeout, self.ask_with_proof(fetch, &question)).await;
        asked.unwrap_or_else(|_| Err(Failure::passing("no answer in time")))
    }

    async fn ask_with_proof(&self, fetch: &Fetch, question: &Question<'_>) -> Result<Vec<u8>, Failure> {
        if let Some(proof) = Proof::fixed(&fetch.credentials) {
            return self.ask_once(question, &proof?).await;
        }
        let token = self.tokens.get(self, fetch, None).await?;
        match self.ask_once(question, &Proof::bearer(&token)?).await {
            Err(Failure::Unauthorized(_)) => {
                let token = self.tokens.get(self, fetch, Some(&token)).await?;
                self.ask_once(question, &Proof::bearer(&token)?).await
            }
            asked => asked,
        }
    }

    /// Asks with this proof. A body, which may hold secrets, follows no redirect.
    async fn ask_once(&self, question: &Question<'_>, proof: &Proof) -> Result<Vec<u8>, Failure> {
        let Question { hosts, url, body } = question;
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let client = self.client(&url, hosts)?;
            let request = match body {
                Some(body) => client
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone()),
                None => client.get(url.clone()),
            };
            let request = match &proof.0 {
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            let response = send(request).await?;
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| response.status().is_redirection());
            let Some(location) = location else {
                return read(response).await;
            };
            if body.is_some() {
                return Err(Failure::refused("the platform redirects a POST"));
            }
            let target = location.to_str().ok().and_then(|text| url.join(text).ok());
            url = target.ok_or_else(|| Failure::refused("the platform redirects to what is no address"))?;
            if let Err(clause) = check_host(&url, hosts) {
                return Err(Failure::Refused(format!(
                    "the platform redirects to an address that {clause}"
                )));
            }
        }
        Err(Failure::refused("the platform redirects too often"))
    }

    /// The client for a URL, whose host is checked.
    pub(super) fn client(&self, url: &Url, hosts: &BTreeSet<String>) -> Result<Client, Failure> {
        check_host(url, hosts).map_err(|clause| Failure::Refused(format!("the address {clause}")))?;
        let client = self.clients.get(url, Reach::Public);
        client.map_err(Failure::passing)
    }
}

impl Proof {
    /// `None`: a token has to be asked for.
    fn fixed(credentials: &Credentials) -> Option<Result<Self, Failure>> {
        match credentials {
            Credentials::Bearer(secret) => Some(Self::bearer(secret.reveal())),
            Credentials::Basic { user, password } => Some(Self::new(
                AUTHORIZATION,
                &super::tokens::basic(user, password.reveal()),
            )),
            Credentials::Header { header, value } => {
                let name = HeaderName::from_bytes(header.as_str().as_bytes());
                let name =
                    name.map_err(|_| Failure::Unauthorized("the header's name cannot be sent".to_owned()));
                Some(name.and_then(|name| Self::new(name, value.reveal())))
            }
            Credentials::Body { .. } => Some(Ok(Self(None))),
            Credentials::OAuth2 { .. } => None,
        }
    }

    fn bearer(token: &str) -> Result<Self, Failure> {
        Self::new(AUTHORIZATION, &format!("Bearer {token}"))
    }

    fn new(name: HeaderName, value: &str) -> Result<Self, Failure> {
        let unfit = |_| Failure::Unauthorized("the secret does not fit into a header".to_owned());
        let mut value = HeaderValue::from_str(value).map_err(unfit)?;
        value.set_sensitive(true);
        Ok(Self(Some((name, value))))
    }
}

/// A text as it stands between the quotes of a JSON string.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let bare = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    bare.unwrap_or_default().to_owned()
}

pub(super) async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let sent = request.header(ACCEPT, "application/json").send().await;
    sent.map_err(|error| failure_of(&error))
}

/// The body of a success, at most [`LONGEST_ANSWER`].
pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let status = response.status();
    if !status.is_success() {
        let asked = retry_after(response.headers(), Utc::now());
        return Err(Failure::of_status(status, asked));
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_ANSWER => {
                return Err(Failure::refused("the answer is longer than 1 MiB"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(_) => return Err(Failure::passing("the answer broke off")),
        }
    }
}

fn failure_of(error: &reqwest::Error) -> Failure {
    match not_public(error) {
        Some(why) => Failure::Refused(why),
        None => Failure::passing(why_no_answer(error, "the platform")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// A caller for whom every name leads to this machine.
    fn caller(variables: &[(&str, &str)]) -> Caller {
        let (outbound, problems) = Outbound::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        assert!(problems.is_empty(), "{problems:?}");
        Caller {
            clients: Clients::with_names_of_this_machine(outbound),
            tokens: Tokens::default(),
        }
    }

    async fn get(caller: &Caller, url: &str) -> Failure {
        let hosts = BTreeSet::from(["api.example".to_owned()]);
        let proof = Proof::bearer("hunter2").unwrap();
        let question = Question {
            hosts: &hosts,
            url: url.parse().unwrap(),
            body: None,
        };
        caller.ask_once(&question, &proof).await.unwrap_err()
    }

    // shows: T32
    #[tokio::test]
    async fn a_name_that_leads_into_the_own_network_is_not_called() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://api.example:{}/x", listener.local_addr().unwrap().port());

        let failure = get(&caller(&[]), &url).await;

        let why = "its name leads to an address that is not public";
        assert_eq!(failure, Failure::refused(why));
        assert!(
            tokio::time::timeout(Duration::ZERO, listener.accept())
                .await
                .is_err()
        );
    }

    // shows: T32
    #[tokio::test]
    async fn behind_a_proxy_the_host_alone_counts() {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = proxy.local_addr().unwrap().to_string();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let mut head = [0; 1_024];
            let read = stream.read(&mut head).await.unwrap();
            String::from_utf8_lossy(&head[..read]).into_owned()
        });
        let caller = caller(&[("HTTPS_PROXY", &address)]);

        let refused = get(&caller, "https://other.example/x").await;
        let failure = get(&caller, "https://api.example/x").await;

        let clause = "the address is on a host that the source's file does not name";
        assert_eq!(refused, Failure::refused(clause));
        assert_eq!(failure, Failure::passing("the platform cannot be reached"));
        assert!(heard.await.unwrap().starts_with("CONNECT api.example:443 "));
    }
}
