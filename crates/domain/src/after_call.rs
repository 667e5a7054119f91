//! What becomes of a message after one call to WhatsApp.

use std::time::Duration;

use crate::dead_letter::DeadLetterReason;
use crate::ids::WhatsAppMessageId;
use crate::message::Turn;
use crate::text_enum::text_enum;

text_enum! {
    /// What a refusal is about. Everything else that has the same scope would be refused too.
    Scope("scope") {
        /// The access token.
        Token = "token",
        /// The app's or account's call quota, or WhatsApp itself.
        Platform = "platform",
        /// The resort's business number.
        Number = "number",
        /// The WhatsApp business account.
        Account = "account",
        /// The guest's country.
        Country = "country",
        /// The template in this language.
        Template = "template",
        /// This number and this guest.
        Pair = "pair",
        /// This guest.
        Recipient = "recipient",
        /// This message.
        Message = "message",
    }
}

text_enum! {
    /// What the error table advises for a code.
    Advice("advice") {
        /// Refused for a passing reason: the same request again.
        Retry = "retry",
        /// Refused for good: a person looks at it.
        GiveUp = "give_up",
        /// The scope is refused until somebody or time mends it: hold everything in it.
        Hold = "hold",
        /// The scope takes less than it was given: slow down.
        Throttle = "throttle",
        /// The fallback's turn.
        Fallback = "fallback",
        /// The guest refuses marketing.
        OptOut = "opt_out",
        /// Not within the next 24 hours.
        RestADay = "rest_a_day",
    }
}

/// An error answer in WhatsApp's own words, with what the error table says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `error.code`.
    pub code: i64,
    /// What it is about.
    pub scope: Scope,
    /// What to do.
    pub advice: Advice,
    /// How long the answer asked to wait, where it did.
    pub retry_after: Option<Duration>,
}

/// What one call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// WhatsApp took the message.
    Accepted {
        /// Its name there.
        id: WhatsAppMessageId,
        /// WhatsApp holds it back to judge the template's quality first (pacing).
        held_for_quality: bool,
    },
    /// WhatsApp answered with an error of its own format.
    Refused(Refusal),
    /// The connection could not be made: nothing was sent.
    Unreachable,
    /// The request may have arrived, and nobody said what became of it.
    Unknown,
}

/// What happens to the message now. Scopes are held and slowed by the caller, from the refusal itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// It is sent.
    Finish(WhatsAppMessageId),
    /// The same again after a pause; one retry is used up.
    RetryAfter(Duration),
    /// The fallback's turn, at once: WhatsApp cannot use the kind's own template. No retry is used up.
    TakeFallback,
    /// The same again after a pause that is not this message's fault; no retry is used up.
    WaitAtNoCost(Duration),
    /// Waits for a status, evidence or a person.
    AwaitEvidence,
    /// A letter to a person.
    GiveUp(DeadLetterReason),
}

/// The numbers of contracts, section 4.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// How many more calls a passing refusal of this message earns.
    pub retries: u32,
    /// How long before each.
    pub pause: Duration,
    /// How long when the scope, not the message, was refused or throttled, unless the answer names a time.
    pub scope_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 3,
            pause: Duration::from_secs(10),
            scope_pause: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Decides from its arguments alone. `retries_used` counts the passing refusals of this message before this one,
    /// `turn` says whether the fallback was what WhatsApp refused.
    pub fn next_step(&self, retries_used: u32, turn: Turn, outcome: &CallOutcome) -> NextStep {
        let refusal = match outcome {
            CallOutcome::Accepted { id, .. } => return NextStep::Finish(id.clone()),
            CallOutcome::Unknown => return NextStep::AwaitEvidence,
            CallOutcome::Unreachable => return self.retry(retries_used, None, DeadLetterReason::Unreachable),
            CallOutcome::Refused(refusal) => refusal,
        };
        match refusal.advice {
            Advice::Retry => self.retry(
                retries_used,
                refusal.retry_after,
                DeadLetterReason::RetriesExhausted,
            ),
            Advice::Hold | Advice::Throttle => {
                NextStep::WaitAtNoCost(refusal.retry_after.unwrap_or(self.scope_pause))
            }
            Advice::RestADay => NextStep::WaitAtNoCost(Duration::from_secs(86_400)),
            Advice::Fallback if turn == Turn::Template => NextStep::TakeFallback,
            Advice::Fallback | Advice::GiveUp => NextStep::GiveUp(DeadLetterReason::Refused),
            Advice::OptOut => NextStep::GiveUp(DeadLetterReason::OptedOut),
        }
    }

    fn retry(&self, used: u32, asked: Option<Duration>, exhausted: DeadLetterReason) -> NextStep {
        if used >= self.retries {
            return NextStep::GiveUp(exhausted);
        }
        NextStep::RetryAfter(asked.unwrap_or(self.pause).max(self.pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn refused(scope: Scope, advice: Advice, asked: Option<u64>) -> CallOutcome {
        CallOutcome::Refused(Refusal {
            code: 131_000,
            scope,
            advice,
            retry_after: asked.map(seconds),
        })
    }

    fn check(retries_used: u32, outcome: &CallOutcome, expected: &NextStep) {
        let step = RetryPolicy::default().next_step(retries_used, Turn::Template, outcome);
        assert_eq!(step, *expected, "{retries_used} retries used, {outcome:?}");
    }

    #[test]
    fn an_accepted_message_is_finished_even_when_whatsapp_holds_it_back() {
        let id = WhatsAppMessageId::parse("wamid.1").unwrap();
        for held_for_quality in [false, true] {
            let accepted = CallOutcome::Accepted {
                id: id.clone(),
                held_for_quality,
            };
            check(3, &accepted, &NextStep::Finish(id.clone()));
        }
    }

    #[test]
    fn a_passing_refusal_earns_three_retries_ten_seconds_apart_and_then_a_letter() {
        let cases = [
            (
                refused(Scope::Message, Advice::Retry, None),
                DeadLetterReason::RetriesExhausted,
            ),
            (CallOutcome::Unreachable, DeadLetterReason::Unreachable),
        ];
        for (outcome, letter) in cases {
            for used in 0..3 {
                check(used, &outcome, &NextStep::RetryAfter(seconds(10)));
            }
            check(3, &outcome, &NextStep::GiveUp(letter));
        }
    }

    #[test]
    fn a_retry_waits_as_long_as_it_was_told_but_never_shorter_than_ten_seconds() {
        for (asked, expected) in [(60, 60), (2, 10)] {
            let refusal = refused(Scope::Message, Advice::Retry, Some(asked));
            check(0, &refusal, &NextStep::RetryAfter(seconds(expected)));
        }
    }

    #[test]
    fn a_refused_or_throttled_scope_costs_no_retry_however_often_it_happens() {
        for advice in [Advice::Hold, Advice::Throttle] {
            for scope in Scope::ALL {
                for used in [0, 3, 100] {
                    let wait = NextStep::WaitAtNoCost(seconds(30));
                    check(used, &refused(*scope, advice, None), &wait);
                }
                let told = NextStep::WaitAtNoCost(seconds(5));
                check(3, &refused(*scope, advice, Some(5)), &told);
            }
        }
    }

    #[test]
    fn a_guest_who_has_had_enough_for_today_is_left_alone_for_a_day() {
        let refusal = refused(Scope::Recipient, Advice::RestADay, None);

        check(3, &refusal, &NextStep::WaitAtNoCost(seconds(86_400)));
    }

    #[test]
    fn the_fallback_has_its_turn_once() {
        let paused = refused(Scope::Template, Advice::Fallback, None);
        let after = |turn| RetryPolicy::default().next_step(3, turn, &paused);

        assert_eq!(after(Turn::Template), NextStep::TakeFallback);
        assert_eq!(after(Turn::Fallback), NextStep::GiveUp(DeadLetterReason::Refused));
    }

    #[test]
    fn a_refusal_for_good_is_a_letter_at_once() {
        let cases = [
            (Advice::GiveUp, DeadLetterReason::Refused),
            (Advice::OptOut, DeadLetterReason::OptedOut),
        ];
        for (advice, letter) in cases {
            check(
                0,
                &refused(Scope::Message, advice, None),
                &NextStep::GiveUp(letter),
            );
        }
    }

    #[test]
    fn an_unknown_outcome_is_never_retried_by_itself() {
        check(0, &CallOutcome::Unknown, &NextStep::AwaitEvidence);
    }
}
