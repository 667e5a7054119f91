//! Writing a message out before it is claimed: what it says, or why it is not sent now.

use chrono::{DateTime, Utc};
use domain::hold::Route;
use domain::ids::NumberId;
use domain::message::{Reason, Turn};
use domain::phone_number::PhoneNumber;
use domain::render::{self, Content, NoContent, ServiceWindow, Subject};
use domain::resort::{Mode, Resort};
use store::claims::{Draft, Wanted};
use store::holds::Hold;

/// What came of writing one draft.
#[derive(Debug)]
pub(crate) enum Written {
    /// Ready to be claimed and called.
    Ready(Box<Ready>),
    /// Ends here.
    Skip(Reason),
    /// Not before this time, because of quiet hours.
    PutOff(DateTime<Utc>),
    /// Cannot be sent until this template is well again, by the key of its hold.
    TemplateHeld(String),
    /// The resort's file has neither a template of this kind nor a fallback for this guest: alerted, not lost.
    TemplateMissing,
}

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
    /// Whether this is the kind's own template or the fallback.
    pub(crate) turn: Turn,
    /// The booking, for the log.
    pub(crate) booking: String,
}

/// Writes one draft with the resort's file and the templates that are held, as they stand now.
pub(crate) fn write(draft: &Draft, resort: &Resort, held: &[Hold], now: DateTime<Utc>) -> Written {
    let quiet = resort.quiet_hours.filter(|_| draft.kind.is_marketing());
    let allowed_at = quiet.map_or(now, |quiet| quiet.shift(now, resort.time_zone));
    if allowed_at > now {
        return Written::PutOff(allowed_at);
    }
    let Some(Ok(to)) = draft.facts.phone_number(Some(resort.country)) else {
        return Written::Skip(Reason::InvalidPhone);
    };
    if matches!(&resort.mode, Mode::Test(numbers) if !numbers.contains(&to)) {
        return Written::Skip(Reason::TestMode);
    }
    let (content, turn) = match choose(draft, resort, held) {
        Ok(chosen) => chosen,
        Err(written) => return written,
    };
    let not_after = quiet.map_or(DateTime::<Utc>::MAX_UTC, |quiet| {
        quiet.next_start(now, resort.time_zone)
    });
    let wanted = Wanted {
        id: draft.id,
        version: draft.version,
        not_after: not_after.min(FAR),
        route: Route {
            resort: resort.id.clone(),
            number: resort.number.clone(),
            country: to.country_code(),
            template: content.template(),
            kind: draft.kind,
        },
        may_call: true,
    };
    Written::Ready(Box::new(Ready {
        wanted,
        to,
        content,
        retries: draft.retries,
        turn,
        booking: draft.booking.to_string(),
    }))
}

/// The kind's own template, or the fallback where it is held or WhatsApp has refused it for this message.
fn choose(draft: &Draft, resort: &Resort, held: &[Hold]) -> Result<(Content, Turn), Written> {
    let own = content(draft, resort, Turn::Template);
    let own_hold = own
        .as_ref()
        .ok()
        .and_then(|content| hold_on(content, resort, held));
    let turn = if own_hold.is_some() {
        Turn::Fallback
    } else {
        draft.turn
    };
    let chosen = match turn {
        Turn::Template => own,
        Turn::Fallback => content(draft, resort, Turn::Fallback),
    };
    let waits = |hold: Option<&Hold>| hold.map(|hold| Written::TemplateHeld(hold.key.clone()));
    match chosen {
        Ok(content) => match hold_on(&content, resort, held) {
            // Nothing is left; what the message waits for is its own template.
            Some(hold) => Err(Written::TemplateHeld(own_hold.unwrap_or(hold).key.clone())),
            None => Ok((content, turn)),
        },
        Err(NoContent::Skip(reason)) => Err(Written::Skip(reason)),
        Err(NoContent::TemplateMissing) => Err(waits(own_hold).unwrap_or(Written::TemplateMissing)),
    }
}

fn content(draft: &Draft, resort: &Resort, turn: Turn) -> Result<Content, NoContent> {
    let subject = Subject {
        kind: draft.kind,
        booking: &draft.booking.booking,
        facts: &draft.facts,
        resort,
    };
    render::content(subject, turn, window(draft, resort))
}

/// The hold on what a content uses.
fn hold_on<'a>(content: &Content, resort: &Resort, held: &'a [Hold]) -> Option<&'a Hold> {
    let template = content.template()?;
    held.iter().find(|hold| {
        hold.template.as_ref() == Some(&template) && hold.number.as_deref() == Some(resort.number.as_str())
    })
}

/// Later than any message is of use, and within what Postgres can store.
const FAR: DateTime<Utc> = match DateTime::from_timestamp(32_503_680_000, 0) {
    Some(year_3000) => year_3000,
    None => DateTime::<Utc>::MAX_UTC,
};

fn window(draft: &Draft, resort: &Resort) -> ServiceWindow {
    let open = |number: &NumberId| draft.open_numbers.iter().any(|open| open == number.as_str());
    if open(&resort.number) {
        ServiceWindow::Open
    } else {
        ServiceWindow::Closed
    }
}
