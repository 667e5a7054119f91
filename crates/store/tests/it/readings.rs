//! Numbers that are read differently than when their bookings were planned last: by an older program, or with another
//! country in the resort's file.

use std::collections::BTreeMap;

use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::consent::ConsentChange;
use domain::event::Event;
use domain::event::EventType::{BookingStarted, GuestOptedIn, GuestOptedOut, ReservationConfirmed};
use domain::ids::ResortId;
use domain::message::MessageKind::Reminder1;
use domain::message::{MessageState, Reason};
use domain::stay::Personal;
use store::events::{self, NewEvent};
use store::guests::{self, GuestKey};
use store::reseal::{self, Reread};

use crate::scene::{Scene, apply, event, key, minutes_ago, ring};

const ADA: &str = "+306912345678";
/// As an older program read Ada's number.
const MISREAD: &str = "+16912345678";

fn azure_bay() -> ResortId {
    ResortId::parse("azure-bay").unwrap()
}

fn guest(number: &str) -> GuestKey {
    GuestKey {
        phone_hash: ring("a").lookup(number),
        resort: azure_bay(),
    }
}

impl Scene {
    /// An older program read the numbers of all bookings and events.
    async fn misread(&self) {
        let hash: String = guest(MISREAD)
            .phone_hash
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.sql(&format!(
            "UPDATE bookings SET phone_hash = '\\x{hash}'; UPDATE events SET phone_hash = '\\x{hash}'"
        ))
        .await;
    }

    async fn wishes(&self, number: &'static str, wish: ConsentChange, minutes: i64) {
        self.run(move |c, _| guests::record_consent(c, &guest(number), wish, minutes_ago(minutes)))
            .await;
    }

    /// Goes through all bookings, two at a time.
    async fn reread(&self) -> Reread {
        let mut all = Reread::default();
        loop {
            let after = all.next.take().unwrap_or_default();
            let page = self
                .run(move |c, planner| reseal::reread_bookings(c, planner, &after, 2))
                .await;
            all.changed += page.changed;
            for (resort, count) in page.without_resort {
                *all.without_resort.entry(resort).or_default() += count;
            }
            match page.next {
                Some(next) => all.next = Some(next),
                None => return all,
            }
        }
    }

    async fn reread_events(&self) -> Reread {
        self.run(|c, planner| reseal::reread_events(c, planner, "", 10))
            .await
    }

    async fn is_read_as(&self, booking: &str, number: &str) -> bool {
        self.booking(booking).await.phone_hash == Some(guest(number).phone_hash)
    }

    /// State and reason of a booking's first reminder.
    async fn reminder(&self, booking: &str) -> (MessageState, Option<Reason>) {
        let message = self.message(booking, Reminder1).await.existing;
        (message.state, message.reason)
    }
}

const OPTED_OUT: (MessageState, Option<Reason>) = (MessageState::Skipped, Some(Reason::OptedOut));

// shows: G28
#[tokio::test]
async fn whoever_plans_a_booking_whose_number_was_misread_keeps_its_guests_stop() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.misread().await;
    scene.wishes(MISREAD, ConsentChange::Stop, 5).await;

    scene.happens(BookingStarted, "BK-1", 40).await;

    assert!(scene.is_read_as("BK-1", ADA).await);
    assert_eq!(scene.reminder("BK-1").await, OPTED_OUT);
    // The other number may be another guest's.
    scene.due_reminder_of("BK-2", MISREAD).await;
    scene.due_reminder("BK-3").await;
    assert_eq!(scene.reminder("BK-3").await, OPTED_OUT);
}

#[tokio::test]
async fn a_stop_stays_behind_where_the_platform_names_another_number() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.wishes(ADA, ConsentChange::Stop, 5).await;

    scene.due_reminder_of("BK-1", "+306900000000").await;

    assert!(scene.is_read_as("BK-1", "+306900000000").await);
    assert_eq!(scene.reminder("BK-1").await, (MessageState::Queued, None));
}

// shows: G29
#[tokio::test]
async fn all_bookings_of_a_guest_are_read_again_with_their_stop_and_a_second_run_finds_nothing() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3"] {
        scene.due_reminder(booking).await;
    }
    scene.misread().await;
    scene.wishes(MISREAD, ConsentChange::Stop, 5).await;

    let first = scene.reread().await;
    let second = scene.reread().await;

    assert_eq!((first.changed, second), (3, Reread::default()));
    for booking in ["BK-1", "BK-2", "BK-3"] {
        assert!(scene.is_read_as(booking, ADA).await);
        assert_eq!(scene.reminder(booking).await, OPTED_OUT, "{booking}");
    }
}

#[tokio::test]
async fn a_reservation_that_was_read_differently_than_its_guests_cart_withdraws_the_reminder() {
    let scene = Scene::new().await;
    scene.happens(ReservationConfirmed, "BK-9", 60).await;
    scene.misread().await;
    scene.due_reminder("BK-1").await;
    assert_eq!(scene.reminder("BK-1").await, (MessageState::Queued, None));

    scene.reread().await;

    assert!(scene.is_read_as("BK-9", ADA).await);
    let withdrawn = (MessageState::Withdrawn, Some(Reason::BookedElsewhere));
    assert_eq!(scene.reminder("BK-1").await, withdrawn);
}

// shows: G28
#[tokio::test]
async fn an_opt_in_of_the_old_reading_ends_no_stop_and_a_later_one_of_the_new_reading_holds() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.misread().await;
    scene.wishes(ADA, ConsentChange::Stop, 30).await;
    scene.wishes(MISREAD, ConsentChange::Stop, 20).await;
    scene.wishes(MISREAD, ConsentChange::Start, 10).await;

    scene.reread().await;
    assert_eq!(scene.reminder("BK-1").await, OPTED_OUT);

    scene.wishes(ADA, ConsentChange::Start, 5).await;
    scene.happens(BookingStarted, "BK-1", 40).await;
    assert_eq!(scene.reminder("BK-1").await, (MessageState::Queued, None));
}

#[tokio::test]
async fn a_booking_whose_resort_has_no_readable_file_keeps_its_hash_and_is_counted_where_it_needs_the_country()
 {
    let mut scene = Scene::new().await;
    scene.due_reminder_of("BK-1", "691 234 5678").await;
    scene.due_reminder("BK-2").await;
    scene.misread().await;
    scene.lose_resort_file();

    let reread = scene.reread().await;

    assert_eq!(reread.without_resort, BTreeMap::from([(azure_bay(), 1)]));
    assert_eq!(reread.changed, 1);
    assert!(scene.is_read_as("BK-1", MISREAD).await);
    assert!(scene.is_read_as("BK-2", ADA).await);
}

#[tokio::test]
async fn a_damaged_booking_holds_up_no_other() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3"] {
        scene.happens(BookingStarted, booking, 5).await;
    }
    scene.misread().await;
    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00' WHERE id = 'BK-1'")
        .await;

    let reread = scene.reread().await;

    assert_eq!(reread.changed, 2);
    assert!(scene.is_read_as("BK-3", ADA).await);
}

/// An event that names no booking was applied.
async fn said(scene: &Scene, event: Event, phone_hash: Option<[u8; 32]>) {
    let sealed = seal(&ring("a"), &event);
    let new = NewEvent {
        key: event.key.to_string(),
        source: event.key.source.to_string(),
        event_type: event.event_type.to_string(),
        booking: None,
        received_at: Utc::now(),
        request_id: "request".to_owned(),
        trace: None,
        outcome: "ignored",
        phone_hash: phone_hash.map(|hash| hash.to_vec()),
        name_hashes: Vec::new(),
        message: None,
        sealed_body: Some(sealed),
    };
    scene.run(move |c, _| events::insert_new(c, &[new])).await;
}

fn seal(ring: &KeyRing, event: &Event) -> Vec<u8> {
    let identity = domain::event::sealing_identity(&event.key);
    ring.seal(&serde_json::to_vec(event).unwrap(), &identity)
}

#[tokio::test]
async fn a_stop_that_was_taken_for_one_of_no_number_holds_once_its_number_is_read() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let wish = |event_type, phone: &str, minutes| Event {
        booking: None,
        ..with_phone(event(event_type, &key("-"), minutes), phone)
    };
    said(&scene, wish(GuestOptedOut, ADA, 10), None).await;
    said(
        &scene,
        wish(GuestOptedIn, ADA, 20),
        Some(guest(MISREAD).phone_hash),
    )
    .await;
    said(&scene, wish(GuestOptedIn, "12", 1), None).await;

    let first = scene.reread_events().await;
    let second = scene.reread_events().await;

    assert_eq!((first.changed, second.changed), (2, 0));
    assert_eq!(scene.reminder("BK-1").await, OPTED_OUT);
}

fn with_phone(mut event: Event, phone: &str) -> Event {
    event.guest.phone = Some(Personal::new(phone));
    event
}

#[tokio::test]
async fn the_guests_of_bookings_are_those_of_both_readings() {
    let scene = Scene::new().await;
    let event = event(BookingStarted, &key("BK-1"), 5);
    scene.run(move |c, planner| apply(c, planner, &event)).await;
    scene.misread().await;

    let guests = scene
        .run(|c, planner| planner.guests_of(c, &[key("BK-1")].into()))
        .await;

    assert_eq!(guests, [guest(ADA), guest(MISREAD)].into());
}
