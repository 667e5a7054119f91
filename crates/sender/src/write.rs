//! Writing a message out before it is claimed: what it says, or why it is not sent now.

use chrono::{DateTime, Utc};
use domain::ids::NumberId;
use domain::message::{Reason, Turn};
use domain::phone_number::PhoneNumber;
use domain::render::{self, Content, NoContent, ServiceWindow, Subject};
use domain::resort::{Mode, Resort};
use store::claims::{Draft, Wanted};

/// What came of writing one draft.
#[derive(Debug)]
pub(crate) enum Written {
    /// Ready to be claimed and called.
    Ready(Box<Ready>),
    /// Ends here.
    Skip(Reason),
    /// Not before this time.
    PutOff(DateTime<Utc>),
    /// Waits for a person.
    Hold(&'static str),
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

/// No template of the kind and no fallback: alerted, not lost.
pub(crate) const TEMPLATE_MISSING: &str = "template_missing";

/// Writes one draft with the resort's file as it stands now.
pub(crate) fn write(draft: &Draft, resort: &Resort, now: DateTime<Utc>) -> Written {
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
    let (kind, booking, facts) = (draft.kind, &draft.booking.booking, &draft.facts);
    let content = match render::content(
        Subject {
            kind,
            booking,
            facts,
            resort,
        },
        draft.turn,
        window(draft, resort),
    ) {
        Ok(content) => content,
        Err(NoContent::Skip(reason)) => return Written::Skip(reason),
        Err(NoContent::TemplateMissing) => return Written::Hold(TEMPLATE_MISSING),
    };
    let not_after = quiet.map_or(DateTime::<Utc>::MAX_UTC, |quiet| {
        quiet.next_start(now, resort.time_zone)
    });
    let wanted = Wanted {
        id: draft.id,
        kind: draft.kind,
        version: draft.version,
        not_after: not_after.min(FAR),
        template: name_of(&content).to_owned(),
        number: resort.number.clone(),
    };
    Written::Ready(Box::new(Ready {
        wanted,
        to,
        content,
        retries: draft.retries,
        turn: draft.turn,
        booking: draft.booking.to_string(),
    }))
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

fn name_of(content: &Content) -> &str {
    match content {
        Content::Template { name, .. } => name,
        Content::Text(_) => "text",
    }
}
