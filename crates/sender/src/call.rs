//! Calling: one request to WhatsApp, what follows from its answer, and its record.

use std::sync::Arc;

use domain::after_call::{CallOutcome, Tried};
use domain::hold;
use domain::ids::ResortId;
use domain::message::CallbackData;
use service::crash;
use store::planning::Policies;
use store::results::{self, CallResult};
use whatsapp::answer::Answer;
use whatsapp::request::Outgoing;

use crate::claim::Granted;
use crate::gate::Lane;
use crate::holds;
use crate::log_lines;
use crate::persist;
use crate::send::Sender;
use crate::write::Ready;

impl Sender {
    /// Calls WhatsApp once. `None`: the claim is too old, or the resort's token is gone since the message was written;
    /// nothing was sent.
    pub(crate) async fn call(&self, lane: &Lane, granted: Granted) -> Option<CallResult> {
        crash::point("sender.call.begins");
        if !granted.is_good() {
            let (id, attempt) = (granted.ready.wanted.id, granted.attempt);
            log::warn!("message.id" = id.to_string(), "attempt.number" = attempt.0; "the claim took too long; released without a call");
            self.release(id, attempt).await;
            return None;
        }
        let Granted { ready, attempt, .. } = granted;
        let Ready {
            wanted,
            to,
            content,
            retries,
            turn,
            booking,
        } = ready;
        let token = self.settings.current().access_token(&wanted.route.resort);
        let Some(token) = token else {
            self.release(wanted.id, attempt).await;
            return None;
        };
        let callback = CallbackData {
            message: wanted.id,
            attempt,
        };
        let message = Outgoing {
            to,
            callback,
            content,
        };
        let number = &wanted.route.number;
        self.metrics.in_flight.inc();
        let answer = self.whatsapp.send(number, token.reveal(), &message).await;
        self.metrics.in_flight.dec();
        crash::point("sender.call.answered");
        self.learn(lane, &answer);
        let tried = Tried {
            retries,
            attempt,
            turn,
        };
        let next = self.policy.next_step(tried, &answer.outcome);
        let outcome = log_lines::called(&wanted, &booking, attempt, &answer, &next);
        self.metrics
            .messages
            .with_label_values(&[wanted.route.kind.as_str(), outcome])
            .inc();
        Some(CallResult {
            id: wanted.id,
            attempt,
            hold: hold::after(&answer.outcome, &wanted.route, self.probe_after),
            route: wanted.route,
            next,
            error_code: code_of(&answer.outcome),
            paced: answer.outcome.is_held_for_quality(),
        })
    }

    /// What an answer tells, also of those that go the same way.
    fn learn(&self, lane: &Lane, answer: &Answer) {
        self.metrics.call_duration.observe(answer.duration.as_secs_f64());
        if let Some(code) = code_of(&answer.outcome) {
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

    /// Records results until Postgres took them: they exist nowhere else.
    pub(crate) async fn record(&self, called: Vec<CallResult>) {
        if called.is_empty() {
            return;
        }
        let called = Arc::new(called);
        let outcome = persist::until_done("record what came of calls", || {
            let (called, ring) = (Arc::clone(&called), Arc::clone(&self.ring));
            let snapshot = self.settings.current();
            self.store.transaction(move |connection| {
                let resort = |id: &ResortId| snapshot.resort(id);
                let policies = Policies {
                    ring: &ring,
                    resort: &resort,
                };
                let outcome = results::record_calls(connection, &policies, &called)?;
                crash::point("sender.results.written");
                Ok(outcome)
            })
        })
        .await;
        crash::point("sender.results.committed");
        holds::tell(self, &outcome);
    }
}

fn code_of(outcome: &CallOutcome) -> Option<i64> {
    match outcome {
        CallOutcome::Refused(refusal) => Some(refusal.code),
        _ => None,
    }
}
