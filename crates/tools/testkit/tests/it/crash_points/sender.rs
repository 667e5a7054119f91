//! Senders that die around a claim, a call and its result: for whatever message, WhatsApp is called once.

use std::ops::Range;

use domain::message::MessageKind;
use domain::message::MessageState::{Held, Read};
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use super::{check_books, check_guest, dying_at, guest};
use crate::scene::{CONFIRMATION, REMINDER_1, REVIEW_REQUEST};

pub(super) const TRIED: &[&[&str]] = &[
    WITHOUT_A_CALL,
    &[ACKNOWLEDGED],
    AROUND_A_CALL,
    SILENCE,
    UNSENT,
    HOLDS,
    &[RELEASED],
];

const WITHOUT_A_CALL: &[&str] = &["sender.claims.committed", "sender.call.begins"];
const AROUND_A_CALL: &[&str] = &[
    "sender.claims.written",
    "sender.call.answered",
    "sender.results.written",
    "sender.results.committed",
];
/// An id is acknowledged when its message has been claimed, while the call may begin.
const ACKNOWLEDGED: &str = "sender.ids.acknowledged";
const SILENCE: &[&str] = &[
    "sender.lost_calls.sought",
    "sender.lost_calls.committed",
    "sender.silence.written",
    "sender.silence.committed",
];
const UNSENT: &[&str] = &["sender.unsent.written", "sender.unsent.committed"];
const HOLDS: &[&str] = &["sender.holds.written", "sender.holds.committed"];
const RELEASED: &str = "sender.claims.released";

/// A review is requested right after the check-out.
fn resort() -> ResortFile {
    ResortFile {
        review_after: Some("1ms".to_owned()),
        ..ResortFile::patient()
    }
}

/// What makes a message of this kind due, and what the guest has got before.
async fn lead_up_to(world: &World, kind: MessageKind, number: usize) -> (Event, &'static [&'static str]) {
    let (booking, phone) = guest(number);
    match kind {
        REMINDER_1 => (Event::abandoned(&booking, &phone), &[]),
        REVIEW_REQUEST => {
            world.post(&Event::confirmed(&booking, &phone)).await;
            world.until_state(&booking, CONFIRMATION, Read).await;
            (
                Event::new("guest_checked_out", &booking).of(&phone),
                &["confirmed"],
            )
        }
        _ => (Event::confirmed(&booking, &phone), &[]),
    }
}

/// What a guest has got once a message of this kind went, after so many events.
fn with_it(kind: MessageKind, before: &[&'static str]) -> (usize, Vec<&'static str>) {
    let template = match kind {
        REMINDER_1 => "reminder_1",
        REVIEW_REQUEST => "review",
        _ => "confirmed",
    };
    (before.len() + 1, [before, &[template]].concat())
}

// shows: G22
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_around_a_call_sends_no_message_of_any_kind_twice() {
    let kinds = [CONFIRMATION, REMINDER_1, REVIEW_REQUEST];
    let deaths = kinds
        .iter()
        .flat_map(|&kind| AROUND_A_CALL.iter().map(move |point| (kind, point)));
    let mut world = World::start(&resort()).await;
    let mut expected = Vec::new();
    for (number, (kind, point)) in deaths.enumerate() {
        let (event, before) = lead_up_to(&world, kind, number).await;
        world.replace("sender", &dying_at(point)).await;
        world.post(&event).await;
        world.until_dead("sender", point).await;
        world.replace("sender", &[]).await;
        world.until_state(&guest(number).0, kind, Read).await;
        expected.push(with_it(kind, before));
    }

    for (number, (events, messages)) in expected.iter().enumerate() {
        check_guest(&world, number, *events, messages).await;
    }
    check_books(&world).await;
}

// shows: B180
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_staff_is_sent_once_though_its_sender_dies_before_it_can_record_that() {
    let point = "sender.call.answered";
    let mut world = World::start(&resort()).await;
    let (booking, phone) = guest(0);
    world.post(&Event::confirmed(&booking, &phone)).await;
    world.until_state(&booking, CONFIRMATION, Read).await;
    world.replace("sender", &dying_at(point)).await;

    let answer = format!("guests answer --booking azure-bay {booking} --template reservation_confirmation");
    world.desk(&answer).await.check(0);
    world.until_dead("sender", point).await;
    world.replace("sender", &[]).await;

    world.until_state(&booking, MessageKind::StaffAnswer, Read).await;
    check_guest(&world, 0, 1, &["confirmed", "confirmed"]).await;
    check_books(&world).await;
}

/// The guests whose messages go right after that of one who was lost.
fn neighbours_of(number: usize) -> Range<usize> {
    let first = 10 * (number + 1);
    first..first + 5
}

/// Senders die at `point`, behind the claim of a message of each kind, and others at `then` while they find out what became
/// of them.
async fn check_behind_the_claim(point: &str, then: &[&str]) {
    const LOST: [MessageKind; 3] = [REVIEW_REQUEST, REMINDER_1, CONFIRMATION];
    let soon = [("SENDER_UNKNOWN_AFTER", "6s"), ("SENDER_SILENCE_AFTER", "20s")];
    let without_a_call = WITHOUT_A_CALL.contains(&point);
    let mut world = World::start_with(&resort(), &soon).await;
    let mut expected = Vec::new();
    for (number, kind) in LOST.into_iter().enumerate() {
        let (event, before) = lead_up_to(&world, kind, number).await;
        world.replace("sender", &dying_at(point)).await;
        world.post(&event).await;
        world.until_dead("sender", point).await;
        world.replace("sender", &[]).await;
        if without_a_call {
            assert_eq!(world.names_received_by(&guest(number).1).await, before);
        }
        expected.push((number, with_it(kind, before)));
        // Enough to bear witness, soon enough after the call.
        for neighbour in neighbours_of(number) {
            let (booking, phone) = guest(neighbour);
            world.post(&Event::confirmed(&booking, &phone)).await;
            expected.push((neighbour, with_it(CONFIRMATION, &[])));
        }
        for neighbour in neighbours_of(number) {
            world.until_state(&guest(neighbour).0, CONFIRMATION, Read).await;
        }
    }

    for point in then {
        world.replace("sender", &dying_at(point)).await;
        world.until_dead("sender", point).await;
    }
    world.replace("sender", &[]).await;

    for (number, kind) in LOST.into_iter().enumerate() {
        let sent = world.until_state(&guest(number).0, kind, Read).await;
        assert!(sent.existing.attempts == 2 || !without_a_call, "{kind:?}");
    }
    for (number, (events, messages)) in expected {
        check_guest(&world, number, events, &messages).await;
    }
    check_books(&world).await;
}

// shows: G22
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_dies_behind_its_claim_goes_once() {
    check_behind_the_claim(WITHOUT_A_CALL[0], &[]).await;
}

// shows: G22
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_dies_when_its_id_is_acknowledged_goes_once() {
    check_behind_the_claim(ACKNOWLEDGED, &[]).await;
}

// shows: G22
#[tokio::test(flavor = "multi_thread")]
async fn senders_that_die_while_they_look_for_lost_calls_change_nothing_about_them() {
    check_behind_the_claim(WITHOUT_A_CALL[1], SILENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_while_it_puts_a_message_aside_leaves_it_aside() {
    let resort = ResortFile {
        templates: String::new(),
        ..ResortFile::patient()
    };
    let mut world = World::start(&resort).await;
    for (number, point) in UNSENT.iter().enumerate() {
        let (booking, phone) = guest(number);
        world.replace("sender", &dying_at(point)).await;
        world.post(&Event::confirmed(&booking, &phone)).await;
        world.until_dead("sender", point).await;
        world.replace("sender", &[]).await;
        let held = world.until_state(&booking, CONFIRMATION, Held).await;
        assert_eq!(held.reason.as_deref(), Some("template_missing"));
    }

    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_die_while_they_let_messages_go_or_give_a_claim_back_have_done_it_once() {
    let mut world = World::start(&ResortFile::patient()).await;

    a_sender_that_dies_while_it_lets_held_messages_go_lets_each_go_once(&mut world).await;
    a_sender_that_dies_behind_giving_back_a_late_claim_has_given_it_back(&mut world).await;
}

async fn a_sender_that_dies_while_it_lets_held_messages_go_lets_each_go_once(world: &mut World) {
    world
        .tell_sandbox("failures", &json!({ "answer": { "error": 190 } }))
        .await;
    for number in 0..5 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    world.until_in_state(Held, 4).await;

    for point in HOLDS {
        world.replace("sender", &dying_at(point)).await;
        world.until_dead("sender", point).await;
    }
    world.heal_sandbox().await;
    world.replace("sender", &[]).await;

    for number in 0..5 {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        check_guest(world, number, 1, &["confirmed"]).await;
    }
    check_books(world).await;
}

async fn a_sender_that_dies_behind_giving_back_a_late_claim_has_given_it_back(world: &mut World) {
    let slow = "CREATE FUNCTION dawdle() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sending' AND new.attempts = 1 THEN PERFORM pg_sleep(2.2); END IF; RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER dawdle BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION dawdle()";
    world.database().execute(slow).await;
    world.replace("sender", &dying_at(RELEASED)).await;
    world.post(&Event::confirmed("BK-5", &guest(5).1)).await;

    world.until_dead("sender", RELEASED).await;
    world.replace("sender", &[]).await;

    world.until_state("BK-5", CONFIRMATION, Read).await;
    check_guest(world, 5, 1, &["confirmed"]).await;
    check_books(world).await;
}
