//! When events were accepted and applied, and messages sent; and how long none was.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Timestamptz;

use crate::stage::Stage;
use crate::traffic::Sent;

/// An event's row is written once: by the transaction that applies it.
const APPLIED: &str = "SELECT pg_xact_commit_timestamp(xmin) AS at FROM events \
     WHERE source <> 'whatsapp' AND pg_xact_commit_timestamp(xmin) IS NOT NULL ORDER BY 1";

/// A part of the night, and how long work may stop in it.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    pub(crate) name: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    /// A stop that began before counts from then.
    pub(crate) counts_from: DateTime<Utc>,
    pub(crate) aim: Duration,
}

/// All moments of a night, each list in its order.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    accepted: Vec<DateTime<Utc>>,
    applied: Vec<DateTime<Utc>>,
    called: Vec<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// How long each kind of work stopped in a stretch.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) name: String,
    accepting: Duration,
    applying: Duration,
    sending: Duration,
    aim: Duration,
}

impl Moments {
    /// To be taken at the end.
    pub(crate) async fn gather(stage: &Stage, sent: &Sent) -> anyhow::Result<Self> {
        let applied = stage.postgres.list::<Applied>(APPLIED).await?;
        let accepted = sent.answers().into_iter().filter(|answer| answer.is_accepted());
        let mut called: Vec<_> = stage.whatsapp.calls().await?.iter().map(|call| call.at).collect();
        called.sort_unstable();
        Ok(Self {
            accepted: accepted.map(|answer| answer.at).collect(),
            applied: applied.into_iter().map(|row| row.at).collect(),
            called,
        })
    }

    /// What a stretch was like.
    pub(crate) fn judge(&self, stretch: &Stretch) -> Judged {
        Judged {
            name: stretch.name.clone(),
            accepting: longest_stop(&self.accepted, stretch),
            applying: longest_stop(&self.applied, stretch),
            sending: longest_stop(&self.called, stretch),
            aim: stretch.aim,
        }
    }
}

impl Judged {
    /// How it is shown.
    pub(crate) fn summary(&self) -> String {
        let [accepting, applying, sending, aim] =
            [self.accepting, self.applying, self.sending, self.aim].map(|time| time.as_secs_f32());
        format!("{accepting:4.1} s {applying:4.1} s {sending:4.1} s (aim {aim:.0} s)")
    }

    /// Whether any kind of work stopped for longer than it may.
    pub(crate) fn is_too_long(&self) -> bool {
        [self.accepting, self.applying, self.sending]
            .iter()
            .any(|time| *time > self.aim)
    }
}

/// The longest time between two neighbours that touches the stretch. Work that never went on stopped until its end.
fn longest_stop(moments: &[DateTime<Utc>], stretch: &Stretch) -> Duration {
    let before = moments.partition_point(|at| *at < stretch.from);
    let first = moments.get(before.saturating_sub(1)).copied();
    let (mut last, mut longest) = (first.unwrap_or(stretch.from), Duration::ZERO);
    for at in moments.iter().skip(before).copied().chain([stretch.until]) {
        let stopped = (at - last.max(stretch.counts_from)).to_std().unwrap_or_default();
        longest = longest.max(stopped);
        last = at;
        if at >= stretch.until {
            break;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn stop(moments: &[i64], [from, counts_from, until]: [i64; 3]) -> u64 {
        let moments: Vec<_> = moments.iter().map(|second| at(*second)).collect();
        let stretch = Stretch {
            name: String::new(),
            from: at(from),
            until: at(until),
            counts_from: at(counts_from),
            aim: Duration::ZERO,
        };
        longest_stop(&moments, &stretch).as_secs()
    }

    #[test]
    fn a_stop_is_the_longest_time_between_neighbours_that_touches_the_stretch() {
        assert_eq!(stop(&[0, 50, 51, 58, 59, 99], [52, 52, 59]), 6);
        assert_eq!(stop(&[0, 50, 51, 58, 59, 99], [52, 0, 59]), 7, "it began before");
        assert_eq!(stop(&[0, 50, 51, 55, 64, 99], [50, 50, 59]), 9, "it ended after");
        assert_eq!(stop(&[50, 80], [51, 60, 70]), 20, "from when it counts");
        assert_eq!(stop(&[50], [51, 51, 70]), 19, "it never went on");
        assert_eq!(stop(&[], [51, 51, 70]), 19);
    }
}
