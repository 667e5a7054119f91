//! `[fetch]`: where and how `processor` asks a platform for what its webhooks do not say.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use crypto::secret::Secret;
use crypto::signature::HeaderName;

use crate::document::{Entry, Table};
use crate::resolve::Reference;

/// What stands in the URL and the body for the id that is asked for: `fetch_id` of the mapping, else the booking's. Both mean the
/// same.
const IDS: [&str; 2] = ["{booking.id}", "{id}"];
/// What stands in the body for the secrets.
const SECRET: &str = "{secret}";
const CLIENT: &str = "{client}";
const PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();
const TIMEOUT: Duration = Duration::from_secs(10);
/// A platform that is slower holds up the others' turns.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How a platform is asked. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Fetch {
    url: String,
    /// The JSON of a POST; `None`: a GET.
    body: Option<String>,
    /// The only hosts that may be asked, in lower case. An address or `localhost` counts only where it stands here.
    pub hosts: BTreeSet<String>,
    pub credentials: Credentials,
    pub per_second: NonZeroU32,
    pub timeout: Duration,
}

/// How a request proves who it is from. `Debug` of a [`Secret`] shows nothing.
#[derive(Debug, Clone)]
pub enum Credentials {
    Bearer(Secret),
    Basic {
        user: String,
        password: Secret,
    },
    Header {
        header: HeaderName,
        value: Secret,
    },
    /// OAuth 2.0, client credentials (RFC 6749, section 4.4).
    OAuth2 {
        token_url: String,
        client_id: String,
        client_secret: Secret,
    },
    /// They stand in the body.
    Body {
        client: Option<Secret>,
        secret: Secret,
    },
}

/// The keys of `[fetch]`, of which a preset brings some and the source's file the others.
#[derive(Default)]
pub(crate) struct FetchKeys {
    url: Option<String>,
    body: Option<String>,
    hosts: Option<BTreeSet<String>>,
    auth: Option<Auth>,
    per_second: Option<NonZeroU32>,
    timeout: Option<Duration>,
}

/// `[fetch]` as it is written, its secret not yet found.
pub(crate) struct FetchFile {
    url: String,
    body: Option<String>,
    hosts: BTreeSet<String>,
    auth: Auth,
    per_second: NonZeroU32,
    timeout: Duration,
}

struct Auth {
    kind: AuthKind,
    secret: Reference,
}

enum AuthKind {
    Bearer,
    Basic { user: String },
    Header(HeaderName),
    OAuth2 { token_url: String, client_id: String },
    Body { client: Option<Reference> },
}

impl Fetch {
    /// The address to ask for this id, which is percent-encoded.
    pub fn url_of(&self, id: &str) -> String {
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        // A blank as `+` is a form's, not a path's.
        with_id(&self.url, &id.replace('+', "%20"))
    }

    /// The JSON to ask with. `escape` makes of a text what stands between the quotes of a JSON string. It may hold secrets.
    pub fn body_of(&self, id: &str, escape: impl Fn(&str) -> String) -> Option<String> {
        let body = with_id(self.body.as_ref()?, &escape(id));
        let Credentials::Body { client, secret } = &self.credentials else {
            return Some(body);
        };
        let client = client.as_ref().map(|client| escape(client.reveal()));
        let body = body.replace(SECRET, &escape(secret.reveal()));
        Some(body.replace(CLIENT, &client.unwrap_or_default()))
    }
}

fn with_id(template: &str, id: &str) -> String {
    IDS.iter()
        .fold(template.to_owned(), |text, place| text.replace(place, id))
}

/// Reads the keys of `[fetch]`.
pub(crate) fn keys(table: &Table<'_>) -> Option<FetchKeys> {
    Some(FetchKeys {
        url: table.optional("url", |entry| entry.filled_text().map(str::to_owned)),
        body: table.optional("body", |entry| entry.filled_text().map(str::to_owned)),
        hosts: table.optional("hosts", hosts),
        auth: table.optional("auth", |entry| entry.table(auth)),
        per_second: table.optional("per_second", Entry::count),
        timeout: table.optional("timeout", |entry| {
            let timeout = entry.duration()?;
            if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
                return entry.refuse("must be above 0 and at most 60s");
            }
            Some(timeout)
        }),
    })
}

fn hosts(entry: &Entry<'_>) -> Option<BTreeSet<String>> {
    let hosts = entry.each(|host| host.filled_text().map(str::to_ascii_lowercase))?;
    if hosts.is_empty() {
        return entry.refuse("names no host");
    }
    Some(hosts.into_iter().collect())
}

fn auth(table: &Table<'_>) -> Option<Auth> {
    let secret = table.required("secret", Reference::read);
    let text = |key| table.required(key, |entry| entry.filled_text().map(str::to_owned));
    let kind = table.required("scheme", |entry| match entry.text()? {
        "bearer" => Some(AuthKind::Bearer),
        "basic" => Some(AuthKind::Basic { user: text("user")? }),
        "header" => table
            .required("header", |entry| entry.parsed(HeaderName::parse))
            .map(AuthKind::Header),
        "oauth2" => {
            let (token_url, client_id) = (text("token_url"), text("client_id"));
            Some(AuthKind::OAuth2 {
                token_url: token_url?,
                client_id: client_id?,
            })
        }
        "body" => Some(AuthKind::Body {
            client: table.optional("client", Reference::read),
        }),
        _ => entry.refuse("is none of bearer, basic, header, oauth2, body"),
    });
    Some(Auth {
        kind: kind?,
        secret: secret?,
    })
}

impl FetchKeys {
    /// These keys, with those of `other` in place of its own.
    pub(crate) fn overridden_by(self, other: Self) -> Self {
        Self {
            url: other.url.or(self.url),
            body: other.body.or(self.body),
            hosts: other.hosts.or(self.hosts),
            auth: other.auth.or(self.auth),
            per_second: other.per_second.or(self.per_second),
            timeout: other.timeout.or(self.timeout),
        }
    }

    /// All keys together; notes at `[fetch]` what is missing or does not fit.
    pub(crate) fn finish(self, entry: &Entry<'_>) -> Option<FetchFile> {
        let missing = |key: &str| entry.refuse::<()>(format_args!("needs {key}"));
        let (Some(url), Some(hosts), Some(auth)) = (&self.url, &self.hosts, &self.auth) else {
            let keys = [
                ("url", self.url.is_some()),
                ("hosts", self.hosts.is_some()),
                ("auth", self.auth.is_some()),
            ];
            for (key, _) in keys.iter().filter(|(_, is_there)| !is_there) {
                missing(key);
            }
            return None;
        };
        let addresses = [
            Some(url),
            match &auth.kind {
                AuthKind::OAuth2 { token_url, .. } => Some(token_url),
                _ => None,
            },
        ];
        for address in addresses.into_iter().flatten() {
            let host = host_of(address, hosts);
            if let Err(clause) = host {
                return entry.refuse(clause);
            }
        }
        let body = self.body.as_deref().unwrap_or_default();
        if !IDS.iter().any(|id| url.contains(id) || body.contains(id)) {
            return entry.refuse("needs {booking.id} in url or body");
        }
        if matches!(auth.kind, AuthKind::Body { .. }) != body.contains(SECRET) {
            return entry.refuse("needs {secret} in body where the scheme of auth is body, and only there");
        }
        Some(FetchFile {
            url: self.url?,
            body: self.body,
            hosts: self.hosts?,
            auth: self.auth?,
            per_second: self.per_second.unwrap_or(PER_SECOND),
            timeout: self.timeout.unwrap_or(TIMEOUT),
        })
    }
}

/// Whether an address leads to one of the hosts, over https or, on this machine, http; else a clause about it.
fn host_of(address: &str, hosts: &BTreeSet<String>) -> Result<(), &'static str> {
    let url = url::Url::parse(&with_id(address, "1")).map_err(|_| "has an address that is no URL")?;
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let is_loopback = matches!(url.host(), Some(url::Host::Ipv4(ip)) if ip.is_loopback())
        || matches!(url.host(), Some(url::Host::Ipv6(ip)) if ip.is_loopback())
        || host == "localhost";
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err("has an address that is not https"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has credentials in an address: write them as auth");
    }
    if hosts.contains(&host) {
        Ok(())
    } else {
        Err("has an address whose host is not in hosts")
    }
}

impl FetchFile {
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Reference> {
        let client = match &self.auth.kind {
            AuthKind::Body { client } => client.as_ref(),
            _ => None,
        };
        std::iter::once(&self.auth.secret).chain(client)
    }

    /// With the secrets that were found, in their order.
    pub(crate) fn with(self, secrets: &[Secret]) -> Option<Fetch> {
        let secret = secrets.first()?.clone();
        Some(Fetch {
            url: self.url,
            body: self.body,
            hosts: self.hosts,
            credentials: match self.auth.kind {
                AuthKind::Bearer => Credentials::Bearer(secret),
                AuthKind::Basic { user } => Credentials::Basic {
                    user,
                    password: secret,
                },
                AuthKind::Header(header) => Credentials::Header {
                    header,
                    value: secret,
                },
                AuthKind::OAuth2 { token_url, client_id } => Credentials::OAuth2 {
                    token_url,
                    client_id,
                    client_secret: secret,
                },
                AuthKind::Body { .. } => Credentials::Body {
                    client: secrets.get(1).cloned(),
                    secret,
                },
            },
            per_second: self.per_second,
            timeout: self.timeout,
        })
    }
}
