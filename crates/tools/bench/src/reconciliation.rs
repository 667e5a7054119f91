//! Reconciles a round: each webhook that was answered with 200 has its call, and none has two.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use testkit::world::PATIENCE;

use crate::load::Sent;
use crate::sink::{Call, Sink};
use crate::stage::Stage;
use crate::webhook::booking;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many bookings an error names.
const NAMED: usize = 10;

/// Waits until so many calls have come, or none for half a minute.
pub(crate) async fn until_called(sink: &Sink, count: usize) {
    let (mut last, mut grown_at) = (0, Instant::now());
    while sink.count() < count && grown_at.elapsed() < PATIENCE {
        if sink.count() > last {
            (last, grown_at) = (sink.count(), Instant::now());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Compares, and returns each webhook's call. What does not balance is an error that names the bookings, and what Bellhop
/// knows of those that have no call.
pub(crate) async fn reconcile(
    stage: &Stage,
    sent: &Sent,
    calls: &[Call],
) -> anyhow::Result<HashMap<u32, Call>> {
    match compare(sent, calls) {
        Ok(by_guest) => Ok(by_guest),
        Err(unbalanced) => {
            let known = known_of(stage, &unbalanced.lost).await?;
            anyhow::bail!("{unbalanced}{known}")
        }
    }
}

/// One line for each of the first bookings that have no call.
async fn known_of(stage: &Stage, lost: &[u32]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for guest in lost.iter().take(NAMED) {
        let booking = booking(*guest);
        let query = format!(
            "SELECT concat_ws(' ', b.key, b.status, 'created', b.created_at, 'now', now(), m.kind, m.state, m.reason, \
                 'published', m.publishes, 'next', m.publish_at, 'attempts', m.attempts, 'claimed', m.claimed_at, 'sent', \
                 m.sent_at, m.delivery) AS text \
             FROM bookings b LEFT JOIN messages m ON m.booking_key = b.key WHERE b.id = '{booking}'"
        );
        let known = stage.database.lines(&query).await?;
        if known.is_empty() {
            lines.push_str(&format!("\n{booking} is unknown"));
        }
        known.iter().for_each(|line| lines.push_str(&format!("\n{line}")));
    }
    Ok(lines)
}

/// What does not balance.
#[derive(Debug)]
struct Unbalanced {
    sent: usize,
    lost: Vec<u32>,
    twice: Vec<u32>,
    foreign: Vec<u32>,
}

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            lost,
            twice,
            foreign,
        } = self;
        write!(
            f,
            "the round does not reconcile: of {sent} webhooks that were answered with 200, {} have no call{}, {} have \
             several{}, and {} calls belong to none{}",
            lost.len(),
            names(lost),
            twice.len(),
            names(twice),
            foreign.len(),
            names(foreign)
        )
    }
}

fn compare(sent: &Sent, calls: &[Call]) -> Result<HashMap<u32, Call>, Unbalanced> {
    let (mut by_guest, mut twice) = (HashMap::new(), Vec::new());
    for call in calls {
        if by_guest.insert(call.guest, call.clone()).is_some() {
            twice.push(call.guest);
        }
    }
    let guests = || sent.guests.iter().map(|(guest, _)| *guest);
    let lost: Vec<u32> = guests().filter(|guest| !by_guest.contains_key(guest)).collect();
    let known: std::collections::HashSet<u32> = guests().collect();
    let foreign: Vec<u32> = by_guest
        .keys()
        .copied()
        .filter(|guest| !known.contains(guest))
        .collect();
    if lost.is_empty() && twice.is_empty() && foreign.is_empty() {
        return Ok(by_guest);
    }
    Err(Unbalanced {
        sent: sent.guests.len(),
        lost,
        twice,
        foreign,
    })
}

fn names(guests: &[u32]) -> String {
    if guests.is_empty() {
        return String::new();
    }
    let named: Vec<String> = guests.iter().take(NAMED).map(|guest| booking(*guest)).collect();
    let more = if guests.len() > NAMED { ", …" } else { "" };
    format!(" ({}{more})", named.join(", "))
}

/// As [`reconcile`], and how long after its time each webhook's call came.
pub(crate) async fn lateness(stage: &Stage, sent: &Sent, calls: &[Call]) -> anyhow::Result<Vec<Duration>> {
    let by_guest = reconcile(stage, sent, calls).await?;
    let late = |(guest, due): &(u32, Instant)| Some(by_guest.get(guest)?.at.duration_since(*due));
    Ok(sent.guests.iter().filter_map(late).collect())
}

/// Calls in a second, between the first and the last.
pub(crate) fn rate_of(calls: &[Call]) -> f64 {
    let first = calls.iter().map(|call| call.at).min();
    let last = calls.iter().map(|call| call.at).max();
    let (Some(first), Some(last)) = (first, last) else {
        return 0.0;
    };
    calls.len().saturating_sub(1) as f64 / last.duration_since(first).as_secs_f64().max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(guests: &[u32]) -> Sent {
        Sent {
            guests: guests.iter().map(|guest| (*guest, Instant::now())).collect(),
            ..Sent::default()
        }
    }

    fn call(guest: u32) -> Call {
        Call {
            guest,
            number: "1".into(),
            at: Instant::now(),
        }
    }

    #[test]
    fn a_webhook_without_a_call_and_one_with_two_are_named() {
        let [one, two, three] = [40_000_001, 40_000_002, 40_000_003];
        let error = compare(&sent(&[one, two, three]), &[call(one), call(three), call(three)]);

        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("1 have no call (BK-2), 1 have several (BK-3)"),
            "{text}"
        );
        assert_eq!(
            compare(&sent(&[one, two]), &[call(two), call(one)])
                .unwrap()
                .len(),
            2
        );
    }
}
