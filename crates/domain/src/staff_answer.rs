//! What a member of the staff answers a guest, and whether it may be sent: words of their own while the guest's 24-hour
//! window is open, one of the resort's templates at any time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::before_call::{self, Due, Step};
use crate::local_time;
use crate::message::{ContentChoice, MessageKind, Reason};
use crate::plan::Window;
use crate::render::{ServiceWindow, Subject};
use crate::stay::Personal;

/// WhatsApp's limit for the body of a text message, in characters.
pub const LONGEST_TEXT: usize = 4_096;

/// The content of an answer; sealed before it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffAnswer {
    /// Words of their own.
    Text(Personal),
    /// The template of this kind, filled in for the booking.
    Template(MessageKind),
}

/// Why an answer is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefused {
    #[error("unknown booking: no event has named it")]
    BookingUnknown,
    #[error("the stored facts of the booking are damaged")]
    Damaged,
    #[error("the resort has no readable file")]
    WithoutResort,
    #[error("the id of this answer is already that of another message")]
    IdTaken,
    #[error("the answer is empty")]
    Empty,
    #[error("the answer is too long: WhatsApp accepts {LONGEST_TEXT} characters")]
    TooLong,
    #[error("the window is shut until the guest writes again: only a template can be sent")]
    WindowShut,
    #[error("the guest was erased")]
    Erased,
    #[error("the booking has no valid phone number")]
    NoNumber,
    #[error("the resort's file has no template of this kind in a language for this guest")]
    NoTemplate,
    #[error("a value of the template is not known of this booking")]
    MissingValue,
    #[error("the guest has opted out, and this template is marketing")]
    OptedOut,
    #[error("the platform says that the guest does not consent to marketing, and this template is marketing")]
    NoConsent,
    #[error("WhatsApp delivers no marketing to numbers of the United States")]
    UsMarketing,
    #[error("the resort is in test mode, and the guest's number is not one of its test numbers")]
    TestMode,
    /// Another rule forbids it.
    #[error("it would not be sent: {}", .0.as_str())]
    NotSendable(Reason),
}

impl AnswerRefused {
    fn of(reason: Reason, subject: Subject<'_>) -> Self {
        match reason {
            Reason::NoPhone | Reason::InvalidPhone if subject.facts.is_without_guest() => Self::Erased,
            Reason::NoPhone | Reason::InvalidPhone => Self::NoNumber,
            Reason::WindowClosed => Self::WindowShut,
            Reason::MissingValue => Self::MissingValue,
            Reason::NoConsent => Self::NoConsent,
            Reason::UsMarketing => Self::UsMarketing,
            Reason::TestMode => Self::TestMode,
            other => Self::NotSendable(other),
        }
    }
}

impl AnswerRefused {
    /// The reason in the words of messages, where a dead answer is not tried again.
    pub const fn reason(self) -> Reason {
        match self {
            Self::WindowShut => Reason::WindowClosed,
            Self::Erased => Reason::Erased,
            Self::NoNumber => Reason::NoPhone,
            Self::OptedOut => Reason::OptedOut,
            Self::NoConsent => Reason::NoConsent,
            Self::UsMarketing => Reason::UsMarketing,
            Self::TestMode => Reason::TestMode,
            Self::NoTemplate => Reason::NotConfigured,
            Self::NotSendable(reason) => reason,
            // The others concern what was not taken in the first place.
            Self::MissingValue
            | Self::BookingUnknown
            | Self::Damaged
            | Self::WithoutResort
            | Self::IdTaken
            | Self::Empty
            | Self::TooLong => Reason::MissingValue,
        }
    }
}

/// What the decision depends on beside the booking and its resort's file.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// When the guest's window at the resort's number ends, where one is known.
    pub open_until: Option<DateTime<Utc>>,
    pub is_opted_out: bool,
    /// The templates, `name/language`, that WhatsApp has made marketing.
    pub marketing: &'a BTreeSet<String>,
}

/// When an answer may be sent, from now on, or why it is not. A template is tried for as long as a window lasts.
pub fn judge(
    subject: Subject<'_>,
    answer: &StaffAnswer,
    around: &Around<'_>,
    now: DateTime<Utc>,
) -> Result<Window, AnswerRefused> {
    if let StaffAnswer::Text(text) = answer {
        let text = text.reveal();
        if text.trim().is_empty() {
            return Err(AnswerRefused::Empty);
        }
        if text.chars().count() > LONGEST_TEXT {
            return Err(AnswerRefused::TooLong);
        }
    }
    let open_until = around.open_until.filter(|until| *until > now);
    let subject = Subject {
        kind: MessageKind::StaffAnswer,
        ..subject
    };
    let due = Due {
        subject,
        answer: Some(answer),
        turn: ContentChoice::Fallback,
        window: open_until.map_or(ServiceWindow::Closed, |_| ServiceWindow::Open),
        held: &BTreeSet::new(),
        marketing: around.marketing,
    };
    match before_call::next_step(&due, now) {
        Step::Call(sendable) if sendable.is_marketing && around.is_opted_out => Err(AnswerRefused::OptedOut),
        Step::Skip(reason) => Err(AnswerRefused::of(reason, subject)),
        Step::TemplateMissing => Err(AnswerRefused::NoTemplate),
        // Neither quiet hours nor holds are asked here: a held answer waits.
        Step::Call(_) | Step::PutOff(_) | Step::AwaitTemplate(_) => Ok(Window {
            opens_at: now,
            closes_at: match (answer, open_until) {
                (StaffAnswer::Text(_), Some(until)) => until,
                _ => local_time::after(now, subject.resort.expiry(MessageKind::StaffAnswer)),
            },
        }),
    }
}

/// The kinds whose templates can be sent to the guest of a booking as an answer now.
pub fn usable_templates(subject: Subject<'_>, around: &Around<'_>, now: DateTime<Utc>) -> Vec<MessageKind> {
    let kinds = subject.resort.templates.keys().copied();
    let usable = |kind: &MessageKind| judge(subject, &StaffAnswer::Template(*kind), around, now).is_ok();
    kinds.filter(usable).collect()
}

#[cfg(test)]
mod tests;
