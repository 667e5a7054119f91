//! The sources: which systems may send webhooks, and for which resorts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use crypto::signature::Verifier;
use domain::ids::{ResortId, SourceId};
use ipnet::IpNet;

/// A platform that sends webhooks, with its verifier. `Debug` shows no secret.
#[derive(Debug)]
pub struct Source {
    /// The name of its file, and the part of the path after `/webhooks/`.
    pub id: SourceId,
    /// Whether an unknown event type is an error.
    pub strict: bool,
    pub verifier: Verifier,
    pub rate_limit: RateLimit,
    pub(crate) resorts: Speaks,
    pub(crate) networks: Option<Vec<IpNet>>,
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

impl Source {
    pub fn speaks_for(&self, resort: &ResortId) -> bool {
        match &self.resorts {
            Speaks::ForAll => true,
            Speaks::For(resorts) => resorts.contains(resort),
        }
    }

    pub fn speaks_for_all(&self) -> bool {
        self.resorts == Speaks::ForAll
    }

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
