//! A processor, a store and a sender in memory: they apply the decisions of `domain` and check what must always
//! hold.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use domain::country::Country;
use domain::facts::Facts;
use domain::ids::{BookingId, MessageId, NumberId, ResortId};
use domain::message::{MessageKind, MessageState, MomentName, Reason};
use domain::moment::{Category, Moment};
use domain::plan::difference::{self, Change};
use domain::plan::{Circumstances, Decision, Existing, Plan, Window, order, plan};
use domain::resort::{Abandonment, Language, Limits, Mode, QuietHours, Resort, Retention};
use domain::simulation::claim::{self, Claim, Ready};
use domain::simulation::rows;

use crate::stories::{Delivery, dawn, minutes};

/// The outcome of a call, as the sender learns it, possibly much later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Accepted,
    PassingRefusal,
    RefusedForGood,
    Unanswered,
    Held,
}

/// One booking, with everything around it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) facts: Facts,
    pub(crate) circumstances: Circumstances,
    pub(crate) now: DateTime<Utc>,
    pub(crate) wake_at: Option<DateTime<Utc>>,
    resort: Resort,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            facts: Facts::default(),
            circumstances: Circumstances {
                moments_since: OWN_MOMENTS
                    .iter()
                    .map(|(name, ..)| (MomentName::parse(name).unwrap(), DateTime::UNIX_EPOCH))
                    .collect(),
                ..Circumstances::default()
            },
            now: dawn(),
            wake_at: None,
            resort: resort(),
        }
    }

    /// Applies an event, as the processor does, whether it is new or a repetition.
    pub(crate) fn hears(&mut self, delivery: &Delivery) {
        let news = delivery.facts();
        self.facts = std::mem::take(&mut self.facts).merge(news);
        self.replan();
    }

    pub(crate) fn opts(&mut self, out: bool) {
        let time = if out {
            &mut self.circumstances.marketing_consent.opted_out_at
        } else {
            &mut self.circumstances.marketing_consent.opted_in_at
        };
        *time = Some(self.now);
        self.replan();
    }

    /// Sets the clock, and plans again if the booking's timer is due.
    pub(crate) fn tick(&mut self, now: DateTime<Utc>) {
        self.now = now;
        if self.wake_at.is_some_and(|at| at <= now) {
            self.replan();
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        let booking = BookingId::parse("BK-1").unwrap();
        plan(&booking, &self.facts, &self.circumstances, &self.resort, self.now)
    }

    /// Plans, applies the difference, and checks that planning again changes nothing.
    pub(crate) fn replan(&mut self) {
        let planned = self.plan();
        for change in difference::changes(&planned, &self.facts, &self.circumstances.messages) {
            self.apply(change);
        }
        self.wake_at = planned.wake_at;
        assert!(self.wake_at.is_none_or(|at| at > self.now), "wakes in the past");
        let again = self.plan();
        let left = difference::changes(&again, &self.facts, &self.circumstances.messages);
        assert_eq!(left, [], "changes that do not settle");
        assert_eq!(again.status, planned.status);
    }

    /// As a simulation does, after checking what a plan must never ask for.
    fn apply(&mut self, change: Change) {
        match &change {
            Change::Create { kind, round, .. } => {
                let mut messages = self.circumstances.messages.iter();
                let exists = messages.any(|message| message.kind == *kind && message.round == *round);
                assert!(!exists, "the round exists");
            }
            Change::Queue(id, _) => {
                assert_eq!(
                    self.message(*id).attempts,
                    0,
                    "an attempted message is queued by the plan"
                );
            }
            _ => {}
        }
        rows::apply(&mut self.circumstances.messages, change);
    }

    fn message(&mut self, id: MessageId) -> &mut Existing {
        self.circumstances
            .messages
            .iter_mut()
            .find(|message| message.id == id)
            .unwrap()
    }

    /// Claims the first message that is due, as the sender does.
    pub(crate) fn claim(&mut self) -> Option<MessageId> {
        let now = self.now;
        let due = |message: &&Existing| message.state == MessageState::Queued && message.due_at <= now;
        let claimed = self.circumstances.messages.iter().find(due)?.clone();
        let ready = Ready {
            message: &claimed,
            is_marketing: self.resort.is_marketing(claimed.kind),
            is_reminder: self.resort.is_reminder(claimed.kind),
            is_opted_out: self.circumstances.marketing_consent.is_opted_out(),
            stands: order::has_reservation(&self.facts),
            is_booked_elsewhere: false,
            not_after: None,
            is_capped: false,
            is_held_out: false,
        };
        let message = self.message(claimed.id);
        match claim::judge(&ready, now) {
            Claim::Granted => {}
            Claim::Ended(Reason::Expired) => {
                (message.state, message.reason) = (MessageState::Expired, Some(Reason::Expired));
                return None;
            }
            other => panic!("a message waits in the queue that the plan should have ended: {other:?}"),
        }
        message.state = MessageState::Sending;
        message.attempts += 1;
        let claimed = message.clone();
        self.check_claim(&claimed);
        Some(claimed.id)
    }

    /// Holds a queued message, as the sender does when it finds no template before the claim.
    pub(crate) fn holds(&mut self) {
        let waits = |message: &&mut Existing| message.state == MessageState::Queued;
        if let Some(message) = self.circumstances.messages.iter_mut().find(waits) {
            message.state = MessageState::Held;
        }
    }

    fn check_claim(&self, claimed: &Existing) {
        if self.resort.is_reminder(claimed.kind) {
            let booked = self.facts.confirmed.is_some() || self.facts.became.is_some();
            assert!(!booked, "a reminder after the confirmation");
        }
        let went_before = self.circumstances.messages.iter().filter(|message| {
            message.kind == claimed.kind && message.id != claimed.id && message.attempts > 0
        });
        for before in went_before {
            let cancelled_at = self.facts.cancelled.as_ref().map(|cancelled| cancelled.stamp.at);
            let ended = cancelled_at.is_some_and(|at| before.basis_at <= at && at < claimed.basis_at);
            assert!(ended, "{} twice in a round", claimed.kind);
        }
    }

    /// Records the outcome of a claimed message, as the sender does.
    pub(crate) fn learns(&mut self, id: MessageId, outcome: Outcome) {
        let now = self.now;
        let message = self.message(id);
        let may_try_again = message.attempts < 4;
        match outcome {
            Outcome::Accepted => (message.state, message.sent_at) = (MessageState::Sent, Some(now)),
            Outcome::Unanswered => message.state = MessageState::Unknown,
            Outcome::Held => message.state = MessageState::Held,
            Outcome::PassingRefusal if may_try_again && message.withdrawn => {
                message.state = MessageState::Withdrawn
            }
            Outcome::PassingRefusal if may_try_again => message.state = MessageState::Queued,
            Outcome::PassingRefusal | Outcome::RefusedForGood => message.state = MessageState::Dead,
        }
        if message.withdrawn && message.state == MessageState::Held {
            message.state = MessageState::Withdrawn;
        }
        self.replan();
    }

    /// Messages whose call has no known outcome.
    pub(crate) fn unsettled(&self) -> Vec<MessageId> {
        let open =
            |message: &&Existing| matches!(message.state, MessageState::Sending | MessageState::Unknown);
        self.circumstances
            .messages
            .iter()
            .filter(open)
            .map(|message| message.id)
            .collect()
    }

    /// Queues all held messages, as when a resort's template appears.
    pub(crate) fn releases_holds(&mut self) {
        for message in &mut self.circumstances.messages {
            if message.state == MessageState::Held {
                message.state = MessageState::Queued;
            }
        }
    }

    /// The messages that may still be sent: those that wait for a sender, and those that the plan will create.
    pub(crate) fn to_come(&self) -> Vec<(MessageKind, Window)> {
        let planned = self.plan().messages.into_iter();
        planned
            .filter_map(|planned| match planned.decision {
                Decision::Due(window) | Decision::Later(Some(window)) => Some((planned.kind, window)),
                _ => None,
            })
            .collect()
    }

    /// The queued messages, with their windows.
    pub(crate) fn queue(&self) -> Vec<(MessageKind, Window)> {
        let waiting = self
            .circumstances
            .messages
            .iter()
            .filter(|message| message.state == MessageState::Queued);
        let mut queue: Vec<_> = waiting
            .map(|message| {
                let window = Window {
                    opens_at: message.due_at,
                    closes_at: message.expires_at,
                };
                (message.kind, window)
            })
            .collect();
        queue.sort_by_key(|(kind, _)| *kind);
        queue
    }

    /// Messages without an end, or with an end but without a reason.
    pub(crate) fn unexplained(&self) -> Vec<&Existing> {
        let explained = |message: &Existing| match message.state {
            MessageState::Skipped | MessageState::Withdrawn => message.reason.is_some(),
            state => state.is_end() || state.went(),
        };
        self.circumstances
            .messages
            .iter()
            .filter(|message| !explained(message))
            .collect()
    }

    /// Lets time pass until nothing is left to happen; every call is answered.
    pub(crate) fn runs_out(&mut self) {
        for _ in 0..200 {
            for id in self.unsettled() {
                self.learns(id, Outcome::Accepted);
            }
            self.releases_holds();
            let next = self
                .queue()
                .into_iter()
                .map(|(_, window)| window.opens_at)
                .chain(self.wake_at)
                .min();
            match (self.claim(), next) {
                (Some(id), _) => self.learns(id, Outcome::Accepted),
                (None, Some(next)) => self.tick(next.max(self.now + minutes(1))),
                (None, None) => return,
            }
        }
        panic!("the booking never comes to rest");
    }
}

/// Moments of the resort's own, on each kind of fact.
const OWN_MOMENTS: [(&str, &str, Category); 5] = [
    ("nudge", "started + 15m", Category::Utility),
    ("second_nudge", "abandoned + 2h", Category::Marketing),
    ("welcome", "confirmed + 1h", Category::Utility),
    ("pre_arrival", "check_in - 1d 18:00", Category::Utility),
    ("upsell", "checked_in + 3h", Category::Marketing),
];

/// A resort with all features configured, and quiet nights.
pub(crate) fn resort() -> Resort {
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let mut moments = Resort::built_in_moments(Some(hours(1)), Some(hours(4)));
    let first = moments.get_mut(&MessageKind::Reminder1).unwrap();
    first.expires_after = hours(1);
    for (name, at, category) in OWN_MOMENTS {
        let moment = Moment {
            at: at.parse().unwrap(),
            category,
            only_if: Some("stay.nights >= 2 or not stay.nights < 2".parse().unwrap()),
            definition: at.to_owned(),
            expires_after: hours(12),
            replies: Vec::new(),
        };
        moments.insert(MessageKind::Moment(MomentName::parse(name).unwrap()), moment);
    }
    Resort {
        id: ResortId::parse("azure-bay").unwrap(),
        name: "Azure Bay Resort".into(),
        time_zone: chrono_tz::Europe::Athens,
        country: Country::parse("GR").unwrap(),
        language: Language::parse("en").unwrap(),
        link_hosts: None,
        mode: Mode::Live,
        values: BTreeMap::new(),
        number: NumberId::parse("106540352242922").unwrap(),
        abandonment: Abandonment {
            after: Duration::from_secs(1_200),
        },
        no_show_after: Some(hours(36)),
        moments,
        quiet_hours: Some(QuietHours {
            from: time(21),
            to: time(9),
        }),
        limits: Limits::default(),
        hold_out: domain::hold_out::HoldOut::NONE,
        pause_on_reply: true,
        retention: Retention::default(),
        templates: BTreeMap::new(),
        fallback_templates: BTreeMap::new(),
        fallback_texts: BTreeMap::new(),
        stop_texts: BTreeMap::new(),
    }
}
