//! Presence: each sender says in Postgres that it runs, learns which others do, and takes its share of every number's rate.
//!
//! The shares of all senders together never exceed the rate. A sender that joins may send only once all others have said
//! that they know it; one that was silent for too long has to join again; and a share that grows is used one window
//! later, when the calls that others made by their larger shares no longer count.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use service::{Stop, periodic};
use store::StoreError;
use store::senders::{self, Other, Sender as Running};
use tokio::time::Instant;
use uuid::Uuid;

use crate::context::Sender;
use crate::rate_limit::{Share, WINDOW};

const EVERY: Duration = Duration::from_millis(400);
/// The others count a sender for 3 s after it was seen ([`store::senders::beat`]).
const VALID_FOR: Duration = Duration::from_millis(2_400);
/// How often it is told that this fails: a right that is missing stays so.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What this sender knows of the others.
pub(crate) struct Presence {
    id: Uuid,
    /// Of one number, by all senders.
    per_second: u32,
    /// The others by whose number the present share was taken.
    counted: Vec<Uuid>,
    /// Until when this sender may take a share: all others count it, and go on to as long as each beat comes in time.
    entitled_until: Option<Instant>,
    share: Option<Share>,
    /// A larger share, and from when it may be used.
    growing: Option<(Share, Instant)>,
    /// When it was last told that a beat failed.
    told_at: Option<Instant>,
}

impl Presence {
    pub(crate) fn new(id: Uuid, per_second: u32) -> Self {
        Self {
            id,
            per_second,
            counted: Vec::new(),
            entitled_until: None,
            share: None,
            growing: None,
            told_at: None,
        }
    }

    /// The share that follows from a beat which was asked for at this time and found these others.
    pub(crate) fn learn(&mut self, others: &[Other], asked_at: Instant, now: Instant) -> Option<Share> {
        self.counted = others.iter().map(|other| other.id).collect();
        let is_entitled =
            self.entitled_until.is_some_and(|until| now < until) || others.iter().all(|other| other.knows_us);
        let until = asked_at + VALID_FOR;
        self.entitled_until = is_entitled.then_some(until);
        let before_us = others.iter().filter(|other| other.id < self.id).count();
        let next = is_entitled.then(|| Share {
            place: u32::try_from(before_us).unwrap_or(u32::MAX),
            senders: NonZeroU32::MIN.saturating_add(u32::try_from(others.len()).unwrap_or(u32::MAX)),
            until,
        });
        self.grow_later(next, now);
        self.share
    }

    fn grow_later(&mut self, next: Option<Share>, now: Instant) {
        let per_second = self.per_second;
        let size = |share: Share| share.of(per_second);
        let Some(next) = next else {
            (self.share, self.growing) = (None, None);
            return;
        };
        if self.share.is_some_and(|share| size(next) <= size(share)) {
            (self.share, self.growing) = (Some(next), None);
            return;
        }
        let since = match self.growing {
            Some((share, from)) if size(next) <= size(share) => from,
            _ => now + WINDOW,
        };
        if now >= since {
            (self.share, self.growing) = (Some(next), None);
        } else {
            self.growing = Some((next, since));
            // The share in use stays valid meanwhile.
            if let Some(share) = &mut self.share {
                share.until = next.until;
            }
        }
    }
}

/// Runs until the stop, then says that this sender is gone.
pub(crate) async fn run(sender: Arc<Sender>, stop: Stop) {
    let presence = tokio::sync::Mutex::new(Presence::new(Uuid::now_v7(), sender.rate_limits.per_second()));
    let name = service::process_name();
    periodic::run(&stop, EVERY, || async {
        let mut presence = presence.lock().await;
        let Err(error) = beat(&sender, &mut presence, &name).await else {
            return;
        };
        if presence.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            presence.told_at = Some(Instant::now());
            log::warn!(error = service::chain(&error), event = "presence_unknown";
                "could not tell the other senders that this one runs; it is tried again in 0.4 s, and this one stops \
                 sending 2.4 s after the last success");
        }
    })
    .await;
    let id = presence.lock().await.id;
    let left = sender
        .store
        .run(move |connection| senders::leave(connection, id))
        .await;
    if let Err(error) = left {
        log::debug!(error = service::chain(&error); "could not sign off; the other senders see it in 3 s");
    }
}

/// Says once that this sender runs, and adjusts its share.
pub(crate) async fn beat(sender: &Sender, presence: &mut Presence, name: &str) -> Result<(), StoreError> {
    let asked_at = Instant::now();
    let running = Running {
        id: presence.id,
        name: name.to_owned(),
        unreachable: sender.reachability.unreachable(),
        knows: presence.counted.clone(),
    };
    let others = sender
        .store
        .run(move |connection| senders::beat(connection, &running))
        .await?;
    let share = presence.learn(&others, asked_at, Instant::now());
    sender.rate_limits.share(share);
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::ids::NumberId;
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};
    use tokio::sync::mpsc;

    use super::*;
    use crate::rate_limit::RateLimits;

    const PER_SECOND: u32 = 80;

    /// Senders that beat in turn, as in the table: when each was seen, and whom it counts.
    struct Table(Vec<(Uuid, Instant, Vec<Uuid>)>);

    impl Table {
        fn beat(&mut self, presence: &mut Presence, limits: &RateLimits) {
            let (now, id) = (Instant::now(), presence.id);
            let is_other = |(other, seen_at, _): &&(Uuid, Instant, Vec<Uuid>)| {
                *other != id && now - *seen_at < Duration::from_secs(3)
            };
            let others = self.0.iter().filter(is_other).map(|(other, _, knows)| Other {
                id: *other,
                knows_us: knows.contains(&id),
            });
            let mut others: Vec<Other> = others.collect();
            others.sort_by_key(|other| other.id);
            self.0.retain(|(row, ..)| *row != id);
            self.0.push((id, now, presence.counted.clone()));
            limits.share(presence.learn(&others, now, now));
        }
    }

    /// Sends as fast as the limit allows, a call taking a few milliseconds, and reports when each began.
    async fn send(limits: Arc<RateLimits>, calls: mpsc::UnboundedSender<Instant>) {
        let number = NumberId::parse("1").unwrap();
        let mut random = StdRng::seed_from_u64(7);
        loop {
            let mut slot = limits.slot(&number).await;
            let takes = Duration::from_millis(random.random_range(0..20));
            let calls = calls.clone();
            tokio::spawn(async move {
                tokio::time::sleep(takes).await;
                slot.begin();
                let _ = calls.send(Instant::now());
                drop(slot);
            });
        }
    }

    /// The most calls within any second, and how many there were a second in the last ones.
    fn rates(calls: &[Instant], last: Duration) -> (usize, f64) {
        let second = Duration::from_secs(1);
        let within = |(first, at): (usize, &Instant)| {
            calls[first..]
                .iter()
                .take_while(|call| **call - *at < second)
                .count()
        };
        let most = calls.iter().enumerate().map(within).max().unwrap();
        let end = *calls.last().unwrap();
        let late = calls.iter().filter(|call| end - **call < last).count();
        (most, late as f64 / last.as_secs_f64())
    }

    async fn play(senders: usize, pause: impl Fn(usize, u32) -> bool) -> (usize, f64) {
        let (report, mut reports) = mpsc::unbounded_channel();
        let mut table = Table(Vec::new());
        let mut running: Vec<(Presence, Arc<RateLimits>)> = Vec::new();
        for round in 0..100_u32 {
            // One more joins every 3 s.
            if running.len() < senders && round % 8 == 0 {
                let limits = Arc::new(RateLimits::new(NonZeroU32::new(PER_SECOND).unwrap()));
                tokio::spawn(send(Arc::clone(&limits), report.clone()));
                running.push((Presence::new(Uuid::now_v7(), PER_SECOND), limits));
            }
            for (place, (presence, limits)) in running.iter_mut().enumerate() {
                if !pause(place, round) {
                    table.beat(presence, limits);
                }
            }
            tokio::time::sleep(EVERY).await;
        }
        let mut calls = Vec::new();
        while let Ok(call) = reports.try_recv() {
            calls.push(call);
        }
        rates(&calls, Duration::from_secs(10))
    }

    // shows: B91
    #[tokio::test(start_paused = true)]
    async fn senders_that_join_never_exceed_a_numbers_rate_together_and_use_nearly_all_of_it() {
        for senders in [1, 2, 3, 5] {
            let (most, rate) = play(senders, |_, _| false).await;

            assert!(most <= 80, "{senders} senders: {most}");
            assert!(rate >= 76.0, "{senders} senders: {rate}");
        }
    }

    // shows: B91
    #[tokio::test(start_paused = true)]
    async fn a_sender_that_was_silent_joins_again_before_it_sends() {
        // The first is silent for 8 s, and the second takes over its share.
        let (most, rate) = play(2, |place, round| place == 0 && (30..50).contains(&round)).await;

        assert!(most <= 80, "{most}");
        assert!(rate >= 76.0, "{rate}");
    }

    #[test]
    fn the_shares_of_all_senders_are_the_rate() {
        for senders in 1..=80 {
            let of = |place| Share {
                place,
                senders: NonZeroU32::new(senders).unwrap(),
                until: Instant::now(),
            };
            let all: u32 = (0..senders).map(|place| of(place).of(PER_SECOND)).sum();
            assert_eq!(all, PER_SECOND, "{senders}");
        }
    }
}
