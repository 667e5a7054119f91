//! A message as its guest will see it, filled as the sender fills it, and sent to a test number on request.
//!
//! The words of a template are Meta's: they are asked of the resort's business account. Where they are not known, a
//! preview shows the values alone, and why.

mod send;
mod view;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::approved_template::ApprovedTemplate;
use domain::audit::Action;
use domain::facts::{Fact, Facts, Stamp};
use domain::ids::{BookingId, BookingKey, InvalidId};
use domain::message::{ContentChoice, MessageKind};
use domain::preview::{SAMPLE_BOOKING, SampleGuest};
use domain::render::{self, Content, NoContent, ServiceWindow, Subject};
use domain::resort::{Language, Resort};
use settings::Snapshot;
use store::audit::{self, Actor};
use store::{Store, StoreError, bookings};
use whatsapp::client::Client;

use super::context;
use super::whatsapp_check::why_no_templates;
pub(crate) use send::{PreviewCall, Sending, TestNumber};
pub(crate) use view::{MessageView, PreviewView};

/// The words of the account's templates.
pub(crate) enum Words {
    Known(Vec<ApprovedTemplate>),
    /// The reason.
    Unknown(String),
}

impl Words {
    /// Asks the resort's account.
    pub(crate) async fn ask(client: &Client, files: &Snapshot, resort: &Resort) -> Self {
        let Some(account) = files.business_account(&resort.id) else {
            return Self::Unknown("the file does not name business_account_id in [whatsapp]".to_owned());
        };
        let Some(token) = files.access_token(&resort.id) else {
            return Self::Unknown(
                "the access token cannot be read here: desk config check --secrets".to_owned(),
            );
        };
        match client.templates(account, token.reveal()).await {
            Ok(templates) => Self::Known(templates),
            Err(cause) => Self::Unknown(why_no_templates(&cause)),
        }
    }
}

/// Which message a preview shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) kind: MessageKind,
    /// The fallback: as if WhatsApp did not know the kind's own template.
    pub(crate) content: ContentChoice,
}

/// Who gets the message of a preview.
///
/// Personal data where it is a real guest: it has no `Debug`.
pub(crate) struct PreviewedGuest {
    /// The name of a sample guest, or `booking`.
    pub(crate) name: &'static str,
    pub(crate) booking: BookingId,
    pub(crate) facts: Facts,
}

impl PreviewedGuest {
    pub(crate) fn sample(
        sample: SampleGuest,
        resort: &Resort,
        language: &Language,
        now: DateTime<Utc>,
    ) -> Result<Self, InvalidId> {
        Ok(Self {
            name: sample.as_str(),
            booking: BookingId::parse(SAMPLE_BOOKING)?,
            facts: sample.facts(resort, language, now),
        })
    }

    /// The guest of a booking; `None`: no event has named it. The audit trail has recorded the view before this returns.
    pub(crate) async fn of_booking(
        store: &Store,
        ring: Arc<KeyRing>,
        key: BookingKey,
        kind: MessageKind,
        by: Actor,
    ) -> Result<Option<Self>, StoreError> {
        let booking = key.booking.clone();
        let found = context::transaction(store, move |connection| {
            let found = bookings::find(connection, &ring, &key)?;
            if found.is_some() {
                let subject = audit::Subject::from(&key).with(format!("preview of {kind}"));
                audit::append(connection, &by, Action::BookingRevealed, &subject)?;
            }
            Ok(found)
        });
        let found = found.await?;
        Ok(found.map(|found| Self {
            name: "booking",
            booking,
            facts: found.facts,
        }))
    }

    /// As if the guest spoke this language.
    pub(crate) fn speaking(mut self, language: &Language) -> Self {
        let stamp = Stamp {
            at: DateTime::UNIX_EPOCH,
            rank: 0,
            event: "preview".to_owned(),
        };
        let value = language.as_str().to_owned();
        self.facts.language = Some(Fact { stamp, value });
        self
    }
}

/// The languages that the file has for a kind, or for its fallback.
pub(crate) fn languages(resort: &Resort, wanted: Wanted) -> Vec<Language> {
    let own = resort.templates.get(&wanted.kind);
    let own = own.filter(|own| wanted.content == ContentChoice::Template && !own.is_empty());
    let mut found: Vec<Language> = match (wanted.kind, own) {
        (MessageKind::StopConfirmation, _) => resort.stop_texts.keys().cloned().collect(),
        (_, Some(own)) => own.keys().cloned().collect(),
        (_, None) => resort.fallback_templates.keys().cloned().collect(),
    };
    if found.is_empty() {
        found.push(resort.language.clone());
    }
    found
}

pub(crate) fn content(resort: &Resort, wanted: Wanted, guest: &PreviewedGuest) -> Result<Content, NoContent> {
    let subject = Subject {
        kind: wanted.kind,
        booking: &guest.booking,
        facts: &guest.facts,
        resort,
    };
    // Only the answer to a stop is free text from the start; all others must do without a window.
    let window = match wanted.kind {
        MessageKind::StopConfirmation => ServiceWindow::Open,
        _ => ServiceWindow::Closed,
    };
    render::content(subject, wanted.content, window)
}
