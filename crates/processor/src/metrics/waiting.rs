//! Figures of the whole that tell what waits: messages, timers, calls, dead letters, and RabbitMQ's queues.

use broker::topology::{Depths, Queue};
use chrono::{DateTime, Utc};
use domain::dead_letter::DeadLetterReason;
use domain::message::MessageState::{Held, Queued};
use domain::overview::{Figure, Overview};
use service::metrics::{Gauge, IntGauge, IntGaugeVec, MetricError, Metrics};
use store::figures::Figures;

/// The label of reasons that only a newer version knows.
const UNKNOWN: &str = "unknown";

#[derive(Clone)]
pub(crate) struct WaitingMetrics {
    due_messages: IntGaugeVec,
    oldest_due_message: Gauge,
    open_letters: IntGaugeVec,
    oldest_open_letter: Gauge,
    written_at: Gauge,
    oldest_due_timer: Gauge,
    unresolved_calls: IntGauge,
    queued: IntGaugeVec,
}

impl WaitingMetrics {
    pub(super) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            due_messages: metrics.gauges(
                "bellhop_due_messages",
                "Messages whose time has come and that did not go yet, in the whole database, by state.",
                &["state"],
            )?,
            oldest_due_message: metrics.number(
                "bellhop_oldest_due_message_seconds",
                "For how long the queued message has been due that has been due for longest, in the whole database.",
            )?,
            open_letters: metrics.gauges(
                "bellhop_open_letters",
                "Open dead letters that are stored, in the whole database, by reason.",
                &["reason"],
            )?,
            oldest_open_letter: metrics.number(
                "bellhop_oldest_open_letter_seconds",
                "Age of the oldest open dead letter, in the whole database.",
            )?,
            written_at: metrics.number(
                "bellhop_figures_timestamp_seconds",
                "When the figures of the whole that are made once a minute were made, Unix time.",
            )?,
            oldest_due_timer: metrics.number(
                "bellhop_oldest_due_timer_seconds",
                "For how long the timer has been due that has been due for longest, in the whole database.",
            )?,
            unresolved_calls: metrics.gauge(
                "bellhop_unresolved_calls",
                "Calls without a known outcome, in the whole database.",
            )?,
            queued: metrics.gauges(
                "bellhop_queue_messages",
                "Messages that are ready in a queue of RabbitMQ, without those that a consumer holds.",
                &["queue"],
            )?,
        })
    }

    pub(super) fn show(&self, figures: &Figures) {
        self.oldest_due_timer.set(figures.oldest_due_timer_seconds);
        self.unresolved_calls.set(figures.unresolved_calls);
        if let Some((overview, written_at)) = &figures.overview {
            self.show_overview(overview, *written_at);
        }
    }

    /// Ages count up to the time of writing: a message may have gone since.
    fn show_overview(&self, overview: &Overview, written_at: DateTime<Utc>) {
        let since_1970 = written_at - DateTime::UNIX_EPOCH;
        self.written_at.set(since_1970.as_seconds_f64());
        for state in [Queued, Held] {
            let due = count(&overview.due, |figure| figure.name == state.as_str());
            self.due_messages.with_label_values(&[state.as_str()]).set(due);
        }
        let is_queued = |figure: &&Figure| figure.name == Queued.as_str();
        let queued = overview.due.iter().filter(is_queued);
        self.oldest_due_message.set(age(queued, written_at));
        for reason in reasons() {
            let letters = count(&overview.letters, |figure| label(&figure.name) == reason);
            self.open_letters.with_label_values(&[reason]).set(letters);
        }
        self.oldest_open_letter
            .set(age(overview.letters.iter(), written_at));
    }

    /// What the processor with the figures sees of the queues. While RabbitMQ is away the last numbers stay.
    pub(crate) fn show_queues(&self, depths: Option<Depths>) {
        let Some(depths) = depths else { return };
        for queue in Queue::ALL {
            let ready = match queue {
                Queue::Events => depths.events,
                Queue::Messages => depths.messages,
                Queue::DeadEvents => depths.dead_events,
                Queue::DeadMessages => depths.dead_messages,
            };
            self.queued
                .with_label_values(&[queue.name()])
                .set(i64::from(ready));
        }
    }

    pub(super) fn reset(&self) {
        for state in [Queued, Held] {
            self.due_messages.with_label_values(&[state.as_str()]).set(0);
        }
        for reason in reasons() {
            self.open_letters.with_label_values(&[reason]).set(0);
        }
        for seconds in [
            &self.oldest_due_message,
            &self.oldest_open_letter,
            &self.written_at,
            &self.oldest_due_timer,
        ] {
            seconds.set(0.0);
        }
        self.unresolved_calls.set(0);
        self.show_queues(Some(Depths::default()));
    }
}

fn reasons() -> impl Iterator<Item = &'static str> {
    let known = DeadLetterReason::ALL.iter().map(|reason| reason.as_str());
    known.chain([UNKNOWN])
}

fn label(reason: &str) -> &'static str {
    let known = reason.parse::<DeadLetterReason>();
    known.map_or(UNKNOWN, DeadLetterReason::as_str)
}

fn count(figures: &[Figure], is_meant: impl Fn(&Figure) -> bool) -> i64 {
    let meant = figures.iter().filter(|figure| is_meant(figure));
    meant.map(|figure| figure.count).sum()
}

/// The age of the oldest at a time, in seconds; 0 where there is none.
fn age<'a>(figures: impl Iterator<Item = &'a Figure>, at: DateTime<Utc>) -> f64 {
    let oldest = figures.filter_map(|figure| figure.oldest).min();
    oldest.map_or(0.0, |oldest| (at - oldest).as_seconds_f64().max(0.0))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn figure(name: &str, count: i64, oldest: DateTime<Utc>) -> Figure {
        Figure {
            resort: None,
            name: name.to_owned(),
            count,
            oldest: Some(oldest),
        }
    }

    #[test]
    fn the_figures_of_all_resorts_are_added_up_and_ages_are_those_of_the_oldest() {
        let metrics = Metrics::new("processor", "0").unwrap();
        let waiting = WaitingMetrics::new(&metrics).unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ago = |seconds| now - TimeDelta::seconds(seconds);
        let overview = Overview {
            letters: vec![
                figure("refused", 2, ago(50)),
                figure("refused", 3, ago(70)),
                figure("of_next_year", 1, ago(60)),
            ],
            due: vec![
                figure("queued", 4, ago(90)),
                figure("held", 1, ago(900)),
                figure("queued", 1, ago(30)),
            ],
            ..Overview::default()
        };

        waiting.show_overview(&overview, now);
        waiting.show_queues(Some(Depths {
            dead_events: 7,
            ..Depths::default()
        }));
        waiting.show_queues(None);

        let shown = metrics.render();
        for line in [
            "bellhop_open_letters{reason=\"refused\"} 5",
            "bellhop_open_letters{reason=\"unknown\"} 1",
            "bellhop_oldest_open_letter_seconds 70",
            "bellhop_due_messages{state=\"queued\"} 5",
            "bellhop_due_messages{state=\"held\"} 1",
            "bellhop_oldest_due_message_seconds 90",
            "bellhop_figures_timestamp_seconds 1800000000",
            "bellhop_queue_messages{queue=\"dead.events\"} 7",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
        }

        waiting.reset();

        let shown = metrics.render();
        let left: Vec<&str> = shown
            .lines()
            .filter(|line| !line.starts_with('#') && !line.ends_with(" 0"))
            .filter(|line| line.contains("letter") || line.contains("due") || line.contains("queue"))
            .collect();
        assert_eq!(left, [] as [&str; 0]);
        assert!(
            shown.contains("bellhop_open_letters{reason=\"unreachable\"} 0"),
            "{shown}"
        );
    }
}
