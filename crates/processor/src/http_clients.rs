//! HTTP clients for servers that files name: platforms, and resorts' own tools.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use outbound::Outbound;
use reqwest::{Client, redirect, retry};
use service::lock;
use url::Url;

use crate::addresses::{NotPublic, PublicOnly};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a name may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// To public addresses only, unless a proxy looks the name up.
    Public,
    /// Into the own network too: a file names the host for that.
    Anywhere,
}

/// One client for each origin, since each has its own proxy. None follows redirects or repeats a call.
pub(crate) struct Clients {
    outbound: Outbound,
    resolver: PublicOnly,
    known: Mutex<HashMap<(String, Reach), Client>>,
}

impl Clients {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            resolver: PublicOnly::SYSTEM,
            known: Mutex::default(),
        }
    }

    /// The client for a URL.
    ///
    /// # Errors
    /// Why there is none, as a clause without anything personal.
    pub(crate) fn get(&self, url: &Url, reach: Reach) -> Result<Client, String> {
        let key = (url.origin().ascii_serialization(), reach);
        if let Some(client) = lock(&self.known).get(&key) {
            return Ok(client.clone());
        }
        let builder = self.outbound.http_client(url);
        let builder = builder.map_err(|error| service::chain(&error))?;
        let builder = match (self.outbound.proxy_for(url), reach) {
            (None, Reach::Public) => builder.dns_resolver(self.resolver),
            _ => builder,
        };
        let client = builder
            .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| service::chain(&error.without_url()))?;
        lock(&self.known).insert(key, client.clone());
        Ok(client)
    }

    /// For whom every name leads to this machine.
    #[cfg(test)]
    pub(crate) fn with_names_of_this_machine(outbound: Outbound) -> Self {
        Self {
            resolver: PublicOnly(|_| Box::pin(async { Ok(vec![([127, 0, 0, 1], 0).into()]) })),
            ..Self::new(outbound)
        }
    }
}

/// Why no request was made, if the name of its host leads to an address that is not public.
pub(crate) fn not_public(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return Some(inner.to_string());
        }
        cause = inner.source();
    }
    None
}

/// Why a request got no answer. The error's own text has the URL in it, and with it secrets, or a booking's id.
pub(crate) fn why_no_answer(error: &reqwest::Error, callee: &str) -> String {
    if error.is_connect() {
        format!("{callee} cannot be reached")
    } else if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        "the connection broke before the answer".to_owned()
    }
}
