//! The table at the end: what was played, what came of it, and the numbers that must be 0.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::bookings::Season;
use crate::books::Findings;
use crate::books::evidence::Counts;
use crate::plan::Planned;
use crate::recovery::Measured;
use crate::screen::Screen;
use crate::settings::Settings;
use crate::traffic::Told;

/// So many letters may come of a hundred messages that WhatsApp took: calls that broke off twice, or with nobody around
/// them to give evidence.
const LETTERS_PERCENT: usize = 3;

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
pub(crate) struct Books<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) season: &'a Season,
    pub(crate) faults: &'a [Planned],
    pub(crate) times: Times,
    pub(crate) told: &'a Told,
    pub(crate) recovery: BTreeMap<String, Measured>,
    pub(crate) findings: Findings,
    pub(crate) ledger: Vec<String>,
    pub(crate) dead_events: u32,
    pub(crate) deserters: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) taken: usize,
}

impl Books<'_> {
    /// Shows the table, writes down what should not be, and returns how many of the bad numbers are not 0.
    pub(crate) fn show(self, screen: &Screen) -> anyhow::Result<usize> {
        self.show_faults(screen);
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
        for one in self.faults {
            *kinds.entry(one.fault.kind()).or_default() += 1;
        }
        for (kind, count) in kinds {
            screen.number(&kind, &count.to_string());
        }
    }

    fn show_numbers(&self, screen: &Screen) {
        screen.title("What came of it");
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f32());
        let or_never = |time: Option<Duration>| time.map_or("never".to_owned(), seconds);
        let counts = &self.counts;
        let repeated = format!(
            "{} (and {} told again)",
            self.told.accepted(),
            self.told.repeated()
        );
        screen.number("events accepted", &repeated);
        screen.number("time until the last was accepted", &seconds(self.times.traffic));
        for (status, count) in self.told.refusals() {
            let answer = if status == 0 {
                "no answer".to_owned()
            } else {
                format!("answered with {status}")
            };
            screen.number(&format!("tries of platforms: {answer}"), &count.to_string());
        }
        screen.number("messages taken by WhatsApp", &self.taken.to_string());
        screen.number(
            "reminders withdrawn before their claim",
            &counts.withdrawn.to_string(),
        );
        screen.number(
            "reminders confirmed against during their call",
            &counts.in_flight.to_string(),
        );
        screen.number(
            "messages sent once more by evidence",
            &counts.sent_once_more.to_string(),
        );
        screen.number("letters of messages", &counts.message_letters.len().to_string());
        for (name, measured) in &self.recovery {
            let longest = format!("{} at most (of {})", seconds(measured.longest), measured.times);
            screen.number(name, &longest);
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

    fn bad_numbers(mut self) -> Vec<(&'static str, Vec<String>)> {
        let refused = self.told.refusals().into_iter();
        let refused = refused.filter(|(status, _)| (400..500).contains(status) && *status != 429);
        let unaccepted = self.season.tellings.len() - self.told.accepted().min(self.season.tellings.len());
        let mut event_letters = self.counts.event_letters;
        event_letters.extend((0..self.dead_events).map(|_| "in the queue dead.events".to_owned()));
        let too_many = self.counts.message_letters.split_off(
            self.counts
                .message_letters
                .len()
                .min(self.taken * LETTERS_PERCENT / 100),
        );
        let restless = self.times.quiet.is_none() || self.times.caught_up.is_none();
        let mut bad = self.findings.0;
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
            ("letters of messages beyond 3 % of those taken", too_many),
            ("findings of desk ledger check", self.ledger),
            ("programs that ended by themselves", self.deserters),
            (
                "something under way that did not move for 150 s",
                vec![
                    "not all six ready, or not all events and reports applied".to_owned();
                    usize::from(restless)
                ],
            ),
        ]);
        bad
    }
}
