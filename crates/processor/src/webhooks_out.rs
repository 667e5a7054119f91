//! Webhooks out: resorts' own tools are told what happened, signed as Standard Webhooks.
//!
//! Postgres's triggers write a row of work for each webhook, where the resort's file asks for it. The loop claims
//! rows resort by resort, a few at once, so that a slow receiver delays no other; the claim is committed before the call. A row
//! goes once its receiver has answered with success, or its dead letter is confirmed by RabbitMQ: a process that dies before that
//! leaves it to another one, which sends the same webhook again, under the same id.

mod alerts;
mod body;
mod call;
mod settle;

use std::future::{self, Future};
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::publisher::Publisher;
use domain::ids::ResortId;
use domain::webhook_out::WebhookEvent;
use outbound::Outbound;
use service::{Stop, crash};
use settings::Snapshot;
use settings::webhook_out::WebhookOut;
use store::webhooks_out::{self, Claimed, Subscriptions};
use store::{Connection, StoreError};
use tokio::task::JoinSet;

use self::body::Content;
use self::call::Failure;
use self::settle::Outcome;
use crate::claimed_calls::{ClaimedCalls, LONGEST_SLEEP, sleep_after};
use crate::context::Context;
use crate::http_clients::Clients;
use crate::places::{Place, Places};

/// Calls of one receiver at once, of this process.
const AT_ONCE: usize = 4;
/// When another process may take over: what a call and the record of it may take.
const LEASE: Duration = call::TIMEOUT.saturating_add(Duration::from_secs(30));

/// What a person hears who tries a resort that has no receiver.
const NO_RECEIVER: &str = "the resort's file has no [webhook_out]";

#[derive(Clone)]
pub(crate) struct WebhooksOut(Arc<Shared>);

struct Shared {
    context: Arc<Context>,
    publisher: Publisher,
    clients: Clients,
    stop: Stop,
    places: Places<ResortId>,
}

impl WebhooksOut {
    pub(crate) fn new(context: Arc<Context>, publisher: Publisher, outbound: Outbound, stop: Stop) -> Self {
        Self(Arc::new(Shared {
            context,
            publisher,
            clients: Clients::new(outbound),
            stop,
            places: Places::new(AT_ONCE),
        }))
    }
}

impl ClaimedCalls for WebhooksOut {
    const STEP: &'static str = "claim webhooks out";

    fn context(&self) -> &Context {
        &self.0.context
    }

    fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// Never: any program makes them.
    fn woken(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// Notes what the files say, claims one webhook of each resort and begins its call, and returns how long to sleep.
    async fn step(&self, calls: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        let Shared { context, places, .. } = &*self.0;
        let files = context.files.current();
        let (wanted, read) = (subscriptions(&files), Arc::clone(&files));
        let work = move |connection: &mut Connection| {
            webhooks_out::subscribe(connection, &wanted)?;
            alerts::tell(connection, &read)?;
            webhooks_out::list_waiting(connection)
        };
        let (mut pause, mut has_claimed) = (LONGEST_SLEEP, false);
        for one in context.store.transaction(work).await? {
            if !one.after.is_zero() {
                pause = pause.min(one.after);
                continue;
            }
            // A resort whose file cannot be read waits for it.
            let is_readable = files.resort(&one.resort).is_some();
            if !is_readable && files.resort_ids().any(|id| *id == one.resort) {
                continue;
            }
            let Some(place) = places.take(&one.resort) else {
                continue; // The end of a call wakes the loop.
            };
            let receiver = files.webhook_out(&one.resort).cloned();
            let claim =
                move |connection: &mut Connection| webhooks_out::claim(connection, &one.resort, LEASE);
            pause = Duration::ZERO;
            if let Some(claimed) = context.store.transaction(claim).await? {
                crash::point("processor.webhooks_out.claimed");
                has_claimed = true;
                calls.spawn(carry_out(Arc::clone(&self.0), receiver, claimed, place));
            }
        }
        Ok(sleep_after(has_claimed, pause))
    }
}

/// Who wants to know what, as the files say now.
fn subscriptions(files: &Snapshot) -> Subscriptions {
    let mut found = Subscriptions {
        with_file: files.resort_ids().cloned().collect(),
        ..Subscriptions::default()
    };
    for resort in files.resorts() {
        found.readable.insert(resort.id.clone());
        let events = files
            .webhook_out(&resort.id)
            .into_iter()
            .flat_map(|out| &out.events);
        found
            .wanted
            .extend(events.map(|event| (resort.id.clone(), *event)));
    }
    found
}

fn wants(receiver: &WebhookOut, event: WebhookEvent) -> bool {
    event == WebhookEvent::Ping || receiver.events.contains(&event)
}

async fn carry_out(
    shared: Arc<Shared>,
    receiver: Option<Arc<WebhookOut>>,
    claimed: Claimed,
    place: Place<ResortId>,
) {
    let outcome = shared.send(receiver.as_deref(), &claimed).await;
    // A step of Postgres that fails leaves the row to its lease.
    let settled = match outcome {
        Ok(outcome) => shared.settle(&claimed, outcome).await,
        Err(error) => Err(error),
    };
    if let Err(error) = settled {
        shared.context.postgres_failed("record a webhook out", &error, 1);
    }
    drop(place);
}

impl Shared {
    /// Sends a webhook to its receiver, if there is one that wants it.
    async fn send(&self, receiver: Option<&WebhookOut>, claimed: &Claimed) -> Result<Outcome, StoreError> {
        let webhook = &claimed.webhook;
        let Some(receiver) = receiver.filter(|receiver| wants(receiver, webhook.event)) else {
            return Ok(match webhook.event {
                WebhookEvent::Ping => Outcome::Failed(Failure::passing(NO_RECEIVER)),
                _ => Outcome::Unsubscribed,
            });
        };
        let (ring, asked) = (Arc::clone(&self.context.ring), webhook.clone());
        let reading = move |connection: &mut Connection| webhooks_out::bookings_of(connection, &ring, &asked);
        let bookings = self.context.store.run(reading).await?;
        let resort = self.context.files.current().resort(&webhook.resort);
        let content = Content {
            webhook,
            bookings: &bookings,
            country: resort.map(|resort| resort.country),
            with_guest: receiver.with_guest,
        };
        let Some(body) = content.body() else {
            return Ok(Outcome::Nobody);
        };
        let began_at = Instant::now();
        let sent = tokio::select! {
            sent = call::send(&self.clients, receiver, webhook.id, body) => sent,
            () = self.stop.stopped() => return Ok(Outcome::Interrupted),
        };
        crash::point("processor.webhooks_out.sent");
        let seconds = began_at.elapsed().as_secs_f64();
        self.context.metrics.webhooks_out.seconds.observe(seconds);
        Ok(match sent {
            Ok(()) => Outcome::Sent,
            Err(failure) => Outcome::Failed(failure),
        })
    }
}
