//! `[fetch]`: where and how `processor` asks a platform for what its webhooks do not say.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use crypto::secret::Secret;
use crypto::signature::HeaderName;
use domain::ids::BookingId;

use crate::document::{Entry, Table};
use crate::resolve::Reference;

/// What stands in the URL for the booking's id.
const BOOKING: &str = "{booking.id}";
const PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();
const TIMEOUT: Duration = Duration::from_secs(10);
/// A platform that is slower holds up the others' turns.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How a platform is asked. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// With `{booking.id}`.
    url: String,
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
}

/// The keys of `[fetch]`, of which a preset brings some and the source's file the others.
#[derive(Default)]
pub(crate) struct FetchKeys {
    url: Option<String>,
    hosts: Option<BTreeSet<String>>,
    auth: Option<Auth>,
    per_second: Option<NonZeroU32>,
    timeout: Option<Duration>,
}

/// `[fetch]` as it is written, its secret not yet found.
pub(crate) struct FetchFile {
    url: String,
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
}

impl Fetch {
    /// The address to ask for a booking; its id is percent-encoded.
    pub fn url_of(&self, booking: &BookingId) -> String {
        let id: String = url::form_urlencoded::byte_serialize(booking.as_str().as_bytes()).collect();
        // A blank as `+` is a form's, not a path's.
        self.url.replace(BOOKING, &id.replace('+', "%20"))
    }
}

/// Reads the keys of `[fetch]`.
pub(crate) fn keys(table: &Table<'_>) -> Option<FetchKeys> {
    Some(FetchKeys {
        url: table.optional("url", |entry| entry.filled_text().map(str::to_owned)),
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
        _ => entry.refuse("is none of bearer, basic, header, oauth2"),
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
        if !url.contains(BOOKING) {
            return entry.refuse(format_args!("needs {BOOKING} in url"));
        }
        Some(FetchFile {
            url: self.url?,
            hosts: self.hosts?,
            auth: self.auth?,
            per_second: self.per_second.unwrap_or(PER_SECOND),
            timeout: self.timeout.unwrap_or(TIMEOUT),
        })
    }
}

/// Whether an address leads to one of the hosts, over https or, on this machine, http; else a clause about it.
fn host_of(address: &str, hosts: &BTreeSet<String>) -> Result<(), &'static str> {
    let url = url::Url::parse(&address.replace(BOOKING, "1")).map_err(|_| "has an address that is no URL")?;
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
    pub(crate) fn secret(&self) -> &Reference {
        &self.auth.secret
    }

    /// With the secret that was found.
    pub(crate) fn with(self, secret: Secret) -> Fetch {
        Fetch {
            url: self.url,
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
            },
            per_second: self.per_second,
            timeout: self.timeout,
        }
    }
}
