//! Where Postgres is: `DATABASE_URL`, which libpq reads in the end.
//!
//! It is read here as libpq reads it, for two reasons: our limits are to be put where libpq finds them, and libpq repeats
//! parts of a URL that it does not understand, which may be parts of the password. What libpq would refuse or take for
//! another host than a person reads in the URL is refused at the start instead.

mod keywords;

use std::fmt;
use std::net::Ipv6Addr;

use crypto::secret::Secret;

const PREFIXES: [&str; 2] = ["postgres://", "postgresql://"];

/// Limits for a server that hangs: without them a query could wait for ever on a half-open connection.
const LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
];

/// A URL `postgres://…`, or libpq's keywords `host=… dbname=…`. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct DatabaseUrl {
    text: Secret,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    /// The query begins so many bytes after the beginning, with its `?` where there is one.
    Url {
        query_at: usize,
    },
    Keywords,
}

/// Why a text names no database; it does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither form.
    #[error("is neither a postgres:// URL nor a list of key=value as libpq takes it")]
    Form,
    /// A name that no host has.
    #[error(
        "names a host that cannot be one; write an IPv6 address in brackets, and %2F for / in a socket's folder"
    )]
    Host,
    /// The host would be a part of the password.
    #[error("has an @ after the host; write %40 for @ and %2F for / in a user name or a password")]
    AfterHost,
    /// Not a number up to 65535.
    #[error("has a port that is not a number up to 65535; write %2F for / in a password")]
    Port,
    /// libpq refuses it.
    #[error("has a % that two hexadecimal digits do not follow, or %00; write %25 for %")]
    Percent,
    /// Not `key=value`.
    #[error("has a parameter that is not written key=value")]
    Parameter,
}

impl DatabaseUrl {
    /// Reads either form.
    ///
    /// # Errors
    /// Where libpq would refuse it, or the host might not be the one that is written.
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let prefix = PREFIXES.into_iter().find(|prefix| text.starts_with(prefix));
        let form = match prefix {
            Some(prefix) => Form::Url {
                query_at: prefix.len() + check_url(&text[prefix.len()..])?,
            },
            None => {
                keywords::check(text)?;
                Form::Keywords
            }
        };
        let text = Secret::new(text);
        Ok(Self { text, form })
    }

    /// What libpq is given: with limits, and a name that the server shows, unless the text says otherwise. Where libpq finds
    /// a parameter twice, the later counts.
    pub(crate) fn limited(&self, program: &str) -> String {
        let named = ("application_name", program);
        let ours = LIMITS.into_iter().chain([named]);
        let ours: Vec<String> = ours.map(|(key, value)| format!("{key}={value}")).collect();
        let text = self.text.reveal();
        match self.form {
            Form::Keywords => format!("{} {text}", ours.join(" ")),
            Form::Url { query_at } => {
                let (before, query) = text.split_at(query_at);
                let theirs = query.strip_prefix('?').unwrap_or_default();
                let between = if theirs.is_empty() { "" } else { "&" };
                format!("{before}?{}{between}{theirs}", ours.join("&"))
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DatabaseUrl(…)")
    }
}

/// Checks what follows the scheme, and returns where the query begins.
fn check_url(rest: &str) -> Result<usize, InvalidDatabaseUrl> {
    // Credentials end at the first @ before the first /, whatever else they hold.
    let place_at = match rest.find(['@', '/']) {
        Some(at) if rest[at..].starts_with('@') => at + 1,
        _ => 0,
    };
    let place = &rest[place_at..];
    if place.contains('@') {
        return Err(InvalidDatabaseUrl::AfterHost);
    }
    let place_end = place.find(['/', '?']).unwrap_or(place.len());
    let query_at = place.find('?').unwrap_or(place.len());
    check_percent(rest)?;
    for server in place[..place_end].split(',') {
        check_server(server)?;
    }
    check_parameters(place[query_at..].strip_prefix('?').unwrap_or_default())?;
    Ok(place_at + query_at)
}

fn check_server(server: &str) -> Result<(), InvalidDatabaseUrl> {
    let port = match server.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']').ok_or(InvalidDatabaseUrl::Host)?;
            let (address, zone) = address.split_once("%25").unwrap_or((address, "zone"));
            check_host(zone)?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| InvalidDatabaseUrl::Host)?;
            port
        }
        None => {
            let (host, port) = server.split_at(server.find(':').unwrap_or(server.len()));
            check_host(&decode(host)?)?;
            port
        }
    };
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(()),
        None => Err(InvalidDatabaseUrl::Host),
        Some(port) => check_port(port),
    }
}

/// A name, an address, a socket's folder, an abstract socket (`@name`), or nothing: the server is then on this machine.
fn check_host(host: &str) -> Result<(), InvalidDatabaseUrl> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
    match host.starts_with(['/', '@']) || host.bytes().all(allowed) {
        true => Ok(()),
        false => Err(InvalidDatabaseUrl::Host),
    }
}

fn check_port(port: &str) -> Result<(), InvalidDatabaseUrl> {
    match port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0) {
        true => Ok(()),
        false => Err(InvalidDatabaseUrl::Port),
    }
}

fn check_parameters(query: &str) -> Result<(), InvalidDatabaseUrl> {
    for parameter in query.split('&').filter(|_| !query.is_empty()) {
        let (key, value) = parameter.split_once('=').ok_or(InvalidDatabaseUrl::Parameter)?;
        if key.is_empty() || value.contains('=') {
            return Err(InvalidDatabaseUrl::Parameter);
        }
        check_place(key, &decode(value)?)?;
    }
    Ok(())
}

/// Whether a parameter leads to another place than it says.
fn check_place(key: &str, value: &str) -> Result<(), InvalidDatabaseUrl> {
    let check = match key {
        "host" | "hostaddr" => check_host,
        "port" => check_port,
        _ => return Ok(()),
    };
    value.split(',').try_for_each(check)
}

fn check_percent(text: &str) -> Result<(), InvalidDatabaseUrl> {
    let good = |after: &str| {
        let digits = after.get(..2).unwrap_or_default();
        digits.len() == 2 && digits != "00" && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match text.split('%').skip(1).all(good) {
        true => Ok(()),
        false => Err(InvalidDatabaseUrl::Percent),
    }
}

fn decode(text: &str) -> Result<String, InvalidDatabaseUrl> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| InvalidDatabaseUrl::Percent)
}
