//! The timers' and the senders' part of a world: what is due is planned, judged, claimed and accepted.

use std::collections::BTreeSet;

use std::time::Duration;

use super::claim::{self, Claim, Ready};
use super::{Booking, Sent, World};
use crate::before_call::{self, Due, Sendable, Step};
use crate::local_time;
use crate::message::{ContentChoice, MessageKind, MessageState, Reason};
use crate::phone_number::PhoneNumber;
use crate::plan::{Circumstances, Existing, cart, order};
use crate::render::{ServiceWindow, Subject};

/// How long a message waits that a claim puts off; as long as a relay takes to hand it out again.
const PUT_OFF: Duration = Duration::from_secs(30);

/// Of the day's cap.
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl World {
    /// Does everything that is due now.
    pub(super) fn attend(&mut self) {
        while let Some((at, id)) = self.agenda.first().cloned()
            && at <= self.now
        {
            let is_timer = |booking: &Booking| booking.wake_at.is_some_and(|at| at <= self.now);
            if self.bookings.get(&id).is_some_and(is_timer) {
                self.replan(&id);
            }
            let Some(booking) = self.take(&id) else {
                return;
            };
            let booking = self.send_due(booking);
            self.put_back(booking);
        }
    }

    fn send_due(&mut self, mut booking: Booking) -> Booking {
        let now = self.now;
        let is_due = |message: &Existing| message.state == MessageState::Queued && message.due_at <= now;
        while let Some(place) = booking.messages.iter().position(is_due) {
            let around = self.around(&booking);
            let Some(message) = booking.messages.get(place).cloned() else {
                break;
            };
            let judged = self.judge(&booking, message, &around);
            let went = judged.state == MessageState::Delivered;
            if let Some(message) = booking.messages.get_mut(place) {
                *message = judged;
            }
            if went {
                // The second reminder counts from the first.
                booking.replan(around, &self.resort, self.now);
            }
        }
        booking
    }

    /// The message after what happened to it now.
    fn judge(&mut self, booking: &Booking, message: Existing, around: &Circumstances) -> Existing {
        let subject = Subject {
            kind: message.kind,
            booking: &booking.id,
            facts: &booking.facts,
            resort: &self.resort,
        };
        let due = Due {
            subject,
            answer: None,
            turn: ContentChoice::Template,
            window: ServiceWindow::Closed,
            held: &BTreeSet::new(),
            marketing: &BTreeSet::new(),
        };
        match before_call::next_step(&due, self.now) {
            Step::Call(sendable) => self.claim(booking, message, around, *sendable),
            Step::Skip(reason) => ended(message, reason),
            Step::PutOff(at) => Existing {
                due_at: at.max(message.due_at),
                ..message
            },
            Step::AwaitTemplate(_) | Step::TemplateMissing => Existing {
                state: MessageState::Held,
                ..message
            },
        }
    }

    fn claim(
        &mut self,
        booking: &Booking,
        message: Existing,
        around: &Circumstances,
        sendable: Sendable,
    ) -> Existing {
        let seen_on = cart::last_seen_on(&booking.facts, &self.resort);
        let dates = booking.facts.dates();
        let mut elsewhere = around.elsewhere.iter();
        let ready = Ready {
            message: &message,
            is_marketing: sendable.is_marketing,
            is_reminder: self.resort.is_reminder(message.kind),
            is_opted_out: around.marketing_consent.is_opted_out(),
            stands: order::has_reservation(&booking.facts),
            is_booked_elsewhere: elsewhere.any(|other| cart::is_superfluous(dates, other.dates, seen_on)),
            not_after: sendable.not_after,
            is_capped: self.is_resting(message.kind, &sendable.to)
                || self.had_enough(message.kind, &sendable.to),
            is_held_out: self.resort.is_reminder(message.kind) && self.held_out.contains(&sendable.to),
        };
        match claim::judge(&ready, self.now) {
            Claim::Granted => self.accepted(booking, message, sendable),
            Claim::Ended(reason) => ended(message, reason),
            Claim::NotNow => Existing {
                due_at: local_time::after(self.now, PUT_OFF),
                ..message
            },
        }
    }

    /// Whether the guest has just confirmed a reservation, so that reminders rest.
    fn is_resting(&self, kind: MessageKind, guest: &PhoneNumber) -> bool {
        let rest = self.resort.rest_after_confirmation(kind);
        let bookings = self.guests.get(guest).into_iter().flatten();
        let mut confirmed = bookings
            .filter_map(|id| self.bookings.get(id)?.facts.confirmed.as_ref())
            .map(|confirmed| confirmed.stamp.at);
        !rest.is_zero() && confirmed.any(|at| local_time::after(at, rest) > self.now)
    }

    /// Whether the guest has had the day's messages.
    fn had_enough(&self, kind: MessageKind, guest: &PhoneNumber) -> bool {
        let Some(cap) = self.resort.day_cap(kind) else {
            return false;
        };
        let is_of_today = |sent: &&Sent| local_time::after(sent.at, DAY) > self.now;
        let counts = |sent: &&Sent| sent.to == *guest && self.resort.day_cap(sent.kind).is_some();
        let today = self.sent.iter().rev().take_while(is_of_today);
        today.filter(counts).count() >= usize::try_from(cap.get()).unwrap_or(usize::MAX)
    }

    fn accepted(&mut self, booking: &Booking, message: Existing, sendable: Sendable) -> Existing {
        self.sent.push(Sent {
            at: self.now,
            booking: booking.id.clone(),
            message: message.id,
            kind: message.kind,
            to: sendable.to,
            content: sendable.content,
        });
        Existing {
            state: MessageState::Delivered,
            attempts: message.attempts.saturating_add(1),
            sent_at: Some(self.now),
            ..message
        }
    }
}

/// As the claim names the ends.
fn ended(message: Existing, reason: Reason) -> Existing {
    let state = match reason {
        Reason::Expired => MessageState::Expired,
        Reason::Confirmed | Reason::BookedElsewhere => MessageState::Withdrawn,
        _ if message.withdrawn => MessageState::Withdrawn,
        _ => MessageState::Skipped,
    };
    Existing {
        state,
        reason: Some(reason),
        ..message
    }
}
