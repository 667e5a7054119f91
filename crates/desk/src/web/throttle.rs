//! How often a sign-in may be tried, and how often a member may look for a number. Tokens are too long to guess: this keeps
//! logs and database quiet. Numbers are not: who tries thousands finds out which one is behind a masked one.

use std::net::IpAddr;
use std::num::NonZeroU32;

use domain::ids::StaffName;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use service::http::network_of;

const PER_MINUTE_OF_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
const SEARCHES_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

pub(super) struct Throttle {
    all: DefaultDirectRateLimiter,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    searches: DefaultKeyedRateLimiter<StaffName>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            all: RateLimiter::direct(Quota::per_minute(PER_MINUTE)),
            addresses: RateLimiter::keyed(Quota::per_minute(PER_MINUTE_OF_ADDRESS)),
            searches: RateLimiter::keyed(Quota::per_minute(SEARCHES_PER_MINUTE)),
        }
    }
}

impl Throttle {
    /// Counts an attempt; `false`: it is one too many. An address that is refused uses nothing of the others' rate up.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        self.addresses.check_key(&network_of(address)).is_ok() && self.all.check().is_ok()
    }

    /// Counts a member's search for a number; `false`: it is one too many.
    pub(super) fn allows_search(&self, member: &StaffName) -> bool {
        self.searches.check_key(member).is_ok()
    }

    pub(super) fn forget_idle(&self) {
        self.searches.retain_recent();
        self.addresses.retain_recent();
        self.addresses.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: T40
    #[test]
    fn who_has_many_addresses_of_one_network_tries_no_oftener() {
        let throttle = Throttle::default();
        let tried = (0..1_000_u16).map(|n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]));
        let allowed = tried.filter(|address| throttle.allows(*address)).count();
        assert_eq!(allowed, 10);
        assert!(throttle.allows(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1])));
    }

    // shows: T43
    #[test]
    fn who_tries_number_after_number_is_stopped_and_colleagues_are_not() {
        let throttle = Throttle::default();
        let (eve, anna) = (
            StaffName::parse("eve").unwrap(),
            StaffName::parse("anna").unwrap(),
        );
        let allowed = (0..1_000).filter(|_| throttle.allows_search(&eve)).count();
        assert_eq!(allowed, 30);
        assert!(throttle.allows_search(&anna));
    }

    #[test]
    fn an_address_that_tries_too_often_is_refused_and_others_are_not() {
        let throttle = Throttle::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));

        let allowed = (0..1_000).filter(|_| throttle.allows(one)).count();

        assert_eq!(allowed, 10);
        assert!(throttle.allows(other));
    }
}
