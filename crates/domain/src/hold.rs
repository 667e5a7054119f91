//! Holds: what is kept from being sent for a while, because WhatsApp refuses its scope or a person wants it so.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::after_call::{Advice, CallOutcome, Heard, Scope};
use crate::ids::{NumberId, ResortId};
use crate::message::MessageKind;

/// Everything about a message that a hold can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The resort that writes.
    pub resort: ResortId,
    /// The business number that it writes from.
    pub number: NumberId,
    /// The calling code of the guest's country: 30 for Greece.
    pub country: u16,
    /// The template and its language, `booking_reminder_1/en_US`; `None` for free text.
    pub template: Option<String>,
    /// What it is about.
    pub kind: MessageKind,
}

impl Route {
    /// The template's name alone, or `text`.
    pub fn template_name(&self) -> &str {
        let template = self.template.as_deref().unwrap_or("text");
        template.split('/').next().unwrap_or(template)
    }

    /// What else would be refused when this scope is; `None` for scopes that hold no other message.
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

/// What a hold covers: the messages that have everything in common with it that it names. Naming nothing, it covers all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Messages of this resort.
    pub resort: Option<ResortId>,
    /// Messages from this business number.
    pub number: Option<NumberId>,
    /// Messages to guests of this calling code.
    pub country: Option<u16>,
    /// Messages that use this template, `name/language`.
    pub template: Option<String>,
    /// Messages of this kind.
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
            ("kind", self.kind.map(MessageKind::as_str)),
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

/// The scope of a hold that a person laid: it ends when a person says so.
pub const PAUSED: &str = "paused";

/// How long a hold lasts until one message may try again, unless something else is set.
pub const PROBE_AFTER: Duration = Duration::from_secs(60);

/// After a hold that a status laid, an accepted probe that is not reported as failed for this long shows that the scope
/// is well.
pub const JUDGED_WITHIN: Duration = Duration::from_secs(60);

/// Why a hold is laid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// WhatsApp's error code.
    Code(i64),
    /// Answers that were not WhatsApp's: what was seen of the last one.
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

/// A hold that an answer or a reported failure calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// What was refused.
    pub scope: Scope,
    /// What it covers.
    pub coverage: Coverage,
    /// Why.
    pub cause: Cause,
    /// How long until one message may try again; refused again, twice as long.
    pub pause: Duration,
    /// How it was heard: after a status, an accepted probe does not show yet that the scope is well.
    pub heard: Heard,
    /// When the refused call was claimed, where that is known: one from before the hold says nothing new.
    pub called_at: Option<DateTime<Utc>>,
}

impl NewHold {
    /// Its name: there is one hold of a scope with this coverage.
    pub fn key(&self) -> String {
        key(self.scope.as_str(), &self.coverage)
    }
}

/// The name of a hold.
pub fn key(scope: &str, coverage: &Coverage) -> String {
    format!("{scope} {coverage}")
}

/// The name of the hold on a template, `name/language`, that is sent from a number.
pub fn template_key(number: &NumberId, template: String) -> String {
    let coverage = Coverage {
        number: Some(number.clone()),
        template: Some(template),
        ..Coverage::default()
    };
    key(Scope::Template.as_str(), &coverage)
}

/// What has to be held after a call.
///
/// A quota that is used up (of the app or the account) is a hold too: nobody else of that scope gets through either. So
/// is a template that WhatsApp refuses while the message itself takes the fallback.
pub fn after(outcome: &CallOutcome, route: &Route, pause: Duration) -> Option<NewHold> {
    let (heard, refusal) = outcome.refusal()?;
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
        heard,
        called_at: None,
    })
}

/// So many answers in a row that are not WhatsApp's hold the number: whatever stands in between refuses the others too.
pub const FOREIGN_ANSWERS: u32 = 5;

/// What has to be held after so many answers in a row that are not WhatsApp's; `seen` describes the last one.
pub fn after_foreign_answers(in_a_row: u32, seen: &str, route: &Route, pause: Duration) -> Option<NewHold> {
    if in_a_row < FOREIGN_ANSWERS {
        return None;
    }
    Some(NewHold {
        scope: Scope::Number,
        coverage: route.coverage(Scope::Number)?,
        cause: Cause::NotWhatsApp(seen.to_owned()),
        pause,
        heard: Heard::Answer,
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
    fn what_is_shared_has_a_coverage_and_nothing_else_has() {
        for scope in Scope::ALL {
            assert_eq!(route().coverage(*scope).is_some(), scope.is_shared(), "{scope}");
        }
    }

    #[test]
    fn a_used_up_quota_is_a_hold_and_a_number_that_is_too_fast_only_slows_down() {
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
    fn no_call_but_a_refused_one_holds_anything() {
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
    fn a_failure_that_is_reported_holds_the_same_as_an_answer_and_says_so() {
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
                heard: Heard::Status,
                ..hold
            });
            assert_eq!(by_status, expected, "{scope}");
        }
    }

    #[test]
    fn the_fifth_answer_in_a_row_that_is_not_whatsapps_holds_the_number() {
        let after = |count| after_foreign_answers(count, "HTTP 403, text/html", &route(), Duration::ZERO);

        assert_eq!(after(4), None);
        let held = after(5).unwrap();
        assert_eq!(held.key(), "number number=106540352242922");
        assert_eq!(held.cause.to_string(), "HTTP 403, text/html");
    }
}
