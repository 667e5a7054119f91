//! The URL of one proxy, and its credentials.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

/// curl's default for all proxies but those of `https`.
const DEFAULT_PORT: u16 = 1080;
const DEFAULT_TLS_PORT: u16 = 443;

/// An HTTP proxy. `Debug` and `Display` show no credentials.
#[derive(Clone)]
pub struct Proxy {
    url: Url,
    authorization: Option<String>,
}

/// Why a text is not a proxy; the error does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    /// SOCKS, for instance.
    #[error("is not an http:// or https:// proxy; other kinds are not supported")]
    Scheme,
    /// There is no host, or URL parsing would change it.
    #[error(
        "names no host; write http://user:password@host:port, with %40 for @, %2F for /, %3F for ?, %23 for # and %20 for \
         a blank in the user name or the password"
    )]
    Host,
    #[error("has a port that is not a number up to 65535")]
    Port,
    /// No header can carry such credentials.
    #[error("has a line break or another control character in its credentials")]
    Credentials,
}

impl Proxy {
    /// Reads a URL as curl does: the default scheme is `http`, the default port 1080 (443 for `https`), a path has
    /// no meaning, and credentials may be percent-encoded or not.
    ///
    /// # Errors
    ///
    /// If curl would refuse the URL too, or would use another host than the written one.
    pub fn parse(text: &str) -> Result<Self, InvalidProxy> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("http".to_owned(), text),
        };
        let default_port = match scheme.as_str() {
            "http" => DEFAULT_PORT,
            "https" => DEFAULT_TLS_PORT,
            _ => return Err(InvalidProxy::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (credentials, place) = match authority.split_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        // A proxy's URL has nothing after its authority: an @ there belongs to a password that a slash has cut in
        // two.
        if path.contains('@') || authority.contains(' ') {
            return Err(InvalidProxy::Host);
        }
        let (host, port) = host_and_port(place)?;
        let url = format!("{scheme}://{host}:{}/", port.unwrap_or(default_port));
        let url = Url::parse(&url).map_err(|_| InvalidProxy::Host)?;
        if !url.host_str().is_some_and(|read| read.eq_ignore_ascii_case(host)) {
            return Err(InvalidProxy::Host);
        }
        let authorization = credentials.map(basic).transpose()?;
        Ok(Self { url, authorization })
    }

    /// The URL without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The value of `Proxy-Authorization`, a secret.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.url;
        let port = url.port_or_known_default().unwrap_or_default();
        write!(
            formatter,
            "{}://{}:{port}",
            url.scheme(),
            url.host_str().unwrap_or_default()
        )
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Proxy({self})")
    }
}

/// A host name, an IPv4 address or an IPv6 address in brackets, and a port.
fn host_and_port(place: &str) -> Result<(&str, Option<u16>), InvalidProxy> {
    let end = match place.strip_prefix('[') {
        Some(inner) => 2 + inner.find(']').ok_or(InvalidProxy::Host)?,
        None => place.find(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at(end);
    let is_name = |host: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !host.is_empty() && host.bytes().all(allowed)
    };
    if !host.starts_with('[') && !is_name(host) {
        return Err(InvalidProxy::Host);
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        Some("") => Ok((host, None)),
        Some(port) => Ok((host, Some(port.parse().map_err(|_| InvalidProxy::Port)?))),
        None => Err(InvalidProxy::Host),
    }
}

fn basic(credentials: &str) -> Result<String, InvalidProxy> {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let decode = |text| Cow::from(percent_decode_str(text));
    let mut plain = decode(user).into_owned();
    plain.push(b':');
    plain.extend_from_slice(&decode(password));
    if plain.iter().any(u8::is_ascii_control) {
        return Err(InvalidProxy::Credentials);
    }
    Ok(format!("Basic {}", BASE64_STANDARD.encode(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(String, Option<String>), InvalidProxy> {
        let proxy = Proxy::parse(text)?;
        let told = proxy.authorization().map(|header| {
            let encoded = header.strip_prefix("Basic ").unwrap();
            String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
        });
        Ok((proxy.to_string(), told))
    }

    #[test]
    fn a_proxy_is_its_scheme_its_host_and_its_port() {
        for (text, want) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example", "http://proxy.example:1080"),
            ("HTTP://Proxy.Example:8080/path?x", "http://proxy.example:8080"),
            ("https://proxy.example", "https://proxy.example:443"),
            ("10.0.0.1:3128", "http://10.0.0.1:3128"),
            ("http://[2001:db8::1]:3128/", "http://[2001:db8::1]:3128"),
            ("http://proxy.example:80", "http://proxy.example:80"),
        ] {
            assert_eq!(check(text).unwrap().0, want, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_proxy_is_refused() {
        for (text, want) in [
            ("socks5://proxy.example", InvalidProxy::Scheme),
            ("ftp://proxy.example", InvalidProxy::Scheme),
            ("http://", InvalidProxy::Host),
            ("http://:3128", InvalidProxy::Host),
            ("http://user:hunter2@:3128", InvalidProxy::Host),
            ("http://user:hun/ter2@proxy.example", InvalidProxy::Host),
            ("http://user:8080?hunter2@proxy.example", InvalidProxy::Host),
            ("http://user:hunter@2@proxy.example", InvalidProxy::Host),
            ("http://user:hun ter2@proxy.example", InvalidProxy::Host),
            ("3128", InvalidProxy::Host),
            ("http://[::1", InvalidProxy::Host),
            ("http://[::1]x", InvalidProxy::Host),
            ("http://[2001:db8:0::1]:3128", InvalidProxy::Host),
            ("http://proxy.example:99999", InvalidProxy::Port),
            ("http://proxy.example:x", InvalidProxy::Port),
            ("http://user:a%0ab@proxy.example", InvalidProxy::Credentials),
        ] {
            assert_eq!(check(text), Err(want), "{text}");
        }
    }

    #[test]
    fn credentials_are_sent_unchanged_or_percent_decoded() {
        for (text, want) in [
            ("http://proxy.example", None),
            ("http://user@proxy.example", Some("user:")),
            ("user:hunter2@proxy.example", Some("user:hunter2")),
            ("http://user:p%40s%2Fs%3A%25@proxy.example", Some("user:p@s/s:%")),
            ("http://user:a:b\\c%zz%@proxy.example", Some("user:a:b\\c%zz%")),
            (
                "http://user:%C3%BC\u{fc}@proxy.example",
                Some("user:\u{fc}\u{fc}"),
            ),
        ] {
            assert_eq!(check(text).unwrap().1.as_deref(), want, "{text}");
        }
    }

    #[test]
    fn neither_text_form_shows_credentials() {
        let proxy = Proxy::parse("http://user:hunter2@proxy.example:3128").unwrap();

        assert_eq!(
            format!("{proxy} {proxy:?}"),
            "http://proxy.example:3128 Proxy(http://proxy.example:3128)"
        );
    }
}
