//! Our own parser of RabbitMQ's URLs.
//!
//! lapin's parser uses `localhost` where it does not understand the host, such as an IPv6 address. This one reads a URL as
//! RabbitMQ's own client for Erlang does, and refuses it where that would connect to another host than a person sees.

use std::net::Ipv6Addr;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use percent_encoding::percent_decode_str;

/// Its text does not repeat the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error("is not an amqp:// or amqps:// URL")]
    NotAUrl,
    #[error(
        "names no host; write amqp://user:password@host:port/vhost, an IPv6 address in brackets, and in the user name \
         and the password %2F for /, %3F for ? and %23 for #"
    )]
    Host,
    /// Perhaps the end of a password with `/`, `?` or `#` in it: then the host would be a part of the password.
    #[error(
        "has an @ or # after the host; write %40 and %23 in a vhost, and %2F, %3F and %23 for / ? # in a password"
    )]
    AfterHost,
    #[error("has a port that is not a number up to 65535")]
    Port,
    #[error("has a percent-encoded byte that is not UTF-8")]
    NotUtf8,
    /// lapin knows the parameter and refuses its value.
    #[error("has a parameter with a value that it cannot have")]
    Parameter,
    /// `amqp://host/` is the vhost with an empty name, which is hardly ever meant.
    #[error("names an empty vhost; the default one is written /%2f")]
    EmptyVhost,
}

/// One of a cluster's hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

/// All between `://` and the end.
struct Parts<'u> {
    credentials: Option<&'u str>,
    place: &'u str,
    path: &'u str,
    query: &'u str,
}

/// Reads a URL. Returns it with the first of its hosts, and the others.
pub(super) fn parse(url: &str) -> Result<(AMQPUri, Vec<Node>), InvalidAddress> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").ok_or(InvalidAddress::NotAUrl)?;
    let scheme: AMQPScheme = scheme
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| InvalidAddress::NotAUrl)?;
    if url.contains(char::is_control) {
        return Err(InvalidAddress::NotAUrl);
    }
    let parts = split(rest)?;
    let node = |place| {
        let (host, port) = host_and_port(place)?;
        let port = port.unwrap_or(scheme.default_port());
        Ok(Node { host, port })
    };
    let mut places = parts.place.split(',');
    let first = node(places.next().unwrap_or_default())?;
    let others = places.map(node).collect::<Result<_, _>>()?;
    let vhost = match parts.path {
        "" => "/".to_owned(),
        path => decode(path.strip_prefix('/').unwrap_or(path))?,
    };
    if vhost.is_empty() {
        return Err(InvalidAddress::EmptyVhost);
    }
    let uri = AMQPUri {
        authority: AMQPAuthority {
            userinfo: user_info(parts.credentials)?,
            host: first.host,
            port: first.port,
        },
        scheme,
        vhost,
        query: parameters(parts.query)?,
    };
    Ok((uri, others))
}

/// The host ends at the first `/`, `?` or `#`; credentials end at the last `@` before it.
fn split(rest: &str) -> Result<Parts<'_>, InvalidAddress> {
    let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if after.contains(['@', '#']) {
        return Err(InvalidAddress::AfterHost);
    }
    let (path, query) = after.split_once('?').unwrap_or((after, ""));
    let (credentials, place) = match authority.rsplit_once('@') {
        Some((credentials, place)) => (Some(credentials), place),
        None => (None, authority),
    };
    Ok(Parts {
        credentials,
        place,
        path,
        query,
    })
}

/// The host is a name, an IPv4 address, or an IPv6 address without its brackets, perhaps with a zone.
fn host_and_port(place: &str) -> Result<(String, Option<u16>), InvalidAddress> {
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']').ok_or(InvalidAddress::Host)?;
            (ipv6(address)?, port)
        }
        None => {
            let (name, port) = place.split_at(place.find(':').unwrap_or(place.len()));
            (host_name(name)?, port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return Err(InvalidAddress::Host),
        Some(port) => Some(port.parse().map_err(|_| InvalidAddress::Port)?),
    };
    Ok((host, port))
}

fn ipv6(text: &str) -> Result<String, InvalidAddress> {
    let (address, zone) = match text.split_once("%25") {
        Some((address, zone)) => (address, format!("%{}", host_name(zone)?)),
        None => (text, String::new()),
    };
    let address: Ipv6Addr = address.parse().map_err(|_| InvalidAddress::Host)?;
    Ok(format!("{address}{zone}"))
}

fn host_name(text: &str) -> Result<String, InvalidAddress> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match !text.is_empty() && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(InvalidAddress::Host),
    }
}

/// `guest` replaces what is left out, as in RabbitMQ's clients.
fn user_info(credentials: Option<&str>) -> Result<AMQPUserInfo, InvalidAddress> {
    let default = AMQPUserInfo::default();
    let Some(credentials) = credentials else {
        return Ok(default);
    };
    let (username, password) = match credentials.split_once(':') {
        Some((username, password)) => (username, Some(decode(password)?)),
        None => (credentials, None),
    };
    Ok(AMQPUserInfo {
        username: match username {
            "" => default.username,
            username => decode(username)?,
        },
        password: password.unwrap_or(default.password),
    })
}

fn parameters(query: &str) -> Result<AMQPQueryString, InvalidAddress> {
    // lapin knows the parameters, and reads this host right.
    let alone: AMQPUri = format!("amqp://host/%2f?{query}")
        .parse()
        .map_err(|_| InvalidAddress::Parameter)?;
    Ok(alone.query)
}

fn decode(text: &str) -> Result<String, InvalidAddress> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| InvalidAddress::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns user name, password, host, port and vhost.
    fn check(url: &str) -> Result<(String, String, String, u16, String), InvalidAddress> {
        let (uri, _) = parse(url)?;
        let AMQPAuthority { userinfo, host, port } = uri.authority;
        Ok((userinfo.username, userinfo.password, host, port, uri.vhost))
    }

    /// The expectations are the results of `amqp_uri:parse/1` of RabbitMQ 3.10.8, the Erlang client of the server.
    #[test]
    fn a_url_is_read_as_rabbitmqs_own_client_reads_it() {
        for (url, want) in [
            (
                "amqp://u:p@[2001:db8::1]:5672",
                ("u", "p", "2001:db8::1", 5672, "/"),
            ),
            ("amqp://u:p@[::1]/v", ("u", "p", "::1", 5672, "v")),
            (
                "amqp://u:p@[fe80::1%25eth0]/v",
                ("u", "p", "fe80::1%eth0", 5672, "v"),
            ),
            ("amqp://u:p@host", ("u", "p", "host", 5672, "/")),
            ("amqp://host", ("guest", "guest", "host", 5672, "/")),
            ("amqp://host/%2f", ("guest", "guest", "host", 5672, "/")),
            ("amqp://u:p%40ss@host/v", ("u", "p@ss", "host", 5672, "v")),
            ("amqp://u:%C3%BC@host/v", ("u", "\u{fc}", "host", 5672, "v")),
            ("amqp://u@host/v", ("u", "guest", "host", 5672, "v")),
            ("amqp://u:p@host/v%40x", ("u", "p", "host", 5672, "v@x")),
            (
                "amqp://u:p@10.0.0.1:5673/v?heartbeat=5",
                ("u", "p", "10.0.0.1", 5673, "v"),
            ),
            ("amqps://host/v", ("guest", "guest", "host", 5671, "v")),
            ("amqp://u:a+b@host/a+b", ("u", "a+b", "host", 5672, "a+b")),
            (
                "amqp://u:!$&'()*,;=~._-@host/v",
                ("u", "!$&'()*,;=~._-", "host", 5672, "v"),
            ),
            ("amqp://u:a|b@host/v", ("u", "a|b", "host", 5672, "v")),
            ("amqp://u:a\\b@host/v", ("u", "a\\b", "host", 5672, "v")),
            ("amqp://u:a\"b<c>@host/v", ("u", "a\"b<c>", "host", 5672, "v")),
            ("amqp://u:[]@host/v", ("u", "[]", "host", 5672, "v")),
        ] {
            let (user, password, host, port, vhost) =
                check(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((&*user, &*password, &*host, port, &*vhost), want, "{url}");
        }
    }

    /// The Erlang client refuses these, or reads `ss@host` as the host and `a` as the password.
    #[test]
    fn beyond_it_a_password_may_hold_what_leaves_no_doubt_about_the_host() {
        for (url, password) in [
            ("amqp://u:p@ss@host/v", "p@ss"),
            ("amqp://u:a:b@host/v", "a:b"),
            ("amqp://u:100%@host/v", "100%"),
            ("amqp://u:%zz@host/v", "%zz"),
        ] {
            let (_, read, host, ..) = check(url).unwrap();
            assert_eq!((&*read, &*host), (password, "host"), "{url}");
        }
    }

    #[test]
    fn a_url_whose_host_might_not_be_the_one_that_is_written_is_refused() {
        for (url, want) in [
            ("amqp:///v", InvalidAddress::Host),
            ("amqp://u:p@/v", InvalidAddress::Host),
            ("amqp://:5672/", InvalidAddress::Host),
            ("amqp://u:p@:5672", InvalidAddress::Host),
            ("amqp://u:p@[2001:db8::1", InvalidAddress::Host),
            ("amqp://u:p@[2001:db8::1]x", InvalidAddress::Host),
            ("amqp://u:p@[10.0.0.1]", InvalidAddress::Host),
            ("amqp://u:p@[mq.example]", InvalidAddress::Host),
            ("amqp://u:p@2001:db8::1", InvalidAddress::Port),
            ("amqp://u:p@ho%61st/v", InvalidAddress::Host),
            ("amqp://u:p@h\u{f6}st/v", InvalidAddress::Host),
            ("amqp://u:p@a,,b/v", InvalidAddress::Host),
            ("amqp://u:p@a,/v", InvalidAddress::Host),
            ("amqp://u:p@,a/v", InvalidAddress::Host),
            ("amqp://u:p@host:x/v", InvalidAddress::Port),
            ("amqp://u:p@host:99999/v", InvalidAddress::Port),
            ("amqp://u:pa/ss@host/v", InvalidAddress::AfterHost),
            ("amqp://u:5/ss@host/v", InvalidAddress::AfterHost),
            ("amqp://u:5?ss@host/v", InvalidAddress::AfterHost),
            ("amqp://u:5#ss@host/v", InvalidAddress::AfterHost),
            ("amqp://u:p@host/v#1", InvalidAddress::AfterHost),
            ("amqp://u:p@host/v@1", InvalidAddress::AfterHost),
            ("amqp://u:%ff@host/v", InvalidAddress::NotUtf8),
            ("amqp://u:p\n@host/v", InvalidAddress::NotAUrl),
            ("amqp://host/v?heartbeat=soon", InvalidAddress::Parameter),
            ("http://host/v", InvalidAddress::NotAUrl),
            ("host", InvalidAddress::NotAUrl),
            ("amqp:host", InvalidAddress::NotAUrl),
        ] {
            assert_eq!(check(url), Err(want), "{url}");
        }
    }
}
