//! Dead letters: kept once each, read by people, and ended by them or by WhatsApp.

mod assigning;
mod decisions;
mod jobs;
mod paging;
mod reading;
mod reports;

use chrono::{DateTime, Utc};
use domain::after_call::NextStep;
use domain::dead_letter::{DeadLetterReason, LetterKind};
use domain::event::EventType::BookingStarted;
use domain::ids::{LetterId, MessageId};
use store::letters::{self, Filter, Letter, NewLetter};
use store::relay;

use crate::scene::{Scene, key};

/// An event's letter as it is found.
pub(crate) fn event_letter(id: &str, died_at: Option<DateTime<Utc>>) -> NewLetter {
    NewLetter {
        kind: LetterKind::Events,
        amqp_id: id.to_owned(),
        reason: DeadLetterReason::CannotBeApplied,
        error: "cannot save bookings".to_owned(),
        attempts: 4,
        died_at,
        subject: "booking_started".to_owned(),
        resort: Some(key("BK-9").resort),
        booking: Some(key("BK-9").booking),
        phone_hash: None,
        name_hashes: Vec::new(),
        received_at: None,
        message: None,
        body: format!("envelope of {id}").into_bytes(),
    }
}

/// A message's letter as the relay publishes it and the desk finds it.
fn message_letter(letter: &relay::Letter) -> NewLetter {
    NewLetter {
        kind: LetterKind::Messages,
        amqp_id: letter.id.to_string(),
        reason: letter.reason.parse().unwrap(),
        error: letter.error.clone(),
        attempts: u32::try_from(letter.attempts).unwrap(),
        died_at: Some(letter.died_at),
        subject: letter.kind.clone(),
        resort: None,
        booking: None,
        phone_hash: None,
        name_hashes: Vec::new(),
        received_at: None,
        message: Some(MessageId(letter.id)),
        body: letter.id.to_string().into_bytes(),
    }
}

impl Scene {
    pub(crate) async fn found(&self, found: Vec<NewLetter>) -> usize {
        self.run(move |c, _| letters::insert(c, &found)).await
    }

    /// The relay publishes what is due, and the desk finds it.
    pub(crate) async fn drained(&self) -> Vec<NewLetter> {
        let found = self
            .run(|c, _| {
                let due = relay::list_letters(c, 100)?;
                relay::mark_letters_published(c, &due)?;
                Ok(due.iter().map(message_letter).collect::<Vec<_>>())
            })
            .await;
        self.found(found.clone()).await;
        found
    }

    /// A call for the first reminder of a cart, which has just been left, ends for good.
    pub(crate) async fn dies_of(&self, booking: &str, reason: DeadLetterReason) {
        let call = self.claimed(booking).await;
        self.answered(call, NextStep::GiveUp(reason)).await;
    }

    /// A cart whose first reminder is dead, and its letter.
    pub(crate) async fn letter_of(&self, booking: &str) -> Letter {
        self.happens(BookingStarted, booking, 40).await;
        self.dies_of(booking, DeadLetterReason::Refused).await;
        self.drained().await;
        self.letters_of(booking).await.pop().unwrap()
    }

    pub(crate) async fn letters_of(&self, booking: &str) -> Vec<Letter> {
        let key = key(booking);
        self.run(move |c, _| letters::list_of_booking(c, &key)).await
    }

    pub(crate) async fn letter(&self, id: LetterId) -> Letter {
        self.run(move |c, _| letters::find(c, id)).await.unwrap()
    }

    pub(crate) async fn letters(&self, filter: Filter) -> Vec<Letter> {
        self.run(move |c, _| letters::list(c, &filter, LetterId(0), 100))
            .await
    }
}
