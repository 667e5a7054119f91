//! The statuses of an accepted message: which, when, how often.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Emulator;
use crate::journal::Tracked;
use crate::notification::{self, Status, escaped};
use crate::outbox::Update;
use crate::scripts::Notify;
use crate::settings::StatusTimes;

/// Undeliverable; the code of a script's `failed` without a code.
const UNDELIVERABLE: i64 = 131_026;

/// The statuses, each with its delay after the message was accepted.
pub(super) struct Plan {
    steps: Vec<(Status, Duration)>,
    error: i64,
    notify: Notify,
}

impl Plan {
    /// The usual statuses, changed by a script; `refusal` is the code of an accepted message that cannot be delivered.
    pub(super) fn new(usual: &StatusTimes, notify: Notify, refusal: Option<i64>) -> Self {
        let delay = Duration::from_millis(notify.after_ms);
        let first = usual.0.first().map_or(Duration::ZERO, |(_, after)| *after);
        let steps = match &notify.statuses {
            Some(statuses) => {
                let time = |index: u32| delay + Duration::from_millis(notify.every_ms) * index;
                statuses
                    .iter()
                    .zip(0..)
                    .map(|(status, index)| (*status, time(index)))
                    .collect()
            }
            None if notify.error.or(refusal).is_some() => vec![(Status::Failed, first + delay)],
            None => usual
                .0
                .iter()
                .map(|(status, after)| (*status, *after + delay))
                .collect(),
        };
        let error = notify.error.or(refusal).unwrap_or(UNDELIVERABLE);
        Self { steps, error, notify }
    }
}

impl Emulator {
    /// Spawns the statuses; if a script wants it, the receiver fires when the callback has accepted the first one.
    pub(super) fn report(self: &Arc<Self>, message: Tracked, plan: Plan) -> Option<oneshot::Receiver<()>> {
        let begun = Instant::now();
        let waits = plan.notify.before_answer && !plan.steps.is_empty();
        let (mut accepted, first_report) = waits.then(oneshot::channel).unzip();
        let emulator = self.clone();
        self.runtime.spawn(async move {
            for (status, after) in &plan.steps {
                if !after.is_zero() {
                    tokio::time::sleep_until(begun + *after).await;
                }
                emulator.happen(&message, *status, &plan, accepted.take());
            }
        });
        first_report
    }

    fn happen(
        &self,
        message: &Tracked,
        status: Status,
        plan: &Plan,
        mut accepted: Option<oneshot::Sender<()>>,
    ) {
        let Tracked { place, taken } = message;
        let guest = taken.recipient.name();
        if status == Status::Read && !self.conversations().is_attentive(&guest) {
            return;
        }
        if !self.journal.note(*place, status.as_str()) {
            return;
        }
        let change = escaped::json(&notification::status(taken, status, plan.error, self.clock.now()));
        for _ in 0..plan.notify.copies.unwrap_or(1) {
            let update = Update {
                change: change.clone(),
                account_event_at: None,
                forged_first: plan.notify.forged_first,
                taken: accepted.take(),
            };
            match plan.notify.batch {
                Some(size) => self.outbox.push_batched(update, size),
                None => self.outbox.push(&guest, update),
            }
        }
    }

    /// The guest opens the conversation: everything that was delivered and not read is reported as read.
    pub(crate) fn read_all(&self, guest: &str) {
        let usual = Plan::new(&StatusTimes(Vec::new()), Notify::default(), None);
        for message in self.journal.unread_by(guest) {
            self.happen(&message, Status::Read, &usual, None);
        }
    }
}
