//! The rate limits for each source and address.
//!
//! Rates hold per process; behind k processes a source may send k times as much.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use domain::ids::SourceId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use service::http::network_of;
use settings::{RateLimit, Source};

use crate::problem::Problem;

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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroU32;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
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
