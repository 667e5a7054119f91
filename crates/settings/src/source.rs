//! The sources: which systems may send webhooks, and for which resorts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use crypto::signature::Verifier;
use domain::ids::{ResortId, SourceId};
use ipnet::IpNet;
use mapping::Mapping;

use crate::fetch::Fetch;

/// A platform that sends webhooks, with its verifier. `Debug` shows no secret.
#[derive(Debug)]
pub struct Source {
    pub rules: Arc<SourceRules>,
    pub verifier: Verifier,
    pub rate_limit: RateLimit,
    pub(crate) networks: Option<Vec<IpNet>>,
}

/// What a source's webhooks mean, without the secrets that verify them.
#[derive(Debug)]
pub struct SourceRules {
    /// The name of its file, and the part of the path after `/webhooks/`.
    pub id: SourceId,
    /// Whether an unknown event type is an error.
    pub strict: bool,
    /// How the platform's own payloads become events; `None`: it speaks our format.
    pub mapping: Option<Mapping>,
    /// Where `processor` asks for more; `None` also in a process that does not resolve its secret.
    pub fetch: Option<Fetch>,
    pub(crate) resorts: Speaks,
    /// The headers that hold credentials or a signature, in lower case.
    pub(crate) secret_headers: Vec<String>,
}

/// A source's file, as this process uses it.
pub(crate) struct GoodSource {
    pub(crate) rules: Arc<SourceRules>,
    /// `None` in a process that verifies no webhooks.
    pub(crate) source: Option<Arc<Source>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Sustained.
    pub per_second: NonZeroU32,
    /// In a burst.
    pub burst: NonZeroU32,
}

/// The resorts that a source may send events of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speaks {
    ForAll,
    For(BTreeSet<ResortId>),
}

impl SourceRules {
    pub fn speaks_for(&self, resort: &ResortId) -> bool {
        match &self.resorts {
            Speaks::ForAll => true,
            Speaks::For(resorts) => resorts.contains(resort),
        }
    }

    pub fn speaks_for_all(&self) -> bool {
        self.resorts == Speaks::ForAll
    }

    /// Whether expressions may read this header, named in lower case. One of a gateway's that holds a credential is caught by
    /// its name.
    pub fn may_read(&self, header: &str) -> bool {
        const TELLING: [&str; 8] = [
            "authorization",
            "cookie",
            "signature",
            "hmac",
            "secret",
            "token",
            "password",
            "api-key",
        ];
        !self.secret_headers.iter().any(|secret| secret == header)
            && !TELLING.iter().any(|part| header.contains(part))
    }

    /// The resorts that it speaks for; `None`: all.
    pub fn resorts(&self) -> Option<&BTreeSet<ResortId>> {
        match &self.resorts {
            Speaks::ForAll => None,
            Speaks::For(resorts) => Some(resorts),
        }
    }
}

impl Source {
    /// Whether requests may come from this address. An IPv4 address written as IPv6 is the same address.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .as_ref()
            .is_none_or(|networks| networks.iter().any(|network| network.contains(&address)))
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();
        Self {
            per_second: PER_SECOND,
            burst: BURST,
        }
    }
}
