//! The caller's address, and the rate limits for each source and address.
//!
//! Rates hold per process; behind k processes a source may send k times as much.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use domain::ids::SourceId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use ipnet::IpNet;
use settings::{RateLimit, Source};

use crate::problem::Problem;

/// The address of a caller whose own address is unknown. A list of allowed networks contains it only if it contains
/// every address.
const UNKNOWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The address that a request came from: the first one, read from the right, that is not one of our own proxies.
///
/// The addresses further left were written by the caller and could be anything. If a proxy of ours forwards a
/// request from an unreadable address, the request comes from [`UNKNOWN_ADDRESS`], not from the proxy.
pub(crate) fn client_address<'h>(
    peer: Option<IpAddr>,
    forwarded_for: impl DoubleEndedIterator<Item = &'h [u8]>,
    trusted_proxies: &[IpNet],
) -> IpAddr {
    let is_ours = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
    let mut address = peer.map_or(UNKNOWN_ADDRESS, |peer| peer.to_canonical());
    let mut hops = forwarded_for
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|hop| !hop.is_empty());
    while is_ours(&address)
        && let Some(hop) = hops.next()
    {
        address = parse_hop(hop).unwrap_or(UNKNOWN_ADDRESS);
    }
    address
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// What every source, and every address towards a source, may still send.
pub(crate) struct Rates {
    of_sources: RwLock<HashMap<SourceId, (RateLimit, Arc<SourceRates>)>>,
    /// Towards WhatsApp's own way in.
    pub(crate) whatsapp: SourceRates,
}

/// What one source may still send.
///
/// No address can use up more than the source's own rate, and only authentic requests count against the source.
pub(crate) struct SourceRates {
    source: DefaultDirectRateLimiter,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Rates {
    pub(crate) fn new(whatsapp: RateLimit) -> Self {
        Self {
            of_sources: RwLock::default(),
            whatsapp: SourceRates::new(whatsapp),
        }
    }

    /// The rates of a source; they restart when its limit has changed.
    pub(crate) fn of(&self, source: &Source) -> Arc<SourceRates> {
        let known = self.of_sources.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((limit, rates)) = known.get(&source.rules.id)
            && *limit == source.rate_limit
        {
            return Arc::clone(rates);
        }
        drop(known);
        let mut known = self.of_sources.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || (source.rate_limit, Arc::new(SourceRates::new(source.rate_limit)));
        let entry = known.entry(source.rules.id.clone()).or_insert_with(fresh);
        if entry.0 != source.rate_limit {
            *entry = fresh();
        }
        Arc::clone(&entry.1)
    }

    /// Forgets addresses that were not seen lately; to be called every few seconds.
    pub(crate) fn forget_idle(&self) {
        let known = self.of_sources.read().unwrap_or_else(PoisonError::into_inner);
        let of_sources = known.values().map(|(_, rates)| rates.as_ref());
        for rates in of_sources.chain([&self.whatsapp]) {
            rates.addresses.retain_recent();
            rates.addresses.shrink_to_fit();
        }
    }
}

impl SourceRates {
    fn new(limit: RateLimit) -> Self {
        let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self {
            source: RateLimiter::direct(quota),
            addresses: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of an address, authentic or not.
    pub(crate) fn count_address(&self, address: IpAddr) -> Result<(), Problem> {
        self.addresses
            .check_key(&network_of(address))
            .map_err(|not_until| self.refuse(&not_until))
    }

    /// Counts an authentic request.
    pub(crate) fn count_source(&self) -> Result<(), Problem> {
        self.source.check().map_err(|not_until| self.refuse(&not_until))
    }

    fn refuse(&self, not_until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Problem {
        let wait = not_until.wait_time_from(self.clock.now());
        Problem::RateLimited {
            retry_after_seconds: wait.as_secs().saturating_add(1),
        }
    }
}

/// A caller with one IPv6 address has the whole /64 network.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    // shows: T6
    #[test]
    fn forwarded_addresses_are_believed_from_the_right_as_far_as_the_proxies_are_ours() {
        let ours: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let check = |peer: &str, forwarded: &[&str], expected: &str| {
            let lines = forwarded.iter().map(|line| line.as_bytes());
            let address = client_address(Some(ip(peer)), lines, &ours);
            assert_eq!(address, ip(expected), "{peer} {forwarded:?}");
        };

        check("198.51.100.7", &[], "198.51.100.7");
        check("198.51.100.7", &["203.0.113.9"], "198.51.100.7");
        check("10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["192.0.2.1, 203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["192.0.2.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9");
        check("::ffff:10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("fd00::1", &["203.0.113.9:4711"], "203.0.113.9");
        check("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
        check("10.0.0.1", &["\u{e9}, 203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["203.0.113.9, \u{e9}"], "0.0.0.0");
        check("10.0.0.1", &["203.0.113.9, unknown"], "0.0.0.0");
        check("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "0.0.0.0");
        check("10.0.0.1", &["203.0.113.9,, "], "203.0.113.9");
        check("10.0.0.1", &[""], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    // shows: T7
    #[test]
    fn one_address_cannot_use_up_the_rate_of_the_source() {
        let one = NonZeroU32::MIN;
        let rates = SourceRates::new(RateLimit {
            per_second: one,
            burst: one,
        });

        let stranger = ip("2001:db8::1");
        assert!(rates.count_address(stranger).is_ok());
        let refused = rates.count_address(ip("2001:db8::2"));

        assert!(
            matches!(refused, Err(Problem::RateLimited { retry_after_seconds }) if retry_after_seconds >= 1)
        );
        assert!(rates.count_address(ip("203.0.113.9")).is_ok());
        assert!(rates.count_source().is_ok());
        assert!(rates.count_source().is_err());
    }

    // shows: T7
    #[test]
    fn an_address_that_was_not_seen_lately_is_forgotten() {
        let rates = Rates::new(crate::settings::WHATSAPP_RATE);
        for number in 0..1_000_u32 {
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            assert!(rates.whatsapp.count_address(address).is_ok());
        }
        let began = std::time::Instant::now();

        while !rates.whatsapp.addresses.is_empty() {
            assert!(
                began.elapsed().as_secs() < 10,
                "{}",
                rates.whatsapp.addresses.len()
            );
            rates.forget_idle();
        }
    }
}
