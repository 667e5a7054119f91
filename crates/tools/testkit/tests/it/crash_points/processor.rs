//! Processors that die while they take an id back, give something up, suspect an event, and take away what is old.

use chrono::TimeDelta;
use domain::message::MessageState::{Dead, Read};
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use super::{LEDGER_CHECK, check_books, check_guest, dying_at, guest, half_an_hour_goes_by};
use crate::scene::CONFIRMATION;

pub(super) const TRIED: &[&[&str]] = &[
    REFUSED,
    LETTERS_OF_EVENTS,
    LETTERS_OF_MESSAGES,
    SUSPECTED,
    TAKING_AWAY,
];

const REFUSED: &[&str] = &["processor.relay.refused", "processor.relay.given_back"];
const LETTERS_OF_EVENTS: &[&str] = &["processor.letters.due", "processor.letters.confirmed"];
const LETTERS_OF_MESSAGES: &[&str] = &[
    "processor.message_letters.due",
    "processor.message_letters.confirmed",
    "processor.message_letters.marked",
];
const NOTED: &str = "processor.poison.noted";
const SUSPECTED: &[&str] = &[
    "processor.poison.found",
    NOTED,
    "processor.poison.settled",
    "processor.poison.cleared",
];
const TAKING_AWAY: &[&str] = &[
    "processor.old_events.written",
    "processor.old_events.committed",
    "processor.old_letters.written",
    "processor.old_letters.committed",
    "processor.old_guests.written",
    "processor.old_guests.committed",
];

async fn hold_at_most(world: &World, ids: u32) {
    let policy = json!({ "pattern": "^messages$", "apply-to": "queues",
        "definition": { "max-length": ids, "overflow": "reject-publish" } });
    world.vhost().api("PUT", "policies", "/bound", Some(policy)).await;
}

// shows: G3
#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_and_what_is_suspected_goes_once_wherever_their_processors_die() {
    let mut world = World::start(&ResortFile::patient()).await;

    an_event_that_is_suspected_wrongly_is_applied_once_wherever_its_processor_dies(&mut world).await;
    ids_that_the_broker_refuses_come_again_wherever_their_processor_dies(&mut world).await;
}

async fn ids_that_the_broker_refuses_come_again_wherever_their_processor_dies(world: &mut World) {
    world.kill_senders();
    hold_at_most(world, 1).await;
    let first = SUSPECTED.len();
    let mut guests = first;
    for point in REFUSED {
        world.replace("processor", &dying_at(point)).await;
        // A queue that is full is known to be so some messages later.
        while !world.is_dead("processor") {
            let (booking, phone) = guest(guests);
            world.post(&Event::confirmed(&booking, &phone)).await;
            guests += 1;
        }
        world.until_dead("processor", point).await;
    }

    hold_at_most(world, 10_000).await;
    world.replace("processor", &[]).await;
    world.start_sender().await;
    for number in first..guests {
        world.until_events(&guest(number).0, 1).await;
    }
    half_an_hour_goes_by(world).await;

    for number in first..guests {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        check_guest(world, number, 1, &["confirmed"]).await;
    }
    check_books(world).await;
}

// shows: G16
#[tokio::test(flavor = "multi_thread")]
async fn each_death_has_one_letter_wherever_its_processor_dies() {
    let mut world = World::start(&ResortFile::patient()).await;

    an_event_that_three_processors_died_over_alone_has_one_letter(&mut world).await;
    an_event_that_nobody_can_read_has_one_letter_wherever_its_processor_dies(&mut world).await;
    a_dead_message_has_one_letter_wherever_its_processor_dies(&mut world).await;
}

async fn an_event_that_nobody_can_read_has_one_letter_wherever_its_processor_dies(world: &mut World) {
    for point in LETTERS_OF_EVENTS {
        world.replace("processor", &dying_at(point)).await;
        world
            .vhost()
            .publish("events", &format!("no envelope: {point}"))
            .await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
    }
    world
        .until("all are given up, the second one twice", async || {
            (world.depths().await.dead_events > 2).then_some(())
        })
        .await;

    let mut letters = world.letters("--kind events").await;
    letters.retain(|letter| letter["reason"] == json!("undecodable"));

    assert_eq!(letters.len(), LETTERS_OF_EVENTS.len(), "{letters:?}");
    world.desk(LEDGER_CHECK).await.check(0);
}

async fn a_dead_message_has_one_letter_wherever_its_processor_dies(world: &mut World) {
    let refused = json!({ "answer": { "error": 131_026 } });
    world.tell_sandbox("failures", &refused).await;
    for (number, point) in LETTERS_OF_MESSAGES.iter().enumerate() {
        let (booking, phone) = guest(10 + number);
        world.replace("processor", &dying_at(point)).await;
        world.post(&Event::confirmed(&booking, &phone)).await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
        world.until_state(&booking, CONFIRMATION, Dead).await;
    }
    let due = "SELECT count(*) AS count FROM messages WHERE letter_due";
    let none_is_due = async || (world.database().count(due).await == 0).then_some(());
    world.until("all letters are published", none_is_due).await;

    let letters = world.letters("--kind messages").await;

    assert_eq!(letters.len(), LETTERS_OF_MESSAGES.len());
    world.desk(LEDGER_CHECK).await.check(0);
}

/// Brings an event to its third delivery: from then on it is suspected.
async fn suspect(world: &mut World, number: usize) {
    let (booking, phone) = guest(number);
    let point = "processor.events.written";
    world.replace("processor", &dying_at(point)).await;
    world.post(&Event::confirmed(&booking, &phone)).await;
    world.until_dead("processor", point).await;
    world.replace("processor", &dying_at(point)).await;
    world.until_dead("processor", point).await;
}

async fn an_event_that_is_suspected_wrongly_is_applied_once_wherever_its_processor_dies(world: &mut World) {
    for (number, point) in SUSPECTED.iter().enumerate() {
        suspect(world, number).await;
        world.replace("processor", &dying_at(point)).await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
        half_an_hour_goes_by(world).await;
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
    }

    for number in 0..SUSPECTED.len() {
        check_guest(world, number, 1, &["confirmed"]).await;
    }
    check_books(world).await;
}

/// An event becomes a dead letter after three processors have crashed over it alone.
pub(super) async fn bring_three_down(world: &mut World, number: usize) {
    suspect(world, number).await;
    for _ in 0..3 {
        world.replace("processor", &dying_at(NOTED)).await;
        world.until_dead("processor", NOTED).await;
    }
    world.replace("processor", &[]).await;
    let given_up = async || (world.depths().await.dead_events == 1).then_some(());
    world.until("the event is given up", given_up).await;
}

async fn an_event_that_three_processors_died_over_alone_has_one_letter(world: &mut World) {
    bring_three_down(world, 0).await;

    let letters = world.letters("--kind events").await;
    assert_eq!((letters.len(), &letters[0]["reason"]), (1, &json!("crashed")));
    world.desk(LEDGER_CHECK).await.check(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_dies_while_it_takes_away_what_is_old_takes_it_away_and_no_more() {
    let terms = "[retention]\nraw_events = \"10d\"\nguests = \"100d\"\n";
    let resort = ResortFile {
        sections: terms.to_owned(),
        ..ResortFile::patient()
    };
    let mut world = World::start(&resort).await;
    for number in 0..2 {
        let (booking, phone) = guest(number);
        let event = Event::confirmed(&booking, &phone).ago(TimeDelta::days(5));
        world.post(&event).await;
        world.until_events(&booking, 1).await;
    }
    world.kill_processors();
    let ages = "UPDATE events SET received_at = received_at - interval '101 days' WHERE booking_key = 'azure-bay/BK-0'; \
         UPDATE bookings SET created_at = created_at - interval '101 days' WHERE id = 'BK-0'";
    world.database().execute(ages).await;

    for point in TAKING_AWAY {
        world.replace("processor", &dying_at(point)).await;
        world.until_dead("processor", point).await;
    }
    world.replace("processor", &[]).await;

    let old_is_gone = async || {
        let old = world.booking("BK-0").await?;
        old.facts.is_without_guest().then_some(())
    };
    world.until("the old guest is gone", old_is_gone).await;
    assert!(world.booking("BK-1").await.unwrap().facts.tells_of_guest());
    let kept =
        "SELECT count(*) AS count FROM events WHERE sealed_body IS NOT NULL AND booking_key IS NOT NULL";
    assert_eq!(world.database().count(kept).await, 1);
    check_books(&world).await;
}
