//! What becomes of a message after one call to WhatsApp.

use std::time::Duration;

use crate::dead_letter::DeadLetterReason;
use crate::ids::WhatsAppMessageId;
use crate::message::{Attempt, ContentChoice, Reason};
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

impl Scope {
    /// Whether messages to several guests have it in common, so that it can be held.
    pub const fn is_shared(self) -> bool {
        !matches!(self, Self::Pair | Self::Recipient | Self::Message)
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

text_enum! {
    /// How WhatsApp tells of an error.
    Heard("way of a refusal") {
        /// In the answer to the call.
        Answer = "answer",
        /// Later, as a status `failed` of a message that it had accepted.
        Status = "status",
    }
}

/// An error in WhatsApp's own words, with what the error table says of it.
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
    /// Whether WhatsApp may deliver the message although it says that it failed.
    pub unsure: bool,
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
    /// WhatsApp accepted the message and reported later that it failed; `None` where the report names no error.
    Failed(Option<Refusal>),
    /// The connection could not be made: nothing was sent.
    Unreachable,
    /// A proxy, a firewall or a wrong address refused the request: WhatsApp never saw it.
    Intercepted,
    /// The request may have arrived, and nothing says what became of it.
    Unknown,
}

impl CallOutcome {
    /// Whether the answer shows that token, number and account are well: WhatsApp judged the message itself.
    pub fn proves_the_way(&self) -> bool {
        match self {
            Self::Accepted { .. } => true,
            Self::Refused(refusal) => {
                matches!(refusal.scope, Scope::Message | Scope::Recipient | Scope::Pair)
            }
            Self::Failed(_) | Self::Unreachable | Self::Intercepted | Self::Unknown => false,
        }
    }

    /// Whether WhatsApp itself answered.
    pub const fn is_whatsapps(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Refused(_))
    }

    /// What WhatsApp said against the message, and how.
    pub fn refusal(&self) -> Option<(Heard, &Refusal)> {
        match self {
            Self::Refused(refusal) => Some((Heard::Answer, refusal)),
            Self::Failed(refusal) => refusal.as_ref().map(|refusal| (Heard::Status, refusal)),
            Self::Accepted { .. } | Self::Unreachable | Self::Intercepted | Self::Unknown => None,
        }
    }

    /// WhatsApp's error code, where it refused.
    pub fn error_code(&self) -> Option<i64> {
        self.refusal().map(|(_, refusal)| refusal.code)
    }

    /// Whether WhatsApp took it but judges its template before it goes on.
    pub fn is_held_for_quality(&self) -> bool {
        matches!(
            self,
            Self::Accepted {
                held_for_quality: true,
                ..
            }
        )
    }

    /// Whether the business number sends faster than WhatsApp takes.
    pub fn number_is_too_fast(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.scope == Scope::Number && refusal.advice == Advice::Throttle)
    }
}

/// What happens to the message now. What else has to wait says [`crate::hold::after`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// It is sent.
    Finish(WhatsAppMessageId),
    /// The same again after a pause; one retry is used up.
    RetryAfter(Duration),
    /// The fallback's turn, at once: WhatsApp cannot use the kind's own template. No retry is used up.
    TakeFallback,
    /// The fallback's template instead of free text, at once: the guest's 24 hours are over. No retry is used up.
    LeaveText,
    /// The same again after a pause that is not this message's fault; no retry is used up.
    WaitAtNoCost(Duration),
    /// The guest has had enough marketing for now: the same again after this long, once only.
    Rest(Duration),
    /// Ends without a dead letter, for this reason.
    Skip(Reason),
    /// Waits until the scope is well again or a person says so; no retry is used up.
    Hold(Scope),
    /// Waits for a status, evidence or a person.
    AwaitEvidence,
    /// The guest refuses marketing: the wish is remembered, the message skipped.
    OptOut,
    /// A letter to a person.
    GiveUp(DeadLetterReason),
}

/// How often, and how long between.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// How many more calls a passing refusal of this message earns.
    pub retries: u32,
    /// How long before each.
    pub pause: Duration,
    /// How long a message waits when its number sends too fast, unless the answer names a time.
    pub throttled_pause: Duration,
    /// How long a reported failure whose outcome is not certain waits for a delivery that contradicts it.
    pub contradicted_within: Duration,
}

/// What was tried when the answer, or the report of a failure, came.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// Passing refusals of this message before this call.
    pub retries: u32,
    /// Which call it was.
    pub attempt: Attempt,
    /// Whether the fallback was what WhatsApp answered to.
    pub turn: ContentChoice,
    /// Whether free text was sent, not a template.
    pub free_text: bool,
    /// Whether the message has rested a day before.
    pub rested: bool,
}

/// How long WhatsApp wants a guest to be left alone who had enough marketing (131049).
const REST: Duration = Duration::from_secs(86_400);

/// The most that a pair of number and guest is made to wait: 4^6 s, a little more than an hour.
const LONGEST_PAIR_EXPONENT: u32 = 6;

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 3,
            pause: Duration::from_secs(10),
            throttled_pause: Duration::from_secs(5),
            contradicted_within: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// Decides from its arguments alone, alike for an answer and for a failure that is reported later.
    pub fn next_step(&self, tried: Tried, outcome: &CallOutcome) -> NextStep {
        match outcome {
            CallOutcome::Accepted { id, .. } => NextStep::Finish(id.clone()),
            CallOutcome::Unknown => NextStep::AwaitEvidence,
            // Another sender may reach WhatsApp; this one claims nothing until it does.
            CallOutcome::Unreachable => NextStep::WaitAtNoCost(Duration::ZERO),
            CallOutcome::Intercepted => NextStep::WaitAtNoCost(self.pause),
            CallOutcome::Failed(None) => NextStep::GiveUp(DeadLetterReason::DeliveryFailed),
            CallOutcome::Refused(refusal) => self.after_refusal(tried, Heard::Answer, refusal),
            CallOutcome::Failed(Some(refusal)) => self.after_refusal(tried, Heard::Status, refusal),
        }
    }

    fn after_refusal(&self, tried: Tried, heard: Heard, refusal: &Refusal) -> NextStep {
        let (scope, asked) = (refusal.scope, refusal.retry_after);
        match refusal.advice {
            Advice::Retry => self.retry(tried, asked.max(self.doubt(heard, refusal))),
            Advice::Throttle => match scope {
                Scope::Platform | Scope::Account => NextStep::Hold(scope),
                Scope::Pair => NextStep::WaitAtNoCost(asked.unwrap_or_else(|| pair_pause(tried.attempt))),
                _ => NextStep::WaitAtNoCost(asked.unwrap_or(self.throttled_pause)),
            },
            Advice::Hold => NextStep::Hold(scope),
            Advice::RestADay if tried.rested => NextStep::Skip(Reason::MarketingLimit),
            Advice::RestADay => NextStep::Rest(REST),
            // Only what is about the guest speaks of their window.
            Advice::Fallback if scope == Scope::Recipient && tried.free_text => NextStep::LeaveText,
            Advice::Fallback if tried.turn == ContentChoice::Template => NextStep::TakeFallback,
            // The fallback's own template is paused or missing.
            Advice::Fallback if scope == Scope::Template => NextStep::Hold(scope),
            Advice::Fallback | Advice::GiveUp => NextStep::GiveUp(match heard {
                Heard::Answer => DeadLetterReason::Refused,
                Heard::Status => DeadLetterReason::DeliveryFailed,
            }),
            Advice::OptOut => NextStep::OptOut,
        }
    }

    /// How long a failure may still be contradicted. An error answer says that nothing was accepted.
    fn doubt(&self, heard: Heard, refusal: &Refusal) -> Option<Duration> {
        (heard == Heard::Status && refusal.unsure).then_some(self.contradicted_within)
    }

    fn retry(&self, tried: Tried, asked: Option<Duration>) -> NextStep {
        if tried.retries >= self.retries {
            return NextStep::GiveUp(DeadLetterReason::RetriesExhausted);
        }
        NextStep::RetryAfter(asked.unwrap_or(self.pause).max(self.pause))
    }
}

/// 4^n seconds, n growing with each call (Meta, "About the platform", pair rate limits).
fn pair_pause(attempt: Attempt) -> Duration {
    let exponent = attempt.0.saturating_sub(1).min(LONGEST_PAIR_EXPONENT);
    Duration::from_secs(4_u64.pow(exponent))
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
            unsure: false,
        })
    }

    /// The same, reported after WhatsApp had accepted the message.
    fn failed(outcome: &CallOutcome) -> CallOutcome {
        CallOutcome::Failed(outcome.refusal().map(|(_, refusal)| refusal.clone()))
    }

    fn tried(retries: u32) -> Tried {
        Tried {
            retries,
            attempt: Attempt(retries + 1),
            turn: ContentChoice::Template,
            free_text: false,
            rested: false,
        }
    }

    fn check(retries_used: u32, outcome: &CallOutcome, expected: &NextStep) {
        let step = RetryPolicy::default().next_step(tried(retries_used), outcome);
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
        let answered = refused(Scope::Message, Advice::Retry, None);
        for outcome in [failed(&answered), answered] {
            for used in 0..3 {
                check(used, &outcome, &NextStep::RetryAfter(seconds(10)));
            }
            check(3, &outcome, &NextStep::GiveUp(DeadLetterReason::RetriesExhausted));
        }
    }

    #[test]
    fn what_whatsapp_never_saw_costs_no_retry_however_often_it_happens() {
        for used in [0, 3, 100] {
            check(
                used,
                &CallOutcome::Unreachable,
                &NextStep::WaitAtNoCost(Duration::ZERO),
            );
            check(
                used,
                &CallOutcome::Intercepted,
                &NextStep::WaitAtNoCost(seconds(10)),
            );
        }
    }

    #[test]
    fn a_failure_whose_outcome_is_not_certain_is_retried_after_two_minutes_and_an_answer_after_ten_seconds() {
        let unsure = Refusal {
            code: 131_000,
            scope: Scope::Platform,
            advice: Advice::Retry,
            retry_after: None,
            unsure: true,
        };
        let sure = Refusal {
            unsure: false,
            ..unsure.clone()
        };

        check(
            0,
            &CallOutcome::Failed(Some(unsure.clone())),
            &NextStep::RetryAfter(seconds(120)),
        );
        check(
            0,
            &CallOutcome::Failed(Some(sure)),
            &NextStep::RetryAfter(seconds(10)),
        );
        check(
            0,
            &CallOutcome::Refused(unsure),
            &NextStep::RetryAfter(seconds(10)),
        );
    }

    #[test]
    fn free_text_outside_of_the_guests_window_gives_way_to_the_fallback_template_whosever_turn_it_was() {
        let refusal = refused(Scope::Recipient, Advice::Fallback, None);
        for outcome in [failed(&refusal), refusal] {
            for turn in [ContentChoice::Template, ContentChoice::Fallback] {
                let text = Tried {
                    turn,
                    free_text: true,
                    ..tried(3)
                };
                assert_eq!(
                    RetryPolicy::default().next_step(text, &outcome),
                    NextStep::LeaveText
                );
            }
        }
    }

    #[test]
    fn a_failure_without_an_error_is_a_letter() {
        check(
            0,
            &CallOutcome::Failed(None),
            &NextStep::GiveUp(DeadLetterReason::DeliveryFailed),
        );
    }

    #[test]
    fn a_retry_waits_as_long_as_it_was_told_but_never_shorter_than_ten_seconds() {
        for (asked, expected) in [(60, 60), (2, 10)] {
            let refusal = refused(Scope::Message, Advice::Retry, Some(asked));
            check(0, &refusal, &NextStep::RetryAfter(seconds(expected)));
        }
    }

    #[test]
    fn a_refused_scope_costs_no_retry_however_often_it_happens() {
        for scope in Scope::ALL {
            for used in [0, 3, 100] {
                check(
                    used,
                    &refused(*scope, Advice::Hold, None),
                    &NextStep::Hold(*scope),
                );
            }
        }
    }

    #[test]
    fn a_throttled_scope_costs_no_retry_however_often_it_happens() {
        let wait = |pause| NextStep::WaitAtNoCost(seconds(pause));
        for used in [0, 3, 100] {
            let number = |asked| refused(Scope::Number, Advice::Throttle, asked);
            check(used, &number(None), &wait(5));
            check(used, &number(Some(9)), &wait(9));
            for scope in [Scope::Platform, Scope::Account] {
                check(
                    used,
                    &refused(scope, Advice::Throttle, None),
                    &NextStep::Hold(scope),
                );
            }
        }
    }

    #[test]
    fn a_guest_who_is_written_to_too_often_is_given_four_times_as_long_each_time() {
        let pair = refused(Scope::Pair, Advice::Throttle, None);
        for (calls_before, pause) in [(0, 1), (1, 4), (2, 16), (6, 4096), (60, 4096)] {
            check(calls_before, &pair, &NextStep::WaitAtNoCost(seconds(pause)));
        }
    }

    #[test]
    fn a_guest_who_has_had_enough_for_today_is_left_alone_for_a_day_and_then_for_good() {
        let refusal = refused(Scope::Recipient, Advice::RestADay, None);
        for outcome in [failed(&refusal), refusal] {
            check(3, &outcome, &NextStep::Rest(seconds(86_400)));
            let rested = Tried {
                rested: true,
                ..tried(0)
            };
            assert_eq!(
                RetryPolicy::default().next_step(rested, &outcome),
                NextStep::Skip(Reason::MarketingLimit)
            );
        }
    }

    #[test]
    fn the_fallback_has_its_turn_once() {
        let after = |scope, turn| {
            let tried = Tried { turn, ..tried(3) };
            RetryPolicy::default().next_step(tried, &refused(scope, Advice::Fallback, None))
        };

        for scope in [Scope::Template, Scope::Recipient] {
            assert_eq!(after(scope, ContentChoice::Template), NextStep::TakeFallback);
        }
        assert_eq!(
            after(Scope::Template, ContentChoice::Fallback),
            NextStep::Hold(Scope::Template)
        );
        assert_eq!(
            after(Scope::Recipient, ContentChoice::Fallback),
            NextStep::GiveUp(DeadLetterReason::Refused)
        );
    }

    #[test]
    fn a_refusal_for_good_is_a_letter_at_once() {
        let refusal = refused(Scope::Message, Advice::GiveUp, None);

        check(0, &refusal, &NextStep::GiveUp(DeadLetterReason::Refused));
        check(
            0,
            &failed(&refusal),
            &NextStep::GiveUp(DeadLetterReason::DeliveryFailed),
        );
    }

    #[test]
    fn a_guest_who_refuses_marketing_is_believed() {
        let refusal = refused(Scope::Recipient, Advice::OptOut, None);

        check(0, &refusal, &NextStep::OptOut);
    }

    #[test]
    fn only_an_answer_about_the_message_itself_shows_that_the_way_is_well() {
        let proves = |scope, advice| refused(scope, advice, None).proves_the_way();

        assert!(proves(Scope::Message, Advice::GiveUp) && proves(Scope::Recipient, Advice::OptOut));
        assert!(!proves(Scope::Token, Advice::Hold) && !proves(Scope::Template, Advice::Fallback));
        assert!(!proves(Scope::Platform, Advice::Retry) && !CallOutcome::Unknown.proves_the_way());
    }

    #[test]
    fn an_unknown_outcome_is_never_retried_by_itself() {
        check(0, &CallOutcome::Unknown, &NextStep::AwaitEvidence);
    }
}
