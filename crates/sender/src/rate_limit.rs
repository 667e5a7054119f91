//! How fast a business number may send.
//!
//! WhatsApp takes 80 messages a second from a number by default (Meta, throughput). The limit holds over any second, for
//! all running senders together: each has its [`Share`] of the calls ([`crate::presence`]), and a call keeps its [`Slot`]
//! for a little more than a second from its start.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ids::NumberId;
use service::lock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// A call that has begun counts for this long: a second, and what calls may differ in their way to WhatsApp.
pub(crate) const WINDOW: Duration = Duration::from_millis(1_020);
/// A number that was throttled keeps its rate for this long before the rate may double.
const SLOWED_FOR: Duration = Duration::from_secs(60);
/// Several calls under way can be throttled together: within this time the rate is halved once.
const ONE_MOMENT: Duration = Duration::from_secs(1);
const LARGEST_DIVISOR: u32 = 64;
/// Calls under way, of one number and of all: an answer that takes long costs memory, and must not stop other numbers.
const UNDER_WAY: usize = 100;
const ALL_UNDER_WAY: usize = 512;

/// The part of every number's rate that this process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// This sender's place among those that run, from 0; remainders go to the first.
    pub(crate) place: u32,
    pub(crate) senders: NonZeroU32,
    /// Afterwards the other senders may take this one for gone.
    pub(crate) until: Instant,
}

impl Share {
    /// How many calls may count at a time, of so many for all senders.
    pub(crate) fn of(&self, calls: u32) -> u32 {
        calls / self.senders + u32::from(self.place < calls % self.senders)
    }

    fn is_valid(&self) -> bool {
        Instant::now() < self.until
    }
}

/// All numbers' limits in this process.
pub(crate) struct RateLimits {
    per_second: NonZeroU32,
    /// `None`: nothing may be sent yet.
    share: watch::Sender<Option<Share>>,
    numbers: Mutex<HashMap<NumberId, Arc<Limit>>>,
    under_way: Arc<Semaphore>,
}

impl RateLimits {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            share: watch::Sender::new(None),
            numbers: Mutex::default(),
            under_way: Arc::new(Semaphore::new(ALL_UNDER_WAY)),
        }
    }

    /// Of one number, by all senders.
    pub(crate) fn per_second(&self) -> u32 {
        self.per_second.get()
    }

    /// Sets this process's share, and lets numbers that were throttled recover.
    pub(crate) fn share(&self, share: Option<Share>) {
        let now = Instant::now();
        for limit in lock(&self.numbers).values() {
            limit.adjust(|state| state.recover(now), self.per_second, share);
        }
        self.share.send_replace(share);
    }

    /// Waits until one more call may begin for the number.
    pub(crate) async fn slot(&self, number: &NumberId) -> Slot {
        let limit = self.limit(number);
        loop {
            // Errors mean that a semaphore was closed; these are never.
            let calls = Arc::clone(&limit.under_way).acquire_owned().await.ok();
            limit
                .calls
                .acquire()
                .await
                .into_iter()
                .for_each(|permit| permit.forget());
            let mut slot = Slot {
                limit: Arc::clone(&limit),
                begun: None,
                _under_way: (calls, None),
            };
            slot._under_way.1 = Arc::clone(&self.under_way).acquire_owned().await.ok();
            // Last: the share may have ended while this waited.
            if self.is_shared() {
                return slot;
            }
            // This process was suspended: the others may have taken it for gone, and its share with it.
            drop(slot);
            self.shared().await;
        }
    }

    /// Waits until this process has a share.
    pub(crate) async fn shared(&self) {
        let is_valid = |share: &Option<Share>| share.as_ref().is_some_and(Share::is_valid);
        // It fails only when the watch's sender is gone, and `self` owns that.
        let _ = self.share.subscribe().wait_for(is_valid).await;
    }

    /// How many calls a second the number may begin in this process. Without a share, which comes soon: in all of them.
    pub(crate) fn rate(&self, number: &NumberId) -> f64 {
        let limit = self.limit(number);
        let state = lock(&limit.state);
        if state.size == 0 {
            return f64::from(self.per_second.get()) / f64::from(state.divisor);
        }
        f64::from(state.size) / state.window.as_secs_f64()
    }

    /// WhatsApp throttled the number: halves its rate, for a minute at least.
    pub(crate) fn slow_down(&self, number: &NumberId) {
        let now = Instant::now();
        let limit = self.limit(number);
        limit.adjust(
            |state| state.slow_down(now),
            self.per_second,
            *self.share.borrow(),
        );
    }

    fn is_shared(&self) -> bool {
        self.share.borrow().as_ref().is_some_and(Share::is_valid)
    }

    fn limit(&self, number: &NumberId) -> Arc<Limit> {
        let mut numbers = lock(&self.numbers);
        if let Some(limit) = numbers.get(number) {
            return Arc::clone(limit);
        }
        let limit = Arc::new(Limit::default());
        limit.adjust(|_| {}, self.per_second, *self.share.borrow());
        numbers.insert(number.clone(), Arc::clone(&limit));
        limit
    }
}

/// The right to begin one call. Dropped before the call begins, it is free for another at once.
pub(crate) struct Slot {
    limit: Arc<Limit>,
    begun: Option<Instant>,
    _under_way: (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>),
}

impl Slot {
    /// The call begins now.
    pub(crate) fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let limit = Arc::clone(&self.limit);
        let Some(begun) = self.begun else {
            return limit.give_back();
        };
        let counts_until = begun + lock(&limit.state).window;
        // Outside a runtime the process ends.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep_until(counts_until).await;
                limit.give_back();
            });
        }
    }
}

/// One number's limit.
struct Limit {
    /// Calls that may begin now.
    calls: Semaphore,
    under_way: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    /// Calls that may count at a time.
    size: u32,
    /// Slots that exist beyond `size`: they end when they come back.
    surplus: u32,
    /// How long a call counts.
    window: Duration,
    /// The rate is divided by this.
    divisor: u32,
    slowed_at: Option<Instant>,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            calls: Semaphore::new(0),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
            state: Mutex::new(State {
                size: 0,
                surplus: 0,
                window: WINDOW,
                divisor: 1,
                slowed_at: None,
            }),
        }
    }
}

impl State {
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

    /// How many calls may count at a time, and for how long each does. A share of less than one call in a window is one
    /// call in a longer one.
    fn wanted(&self, per_second: NonZeroU32, share: Option<Share>) -> (u32, Duration) {
        let Some(share) = share else {
            return (0, WINDOW);
        };
        let calls = per_second.get() / self.divisor;
        if calls < share.senders.get() {
            let windows = (share.senders.get() * self.divisor).div_ceil(per_second.get());
            return (1, WINDOW * windows);
        }
        (share.of(calls), WINDOW)
    }
}

impl Limit {
    /// Applies a change and the share that follows.
    fn adjust(&self, change: impl FnOnce(&mut State), per_second: NonZeroU32, share: Option<Share>) {
        let mut state = lock(&self.state);
        change(&mut state);
        let (size, window) = state.wanted(per_second, share);
        state.window = window;
        if size < state.size {
            let ended = self.calls.forget_permits((state.size - size) as usize);
            state.surplus += state.size - size - u32::try_from(ended).unwrap_or_default();
        } else {
            let more = size - state.size;
            let kept = more.min(state.surplus);
            state.surplus -= kept;
            self.calls.add_permits((more - kept) as usize);
        }
        state.size = size;
    }

    fn give_back(&self) {
        let mut state = lock(&self.state);
        match state.surplus.checked_sub(1) {
            Some(fewer) => state.surplus = fewer,
            None => self.calls.add_permits(1),
        }
    }
}
