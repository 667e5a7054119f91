//! Preparing: reads messages that may be due and judges each before its call.
//!
//! What can go now becomes [`Ready`]. What cannot ends, is put off or is held at once, in one transaction, without a
//! claim. A message whose resort's file or booking cannot be read stays queued and is noted as unprepared, so that hold
//! maintenance ([`crate::holds`]) finds it when it can be read again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::after_call::Scope;
use domain::before_call::{self, Due, Sendable, Step};
use domain::dead_letter::DeadLetterReason;
use domain::ids::{MessageId, ResortId};
use domain::render::{ServiceWindow, Subject};
use domain::resort::Resort;
use service::crash;
use store::StoreError;
use store::claims::{self, Draft, Drafts, Lacks, NotNow, Uncalled};
use store::known_templates::KnownTemplates;

use crate::context::Sender;
use crate::stages::Ready;
use crate::telemetry;

/// The messages of a batch by what becomes of them.
#[derive(Default)]
struct Sorted {
    ready: Vec<Ready>,
    /// The changes that are written: for all in `judged` and `crowded`.
    uncalled: Vec<Uncalled>,
    judged: Vec<(Draft, Step)>,
    /// With how long each waits.
    crowded: Vec<(Draft, Duration)>,
    unprepared: Vec<(MessageId, Lacks)>,
    without_file: BTreeMap<ResortId, u64>,
}

/// Reads those of some messages that are queued and due, and returns those that go now.
pub(crate) async fn prepare(sender: &Sender, ids: Vec<MessageId>) -> Result<Vec<Ready>, StoreError> {
    let (drafts, templates) = read(sender, ids).await?;
    telemetry::damaged(&sender.metrics, &drafts.damaged);
    let mut sorted = Sorted::default();
    let damaged = drafts.damaged.iter().map(|(id, _)| (*id, Lacks::Booking));
    sorted.unprepared.extend(damaged);
    let snapshot = sender.files.current();
    for draft in drafts.readable {
        match snapshot.resort(&draft.booking.resort) {
            Some(resort) => judge(sender, draft, &resort, &templates, &mut sorted),
            None => {
                sorted.unprepared.push((draft.id, Lacks::ResortFile));
                *sorted.without_file.entry(draft.booking.resort).or_default() += 1;
            }
        }
    }
    telemetry::without_file(&sender.metrics, &sorted.without_file);
    let written = write(sender, sorted).await;
    if sender.files.current().generation() != snapshot.generation() {
        // A new file may have the template for which a message was just held, and hold maintenance may have looked
        // between the file's change and the message's hold. Also after an error: the commit may have succeeded.
        sender.held_by_old_files.store(true, Ordering::Release);
    }
    written
}

async fn read(sender: &Sender, ids: Vec<MessageId>) -> Result<(Drafts, KnownTemplates), StoreError> {
    let ring = Arc::clone(&sender.ring);
    let reading = sender.store.run(move |connection| {
        let drafts = claims::read_drafts(connection, &ring, &ids)?;
        Ok((drafts, KnownTemplates::read(connection)?))
    });
    reading.await
}

/// Decides what happens to one message now.
fn judge(
    sender: &Sender,
    draft: Draft,
    resort: &Arc<Resort>,
    templates: &KnownTemplates,
    sorted: &mut Sorted,
) {
    let window = window(&draft, resort);
    let step = next_step(&draft, resort, window, templates);
    let hold_on = |template: &str| templates.hold_on(template, &resort.number, draft.kind);
    let Some(verdict) = not_now(&step, hold_on) else {
        if let Step::Call(sendable) = step {
            check_guest_rate(sender, draft, resort, *sendable, sorted);
        }
        return;
    };
    // A guest who writes opens the window for free text, which may be what this message lacks.
    let waits_for_text = window == ServiceWindow::Closed && matches!(verdict, NotNow::Hold { .. });
    sorted.uncalled.push(Uncalled {
        id: draft.id,
        version: draft.version,
        closed_window: waits_for_text.then(|| resort.number.clone()),
        verdict,
    });
    sorted.judged.push((draft, step));
}

/// Puts a message off that would be too many for its guest.
fn check_guest_rate(
    sender: &Sender,
    draft: Draft,
    resort: &Arc<Resort>,
    sendable: Sendable,
    sorted: &mut Sorted,
) {
    match sender.guest_rates.take(&resort.number, &sendable.to) {
        Ok(turn) => sorted
            .ready
            .push(Ready::new(&sender.ring, draft, resort, sendable, turn)),
        Err(wait) => {
            sorted.uncalled.push(Uncalled {
                id: draft.id,
                version: draft.version,
                closed_window: None,
                verdict: NotNow::PutOff(draft.now + wait),
            });
            sorted.crowded.push((draft, wait));
        }
    }
}

/// Ends, puts off and holds what does not go now; logs what was written. Returns the rest.
async fn write(sender: &Sender, sorted: Sorted) -> Result<Vec<Ready>, StoreError> {
    let (uncalled, unprepared) = (sorted.uncalled, sorted.unprepared);
    if uncalled.is_empty() && unprepared.is_empty() {
        return Ok(sorted.ready);
    }
    let writing = sender.store.transaction(move |connection| {
        let outdated = claims::set_aside(connection, &uncalled)?;
        claims::note_unprepared(connection, &unprepared)?;
        crash::point("sender.unsent.written");
        Ok(outdated)
    });
    let outdated = writing.await?;
    crash::point("sender.unsent.committed");
    // An outdated message has changed since it was read: it stays queued, and nothing happened to it.
    let is_written = |id: MessageId| !outdated.contains(&id);
    for (draft, step) in sorted.judged.iter().filter(|(draft, _)| is_written(draft.id)) {
        telemetry::not_sent(&sender.metrics, draft, step);
    }
    for (draft, wait) in sorted.crowded.iter().filter(|(draft, _)| is_written(draft.id)) {
        telemetry::crowded(&sender.metrics, draft, *wait);
    }
    Ok(sorted.ready)
}

/// The change for a message that is not called for; `None`: it is.
fn not_now(step: &Step, hold_on: impl Fn(&str) -> Option<String>) -> Option<NotNow> {
    Some(match step {
        Step::Call(_) => return None,
        Step::Skip(reason) => NotNow::Skip(*reason),
        Step::PutOff(at) => NotNow::PutOff(*at),
        Step::AwaitTemplate(template) => NotNow::Hold {
            scope: Scope::Template.as_str(),
            hold: hold_on(template),
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

fn next_step(draft: &Draft, resort: &Resort, window: ServiceWindow, templates: &KnownTemplates) -> Step {
    let due = Due {
        subject: Subject {
            kind: draft.kind,
            booking: &draft.booking.booking,
            facts: &draft.facts,
            resort,
        },
        answer: draft.answer.as_ref(),
        turn: draft.content_choice,
        window,
        held: &templates.held_for(&resort.number, draft.kind),
        marketing: &templates.marketing,
    };
    before_call::next_step(&due, draft.now)
}
