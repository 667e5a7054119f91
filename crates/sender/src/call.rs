//! Calling: one request to WhatsApp, and what follows from its answer.

use domain::after_call::{CallOutcome, Tried};
use domain::hold;
use domain::message::CallbackData;
use service::crash;
use service::metrics::IntGauge;
use whatsapp::answer::Answer;
use whatsapp::request::Outgoing;

use crate::context::Sender;
use crate::probe::RouteKey;
use crate::stages::{Called, Granted, Outcome};
use crate::telemetry;

/// Calls WhatsApp once, unless the claim is too old or the resort's token is gone since the message was prepared.
pub(crate) async fn call(sender: &Sender, mut granted: Granted) -> Outcome {
    crash::point("sender.call.begins");
    let route = granted.ready.route_key();
    let ready = &granted.ready;
    let token = sender.files.current().access_token(&ready.route().resort);
    let Some(token) = token.filter(|_| granted.is_valid()) else {
        return Outcome::NotCalled(Box::new(granted));
    };
    let span = traces::next(Some(ready.trace));
    let message = Outgoing {
        endpoint: sender
            .endpoints
            .choose(ready.route(), &ready.content, ready.wanted.is_marketing),
        to: ready.to.clone(),
        callback: CallbackData {
            message: ready.wanted.id,
            attempt: granted.attempt,
        },
        content: ready.content.clone(),
        trace: Some(span),
    };
    let in_flight = InFlight::begin(&sender.metrics.in_flight);
    granted.ready.guest_turn.spend();
    granted.right.slot.begin();
    let answer = sender
        .whatsapp
        .send(route.number(), token.reveal(), &message)
        .await;
    drop(in_flight);
    crash::point("sender.call.answered");
    sender.endpoints.learn(granted.ready.route(), &answer.outcome);
    let foreign_in_a_row = learn(sender, &route, &answer);
    let called = conclude(sender, granted, answer, foreign_in_a_row);
    telemetry::called(&sender.metrics, message.endpoint, &called);
    sender.spans.record(span, || telemetry::span(span, &called));
    Outcome::Called(Box::new(called))
}

/// Counts a call as one that runs now, also until a panic.
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn begin(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Notes what the answer shows about the route and the number. Returns how many answers in a row were not WhatsApp's.
fn learn(sender: &Sender, route: &RouteKey, answer: &Answer) -> u32 {
    sender.probes.learn(route, answer.outcome.proves_route_healthy());
    if answer.outcome.number_is_too_fast() {
        sender.rate_limits.slow_down(route.number());
    }
    if answer.outcome == CallOutcome::Unreachable {
        sender.reachability.doubt();
    }
    sender.foreign_answers.count(route.number(), answer)
}

/// What follows from an answer for its message.
fn conclude(sender: &Sender, granted: Granted, answer: Answer, foreign_in_a_row: u32) -> Called {
    let Granted {
        ready,
        right,
        attempt,
        ..
    } = granted;
    let route = ready.route();
    let tried = Tried {
        retries: ready.retries,
        attempt,
        turn: ready.content_choice,
        free_text: route.template.is_none(),
        rested: ready.rested,
    };
    let foreign = || {
        let seen = answer.foreign.as_deref()?;
        hold::after_foreign_answers(foreign_in_a_row, seen, route, sender.probe_after)
    };
    Called {
        next: sender.retry_policy.next_step(tried, &answer.outcome),
        hold: hold::after(&answer.outcome, route, sender.probe_after).or_else(foreign),
        ready,
        permit: right.permit,
        attempt,
        answer,
    }
}
