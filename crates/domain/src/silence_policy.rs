//! Decides about a call whose outcome stays unknown: wait, send the message again, or ask a person.
//!
//! The evidence is the calls of the same number in the minute after it. If enough of them were accepted, and
//! WhatsApp has reported a status of every one, it would have reported one of this call too, had it accepted it.
//! That is evidence, not proof, so a message is sent again for this reason once at most.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How many neighbours must have been accepted; all of them must have been reported.
const NEIGHBOURS: u32 = 5;
/// Neighbours are the calls of the same number that were claimed within this time after the call.
const NEIGHBOURS_WITHIN: TimeDelta = TimeDelta::minutes(1);
/// The queue of events must have been empty for this long. Otherwise events must have been applied up to the end of the
/// silence.
pub const EVENTS_EMPTY_FOR: Duration = Duration::from_secs(2);
/// How long a template counts as paced after WhatsApp held one of its messages back.
pub const PACED_FOR: TimeDelta = TimeDelta::hours(1);

/// How long to wait for the outcome of a call.
#[derive(Debug, Clone, Copy)]
pub struct SilencePolicy {
    /// A call still unfinished this long after its claim counts as lost: its sender probably died.
    pub lost_after: TimeDelta,
    /// Silence is no evidence before.
    pub counts_after: TimeDelta,
    /// When to give up and ask a person.
    pub gives_up_after: TimeDelta,
}

impl Default for SilencePolicy {
    fn default() -> Self {
        Self {
            lost_after: TimeDelta::seconds(60),
            counts_after: TimeDelta::minutes(2),
            gives_up_after: TimeDelta::minutes(30),
        }
    }
}

/// What is known about an unresolved call and its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    pub claimed_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
    /// Whether the message was sent again before on such evidence: that happens once at most.
    pub queued_before: bool,
    /// Neighbours that WhatsApp accepted.
    pub answered: u32,
    /// Neighbours among those that WhatsApp has reported a status of.
    pub reported: u32,
    /// Whether the queue of events has been empty for long enough.
    pub events_empty: bool,
    /// The newest arrival time among the events that were applied.
    pub heard_until: Option<DateTime<Utc>>,
    /// Whether WhatsApp holds messages of this template back: then it reports nothing, and its silence is no
    /// evidence.
    pub template_paced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SilenceVerdict {
    /// A report may still arrive.
    Wait,
    /// WhatsApp never accepted the message: queue it again.
    QueueAgain,
    /// No report will tell the outcome: a person decides.
    GiveUp,
}

impl SilencePolicy {
    /// How soon after a call its neighbours were claimed. Never later than silence counts, so that by then all of them
    /// have been claimed.
    pub fn neighbours_within(&self) -> TimeDelta {
        NEIGHBOURS_WITHIN.min(self.counts_after)
    }

    /// Decides from the evidence alone.
    pub fn judge(&self, evidence: &Evidence) -> SilenceVerdict {
        let silent_for = evidence.now - evidence.claimed_at;
        if self.is_convincing(evidence, silent_for) {
            SilenceVerdict::QueueAgain
        } else if silent_for >= self.gives_up_after {
            SilenceVerdict::GiveUp
        } else {
            SilenceVerdict::Wait
        }
    }

    fn is_convincing(&self, evidence: &Evidence, silent_for: TimeDelta) -> bool {
        // A report that has arrived may still wait in the queue of events.
        let heard = evidence.events_empty
            || evidence
                .heard_until
                .is_some_and(|until| until - evidence.claimed_at >= self.counts_after);
        silent_for >= self.counts_after
            && !evidence.queued_before
            && evidence.answered >= NEIGHBOURS
            && evidence.reported >= evidence.answered
            && heard
            && !evidence.template_paced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMED_AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn after(minutes: i64) -> DateTime<Utc> {
        CLAIMED_AT + TimeDelta::minutes(minutes)
    }

    /// Two minutes of silence, with five neighbours that were reported.
    fn convincing() -> Evidence {
        Evidence {
            claimed_at: CLAIMED_AT,
            now: after(2),
            queued_before: false,
            answered: 5,
            reported: 5,
            events_empty: true,
            heard_until: None,
            template_paced: false,
        }
    }

    fn check(what: &str, evidence: Evidence, expected: SilenceVerdict) {
        assert_eq!(SilencePolicy::default().judge(&evidence), expected, "{what}");
    }

    #[test]
    fn five_reported_neighbours_are_enough_evidence_to_queue_a_message_again() {
        check("all there is", convincing(), SilenceVerdict::QueueAgain);
        check(
            "late, but all there is",
            Evidence {
                now: after(45),
                ..convincing()
            },
            SilenceVerdict::QueueAgain,
        );
        check(
            "the queue is never empty, and was heard beyond the silence",
            Evidence {
                events_empty: false,
                heard_until: Some(after(2)),
                ..convincing()
            },
            SilenceVerdict::QueueAgain,
        );
    }

    // shows: B97
    #[test]
    fn without_full_evidence_a_message_waits_and_is_then_given_up() {
        type Spoil = fn(&mut Evidence);
        let cases: [(&str, Spoil); 8] = [
            ("too few answers", |e| (e.answered, e.reported) = (4, 4)),
            ("no neighbours", |e| (e.answered, e.reported) = (0, 0)),
            ("one without a report", |e| e.answered = 6),
            ("events may wait", |e| e.events_empty = false),
            ("events were heard, but not far enough", |e| {
                e.events_empty = false;
                e.heard_until = Some(after(2) - TimeDelta::milliseconds(1));
            }),
            ("its template is paced", |e| e.template_paced = true),
            ("it was queued again before", |e| e.queued_before = true),
            ("nothing at all", |e| {
                (e.answered, e.reported, e.events_empty) = (0, 0, false);
            }),
        ];
        for (what, spoil) in cases {
            let mut evidence = convincing();
            spoil(&mut evidence);
            check(what, evidence, SilenceVerdict::Wait);
            evidence.now = after(30) - TimeDelta::milliseconds(1);
            check(what, evidence, SilenceVerdict::Wait);
            evidence.now = after(30);
            check(what, evidence, SilenceVerdict::GiveUp);
        }
    }

    #[test]
    fn silence_is_no_evidence_before_its_time() {
        let early = Evidence {
            now: after(2) - TimeDelta::milliseconds(1),
            ..convincing()
        };
        check("a moment too early", early, SilenceVerdict::Wait);

        let short = SilencePolicy {
            counts_after: TimeDelta::seconds(1),
            ..SilencePolicy::default()
        };
        assert_eq!(short.neighbours_within(), TimeDelta::seconds(1));
        let usual = SilencePolicy::default();
        assert_eq!(usual.neighbours_within(), TimeDelta::minutes(1));
    }
}
