//! How fast a business number may send: WhatsApp takes 80 messages a second from each by default (Meta, throughput).

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::NumberId;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// One bucket for each number. Full, it lets through a quarter of a second's worth at once.
pub(crate) struct Pace {
    quota: Quota,
    numbers: Mutex<HashMap<NumberId, Arc<DefaultDirectRateLimiter>>>,
}

impl Pace {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_second.get() / 4).unwrap_or(NonZeroU32::MIN);
        Self {
            quota: Quota::per_second(per_second).allow_burst(burst),
            numbers: Mutex::default(),
        }
    }

    /// Waits until the number may send one more message.
    pub(crate) async fn wait(&self, number: &NumberId) {
        let bucket = {
            let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(RateLimiter::direct(self.quota));
            Arc::clone(numbers.entry(number.clone()).or_insert_with(fresh))
        };
        bucket.until_ready().await;
    }
}
