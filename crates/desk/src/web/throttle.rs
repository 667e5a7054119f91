//! How often a sign-in may be tried. Tokens are too long to guess: this keeps logs and database quiet.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

const PER_MINUTE_OF_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);

pub(super) struct Throttle {
    all: DefaultDirectRateLimiter,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            all: RateLimiter::direct(Quota::per_minute(PER_MINUTE)),
            addresses: RateLimiter::keyed(Quota::per_minute(PER_MINUTE_OF_ADDRESS)),
        }
    }
}

impl Throttle {
    /// Counts an attempt; `false`: it is one too many. An address that is refused uses nothing of the others' rate up.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        self.addresses.check_key(&address).is_ok() && self.all.check().is_ok()
    }

    pub(super) fn forget_idle(&self) {
        self.addresses.retain_recent();
        self.addresses.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_tries_too_often_is_refused_and_others_are_not() {
        let throttle = Throttle::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));

        let allowed = (0..1_000).filter(|_| throttle.allows(one)).count();

        assert_eq!(allowed, 10);
        assert!(throttle.allows(other));
    }
}
