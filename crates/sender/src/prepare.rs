//! Preparing: what may be due is read and judged before its call; what does not go now ends, waits or is held at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::before_call::{self, Due, Sendable, Step};
use domain::dead_letter::DeadLetterReason;
use domain::hold::{self, Route};
use domain::ids::{MessageId, NumberId};
use domain::message::ContentChoice;
use domain::phone_number::PhoneNumber;
use domain::plan::cart;
use domain::render::{Content, ServiceWindow, Subject};
use domain::resort::Resort;
use service::crash;
use store::StoreError;
use store::claims::{self, Draft, Lacks, NotNow, Uncalled, Wanted};
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
    pub(crate) turn: ContentChoice,
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
    /// By what was decided of each.
    judged: Vec<(Draft, Step)>,
    /// As it is written: what is in `judged`, and what waits for its guest's turn.
    uncalled: Vec<Uncalled>,
    /// What could not be read.
    unprepared: Vec<(MessageId, Lacks)>,
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
        let damaged = drafts.damaged.iter().map(|(id, _)| (*id, Lacks::Booking));
        unsent.unprepared.extend(damaged);
        let snapshot = self.settings.current();
        for draft in drafts.readable {
            match snapshot.resort(&draft.booking.resort) {
                Some(resort) => ready.extend(self.prepare_one(draft, &resort, &around, &mut unsent)),
                None => {
                    unsent.unprepared.push((draft.id, Lacks::ResortFile));
                    *without_file.entry(draft.booking.resort).or_default() += 1;
                }
            }
        }
        self.metrics
            .without_resort
            .inc_by(log_lines::without_file(&without_file));
        self.note(unsent).await?;
        if self.settings.current().generation() != snapshot.generation() {
            // What was just held for want of a template may have one by now, and who looks after holds may have passed.
            self.judged_by_old_files.store(true, Ordering::Release);
        }
        Ok(ready)
    }

    fn prepare_one(
        &self,
        draft: Draft,
        resort: &Resort,
        around: &Circumstances,
        unsent: &mut Unsent,
    ) -> Option<Ready> {
        let window = window(&draft, resort);
        let step = step(&draft, resort, window, around);
        let Some(verdict) = verdict(&step, &resort.number) else {
            return self.take_turn(draft, resort, around, (step, unsent));
        };
        let waits_for_text = window == ServiceWindow::Closed && matches!(verdict, NotNow::Hold { .. });
        unsent.uncalled.push(Uncalled {
            id: draft.id,
            version: draft.version,
            closed_window: waits_for_text.then(|| resort.number.clone()),
            verdict,
        });
        unsent.judged.push((draft, step));
        None
    }

    /// Of what can be called for: whether its guest's turn has come.
    fn take_turn(
        &self,
        draft: Draft,
        resort: &Resort,
        around: &Circumstances,
        (step, unsent): (Step, &mut Unsent),
    ) -> Option<Ready> {
        let Step::Call(sendable) = step else { return None };
        let one = Ready::new(draft, resort, *sendable);
        let Err(wait) = self.pace.take_pair(&resort.number, &one.to) else {
            return Some(one);
        };
        log_lines::crowded(&one, wait);
        unsent.uncalled.push(Uncalled {
            id: one.wanted.id,
            version: one.wanted.version,
            closed_window: None,
            verdict: NotNow::PutOff(around.now + wait),
        });
        None
    }

    /// Ends, puts off and holds what does not go now, and tells of it as far as it came to that.
    async fn note(&self, unsent: Unsent) -> Result<(), StoreError> {
        let Unsent {
            judged,
            uncalled,
            unprepared,
        } = unsent;
        if uncalled.is_empty() && unprepared.is_empty() {
            return Ok(());
        }
        let outdated = self
            .store
            .transaction(move |connection| {
                let outdated = claims::set_aside(connection, &uncalled)?;
                claims::note_unprepared(connection, &unprepared)?;
                crash::point("sender.unsent.written");
                Ok(outdated)
            })
            .await?;
        crash::point("sender.unsent.committed");
        for (draft, step) in judged.iter().filter(|(draft, _)| !outdated.contains(&draft.id)) {
            if let Some(outcome) = log_lines::not_sent(draft, step) {
                self.count(draft.kind, outcome);
            }
        }
        Ok(())
    }
}

/// What becomes of a message that is not called for; `None`: it is.
fn verdict(step: &Step, number: &NumberId) -> Option<NotNow> {
    Some(match step {
        Step::Call(_) => return None,
        Step::Skip(reason) => NotNow::Skip(*reason),
        Step::PutOff(at) => NotNow::PutOff(*at),
        Step::AwaitTemplate(template) => NotNow::Hold {
            scope: Scope::Template.as_str(),
            hold: Some(hold::template_key(number, template.clone())),
        },
        Step::TemplateMissing => NotNow::Hold {
            scope: DeadLetterReason::TemplateMissing.as_str(),
            hold: None,
        },
    })
}

fn window(draft: &Draft, resort: &Resort) -> ServiceWindow {
    let number = resort.number.as_str();
    match draft.open_numbers.iter().any(|open| open == number) {
        true => ServiceWindow::Open,
        false => ServiceWindow::Closed,
    }
}

/// What happens to one message now.
fn step(draft: &Draft, resort: &Resort, window: ServiceWindow, around: &Circumstances) -> Step {
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
