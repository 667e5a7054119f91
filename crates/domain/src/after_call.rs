//! What to do with a message after one call to WhatsApp.
//!
//! The error table ([`Advice`], [`Scope`]) is in crate `whatsapp`; [`RetryPolicy::next_step`] turns an outcome into
//! the next step of the message itself. [`crate::hold`] decides which other messages have to wait,
//! [`crate::message_record`] applies the step.

use std::time::Duration;

use crate::dead_letter::DeadLetterReason;
use crate::ids::WhatsAppMessageId;
use crate::message::{Attempt, ContentChoice, Reason};
use crate::text_enum::text_enum;

text_enum! {
    /// What a refusal is about. Everything else with the same scope would be refused too.
    Scope("scope") {
        Token = "token",
        /// The app's or the account's call quota, or WhatsApp itself.
        Platform = "platform",
        Number = "number",
        Account = "account",
        Country = "country",
        Template = "template",
        /// The business number together with the guest.
        Pair = "pair",
        Recipient = "recipient",
        Message = "message",
    }
}

impl Scope {
    /// Whether messages to several guests share it, so that it can be held.
    pub const fn is_shared(self) -> bool {
        !matches!(self, Self::Pair | Self::Recipient | Self::Message)
    }
}

text_enum! {
    /// What the error table advises for a code.
    Advice("advice") {
        /// The reason will pass: the same request again.
        Retry = "retry",
        /// The refusal is final: a person looks at it.
        GiveUp = "give_up",
        /// The scope is refused until a person or time changes that: hold everything in it.
        Hold = "hold",
        /// The scope accepts less than it was sent: slow down.
        Throttle = "throttle",
        /// Send the fallback instead.
        Fallback = "fallback",
        /// The marketing endpoint cannot be used with this template or number: send the same by the ordinary one.
        UseMessages = "use_messages",
        OptOut = "opt_out",
        /// Not within the next 24 hours (the guest had enough marketing).
        RestADay = "rest_a_day",
    }
}

text_enum! {
    /// How WhatsApp reported an error.
    ReportedIn("way of a refusal") {
        Answer = "answer",
        /// Later, as a status `failed` of a message that it had accepted.
        Status = "status",
    }
}

/// An error that WhatsApp reported, with what the error table says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `error.code` of the answer.
    pub code: i64,
    pub scope: Scope,
    pub advice: Advice,
    /// How long the answer asked to wait, where it did.
    pub retry_after: Option<Duration>,
    /// Whether WhatsApp may deliver the message although it says that it failed.
    pub unsure: bool,
}

/// The outcome of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    Accepted {
        id: WhatsAppMessageId,
        /// WhatsApp holds the message back to judge the template's quality first (pacing).
        held_for_quality: bool,
    },
    /// WhatsApp answered with an error in its own format.
    Refused(Refusal),
    /// WhatsApp accepted the message and reported later that it failed; `None` where the report names no error.
    Failed(Option<Refusal>),
    /// The connection failed: nothing was sent.
    Unreachable,
    /// A proxy, a firewall or a wrong address refused the request: it never reached WhatsApp.
    Intercepted,
    /// The request may have arrived, and no answer says what happened to it.
    Unknown,
}

impl CallOutcome {
    /// Whether the answer shows that token, number and account work: WhatsApp judged the message itself.
    pub fn proves_route_healthy(&self) -> bool {
        match self {
            Self::Accepted { .. } => true,
            Self::Refused(refusal) => {
                matches!(refusal.scope, Scope::Message | Scope::Recipient | Scope::Pair)
            }
            Self::Failed(_) | Self::Unreachable | Self::Intercepted | Self::Unknown => false,
        }
    }

    /// Whether the answer is WhatsApp's own.
    pub const fn is_whatsapps(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Refused(_))
    }

    /// The error that WhatsApp reported, and how.
    pub fn refusal(&self) -> Option<(ReportedIn, &Refusal)> {
        match self {
            Self::Refused(refusal) => Some((ReportedIn::Answer, refusal)),
            Self::Failed(refusal) => refusal.as_ref().map(|refusal| (ReportedIn::Status, refusal)),
            Self::Accepted { .. } | Self::Unreachable | Self::Intercepted | Self::Unknown => None,
        }
    }

    pub fn error_code(&self) -> Option<i64> {
        self.refusal().map(|(_, refusal)| refusal.code)
    }

    /// Whether WhatsApp accepted the message and holds it back to judge its template.
    pub fn is_held_for_quality(&self) -> bool {
        matches!(
            self,
            Self::Accepted {
                held_for_quality: true,
                ..
            }
        )
    }

    /// Whether the business number sends faster than WhatsApp accepts.
    pub fn number_is_too_fast(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.scope == Scope::Number && refusal.advice == Advice::Throttle)
    }
}

/// The next step of the message. [`crate::hold::after`] says what else has to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    Finish(WhatsAppMessageId),
    /// The same request again after this pause; it uses up one retry.
    RetryAfter(Duration),
    /// The fallback instead, at once, because WhatsApp cannot use the kind's own template. It uses up no retry.
    TakeFallback,
    /// The fallback's template instead of free text, at once, because the guest's 24-hour window is closed. It uses
    /// up no retry.
    LeaveText,
    /// The same message by the ordinary endpoint, at once, because the one for marketing cannot be used. It uses up
    /// no retry.
    UseMessages,
    /// The same request again after this pause. The message did not cause the pause, so it uses up no retry.
    WaitAtNoCost(Duration),
    /// The guest had enough marketing for now: the same request again after this pause, once only.
    Rest(Duration),
    /// The message ends without a dead letter, for this reason.
    Skip(Reason),
    /// The message waits for a hold of this scope; it uses up no retry.
    Hold(Scope),
    /// The message waits for a status, for evidence of silence, or for a person.
    AwaitEvidence,
    /// The guest refuses marketing: the stop is recorded and the message skipped.
    OptOut,
    /// The message becomes a dead letter.
    GiveUp(DeadLetterReason),
}

/// How often a message is retried, and after which pauses.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// How many retries a message gets for passing refusals.
    pub retries: u32,
    /// The pause before each retry.
    pub pause: Duration,
    /// How long a message waits when its number sends too fast, unless the answer says how long.
    pub throttled_pause: Duration,
    /// How long to wait for a delivery that contradicts a reported failure, where the failure is not certain.
    pub contradicted_within: Duration,
}

/// What was sent when the answer, or the report of a failure, arrived.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// Retries that were used up before this call.
    pub retries: u32,
    pub attempt: Attempt,
    pub turn: ContentChoice,
    pub free_text: bool,
    /// Whether the message has waited a day before.
    pub rested: bool,
}

/// How long WhatsApp asks to leave a guest alone who had enough marketing (code 131049).
const REST: Duration = Duration::from_secs(86_400);

/// Limits the pause of a pair of number and guest to 4^6 s, a little more than an hour.
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
    /// Decides from the arguments alone, in the same way for an answer and for a failure that is reported later.
    pub fn next_step(&self, tried: Tried, outcome: &CallOutcome) -> NextStep {
        match outcome {
            CallOutcome::Accepted { id, .. } => NextStep::Finish(id.clone()),
            CallOutcome::Unknown => NextStep::AwaitEvidence,
            // Another sender may reach WhatsApp; this one claims nothing until it can.
            CallOutcome::Unreachable => NextStep::WaitAtNoCost(Duration::ZERO),
            CallOutcome::Intercepted => NextStep::WaitAtNoCost(self.pause),
            CallOutcome::Failed(None) => NextStep::GiveUp(DeadLetterReason::DeliveryFailed),
            CallOutcome::Refused(refusal) => self.after_refusal(tried, ReportedIn::Answer, refusal),
            CallOutcome::Failed(Some(refusal)) => self.after_refusal(tried, ReportedIn::Status, refusal),
        }
    }

    fn after_refusal(&self, tried: Tried, reported_in: ReportedIn, refusal: &Refusal) -> NextStep {
        let (scope, asked) = (refusal.scope, refusal.retry_after);
        match refusal.advice {
            Advice::Retry => self.retry(tried, asked.max(self.doubt(reported_in, refusal))),
            Advice::Throttle => match scope {
                Scope::Platform | Scope::Account => NextStep::Hold(scope),
                Scope::Pair => NextStep::WaitAtNoCost(asked.unwrap_or_else(|| pair_pause(tried.attempt))),
                _ => NextStep::WaitAtNoCost(asked.unwrap_or(self.throttled_pause)),
            },
            Advice::Hold => NextStep::Hold(scope),
            Advice::RestADay if tried.rested => NextStep::Skip(Reason::MarketingLimit),
            Advice::RestADay => NextStep::Rest(REST),
            // Only an error about the guest can mean that their window is closed.
            Advice::Fallback if scope == Scope::Recipient && tried.free_text => NextStep::LeaveText,
            Advice::Fallback if tried.turn == ContentChoice::Template => NextStep::TakeFallback,
            // The fallback's own template is paused or missing: there is nothing else to send.
            Advice::Fallback if scope == Scope::Template => NextStep::Hold(scope),
            Advice::Fallback | Advice::GiveUp => NextStep::GiveUp(match reported_in {
                ReportedIn::Answer => DeadLetterReason::Refused,
                ReportedIn::Status => DeadLetterReason::DeliveryFailed,
            }),
            Advice::UseMessages => NextStep::UseMessages,
            Advice::OptOut => NextStep::OptOut,
        }
    }

    /// How long to wait for a contradiction of a failure. An error answer is certain: WhatsApp accepted nothing.
    fn doubt(&self, reported_in: ReportedIn, refusal: &Refusal) -> Option<Duration> {
        (reported_in == ReportedIn::Status && refusal.unsure).then_some(self.contradicted_within)
    }

    fn retry(&self, tried: Tried, asked: Option<Duration>) -> NextStep {
        if tried.retries >= self.retries {
            return NextStep::GiveUp(DeadLetterReason::RetriesExhausted);
        }
        NextStep::RetryAfter(asked.unwrap_or(self.pause).max(self.pause))
    }
}

/// 4^n seconds, where n grows with each call (Meta, "About the platform", pair rate limits).
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

    // shows: B75
    #[test]
    fn a_passing_refusal_gets_three_retries_ten_seconds_apart_and_then_a_dead_letter() {
        let answered = refused(Scope::Message, Advice::Retry, None);
        for outcome in [failed(&answered), answered] {
            for used in 0..3 {
                check(used, &outcome, &NextStep::RetryAfter(seconds(10)));
            }
            check(3, &outcome, &NextStep::GiveUp(DeadLetterReason::RetriesExhausted));
        }
    }

    #[test]
    fn a_request_that_whatsapp_never_saw_uses_up_no_retry() {
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
    fn free_text_outside_of_the_guests_window_is_followed_by_the_fallback_template() {
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
    fn a_failure_without_an_error_is_a_dead_letter() {
        check(
            0,
            &CallOutcome::Failed(None),
            &NextStep::GiveUp(DeadLetterReason::DeliveryFailed),
        );
    }

    #[test]
    fn a_retry_waits_as_long_as_whatsapp_asks_but_at_least_ten_seconds() {
        for (asked, expected) in [(60, 60), (2, 10)] {
            let refusal = refused(Scope::Message, Advice::Retry, Some(asked));
            check(0, &refusal, &NextStep::RetryAfter(seconds(expected)));
        }
    }

    // shows: B77
    #[test]
    fn a_refused_scope_uses_up_no_retry() {
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

    // shows: B77
    #[test]
    fn a_throttled_scope_uses_up_no_retry() {
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
    fn the_pause_of_a_throttled_pair_grows_fourfold_each_time() {
        let pair = refused(Scope::Pair, Advice::Throttle, None);
        for (calls_before, pause) in [(0, 1), (1, 4), (2, 16), (6, 4096), (60, 4096)] {
            check(calls_before, &pair, &NextStep::WaitAtNoCost(seconds(pause)));
        }
    }

    #[test]
    fn a_guest_who_had_enough_marketing_gets_a_days_rest_and_then_no_message() {
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

    // shows: B71
    #[test]
    fn the_fallback_is_tried_once() {
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
    fn a_final_refusal_is_a_dead_letter_at_once() {
        let refusal = refused(Scope::Message, Advice::GiveUp, None);

        check(0, &refusal, &NextStep::GiveUp(DeadLetterReason::Refused));
        check(
            0,
            &failed(&refusal),
            &NextStep::GiveUp(DeadLetterReason::DeliveryFailed),
        );
    }

    #[test]
    fn a_guest_who_refuses_marketing_is_opted_out() {
        let refusal = refused(Scope::Recipient, Advice::OptOut, None);

        check(0, &refusal, &NextStep::OptOut);
    }

    #[test]
    fn only_an_answer_about_the_message_itself_proves_that_the_route_is_healthy() {
        let proves = |scope, advice| refused(scope, advice, None).proves_route_healthy();

        assert!(proves(Scope::Message, Advice::GiveUp) && proves(Scope::Recipient, Advice::OptOut));
        assert!(!proves(Scope::Token, Advice::Hold) && !proves(Scope::Template, Advice::Fallback));
        assert!(!proves(Scope::Platform, Advice::Retry) && !CallOutcome::Unknown.proves_route_healthy());
    }

    #[test]
    fn an_unknown_outcome_is_never_retried_by_itself() {
        check(0, &CallOutcome::Unknown, &NextStep::AwaitEvidence);
    }
}
