//! A guest is taken out of everything that is held, and what was accepted before stays out.

mod arriving;
mod retention;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::RunQueryDsl;
use domain::consent::ConsentChange;
use domain::dead_letter::{DeadLetterReason, DecisionRefused, LetterState};
use domain::event::Event;
use domain::event::EventType::{BookingStarted, ReservationConfirmed};
use domain::ids::{BookingId, BookingKey, MessageId, ResortId};
use domain::message::MessageKind::{Reminder1, ReservationConfirmation};
use domain::message::{MessageState, Reason};
use domain::stay::Personal;
use store::audit::Actor;
use store::bookings;
use store::events::{self, NewEvent};
use store::guest_data::{self, DataSubject, Erased, export};
use store::guests::{self, GuestKey};
use store::ledger;
use store::letters::{self, Declined, Filter, NewLetter};
use store::notes::Note;

use crate::letters::event_letter;
use crate::scene::{Scene, accepted, anna, apply, event, key, minutes_ago};

const ADA: &str = "+306912345678";
const BOB: &str = "+306912345679";

fn booking(key: BookingKey) -> DataSubject {
    DataSubject::Booking(key)
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Scene {
    fn hash(&self, phone: &str) -> [u8; 32] {
        self.planner.ring.lookup(phone)
    }

    fn number(&self, phone: &str, resort: Option<&str>) -> DataSubject {
        DataSubject::Number {
            phone_hash: self.hash(phone),
            spelling_hash: self.hash(&phone.replace('+', "wa_id:")),
            resort: resort.map(|id| ResortId::parse(id).unwrap()),
        }
    }

    async fn erase(&self, whom: DataSubject) -> Erased {
        self.run(move |c, planner| guest_data::erase(c, planner, &whom, None))
            .await
    }

    /// An event arrives, is kept and applied, as a processor does it.
    async fn hears(&self, event: &Event) {
        let (event, raw) = (event.clone(), self.raw(event));
        self.run(move |c, planner| {
            events::insert_new(c, &[raw])?;
            apply(c, planner, &event).map(drop)
        })
        .await;
    }

    fn raw(&self, event: &Event) -> NewEvent {
        let phone = event.guest.phone.as_ref();
        NewEvent {
            key: event.key.to_string(),
            source: "direct".into(),
            event_type: event.event_type.to_string(),
            booking: event.booking.clone().map(|booking| BookingKey {
                resort: event.resort.clone(),
                booking,
            }),
            received_at: minutes_ago(1),
            request_id: "r-1".into(),
            trace: None,
            outcome: "applied",
            phone_hash: phone.map(|phone| self.hash(phone.reveal()).to_vec()),
            name_hashes: Vec::new(),
            message: None,
            sealed_body: Some(vec![1, 2, 3]),
        }
    }

    /// Keeps a raw event that names no booking.
    async fn keeps(&self, id: &str, phone: Option<&str>, message: Option<MessageId>) {
        let raw = NewEvent {
            key: format!("whatsapp/{id}"),
            booking: None,
            phone_hash: phone.map(|phone| self.hash(phone).to_vec()),
            message,
            ..self.raw(&event(BookingStarted, &key("BK-0"), 1))
        };
        self.run(move |c, _| events::insert_new(c, &[raw])).await;
    }

    async fn count(&self, of: &str) -> i64 {
        let query = format!("SELECT count(*) AS count FROM {of}");
        let counted = self
            .run(move |c, _| Ok(diesel::sql_query(query).get_result::<Count>(c).unwrap()))
            .await;
        counted.count
    }

    async fn raw_bodies(&self) -> i64 {
        self.count("events WHERE sealed_body IS NOT NULL").await
    }

    async fn reminder_of(&self, booking: &str) -> (MessageState, Option<String>) {
        let message = self.message(booking, Reminder1).await;
        (message.existing.state, message.reason)
    }
}

/// A guest who left the cart forty minutes ago: the reminder waits.
fn left(booking: &str, phone: &str) -> Event {
    let mut event = event(BookingStarted, &key(booking), 40);
    event.guest.phone = Some(Personal::new(phone));
    event
}

fn letter(id: &str, booking: Option<&str>, phone_hash: Option<[u8; 32]>, at: DateTime<Utc>) -> NewLetter {
    NewLetter {
        resort: booking.map(|id| key(id).resort),
        booking: booking.map(|id| BookingId::parse(id).unwrap()),
        phone_hash: phone_hash.map(|hash| hash.to_vec()),
        received_at: Some(at),
        ..event_letter(id, Some(at))
    }
}

#[tokio::test]
async fn a_guest_is_taken_out_of_facts_raw_events_and_letters_and_what_waits_is_withdrawn() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let message = scene.message("BK-1", Reminder1).await.existing.id;
    scene.keeps("of the number", Some(ADA), None).await;
    scene.keeps("of the message", None, Some(message)).await;
    scene
        .found(vec![
            letter("direct/evt_1", Some("BK-1"), None, minutes_ago(1)),
            letter("direct/evt_2", None, Some(scene.hash(ADA)), minutes_ago(1)),
        ])
        .await;
    scene.hears(&left("BK-2", BOB)).await;

    let erased = scene.erase(scene.number(ADA, None)).await;

    assert_eq!(erased.bookings, [key("BK-1")]);
    assert_eq!((erased.events, erased.letters), (3, 2));
    assert!(scene.booking("BK-1").await.facts.is_without_guest());
    let withdrawn = (MessageState::Withdrawn, Some("erased".to_owned()));
    assert_eq!(scene.reminder_of("BK-1").await, withdrawn);
    let letters = scene.letters(Filter::default()).await;
    assert!(letters.iter().all(|letter| letter.state() == LetterState::Closed));
    assert_eq!(scene.count("letters WHERE body IS NOT NULL").await, 0);
    assert_eq!(scene.count("events").await, 4, "ids are remembered");
    assert_eq!(scene.raw_bodies().await, 1, "Bob's is kept");
    assert!(scene.booking("BK-2").await.facts.tells_of_guest());
    assert_eq!(scene.reminder_of("BK-2").await.0, MessageState::Queued);
}

// shows: B132
#[tokio::test]
async fn erasing_twice_finds_nothing_and_changes_nothing() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene
        .found(vec![letter("direct/evt_1", Some("BK-1"), None, minutes_ago(1))])
        .await;
    assert!(!scene.erase(booking(key("BK-1"))).await.is_nothing());
    let version = scene.booking("BK-1").await.version;

    let by_booking = scene.erase(booking(key("BK-1"))).await;
    let by_number = scene.erase(scene.number(ADA, None)).await;

    assert!(
        by_booking.is_nothing() && by_number.is_nothing(),
        "{by_booking:?} {by_number:?}"
    );
    assert_eq!(scene.booking("BK-1").await.version, version);
    assert!(scene.erase(booking(key("BK-never"))).await.is_nothing());
}

// shows: B130
#[tokio::test]
async fn one_of_a_family_is_erased_with_their_cart_and_the_others_stay() {
    let scene = Scene::new().await;
    scene.hears(&left("CART-1", ADA)).await;
    scene.hears(&event(ReservationConfirmed, &key("BK-1"), 20)).await;
    scene.hears(&left("BK-2", ADA)).await;
    scene.keeps("of the number", Some(ADA), None).await;
    scene
        .sql("UPDATE bookings SET became_key = 'azure-bay/BK-1' WHERE id = 'CART-1'")
        .await;

    let erased = scene.erase(booking(key("BK-1"))).await;

    assert_eq!(erased.bookings, [key("BK-1"), key("CART-1")]);
    assert_eq!(erased.events, 2);
    assert!(scene.booking("BK-2").await.facts.tells_of_guest());
    let last = scene.erase(booking(key("BK-2"))).await;
    assert_eq!(
        (last.bookings.len(), last.events),
        (1, 2),
        "the number is nobody's now"
    );
    assert_eq!(scene.raw_bodies().await, 0);
}

#[tokio::test]
async fn a_number_is_erased_at_one_resort_or_everywhere() {
    let scene = Scene::new().await;
    let elsewhere = BookingKey {
        resort: ResortId::parse("white-cliff").unwrap(),
        booking: BookingId::parse("BK-7").unwrap(),
    };
    scene.hears(&left("BK-1", ADA)).await;
    scene.hears(&event(ReservationConfirmed, &elsewhere, 5)).await;
    scene.keeps("of the number", Some(ADA), None).await;

    let here = scene.erase(scene.number(ADA, Some("azure-bay"))).await;
    let everywhere = scene.erase(scene.number(ADA, None)).await;

    assert_eq!((here.bookings, here.events), (vec![key("BK-1")], 1));
    assert_eq!((everywhere.bookings, everywhere.events), (vec![elsewhere], 2));
}

// shows: B133
#[tokio::test]
async fn who_wants_no_messages_is_still_known_by_the_hash_after_the_erasure() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let guest = GuestKey {
        phone_hash: scene.hash(ADA),
        resort: key("BK-1").resort,
    };
    let stopped = BTreeSet::from([guest]);
    let (new, _) = scene
        .run(move |c, planner| store::planning::stop_guests(c, planner, &stopped))
        .await;
    assert_eq!(new.len(), 1);

    scene.erase(scene.number(ADA, None)).await;
    scene.hears(&left("BK-2", ADA)).await;

    let skipped = (MessageState::Skipped, Some("opted_out".to_owned()));
    assert_eq!(scene.reminder_of("BK-2").await, skipped);
}

// shows: B134
#[tokio::test]
async fn a_persons_stop_withdraws_what_waits_at_once_and_is_said_once() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let guest = GuestKey {
        phone_hash: scene.hash(ADA),
        resort: key("BK-1").resort,
    };
    let stop = async || {
        let guests = BTreeSet::from([guest.clone()]);
        scene
            .run(move |c, planner| store::planning::stop_guests(c, planner, &guests))
            .await
    };

    let (first, planned) = stop().await;
    let (second, _) = stop().await;

    assert_eq!(first, std::slice::from_ref(&guest));
    assert_eq!(planned.moved[0].reason, Some(Reason::OptedOut));
    assert_eq!(second, []);
    assert_eq!(scene.reminder_of("BK-1").await.0, MessageState::Skipped);
    let known = scene
        .run(move |c, _| guests::resorts_that_know(c, &guest.phone_hash))
        .await;
    assert_eq!(known, BTreeSet::from([key("BK-1").resort]));
    let back = GuestKey {
        phone_hash: scene.hash(ADA),
        resort: key("BK-1").resort,
    };
    scene
        .run(move |c, _| guests::record_consent(c, &back, ConsentChange::Start, Utc::now()))
        .await;
    assert_eq!(stop().await.0.len(), 1, "who came back may stop again");
}

#[tokio::test]
async fn a_call_under_way_finishes_and_is_not_repeated() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let call = scene.claimed("BK-1").await;

    scene.erase(booking(key("BK-1"))).await;
    assert_eq!(scene.reminder_of("BK-1").await.0, MessageState::Sending);
    scene.answered(call, accepted()).await;

    assert_eq!(scene.reminder_of("BK-1").await.0, MessageState::Sent);
    assert!(scene.booking("BK-1").await.facts.is_without_guest());
}

#[tokio::test]
async fn a_booking_whose_facts_are_damaged_is_erased_too() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00'")
        .await;

    let erased = scene.erase(booking(key("BK-1"))).await;

    assert_eq!(erased.events, 1);
    assert!(scene.booking("BK-1").await.facts.is_without_guest());
    assert_eq!(scene.reminder_of("BK-1").await.0, MessageState::Withdrawn);
}

#[tokio::test]
async fn a_dead_message_of_an_erased_guest_is_neither_retried_nor_given_a_number() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene.dies_of("BK-1", DeadLetterReason::Refused).await;
    scene.erase(booking(key("BK-1"))).await;
    scene.drained().await;

    let letter = scene.letters_of("BK-1").await.remove(0);
    let ending = letter.ending.clone().unwrap();
    assert_eq!(
        (ending.state, ending.by.as_str()),
        (LetterState::Closed, "erasure")
    );
    // As if it had been found before the erasure was known.
    scene
        .sql("UPDATE letters SET state = 'open', closed_by = NULL")
        .await;
    let refused = Err(Declined::Refused(DecisionRefused::NotWanted(Reason::Erased)));
    let (id, by) = (letter.id, anna());
    let retried = scene
        .run(move |c, planner| letters::retry(c, planner, id, &by))
        .await;
    assert_eq!(retried.map(drop), refused);
    let corrected = scene
        .run(move |c, planner| letters::correct_phone(c, planner, id, &anna(), ADA))
        .await;
    assert_eq!(corrected.map(drop), refused);
}

#[tokio::test]
async fn the_ledger_is_clean_after_an_erasure() {
    let scene = Scene::new().await;
    for (number, phone) in [ADA, BOB].into_iter().enumerate() {
        scene.hears(&left(&format!("BK-{number}"), phone)).await;
    }
    scene.dies_of("BK-0", DeadLetterReason::Refused).await;
    scene.drained().await;
    scene
        .found(vec![letter("direct/evt_1", Some("BK-0"), None, minutes_ago(1))])
        .await;
    scene.erase(scene.number(ADA, None)).await;
    scene.erase(scene.number(BOB, None)).await;
    scene
        .sql("UPDATE messages SET updated_at = now() - interval '1 day'; UPDATE bookings SET wake_at = NULL")
        .await;

    let expected = crate::ledger::expected();
    let ledger = scene.run(move |c, _| ledger::check(c, &expected, 100)).await;

    assert_eq!(ledger.findings, []);
}

#[tokio::test]
async fn what_is_held_is_found_with_everything_that_names_the_guest() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let message = scene.message("BK-1", Reminder1).await.existing.id;
    scene.keeps("of the number", Some(ADA), None).await;
    scene.keeps("of the message", None, Some(message)).await;
    scene
        .found(vec![letter("direct/evt_1", Some("BK-1"), None, minutes_ago(1))])
        .await;
    scene.hears(&left("BK-2", BOB)).await;

    let whom = scene.number(ADA, None);
    let (raw, letters) = scene
        .run(move |c, _| {
            let reach = guest_data::find(c, &whom)?;
            Ok((export::raw_events(c, &reach)?, export::letters(c, &reach)?))
        })
        .await;

    let of_booking = raw
        .iter()
        .filter(|raw| raw.booking_key.as_deref() == Some("azure-bay/BK-1"));
    assert_eq!((raw.len(), of_booking.count(), letters.len()), (3, 2, 1));
}

#[tokio::test]
async fn a_confirmation_that_was_on_its_way_to_be_planned_is_not_sent() {
    let scene = Scene::new().await;
    scene.hears(&event(ReservationConfirmed, &key("BK-1"), 1)).await;

    scene.erase(booking(key("BK-1"))).await;

    let message = scene.message("BK-1", ReservationConfirmation).await;
    assert_eq!(message.existing.state, MessageState::Withdrawn);
    let found = scene
        .run(|c, planner| bookings::find(c, &planner.ring, &key("BK-1")))
        .await;
    assert_eq!(found.unwrap().status, domain::plan::Status::Confirmed);
}

/// Ada, as a platform of her own country writes her.
fn in_national_form(booking: &str, minutes: i64) -> Event {
    let mut event = event(BookingStarted, &key(booking), minutes);
    event.guest.phone = Some(Personal::new("6912345678"));
    event
}

#[tokio::test]
async fn a_booking_whose_resort_lost_its_file_is_still_found_by_its_number() {
    let mut scene = Scene::new().await;
    let before = in_national_form("BK-1", 40);
    scene
        .run(move |c, planner| apply(c, planner, &before).map(drop))
        .await;
    scene.lose_resort_file();
    let again = in_national_form("BK-1", 1);
    scene
        .run(move |c, planner| apply(c, planner, &again).map(drop))
        .await;

    let erased = scene.erase(scene.number(ADA, None)).await;

    assert_eq!(erased.bookings, [key("BK-1")]);
    assert!(scene.booking("BK-1").await.facts.is_without_guest());
    assert_eq!(scene.booking("BK-1").await.phone_hash, None);
}

#[tokio::test]
async fn a_booking_that_was_first_heard_of_without_its_resorts_file_is_found_by_its_events() {
    let mut scene = Scene::new().await;
    scene.lose_resort_file();
    let first = in_national_form("BK-1", 1);
    // With the country of the resort's file, which `ingest` could read.
    let raw = NewEvent {
        phone_hash: Some(scene.hash(ADA).to_vec()),
        ..scene.raw(&first)
    };
    scene
        .run(move |c, planner| {
            events::insert_new(c, &[raw])?;
            apply(c, planner, &first).map(drop)
        })
        .await;

    let erased = scene.erase(scene.number(ADA, Some("azure-bay"))).await;

    assert_eq!((erased.bookings, erased.events), (vec![key("BK-1")], 1));
    assert!(scene.booking("BK-1").await.facts.is_without_guest());
}

#[tokio::test]
async fn what_staff_wrote_of_a_guest_is_forgotten_with_them() {
    let scene = Scene::new().await;
    scene
        .found(vec![
            letter("direct/evt_1", Some("BK-1"), None, minutes_ago(1)),
            letter("direct/evt_2", Some("BK-2"), None, minutes_ago(1)),
        ])
        .await;
    for letter in scene.letters(Filter::default()).await {
        let by = Actor {
            reason: Some(Note::seal("called Ada back", &scene.planner.ring)),
            ..anna()
        };
        scene
            .run(move |c, _| letters::close(c, letter.id, &by))
            .await
            .unwrap();
    }

    scene.erase(booking(key("BK-1"))).await;

    assert_eq!(scene.count("notes").await, 1);
    assert_eq!(scene.count("audit WHERE note_key IS NOT NULL").await, 2);
}
