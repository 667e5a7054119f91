//! Rate limits: how fast a business number may send, and how often one guest may get a message.
//!
//! WhatsApp takes 80 messages a second from a number by default (Meta, throughput), of which each running sender takes
//! its share, and one message in 6 s to a guest, or 45 at once on credit (Meta, pair rate limits).

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::NumberId;
use domain::phone_number::PhoneNumber;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

const PAIR_PERIOD: Duration = Duration::from_secs(6);
const PAIR_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(44);
/// A number that was throttled keeps its rate for this long before the rate may double.
const SLOWED_FOR: Duration = Duration::from_secs(60);
/// Several calls under way can be throttled together: within this time the rate is halved once.
const ONE_MOMENT: Duration = Duration::from_secs(1);
const LARGEST_DIVISOR: u32 = 64;

/// All limits of this process.
pub(crate) struct RateLimits {
    per_second: NonZeroU32,
    senders: AtomicU32,
    numbers: Mutex<HashMap<NumberId, Bucket>>,
    pairs: DefaultKeyedRateLimiter<(NumberId, PhoneNumber)>,
}

/// One number's limit. A full bucket lets a quarter of a second's worth through at once.
struct Bucket {
    limiter: Arc<DefaultDirectRateLimiter>,
    per_second: NonZeroU32,
    /// The rate is divided by this.
    divisor: u32,
    slowed_at: Option<Instant>,
}

impl Bucket {
    fn new(per_second: NonZeroU32) -> Self {
        Self {
            limiter: limiter(per_second),
            per_second,
            divisor: 1,
            slowed_at: None,
        }
    }

    fn slow_down(&mut self, now: Instant) {
        let lately = |at: Instant| now.duration_since(at) < ONE_MOMENT;
        if !self.slowed_at.is_some_and(lately) {
            self.divisor = (self.divisor * 2).min(LARGEST_DIVISOR);
            self.slowed_at = Some(now);
        }
    }

    fn recover(&mut self, now: Instant) {
        let long_ago = |at: Instant| now.duration_since(at) >= SLOWED_FOR;
        if self.slowed_at.is_some_and(long_ago) {
            self.divisor = (self.divisor / 2).max(1);
            self.slowed_at = (self.divisor > 1).then_some(now);
        }
    }

    /// Applies this process's share, divided while the number is slowed.
    fn adjust(&mut self, share: NonZeroU32) {
        let per_second = at_least_one(share.get() / self.divisor);
        if per_second != self.per_second {
            self.per_second = per_second;
            self.limiter = limiter(per_second);
        }
    }
}

impl RateLimits {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let pairs = Quota::with_period(PAIR_PERIOD).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        Self {
            per_second,
            senders: AtomicU32::new(1),
            numbers: Mutex::default(),
            pairs: RateLimiter::keyed(pairs.allow_burst(PAIR_BURST)),
        }
    }

    /// Waits until the number may send one more message.
    pub(crate) async fn wait(&self, number: &NumberId) {
        self.bucket(number, Bucket::recover).until_ready().await;
    }

    /// WhatsApp throttled the number: halves its rate, for a minute at least.
    pub(crate) fn slow_down(&self, number: &NumberId) {
        self.bucket(number, Bucket::slow_down);
    }

    /// Divides each number's rate by the number of running senders.
    pub(crate) fn share(&self, senders: u32) {
        self.senders.store(senders.max(1), Ordering::Relaxed);
    }

    /// Takes one message to this guest from the limit, or returns how long the message must wait.
    pub(crate) fn take_pair(&self, number: &NumberId, to: &PhoneNumber) -> Result<(), Duration> {
        let pair = (number.clone(), to.clone());
        self.pairs
            .check_key(&pair)
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }

    /// Forgets guests who got no message lately.
    pub(crate) fn forget_idle(&self) {
        self.pairs.retain_recent();
        self.pairs.shrink_to_fit();
    }

    fn bucket(
        &self,
        number: &NumberId,
        change: impl FnOnce(&mut Bucket, Instant),
    ) -> Arc<DefaultDirectRateLimiter> {
        let share = at_least_one(self.per_second.get() / self.senders.load(Ordering::Relaxed));
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = numbers
            .entry(number.clone())
            .or_insert_with(|| Bucket::new(share));
        change(bucket, Instant::now());
        bucket.adjust(share);
        Arc::clone(&bucket.limiter)
    }
}

fn limiter(per_second: NonZeroU32) -> Arc<DefaultDirectRateLimiter> {
    let burst = at_least_one(per_second.get() / 4);
    Arc::new(RateLimiter::direct(
        Quota::per_second(per_second).allow_burst(burst),
    ))
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eighty() -> NonZeroU32 {
        NonZeroU32::new(80).unwrap()
    }

    fn rate_of(limits: &RateLimits) -> u32 {
        let number = NumberId::parse("1").unwrap();
        limits.bucket(&number, |_, _| {});
        limits.numbers.lock().unwrap()[&number].per_second.get()
    }

    // shows: B91
    #[test]
    fn senders_share_a_numbers_rate_and_each_sends_something() {
        let limits = RateLimits::new(eighty());

        for (senders, expected) in [(1, 80), (2, 40), (3, 26), (200, 1), (1, 80)] {
            limits.share(senders);
            assert_eq!(rate_of(&limits), expected, "{senders}");
        }
    }

    // shows: B91
    #[test]
    fn a_number_that_is_too_fast_is_halved_once_a_moment_and_recovers_by_steps() {
        let mut bucket = Bucket::new(eighty());
        let start = Instant::now();
        let mut rates = Vec::new();
        let mut note = |bucket: &mut Bucket| {
            bucket.adjust(eighty());
            rates.push(bucket.per_second.get());
        };

        bucket.slow_down(start);
        bucket.slow_down(start);
        note(&mut bucket);
        bucket.slow_down(start + ONE_MOMENT);
        note(&mut bucket);
        for minutes in 1..=3 {
            bucket.recover(start + ONE_MOMENT + SLOWED_FOR * minutes);
            note(&mut bucket);
        }

        assert_eq!(rates, [40, 20, 40, 80, 80]);
    }

    // shows: B91
    #[test]
    fn a_guest_gets_forty_five_messages_at_once_and_then_waits_up_to_six_seconds() {
        let limits = RateLimits::new(eighty());
        let number = NumberId::parse("1").unwrap();
        let guest = |digits| PhoneNumber::from_whatsapp(digits).unwrap();
        let ada = guest("306912345678");

        let taken = (0..50)
            .take_while(|_| limits.take_pair(&number, &ada).is_ok())
            .count();
        let wait = limits.take_pair(&number, &ada).unwrap_err();

        assert_eq!(taken, 45);
        assert!(wait <= PAIR_PERIOD && wait > Duration::from_secs(5), "{wait:?}");
        assert!(limits.take_pair(&number, &guest("306987654321")).is_ok());
    }
}
