//! HTTP clients that use the proxies and trust the authorities.

use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::header::HeaderValue;
use url::Url;

use crate::authorities::{self, Authorities, NoAuthorities};
use crate::{Problem, Proxies, Proxy};

/// How long an idle connection is kept. Servers close theirs after 5 s (Apache, Node.js) or more: a request that is written
/// just then is lost, and the caller cannot tell whether the server read it. The difference is for a machine that is short of processor time.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// The proxies and authorities of this process. `Default`: no proxies, and the system's authorities.
#[derive(Debug, Clone, Default)]
pub struct Outbound {
    proxies: Proxies,
    authorities: Authorities,
}

#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    #[error(transparent)]
    NoAuthorities(#[from] NoAuthorities),
    /// The HTTP library cannot use the proxy's address or credentials.
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

    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// The proxy for a URL; `None`: a direct connection.
    pub fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.for_url(url)
    }

    /// Begins a client for this URL's host only: it uses the proxy of this URL.
    ///
    /// # Errors
    ///
    /// If TLS is needed and no authority is trusted.
    pub fn http_client(&self, url: &Url) -> Result<ClientBuilder, HttpClientError> {
        let proxy = self.proxy_for(url);
        let needs_tls = url.scheme() == "https" || proxy.is_some_and(|proxy| proxy.url().scheme() == "https");
        let tls = match needs_tls {
            true => self.authorities.client_config()?,
            // A machine without certificate authorities can still use plain HTTP.
            false => authorities::trusting_none(),
        };
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .no_proxy();
        match proxy {
            None => Ok(builder),
            Some(proxy) => Ok(builder.proxy(through(proxy)?)),
        }
    }
}

/// The credentials are a separate header: if they were in the URL and the HTTP library could not read them, it
/// would silently use no proxy.
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
