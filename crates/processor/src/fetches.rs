//! Fetches: what a webhook left out is asked of its platform, and the answer is published as an ordinary event.
//!
//! A webhook that only names a booking is a row of work. The loop claims rows source by source, at each source's pace and a few at
//! once, so that a slow platform delays no other; the claim is committed before the call, which no transaction waits for. A row
//! goes once what came of it is confirmed by RabbitMQ: a process that dies before that leaves it to another one, which publishes
//! the same event again, a duplicate by its id.

mod answer;
mod call;
mod failure;
mod settle;
mod tokens;

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::publisher::Publisher;
use domain::ids::SourceId;
use service::{Stop, crash};
use settings::SourceRules;
use settings::fetch::Fetch;
use store::fetches::{self, Claimed, Terms};
use store::{Connection, StoreError};
use tokio::task::JoinSet;

use self::answer::{Answered, Unusable};
use self::failure::GIVEN_UP_AFTER;
use self::settle::Outcome;
use crate::claimed_calls::{ClaimedCalls, LONGEST_SLEEP, sleep_after};
use crate::context::Context;
use crate::places::{Place, Places};

pub(crate) use self::call::Caller;

/// Calls of one source at once, of this process.
const AT_ONCE: usize = 4;
/// Beyond its source's time limit, what a call needs to publish what came of it.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Fetches(Arc<Shared>);

struct Shared {
    context: Arc<Context>,
    publisher: Publisher,
    caller: Caller,
    stop: Stop,
    places: Places<SourceId>,
}

impl Fetches {
    pub(crate) fn new(context: Arc<Context>, publisher: Publisher, caller: Caller, stop: Stop) -> Self {
        Self(Arc::new(Shared {
            context,
            publisher,
            caller,
            stop,
            places: Places::new(AT_ONCE),
        }))
    }
}

impl ClaimedCalls for Fetches {
    const STEP: &'static str = "claim fetches";

    fn context(&self) -> &Context {
        &self.0.context
    }

    fn stop(&self) -> &Stop {
        &self.0.stop
    }

    fn woken(&self) -> impl Future<Output = ()> + Send {
        self.0.context.fetches_due.notified()
    }

    /// Claims one fetch of each source that may be asked now and begins its call, and returns how long to sleep.
    async fn step(&self, calls: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        // Without RabbitMQ nothing could be published.
        if !self.0.publisher.status().borrow().is_ready() {
            return Ok(LONGEST_SLEEP);
        }
        let waiting = self.0.context.store.run(fetches::list_waiting).await?;
        let (mut pause, mut has_claimed) = (LONGEST_SLEEP, false);
        for one in waiting {
            let rules = self.0.context.files.current().source_rules(&one.source).cloned();
            let fetch = rules.as_ref().and_then(|rules| rules.fetch.clone());
            let (Some(rules), Some(fetch)) = (rules, fetch) else {
                self.0.tell_without_rules(&one.source);
                continue;
            };
            let Some(place) = self.0.places.take(&one.source) else {
                continue; // The end of a call wakes the loop.
            };
            if !one.after.is_zero() {
                pause = pause.min(one.after);
                continue;
            }
            let terms = terms(&fetch);
            let source = one.source.clone();
            let claim = move |connection: &mut Connection| fetches::claim(connection, &source, terms);
            pause = Duration::ZERO;
            if let Some(claimed) = self.0.context.store.transaction(claim).await? {
                crash::point("processor.fetches.claimed");
                has_claimed = true;
                calls.spawn(carry_out(Arc::clone(&self.0), rules, fetch, claimed, place));
            }
        }
        Ok(sleep_after(has_claimed, pause))
    }
}

fn terms(fetch: &Fetch) -> Terms {
    let per_second = NonZeroU32::get(fetch.per_second);
    Terms {
        interval: Duration::from_secs(1) / per_second,
        lease: fetch.timeout + LEASE_MARGIN,
        given_up_after: GIVEN_UP_AFTER,
    }
}

async fn carry_out(
    shared: Arc<Shared>,
    rules: Arc<SourceRules>,
    fetch: Fetch,
    claimed: Claimed,
    place: Place<SourceId>,
) {
    let outcome = shared.ask(&rules, &fetch, &claimed).await;
    // A step of Postgres that fails leaves the row to its lease.
    if let Err(error) = shared.settle(&claimed, outcome).await {
        shared.context.postgres_failed("record a fetch", &error, 1);
    }
    drop(place);
}

impl Shared {
    /// Asks the platform, and publishes what its answer comes to.
    async fn ask(&self, rules: &Arc<SourceRules>, fetch: &Fetch, claimed: &Claimed) -> Outcome {
        let kept = match answer::open(&self.context.ring, claimed) {
            Ok(kept) => kept,
            Err(Unusable::Emptied) => return Outcome::Ignored,
            Err(Unusable::UnknownKey(why)) => return Outcome::Later { why },
            Err(Unusable::Damaged) => return Outcome::DeadLetter("its stored request is damaged".to_owned()),
        };
        let Some(booking) = &claimed.booking else {
            return Outcome::DeadLetter("its stored booking is damaged".to_owned());
        };
        let files = self.context.files.current();
        let id = answer::asked_id(&self.context.ring, &files, rules, &kept);
        let id = id.unwrap_or_else(|| booking.booking.to_string());
        let began_at = Instant::now();
        let asked = tokio::select! {
            asked = self.caller.ask(fetch, &id) => asked,
            () = self.stop.stopped() => return Outcome::Interrupted,
        };
        self.context
            .metrics
            .fetch_seconds
            .observe(began_at.elapsed().as_secs_f64());
        let body = match asked {
            Ok(body) => body,
            Err(failure) => return Outcome::Failed(failure),
        };
        crash::point("processor.fetches.answered");
        let (ring, files, rules) = (
            Arc::clone(&self.context.ring),
            self.context.files.current(),
            Arc::clone(rules),
        );
        let head = claimed.without_body();
        let mapping = move || answer::map(&ring, &files, &rules, &head, &kept, &body);
        match tokio::task::spawn_blocking(mapping).await {
            Ok(Answered::Events(events)) => self.publish(events).await,
            Ok(Answered::Ignored) => Outcome::Ignored,
            Ok(Answered::NotJson) => Outcome::Failed(failure::Failure::passing("the answer is not JSON")),
            Ok(Answered::Unmappable(faults)) => Outcome::DeadLetter(faults),
            Ok(Answered::ResortUnavailable) => Outcome::Later {
                why: "the file of its resort cannot be read".to_owned(),
            },
            Err(_) => Outcome::DeadLetter("the mapping of the answer panicked".to_owned()),
        }
    }

    async fn publish(&self, events: Vec<broker::publisher::Outgoing>) -> Outcome {
        for event in events {
            if let Err(error) = self.publisher.publish(event).await {
                return Outcome::Unpublished(error);
            }
        }
        crash::point("processor.fetches.published");
        Outcome::Published
    }

    fn tell_without_rules(&self, source: &SourceId) {
        let alerts = &self.context.alerts;
        if alerts.is_due("fetch_without_file", source.as_str(), Instant::now()) {
            let file = format!("sources/{source}.toml");
            log::error!(source = source.as_str(), file = file, alert = "fetch_without_file";
                "webhooks wait: the file of their source cannot be read or has no [fetch]; `desk config check` names the error");
        }
    }
}
