//! Preparing: what may be due is read and judged before its call; what does not go now ends, waits or is held at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::before_call::{self, Due, Sendable, Step};
use domain::dead_letter::DeadLetterReason;
use domain::hold::{self, Route};
use domain::ids::{MessageId, NumberId};
use domain::message::{Reason, Turn};
use domain::phone_number::PhoneNumber;
use domain::plan::cart;
use domain::render::{Content, ServiceWindow, Subject};
use domain::resort::Resort;
use service::crash;
use store::StoreError;
use store::claims::{self, Draft, Waiting, Wanted};
use store::holds::{self, Hold};

use crate::log_lines;
use crate::send::Sender;

/// A message that can be called for at once.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What the claim needs.
    pub(crate) wanted: Wanted,
    /// Whom.
    pub(crate) to: PhoneNumber,
    /// What.
    pub(crate) content: Content,
    /// Passing refusals so far.
    pub(crate) retries: u32,
    /// Whether it has rested a day because the guest had enough marketing.
    pub(crate) rested: bool,
    /// Whether this is the kind's own template or the fallback.
    pub(crate) turn: Turn,
    /// The booking, for the log.
    pub(crate) booking: String,
}

impl Ready {
    fn new(draft: Draft, resort: &Resort, sendable: Sendable) -> Self {
        let Sendable {
            to,
            content,
            turn,
            not_after,
        } = sendable;
        let route = Route {
            resort: resort.id.clone(),
            number: resort.number.clone(),
            country: to.country_code(),
            template: content.template(),
            kind: draft.kind,
        };
        let wanted = Wanted {
            id: draft.id,
            version: draft.version,
            last_seen_on: cart::last_seen_on(&draft.facts, resort),
            not_after,
            route,
            may_call: true,
        };
        Self {
            wanted,
            to,
            content,
            retries: draft.retries,
            rested: draft.rested,
            turn,
            booking: draft.booking.to_string(),
        }
    }
}

/// What every message of a batch depends on.
struct Circumstances {
    held: Vec<Hold>,
    now: DateTime<Utc>,
}

impl Circumstances {
    /// The templates that cannot be used now from this number.
    fn held_at(&self, number: &NumberId) -> BTreeSet<String> {
        let at_number = |hold: &&Hold| hold.number.as_deref() == Some(number.as_str());
        let held = self.held.iter().filter(at_number);
        held.filter_map(|hold| hold.template.clone()).collect()
    }
}

/// What does not go now.
#[derive(Default)]
struct Unsent {
    skipped: Vec<(MessageId, Reason)>,
    later: Vec<(MessageId, DateTime<Utc>)>,
    held: Vec<Waiting>,
}

impl Sender {
    /// Reads those of some messages that are queued and due, and returns those that go now.
    pub(crate) async fn prepare(&self, ids: Vec<MessageId>) -> Result<Vec<Ready>, StoreError> {
        let ring = Arc::clone(&self.ring);
        let (drafts, around) = self
            .store
            .run(move |connection| {
                let drafts = claims::read_drafts(connection, &ring, &ids)?;
                let (held, now) = (
                    holds::held_templates(connection)?,
                    store::pool::clock(connection)?,
                );
                Ok((drafts, Circumstances { held, now }))
            })
            .await?;
        self.metrics.damaged.inc_by(log_lines::damaged(&drafts.damaged));
        let (mut ready, mut unsent, mut without_file) = (Vec::new(), Unsent::default(), BTreeMap::new());
        let snapshot = self.settings.current();
        for draft in drafts.readable {
            match snapshot.resort(&draft.booking.resort) {
                Some(resort) => ready.extend(self.prepare_one(draft, &resort, &around, &mut unsent)),
                None => *without_file.entry(draft.booking.resort).or_default() += 1,
            }
        }
        self.metrics
            .without_resort
            .inc_by(log_lines::without_file(&without_file));
        self.note(unsent).await?;
        Ok(ready)
    }

    fn prepare_one(
        &self,
        draft: Draft,
        resort: &Resort,
        around: &Circumstances,
        unsent: &mut Unsent,
    ) -> Option<Ready> {
        let step = step(&draft, resort, around);
        if let Some(outcome) = log_lines::not_sent(&draft, &step) {
            self.count(draft.kind, outcome);
        }
        match step {
            Step::Call(sendable) => {
                let one = Ready::new(draft, resort, *sendable);
                match self.pace.take_pair(&resort.number, &one.to) {
                    Ok(()) => return Some(one),
                    Err(wait) => {
                        log_lines::crowded(&one, wait);
                        unsent.later.push((one.wanted.id, around.now + wait));
                    }
                }
            }
            Step::Skip(reason) => unsent.skipped.push((draft.id, reason)),
            Step::PutOff(at) => unsent.later.push((draft.id, at)),
            Step::AwaitTemplate(template) => unsent.held.push(Waiting {
                id: draft.id,
                scope: Scope::Template.as_str(),
                hold: Some(hold::template_key(&resort.number, template)),
            }),
            Step::TemplateMissing => unsent.held.push(Waiting {
                id: draft.id,
                scope: DeadLetterReason::TemplateMissing.as_str(),
                hold: None,
            }),
        }
        None
    }

    /// Ends, puts off and holds what does not go now.
    async fn note(&self, unsent: Unsent) -> Result<(), StoreError> {
        let Unsent { skipped, later, held } = unsent;
        if skipped.is_empty() && later.is_empty() && held.is_empty() {
            return Ok(());
        }
        self.store
            .transaction(move |connection| {
                claims::skip(connection, &skipped)?;
                claims::put_off(connection, &later)?;
                claims::hold(connection, &held)?;
                crash::point("sender.unsent.written");
                Ok(())
            })
            .await?;
        crash::point("sender.unsent.committed");
        Ok(())
    }
}

/// What happens to one message now.
fn step(draft: &Draft, resort: &Resort, around: &Circumstances) -> Step {
    let number = resort.number.as_str();
    let window = match draft.open_numbers.iter().any(|open| open == number) {
        true => ServiceWindow::Open,
        false => ServiceWindow::Closed,
    };
    let due = Due {
        subject: Subject {
            kind: draft.kind,
            booking: &draft.booking.booking,
            facts: &draft.facts,
            resort,
        },
        turn: draft.turn,
        window,
        held: &around.held_at(&resort.number),
    };
    before_call::next_step(&due, around.now)
}
