//! What comes next and why: the plan's messages that have not reached their end.

use chrono::{DateTime, Utc};
use domain::facts::Facts;
use domain::message::MessageKind;
use domain::plan::difference::{is_settled, of_current_round, rounds_ended_at};
use domain::plan::{Decision, Existing, Plan, Planned};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Upcoming {
    pub(crate) kind: MessageKind,
    /// `later`, `now`, `waits`, `skipped`, `expired` or `not_wanted`.
    pub(crate) expected: &'static str,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    /// Why it is not sent, or what it waits for.
    pub(crate) reason: Option<&'static str>,
    /// The time of the fact that it follows from.
    pub(crate) since: DateTime<Utc>,
}

pub(crate) fn upcoming<'m>(
    plan: &Plan,
    facts: &Facts,
    messages: impl Iterator<Item = &'m Existing>,
) -> Vec<Upcoming> {
    let messages: Vec<Existing> = messages.cloned().collect();
    let is_over = |planned: &Planned| {
        let ended_at = rounds_ended_at(facts, planned.kind);
        let existing = of_current_round(&messages, planned.kind, ended_at);
        existing.is_some_and(|existing| is_settled(existing, planned))
    };
    plan.messages
        .iter()
        .filter(|planned| !is_over(planned))
        .map(view)
        .collect()
}

fn view(planned: &Planned) -> Upcoming {
    let (expected, window, reason) = match &planned.decision {
        Decision::Later(Some(window)) => ("later", Some(window), None),
        Decision::Later(None) => ("waits", None, Some("another_event")),
        Decision::Due(window) => ("now", Some(window), None),
        Decision::Skip(reason, window) => ("skipped", Some(window), Some(reason.as_str())),
        Decision::Expired(window) => ("expired", Some(window), None),
        Decision::NotWanted(reason) => ("not_wanted", None, Some(reason.as_str())),
    };
    Upcoming {
        kind: planned.kind,
        expected,
        at: window.map(|window| window.opens_at),
        until: window.map(|window| window.closes_at),
        reason,
        since: planned.basis_at,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::ids::MessageId;
    use domain::message::MessageState;
    use domain::plan::{Status, Window};

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    /// A confirmation of the fact at minute 0.
    fn confirmation(state: MessageState, attempts: u32) -> Existing {
        Existing {
            id: MessageId(uuid::Uuid::nil()),
            kind: MessageKind::ReservationConfirmation,
            round: 0,
            basis_at: at(0),
            state,
            reason: None,
            attempts,
            due_at: at(0),
            expires_at: at(60),
            sent_at: None,
            withdrawn: false,
        }
    }

    /// What is to come of a confirmation whose fact was repeated at minute 5.
    fn to_come(existing: &Existing) -> Vec<&'static str> {
        let window = Window {
            opens_at: at(5),
            closes_at: at(65),
        };
        let plan = Plan {
            status: Status::Confirmed,
            messages: vec![Planned {
                kind: MessageKind::ReservationConfirmation,
                basis_at: at(5),
                decision: Decision::Due(window),
            }],
            wake_at: None,
        };
        let upcoming = upcoming(&plan, &Facts::default(), std::iter::once(existing));
        upcoming.iter().map(|one| one.expected).collect()
    }

    #[test]
    fn what_was_tried_is_not_to_come_also_where_a_platform_repeats_its_fact() {
        for (state, attempts) in [
            (MessageState::Sent, 1),
            (MessageState::Read, 1),
            (MessageState::Dead, 4),
        ] {
            assert_eq!(
                to_come(&confirmation(state, attempts)),
                [] as [&str; 0],
                "{state:?}"
            );
        }
        // It never went, and is wanted again.
        assert_eq!(to_come(&confirmation(MessageState::Withdrawn, 0)), ["now"]);
    }
}
