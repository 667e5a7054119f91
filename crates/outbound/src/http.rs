//! HTTP clients that go through the proxies and trust the authorities.

use reqwest::ClientBuilder;
use reqwest::header::HeaderValue;
use url::Url;

use crate::authorities::{self, Authorities, NoAuthorities};
use crate::{Problem, Proxies, Proxy};

/// How HTTP leaves this process. `Default`: without proxies, trusting the system's authorities.
#[derive(Debug, Clone, Default)]
pub struct Outbound {
    proxies: Proxies,
    authorities: Authorities,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// Nobody could be trusted.
    #[error(transparent)]
    NoAuthorities(#[from] NoAuthorities),
    /// The proxy's address or credentials cannot be used by the HTTP library.
    #[error("cannot use the proxy {0}")]
    Proxy(Proxy),
}

impl Outbound {
    /// Reads the variables of [`Proxies`] and [`Authorities`].
    pub fn read(mut look_up: impl FnMut(&str) -> Option<String>) -> (Self, Vec<Problem>) {
        let (proxies, mut problems) = Proxies::read(&mut look_up);
        let (authorities, more) = Authorities::read(&mut look_up);
        problems.extend(more);
        (Self { proxies, authorities }, problems)
    }

    /// Whom TLS connections trust.
    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// The proxy for a URL; `None`: it is called directly.
    pub fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.for_url(url)
    }

    /// The beginnings of a client for this URL's host, and no other: its proxy is that of this URL.
    ///
    /// # Errors
    /// Where TLS is needed and nobody is trusted.
    pub fn http_client(&self, url: &Url) -> Result<ClientBuilder, HttpClientError> {
        let proxy = self.proxy_for(url);
        let needs_tls = url.scheme() == "https" || proxy.is_some_and(|proxy| proxy.url().scheme() == "https");
        let tls = match needs_tls {
            true => self.authorities.client_config()?,
            // Machines without certificate authorities can use plain HTTP still.
            false => authorities::nobody(),
        };
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy();
        match proxy {
            None => Ok(builder),
            Some(proxy) => Ok(builder.proxy(through(proxy)?)),
        }
    }
}

/// The credentials go as a header of their own: from a URL, the HTTP library would leave out the proxy without a word where
/// it cannot read them.
fn through(proxy: &Proxy) -> Result<reqwest::Proxy, HttpClientError> {
    let unusable = || HttpClientError::Proxy(proxy.clone());
    let through = reqwest::Proxy::all(proxy.url().clone()).map_err(|_| unusable())?;
    let Some(authorization) = proxy.authorization() else {
        return Ok(through);
    };
    let mut header = HeaderValue::from_str(authorization).map_err(|_| unusable())?;
    header.set_sensitive(true);
    Ok(through.custom_http_auth(header))
}
