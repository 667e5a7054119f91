//! Calling: one request to WhatsApp, and what follows from its answer.

use domain::after_call::{CallOutcome, Tried};
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
        let foreign = self.learn(lane, &answer);
        Some(self.conclude(ready, attempt, &answer, foreign))
    }

    /// What an answer tells, also of those that go the same way. Returns how many answers in a row were not WhatsApp's.
    fn learn(&self, lane: &Lane, answer: &Answer) -> u32 {
        self.metrics.call_duration.observe(answer.duration.as_secs_f64());
        if let Some(code) = answer.outcome.error_code() {
            self.metrics
                .refusals
                .with_label_values(&[&code.to_string()])
                .inc();
        }
        self.gates.learn(lane, answer.outcome.proves_route_healthy());
        if answer.outcome.number_is_too_fast() {
            self.pace.slow_down(lane.number());
        }
        if answer.outcome == CallOutcome::Unreachable {
            self.reach.doubt();
        }
        if answer.foreign.is_some() {
            self.metrics.foreign_answers.inc();
        }
        self.foreign_answers.count(lane.number(), answer)
    }

    /// What follows from an answer for its message.
    fn conclude(&self, ready: Ready, attempt: Attempt, answer: &Answer, foreign: u32) -> CallResult {
        let tried = Tried {
            retries: ready.retries,
            attempt,
            turn: ready.turn,
            free_text: ready.wanted.route.template.is_none(),
            rested: ready.rested,
        };
        let next = self.policy.next_step(tried, &answer.outcome);
        let outcome = log_lines::called(&ready, attempt, answer, &next);
        let route = ready.wanted.route;
        self.count(route.kind, outcome);
        let in_between = answer.foreign.as_deref();
        let in_between =
            in_between.and_then(|seen| hold::after_foreign_answers(foreign, seen, &route, self.probe_after));
        CallResult {
            id: ready.wanted.id,
            attempt,
            hold: hold::after(&answer.outcome, &route, self.probe_after).or(in_between),
            route,
            next,
            error_code: answer.outcome.error_code(),
            paced: answer.outcome.is_held_for_quality(),
            names: answer.names.clone(),
        }
    }
}
