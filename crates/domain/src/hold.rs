//! Holds: messages of a scope that are not sent for a while, because WhatsApp refuses the scope or because a person
//! paused it.
//!
//! A refusal lays a hold in the same transaction in which its message is recorded ([`after`]). Every claim checks
//! the holds. When the pause of a hold is over, one message tries as a probe; if it is refused again, the next
//! pause is twice as long.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::after_call::{Advice, CallOutcome, ReportedIn, Scope};
use crate::ids::{NumberId, ResortId};
use crate::message::MessageKind;

/// What a hold can depend on: everything about a message that can make WhatsApp refuse others too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub resort: ResortId,
    /// The business number that the resort sends from.
    pub number: NumberId,
    /// The calling code of the guest's country: 30 for Greece.
    pub country: u16,
    /// The template and its language, `booking_reminder_1/en_US`; `None` for free text.
    pub template: Option<String>,
    pub kind: MessageKind,
}

impl Route {
    /// The template's name without its language, or `text`.
    pub fn template_name(&self) -> &str {
        let template = self.template.as_deref().unwrap_or("text");
        template.split('/').next().unwrap_or(template)
    }

    /// The messages that would be refused too if this scope is refused. `None` for a scope that concerns this
    /// message only.
    ///
    /// WhatsApp names no account in its answers, so an account is held number by number.
    pub fn coverage(&self, scope: Scope) -> Option<Coverage> {
        let number = || Coverage {
            number: Some(self.number.clone()),
            ..Coverage::default()
        };
        match scope {
            Scope::Token => Some(Coverage {
                resort: Some(self.resort.clone()),
                ..Coverage::default()
            }),
            Scope::Platform | Scope::Number | Scope::Account => Some(number()),
            Scope::Country => Some(Coverage {
                country: Some(self.country),
                ..number()
            }),
            Scope::Template => Some(Coverage {
                template: Some(self.template.clone()?),
                ..number()
            }),
            Scope::Pair | Scope::Recipient | Scope::Message => None,
        }
    }
}

/// The messages that a hold covers: those that match every field that is set. With no field set it covers all
/// messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    pub resort: Option<ResortId>,
    pub number: Option<NumberId>,
    /// The calling code of the guests' country.
    pub country: Option<u16>,
    /// The template, `name/language`.
    pub template: Option<String>,
    pub kind: Option<MessageKind>,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let country = self.country.map(|code| format!("+{code}"));
        let named = [
            ("resort", self.resort.as_ref().map(ResortId::as_str)),
            ("number", self.number.as_ref().map(NumberId::as_str)),
            ("country", country.as_deref()),
            ("template", self.template.as_deref()),
            ("kind", self.kind.as_ref().map(MessageKind::as_str)),
        ];
        let mut empty = true;
        for (name, value) in named {
            if let Some(value) = value {
                write!(f, "{}{name}={value}", if empty { "" } else { " " })?;
                empty = false;
            }
        }
        if empty { f.write_str("everything") } else { Ok(()) }
    }
}

/// The scope of a hold that a person laid: only a person ends it.
pub const PAUSED: &str = "paused";

/// How long a hold lasts until one message may try again, unless a setting or the answer says otherwise.
pub const PROBE_AFTER: Duration = Duration::from_secs(60);

/// If a status laid the hold, an accepted probe is not enough: the scope counts as healthy when this much time has
/// passed and the probe has not been reported as failed.
pub const JUDGED_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Code(i64),
    /// Answers that were not WhatsApp's own; the text describes the last one.
    NotWhatsApp(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::NotWhatsApp(seen) => f.write_str(seen),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    pub scope: Scope,
    pub coverage: Coverage,
    pub cause: Cause,
    /// How long until one message may try again; after another refusal, twice as long.
    pub pause: Duration,
    /// How WhatsApp reported the refusal. See [`JUDGED_WITHIN`] for the difference that it makes.
    pub reported_in: ReportedIn,
    /// When the refused call was claimed, if known: a refusal of a call from before the hold is not news.
    pub called_at: Option<DateTime<Utc>>,
}

impl NewHold {
    /// The name of the hold. There is at most one hold of a scope with the same coverage.
    pub fn key(&self) -> String {
        key(self.scope.as_str(), &self.coverage)
    }
}

pub fn key(scope: &str, coverage: &Coverage) -> String {
    format!("{scope} {coverage}")
}

/// The hold that the outcome of a call asks for.
///
/// A used-up quota of the app or the account is a hold too, since no other message of that scope would be accepted.
/// So is a template that WhatsApp refuses while the message itself is sent with the fallback.
pub fn after(outcome: &CallOutcome, route: &Route, pause: Duration) -> Option<NewHold> {
    let (reported_in, refusal) = outcome.refusal()?;
    // A throttled number or pair only slows down; a quota of the app or account stops everything.
    let used_up =
        refusal.advice == Advice::Throttle && matches!(refusal.scope, Scope::Platform | Scope::Account);
    let unusable = refusal.advice == Advice::Fallback && refusal.scope == Scope::Template;
    if refusal.advice != Advice::Hold && !used_up && !unusable {
        return None;
    }
    Some(NewHold {
        scope: refusal.scope,
        coverage: route.coverage(refusal.scope)?,
        cause: Cause::Code(refusal.code),
        pause: refusal.retry_after.unwrap_or(pause),
        reported_in,
        called_at: None,
    })
}

/// After this many foreign answers in a row the number is held: the proxy or firewall that gives them stops other
/// messages too.
pub const FOREIGN_ANSWERS: u32 = 5;

/// The hold that `in_a_row` answers ask for that were not WhatsApp's own; `seen` describes the last one.
pub fn after_foreign_answers(in_a_row: u32, seen: &str, route: &Route, pause: Duration) -> Option<NewHold> {
    if in_a_row < FOREIGN_ANSWERS {
        return None;
    }
    Some(NewHold {
        scope: Scope::Number,
        coverage: route.coverage(Scope::Number)?,
        cause: Cause::NotWhatsApp(seen.to_owned()),
        pause,
        reported_in: ReportedIn::Answer,
        called_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::after_call::Refusal;

    fn route() -> Route {
        Route {
            resort: ResortId::parse("azure-bay").unwrap(),
            number: NumberId::parse("106540352242922").unwrap(),
            country: 30,
            template: Some("reminder/en_US".to_owned()),
            kind: MessageKind::Reminder1,
        }
    }

    fn held(scope: Scope, advice: Advice) -> Option<String> {
        let outcome = CallOutcome::Refused(Refusal {
            code: 1,
            scope,
            advice,
            retry_after: None,
            unsure: false,
        });
        after(&outcome, &route(), Duration::from_secs(60)).map(|hold| hold.key())
    }

    #[test]
    fn a_refused_scope_holds_what_it_covers_and_nothing_else() {
        let cases = [
            (Scope::Token, Some("token resort=azure-bay")),
            (Scope::Number, Some("number number=106540352242922")),
            (Scope::Account, Some("account number=106540352242922")),
            (Scope::Country, Some("country number=106540352242922 country=+30")),
            (
                Scope::Template,
                Some("template number=106540352242922 template=reminder/en_US"),
            ),
            (Scope::Recipient, None),
            (Scope::Message, None),
        ];
        for (scope, expected) in cases {
            assert_eq!(held(scope, Advice::Hold).as_deref(), expected, "{scope}");
        }
    }

    #[test]
    fn exactly_the_shared_scopes_have_a_coverage() {
        for scope in Scope::ALL {
            assert_eq!(route().coverage(*scope).is_some(), scope.is_shared(), "{scope}");
        }
    }

    #[test]
    fn a_used_up_quota_is_a_hold_and_a_number_that_is_too_fast_is_only_slowed_down() {
        assert!(held(Scope::Platform, Advice::Throttle).is_some());
        assert!(held(Scope::Account, Advice::Throttle).is_some());
        assert_eq!(held(Scope::Number, Advice::Throttle), None);
        assert_eq!(held(Scope::Pair, Advice::Throttle), None);
    }

    #[test]
    fn a_template_that_gives_way_to_the_fallback_is_held() {
        assert!(held(Scope::Template, Advice::Fallback).is_some());
        assert_eq!(held(Scope::Recipient, Advice::Fallback), None);
        assert_eq!(held(Scope::Template, Advice::GiveUp), None);
    }

    #[test]
    fn only_a_refused_call_lays_a_hold() {
        for outcome in [
            CallOutcome::Unreachable,
            CallOutcome::Intercepted,
            CallOutcome::Unknown,
            CallOutcome::Failed(None),
        ] {
            assert_eq!(after(&outcome, &route(), Duration::ZERO), None);
        }
    }

    #[test]
    fn a_reported_failure_lays_the_same_hold_as_an_error_answer_and_records_the_difference() {
        for scope in Scope::ALL {
            let refusal = Refusal {
                code: 1,
                scope: *scope,
                advice: Advice::Hold,
                retry_after: None,
                unsure: false,
            };
            let laid = |outcome| after(&outcome, &route(), Duration::from_secs(60));
            let by_answer = laid(CallOutcome::Refused(refusal.clone()));
            let by_status = laid(CallOutcome::Failed(Some(refusal)));

            let expected = by_answer.map(|hold| NewHold {
                reported_in: ReportedIn::Status,
                ..hold
            });
            assert_eq!(by_status, expected, "{scope}");
        }
    }

    #[test]
    fn the_fifth_foreign_answer_in_a_row_holds_the_number() {
        let after = |count| after_foreign_answers(count, "HTTP 403, text/html", &route(), Duration::ZERO);

        assert_eq!(after(4), None);
        let held = after(5).unwrap();
        assert_eq!(held.key(), "number number=106540352242922");
        assert_eq!(held.cause.to_string(), "HTTP 403, text/html");
    }
}
