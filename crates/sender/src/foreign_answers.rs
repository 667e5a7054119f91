//! Answers that are not WhatsApp's, counted for each number: several in a row show that a proxy, a firewall or a wrong
//! address answers in its place.

use std::collections::HashMap;
use std::sync::Mutex;

use domain::ids::NumberId;
use service::lock;
use whatsapp::answer::Answer;

/// How many foreign answers in a row the calls of each number got.
#[derive(Default)]
pub(crate) struct ForeignAnswers(Mutex<HashMap<NumberId, u32>>);

impl ForeignAnswers {
    /// Counts an answer and returns how many in a row are foreign now. A call without an answer changes nothing.
    pub(crate) fn count(&self, number: &NumberId, answer: &Answer) -> u32 {
        let mut counts = lock(&self.0);
        let count = counts.entry(number.clone()).or_default();
        if answer.foreign.is_some() {
            *count = count.saturating_add(1);
        } else if answer.http_status.is_some() && answer.outcome.is_whatsapps() {
            *count = 0;
        }
        *count
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::after_call::{Advice, CallOutcome, Refusal, Scope};

    use super::*;

    fn answer(outcome: CallOutcome, http_status: Option<u16>, foreign: bool) -> Answer {
        Answer {
            outcome,
            http_status,
            fbtrace_id: None,
            subcode: None,
            duration: Duration::ZERO,
            note: None,
            foreign: foreign.then(|| "HTTP 403".to_owned()),
            names: Vec::new(),
        }
    }

    #[test]
    fn foreign_answers_in_a_row_are_counted_until_whatsapp_itself_answers_to_that_number() {
        let foreign = ForeignAnswers::default();
        let (one, other) = (NumberId::parse("1").unwrap(), NumberId::parse("2").unwrap());
        let count = |number, answer| foreign.count(number, &answer);
        let refused = CallOutcome::Refused(Refusal {
            code: 131_026,
            scope: Scope::Recipient,
            advice: Advice::GiveUp,
            retry_after: None,
            unsure: false,
        });

        assert_eq!(count(&one, answer(CallOutcome::Intercepted, Some(403), true)), 1);
        assert_eq!(count(&one, answer(CallOutcome::Unknown, Some(502), true)), 2);
        assert_eq!(
            count(&one, answer(CallOutcome::Unknown, None, false)),
            2,
            "no answer"
        );
        assert_eq!(
            count(&other, answer(CallOutcome::Intercepted, Some(403), true)),
            1
        );
        assert_eq!(count(&one, answer(refused, Some(400), false)), 0);
        assert_eq!(count(&one, answer(CallOutcome::Intercepted, Some(403), true)), 1);
    }
}
