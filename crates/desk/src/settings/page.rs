//! Where the desk's page is, as people type it.

use crypto::token::Token;
use service::environment::Reader;
use url::{Host, Url};

const DEFAULT: &str = "http://127.0.0.1:8083";

/// The page's address, without a path: `https://desk.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(Url);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPublicUrl {
    #[error("is no http or https address")]
    Scheme,
    #[error("has a path, a query or credentials; name only the scheme, the host and the port")]
    Path,
    #[error("is http, which shows passwords to others on the way; use https, or a loopback host")]
    Open,
}

pub(crate) fn public_url(read: &mut Reader<'_>) -> Option<PublicUrl> {
    read.parsed_or(
        "DESK_PUBLIC_URL",
        |text| PublicUrl::parse(text).map(Some),
        PublicUrl::parse(DEFAULT).ok(),
    )
}

impl PublicUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::Scheme)?;
        let host = url.host().ok_or(InvalidPublicUrl::Scheme)?;
        let is_loopback = match host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => return Err(InvalidPublicUrl::Open),
            _ => return Err(InvalidPublicUrl::Scheme),
        }
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidPublicUrl::Path);
        }
        Ok(Self(url))
    }

    /// As browsers name it in `Origin` (RFC 6454): without a trailing slash, and without the scheme's own port.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether cookies may be marked `Secure`.
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of a one-time link.
    pub(crate) fn sign_in(&self, link: &Token) -> String {
        format!("{}/login/{}", self.origin(), link.reveal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_over_https_or_on_loopback_and_without_a_path() {
        let cases = [
            ("https://desk.example", Ok("https://desk.example")),
            ("https://desk.example:443/", Ok("https://desk.example")),
            ("https://desk.example:8443", Ok("https://desk.example:8443")),
            ("http://127.0.0.1:8083", Ok("http://127.0.0.1:8083")),
            ("http://[::1]:8083", Ok("http://[::1]:8083")),
            ("http://localhost:8083", Ok("http://localhost:8083")),
            ("http://desk.example", Err(InvalidPublicUrl::Open)),
            ("http://10.0.0.1", Err(InvalidPublicUrl::Open)),
            ("http://localhost.example", Err(InvalidPublicUrl::Open)),
            ("https://desk.example/desk", Err(InvalidPublicUrl::Path)),
            ("https://anna@desk.example", Err(InvalidPublicUrl::Path)),
            ("ftp://desk.example", Err(InvalidPublicUrl::Scheme)),
            ("desk.example", Err(InvalidPublicUrl::Scheme)),
        ];
        for (text, expected) in cases {
            let origin = PublicUrl::parse(text).map(|url| url.origin());
            assert_eq!(origin, expected.map(str::to_owned), "{text}");
        }
    }
}
