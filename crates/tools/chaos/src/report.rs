//! The table at the end: what was played, what came of it, and the numbers that must be 0.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::bookings::Season;
use crate::cluster::Judged;
use crate::fault::Fault;
use crate::monitoring::{self, Seen};
use crate::recovery::Measured;
use crate::results::Findings;
use crate::results::evidence::Counts;
use crate::screen::Screen;
use crate::settings::Settings;
use crate::traffic::Sent;

/// What says no more than that the sender shall try again: the body came too slowly, or too much came at once. An ingest
/// that stood still finds a body slow.
const TRY_AGAIN: [u16; 2] = [408, 429];
/// How long things took; `None` where they did not come to an end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Until the last event was accepted.
    pub(crate) traffic: Duration,
    /// From the end of the last fault until all six worked and nothing lay behind.
    pub(crate) caught_up: Option<Duration>,
    /// From the end of the traffic until nothing was under way any more.
    pub(crate) quiet: Option<Duration>,
}

/// Everything that is known in the end.
pub(crate) struct Results<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) season: &'a Season,
    pub(crate) faults: Vec<Fault>,
    /// Of a night in a cluster.
    pub(crate) stops: Vec<Judged>,
    /// What such a night looks at besides, each with what should not be.
    pub(crate) night: Vec<(&'static str, Vec<String>)>,
    pub(crate) times: Times,
    pub(crate) sent: &'a Sent,
    pub(crate) recovery: Vec<Measured>,
    pub(crate) letters: usize,
    pub(crate) findings: Findings,
    pub(crate) ledger: Vec<String>,
    pub(crate) broken_rules: Vec<String>,
    pub(crate) dead_events: u32,
    pub(crate) deserters: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) counts: Counts,
    pub(crate) taken: usize,
}

impl Results<'_> {
    /// Shows the table, writes down what should not be, and returns how many of the bad numbers are not 0.
    pub(crate) fn show(self, screen: &Screen) -> anyhow::Result<usize> {
        self.show_faults(screen);
        self.show_stops(screen);
        self.show_numbers(screen);
        screen.title("Bad numbers");
        let file = self.settings.logs.join("findings.txt");
        let bad = self.bad_numbers();
        let mut text = String::new();
        for (name, found) in &bad {
            screen.bad_number(name, found.len());
            for one in found {
                let _ = writeln!(text, "{name}: {one}");
            }
        }
        fs::write(file, text)?;
        Ok(bad.iter().filter(|(_, found)| !found.is_empty()).count())
    }

    fn show_faults(&self, screen: &Screen) {
        screen.title("Faults");
        let mut kinds = BTreeMap::<String, usize>::new();
        for fault in &self.faults {
            *kinds.entry(fault.kind()).or_default() += 1;
        }
        for (kind, count) in kinds {
            screen.number(&kind, &count.to_string());
        }
    }

    fn show_stops(&self, screen: &Screen) {
        if self.stops.is_empty() {
            return;
        }
        screen.title("How long nothing was accepted, applied, sent");
        for stop in &self.stops {
            screen.number(&stop.name, &stop.summary());
        }
    }

    fn show_numbers(&self, screen: &Screen) {
        screen.title("What came of it");
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f32());
        let or_never = |time: Option<Duration>| time.map_or("never".to_owned(), seconds);
        let repeated = format!(
            "{} (and {} sent again)",
            self.sent.accepted(),
            self.sent.repeated()
        );
        screen.number("events accepted", &repeated);
        screen.number("time until the last was accepted", &seconds(self.times.traffic));
        for (status, count) in self.sent.refusals() {
            let answer = if status == 0 {
                "no answer".to_owned()
            } else {
                format!("answered with {status}")
            };
            screen.number(&format!("tries of platforms: {answer}"), &count.to_string());
        }
        screen.number("messages taken by WhatsApp", &self.taken.to_string());
        for (name, count) in self.must_come_of_it() {
            screen.number(name, &count.to_string());
        }
        screen.number("letters of messages", &self.letters.to_string());
        let fired: Vec<&str> = self.seen.fired.iter().map(String::as_str).collect();
        let fired = if fired.is_empty() {
            "none".to_owned()
        } else {
            fired.join(", ")
        };
        screen.number("alerts of Prometheus that fired", &fired);
        for measured in &self.recovery {
            screen.number(&measured.sign.to_string(), &measured.summary());
        }
        screen.number(
            "after the last fault: all caught up after",
            &or_never(self.times.caught_up),
        );
        screen.number(
            "after the last event: all quiet after",
            &or_never(self.times.quiet),
        );
    }

    /// What a long run must bring about: else it has tried nothing.
    fn must_come_of_it(&self) -> [(&'static str, i64); 4] {
        let counts = &self.counts;
        [
            ("reminders withdrawn before their claim", counts.withdrawn),
            (
                "of these as the guest had booked elsewhere",
                counts.booked_elsewhere,
            ),
            ("reminders confirmed against during their call", counts.in_flight),
            ("messages sent once more by evidence", counts.sent_once_more),
        ]
    }

    /// What did not happen, so that the other numbers say nothing about it.
    fn untried(&self) -> Vec<String> {
        let must = self.must_come_of_it().into_iter();
        // A short run is too short for all but this, and in a cluster no sender dies during a call.
        let brings_all = self.settings.is_long() && self.settings.cluster.is_none();
        let must = must.take(if brings_all { usize::MAX } else { 1 });
        let faults = ("faults", i64::try_from(self.faults.len()).unwrap_or(i64::MAX));
        let untried = must.chain([faults]).filter(|(_, count)| *count == 0);
        untried.map(|(name, _)| format!("{name}: none")).collect()
    }

    fn bad_numbers(self) -> Vec<(&'static str, Vec<String>)> {
        let refused = self.sent.refusals().into_iter();
        let refused =
            refused.filter(|(status, _)| (400..500).contains(status) && !TRY_AGAIN.contains(status));
        let unaccepted = self.season.webhooks.len() - self.sent.accepted().min(self.season.webhooks.len());
        let untried = self.untried();
        let answers = self.sent.refusals().into_iter();
        let failed = answers
            .filter(|(status, _)| *status == 503)
            .map(|(_, count)| count)
            .sum();
        let alerts = monitoring::judge(&self.seen.fired, &self.faults, failed);
        let too_slow = self.recovery.iter().flat_map(Measured::too_slow).collect();
        let mut event_letters = self.counts.event_letters;
        event_letters.extend((0..self.dead_events).map(|_| "in the queue dead.events".to_owned()));
        let restless = self.times.quiet.is_none() || self.times.caught_up.is_none();
        let too_long = self.stops.iter().filter(|stop| stop.is_too_long());
        let too_long = too_long
            .map(|stop| format!("{}: {}", stop.name, stop.summary()))
            .collect();
        let mut bad = self.findings.0;
        if !self.stops.is_empty() {
            bad.extend(self.night);
            bad.push(("stops that were longer than is aimed at", too_long));
        }
        bad.extend([
            (
                "events never accepted",
                vec!["the last answers are in the ingests' logs".to_owned(); unaccepted],
            ),
            (
                "events refused as if they were wrong",
                refused
                    .map(|(status, times)| format!("answered with {status}, {times} times"))
                    .collect(),
            ),
            (
                "reminders claimed after a confirmation",
                self.counts.reminders_after_confirmation,
            ),
            ("reminders of which that cannot be said", self.counts.unjudged),
            ("letters of events", event_letters),
            ("signs of recovery that came too late", too_slow),
            ("what was to be tried and did not happen", untried),
            ("findings of desk ledger check", self.ledger),
            ("calls that broke a rule, by desk report", self.broken_rules),
            ("programs that ended by themselves", self.deserters),
            (
                "alerts that the faults do not explain, or that are missing",
                alerts,
            ),
            ("queries of dashboards without an answer", self.seen.unanswered),
            (
                "something under way that did not move any more",
                vec![
                    "not all six ready, or not all events and reports applied".to_owned();
                    usize::from(restless)
                ],
            ),
        ]);
        bad
    }
}
