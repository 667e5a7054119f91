//! One transaction that applies many events.
//!
//! The order of the steps: wait for erasures and load their tombstones, collect the handlers' effects, insert the events'
//! ids, lock every booking that could be touched (in the order of keys), merge, plan, write. Reports on messages go in a
//! transaction of their own, since they find their bookings by the message.

mod dedup;
mod guest_updates;
mod merge;
mod replies;
mod stop_confirmations;
mod tombstones;
mod writers;

use std::collections::BTreeSet;

use domain::message_record::Judging;
use store::planning::{Planned, Planner};
use store::results::Outcome;
use store::template_categories::{self, Recategorised};
use store::{Connection, StoreError, results};

use self::tombstones::Arrival;
use super::event::{Content, EventOutcome, Opened};
use crate::effects::Effects;
use crate::handlers::{self, Arrived, Notified};
use crate::notices::Notice;

#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// One for each event, in their order.
    pub(crate) outcomes: Vec<EventOutcome>,
    pub(crate) planned: Planned,
    /// The results of reports on messages, with what was planned for their bookings.
    pub(crate) reported: Outcome,
    /// The holds of templates whose categories changed.
    pub(crate) recategorised: Recategorised,
    /// To be logged after the commit.
    pub(crate) notices: Vec<Notice>,
    /// Keys of events that are stops of writers who match no guest, also of those whose ids were stored already.
    pub(crate) unmatched_stops: BTreeSet<String>,
}

/// Applies events within the caller's transaction. Reports must not be mixed with others.
pub(crate) fn apply(
    connection: &mut Connection,
    planner: &Planner,
    judging: &Judging,
    events: &[Opened],
) -> Result<Applied, StoreError> {
    let arrivals = tombstones::load(connection, planner, events)?;
    let each: Vec<Effects> = arrivals.iter().map(|one| effects(planner, one)).collect();
    let outcomes = dedup::insert_new(connection, &arrivals, &each)?;
    let (mut new, mut known) = (Effects::default(), Effects::default());
    for (effects, outcome) in each.into_iter().zip(&outcomes) {
        match outcome {
            EventOutcome::Duplicate => known.add(effects),
            EventOutcome::Applied | EventOutcome::Ignored => new.add(effects),
        }
    }
    let guest_updates = std::mem::take(&mut new.guest_updates);
    // A crash after the commit may have kept the dead letter of a known stop from being published.
    let again = guest_updates::resolve(connection, planner, &known.guest_updates)?;
    let resolved = guest_updates::resolve(connection, planner, &guest_updates)?;
    let mut unmatched_stops = guest_updates::unmatched_stops(connection, &again)?;
    unmatched_stops.extend(guest_updates::unmatched_stops(connection, &resolved)?);
    new.add(replies::effects(connection, planner, &resolved)?);
    // Holds are locked before bookings.
    let recategorised = template_categories::learn(connection, planner, std::mem::take(&mut new.categories))?;
    let (planned, notices) = merge::carry_out(connection, planner, &new, &resolved)?;
    new.notices.extend(notices);
    let reported = match new.reports.as_slice() {
        [] => Outcome::default(),
        reports => results::record_reports(connection, planner, judging, reports)?,
    };
    Ok(Applied {
        outcomes,
        planned,
        reported,
        recategorised,
        notices: new.notices,
        unmatched_stops,
    })
}

fn effects(planner: &Planner, arrival: &Arrival<'_>) -> Effects {
    let (opened, erased_at) = (arrival.opened, arrival.erased_at);
    let received_at = opened.envelope.received_at;
    let effects = match &*opened.content {
        Content::Event(event) => handlers::of_event(
            planner,
            &Arrived {
                event,
                received_at,
                erased_at,
            },
        ),
        Content::Update(update) => handlers::of_update(&Notified {
            key: opened.key(),
            update,
            received_at,
            erased_at,
        }),
        Content::Fetch => Effects::default(),
    };
    effects.in_trace(opened.trace)
}
