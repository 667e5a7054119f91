//! Who may send webhooks, and for which resorts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use crypto::signature::Verifier;
use domain::ids::{ResortId, SourceId};
use ipnet::IpNet;

/// A platform that sends webhooks, ready to be checked. `Debug` shows no secret.
#[derive(Debug)]
pub struct Source {
    /// The name of its file, and what follows `/webhooks/`.
    pub id: SourceId,
    /// Whether a type that nobody knows is an error.
    pub strict: bool,
    /// How its requests prove where they come from.
    pub verifier: Verifier,
    /// How much it may send.
    pub rate_limit: RateLimit,
    pub(crate) resorts: Speaks,
    pub(crate) networks: Option<Vec<IpNet>>,
}

/// How much a source may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Sustained.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// The resorts that a source may speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speaks {
    ForAll,
    For(BTreeSet<ResortId>),
}

impl Source {
    /// Whether events about this resort are the source's to tell.
    pub fn speaks_for(&self, resort: &ResortId) -> bool {
        match &self.resorts {
            Speaks::ForAll => true,
            Speaks::For(resorts) => resorts.contains(resort),
        }
    }

    /// Whether events about any resort are.
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
