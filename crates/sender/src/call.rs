//! Calling: one request to WhatsApp, and what follows from its answer.

use domain::after_call::Tried;
use domain::hold;
use domain::message::life::CallResult;
use domain::message::{Attempt, CallbackData};
use service::crash;
use whatsapp::answer::Answer;
use whatsapp::request::Outgoing;

use crate::claim::Granted;
use crate::gate::Lane;
use crate::log_lines;
use crate::prepare::Ready;
use crate::send::Sender;

impl Sender {
    /// Calls WhatsApp once. `None`: the claim is too old, or the resort's token is gone since the message was prepared;
    /// nothing was sent.
    pub(crate) async fn call(&self, lane: &Lane, granted: Granted) -> Option<CallResult> {
        crash::point("sender.call.begins");
        let route = &granted.ready.wanted.route;
        let token = self.settings.current().access_token(&route.resort);
        let token = token.filter(|_| granted.is_good());
        let Granted { ready, attempt, .. } = granted;
        let Some(token) = token else {
            log_lines::released(&ready, attempt);
            self.release(ready.wanted.id, attempt).await;
            return None;
        };
        let message = Outgoing {
            to: ready.to.clone(),
            callback: CallbackData {
                message: ready.wanted.id,
                attempt,
            },
            content: ready.content.clone(),
        };
        self.metrics.in_flight.inc();
        let answer = self.whatsapp.send(lane.number(), token.reveal(), &message).await;
        self.metrics.in_flight.dec();
        crash::point("sender.call.answered");
        self.learn(lane, &answer);
        Some(self.conclude(ready, attempt, &answer))
    }

    /// What an answer tells, also of those that go the same way.
    fn learn(&self, lane: &Lane, answer: &Answer) {
        self.metrics.call_duration.observe(answer.duration.as_secs_f64());
        if let Some(code) = answer.outcome.error_code() {
            self.metrics
                .refusals
                .with_label_values(&[&code.to_string()])
                .inc();
        }
        self.gates.learn(lane, answer.outcome.proves_the_way());
        if answer.outcome.number_is_too_fast() {
            self.pace.slow_down(lane.number());
        }
    }

    /// What follows from an answer for its message.
    fn conclude(&self, ready: Ready, attempt: Attempt, answer: &Answer) -> CallResult {
        let tried = Tried {
            retries: ready.retries,
            attempt,
            turn: ready.turn,
        };
        let next = self.policy.next_step(tried, &answer.outcome);
        let outcome = log_lines::called(&ready, attempt, answer, &next);
        let route = ready.wanted.route;
        self.count(route.kind, outcome);
        CallResult {
            id: ready.wanted.id,
            attempt,
            hold: hold::after(&answer.outcome, &route, self.probe_after),
            route,
            next,
            error_code: answer.outcome.error_code(),
            paced: answer.outcome.is_held_for_quality(),
            names: answer.names.clone(),
        }
    }
}
