//! Access tokens of OAuth 2.0, client credentials (RFC 6749, section 4.4): asked for once, and used until they expire or the
//! platform refuses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use service::lock;
use settings::fetch::{Credentials, Fetch};
use url::{Url, form_urlencoded};

use super::call::{self, Caller};
use super::failure::Failure;

/// How long a token counts whose answer does not say it.
const USUAL_LIFE: Duration = Duration::from_secs(300);
/// A token is not used in its last moments: it could expire on its way.
const MARGIN: Duration = Duration::from_secs(30);

/// A token of each client at each address. While one is asked for, other calls of the client wait for it.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<Client, Shared>>);

/// The address for tokens, and the client's id.
type Client = (String, String);
type Shared = Arc<tokio::sync::Mutex<Kept>>;

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    style: Style,
}

struct Token {
    text: String,
    until: Instant,
}

/// Where the client's secret goes. RFC 6749 (2.3.1) has every server take the header; some take the body alone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Style {
    #[default]
    Header,
    Body,
}

impl Tokens {
    /// The token for a source, unless it is `refused`: then another one is asked for.
    pub(super) async fn get(
        &self,
        caller: &Caller,
        fetch: &Fetch,
        refused: Option<&str>,
    ) -> Result<String, Failure> {
        let Credentials::OAuth2 {
            token_url,
            client_id,
            client_secret,
        } = &fetch.credentials
        else {
            return Err(Failure::refused("the source has no client of OAuth 2.0"));
        };
        let place = (token_url.clone(), client_id.clone());
        let kept = Arc::clone(lock(&self.0).entry(place).or_default());
        let mut kept = kept.lock().await;
        if let Some(token) = &kept.token
            && token.until > Instant::now()
            && refused != Some(token.text.as_str())
        {
            return Ok(token.text.clone());
        }
        let client = (client_id.as_str(), client_secret.reveal());
        let url = Url::parse(token_url).map_err(|_| Failure::refused("the address for tokens is no URL"))?;
        let other = match kept.style {
            Style::Header => Style::Body,
            Style::Body => Style::Header,
        };
        let mut asked = ask(caller, fetch, &url, client, kept.style).await;
        if matches!(asked, Err(Failure::Refused(_) | Failure::Unauthorized(_))) {
            let asked_otherwise = ask(caller, fetch, &url, client, other).await;
            if asked_otherwise.is_ok() {
                kept.style = other;
                asked = asked_otherwise;
            }
        }
        // Whatever is refused here is refused to our credentials, not to the question about a booking.
        let token = asked.map_err(|failure| match failure {
            Failure::Refused(why) => Failure::Unauthorized(format!("no token: {why}")),
            other => other,
        })?;
        let text = token.text.clone();
        kept.token = Some(token);
        Ok(text)
    }
}

async fn ask(
    caller: &Caller,
    fetch: &Fetch,
    url: &Url,
    (id, secret): (&str, &str),
    style: Style,
) -> Result<Token, Failure> {
    let mut form = vec![("grant_type", "client_credentials")];
    if style == Style::Body {
        form.extend([("client_id", id), ("client_secret", secret)]);
    }
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let mut request = caller
        .client(url, &fetch.hosts)?
        .post(url.clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form);
    if style == Style::Header {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let unfit = |_| Failure::refused("the client's id does not fit into a header");
        let mut value = HeaderValue::from_str(&basic(&encoded(id), &encoded(secret))).map_err(unfit)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let answer = call::read(call::send(request).await?).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let text = answer.get("access_token").and_then(Value::as_str);
    let text = text.ok_or_else(|| Failure::passing("the answer of the address for tokens has none"))?;
    let life = match answer.get("expires_in") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    let life = life.map_or(USUAL_LIFE, Duration::from_secs);
    let until = Instant::now().checked_add(life.saturating_sub(MARGIN).max(life / 2));
    Ok(Token {
        text: text.to_owned(),
        until: until.unwrap_or_else(|| Instant::now() + USUAL_LIFE),
    })
}

/// The value of `Authorization` for a name and a password.
pub(super) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
