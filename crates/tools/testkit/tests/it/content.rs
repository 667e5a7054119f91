//! What the guest reads.

use domain::message::{MessageState, Reason};
use serde_json::json;
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, EVE};

fn stay(booking: &str, phone: &str, language: &str) -> Event {
    Event::confirmed(booking, phone)
        .staying("2090-12-20", "2090-12-27")
        .with(
            "/booking/total",
            json!({ "amount": "1240.00", "currency": "EUR" }),
        )
        .with("/guest/name", "Ada Lovelace")
        .with("/guest/language", language)
}

// shows: B64
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_greets_the_guest_by_first_name_and_leads_back_to_the_booking() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::started("BK-1", ADA)).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;

    let received = world.until_received(ADA, 1).await;

    assert_eq!(received[0].header.as_deref(), Some("Azure Bay Resort"));
    assert_eq!(
        received[0].body.as_deref(),
        Some("Hi Ada, your booking at Azure Bay Resort is waiting.")
    );
    assert_eq!(
        received[0].button_url.as_deref(),
        Some("https://book.example/r/BK-1?step=2")
    );
}

// shows: B64, B66
#[tokio::test(flavor = "multi_thread")]
async fn the_guests_language_chooses_the_template_and_how_dates_and_money_are_written() {
    let world = World::start(&ResortFile::patient()).await;
    let guests = [
        (
            "BK-1",
            ADA,
            "en",
            "en_US",
            "Thank you Ada, see you on Dec 20, 2090. Total: 1,240.00 EUR.",
        ),
        (
            "BK-2",
            BOB,
            "de-AT",
            "de",
            "Danke Ada, bis zum 20.12.2090. Gesamt: 1.240,00 EUR.",
        ),
        (
            "BK-3",
            EVE,
            "fr",
            "en_US",
            "Thank you Ada, see you on Dec 20, 2090. Total: 1,240.00 EUR.",
        ),
    ];

    for (booking, phone, language, _, _) in guests {
        world.post(&stay(booking, phone, language)).await;
    }

    for (_, phone, language, template_language, body) in guests {
        let received = world.until_received(phone, 1).await;
        assert_eq!(
            received[0].language.as_deref(),
            Some(template_language),
            "{language}"
        );
        assert_eq!(received[0].body.as_deref(), Some(body), "{language}");
        // The header of the German template has a name, the English one has none.
        let header = (template_language == "de").then_some("Azure Bay Resort");
        assert_eq!(received[0].header.as_deref(), header, "{language}");
    }
}

// shows: B67
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_value_skips_the_message_until_an_event_brings_it() {
    let resort = ResortFile {
        templates: "[templates.reservation_confirmation.en]\nname = \"confirmed\"\nlanguage = \"en_US\"\n\
                    body = [\"guest.first_name\", \"stay.check_in\", { value = \"stay.total\", else = \"agreed\" }]\n"
            .to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    let skipped = world
        .until_state("BK-1", CONFIRMATION, MessageState::Skipped)
        .await;
    assert_eq!(skipped.existing.reason, Some(Reason::MissingValue));

    world
        .post(
            &Event::new("reservation_modified", "BK-1")
                .staying("2090-12-20", "2090-12-27")
                .with("/guest/name", "Ada Lovelace"),
        )
        .await;

    let received = world.until_received(ADA, 1).await;
    assert_eq!(
        received[0].body.as_deref(),
        Some("Thank you Ada, see you on Dec 20, 2090. Total: agreed.")
    );
}

// shows: B68, T13
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_would_be_a_strangers_link_reaches_nobody() {
    let resort = ResortFile {
        templates: "[templates.reservation_confirmation.en]\nname = \"confirmed\"\nlanguage = \"en_US\"\n\
                    body = [{ value = \"guest.name\", else = \"dear guest\" }, \"booking.id\", \"resort.name\"]\n"
            .to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    let named =
        |booking: &str, phone: &str, name: &str| Event::confirmed(booking, phone).with("/guest/name", name);

    world
        .post(&named("BK-1", ADA, "https://evil.example/prize"))
        .await;
    world.post(&named("BK-2", BOB, "Ada (t.me/prize)")).await;
    world.post(&named("evil.com/3", EVE, "Eve")).await;

    for (phone, booking) in [(ADA, "BK-1"), (BOB, "BK-2")] {
        let received = world.until_received(phone, 1).await;
        let expected = format!("Thank you dear guest, see you on {booking}. Total: Azure Bay Resort.");
        assert_eq!(received[0].body.as_deref(), Some(expected.as_str()));
    }
    let skipped = world
        .until_state("evil.com/3", CONFIRMATION, MessageState::Skipped)
        .await;
    assert_eq!(skipped.existing.reason, Some(Reason::MissingValue));
}

// shows: B70
#[tokio::test(flavor = "multi_thread")]
async fn without_a_template_the_fallback_goes_and_its_text_where_the_guest_has_written() {
    let resort = ResortFile {
        templates: "[fallback]\ntemplate.en = { name = \"contact\", language = \"en_US\", body = [\"resort.name\"] }\n\
                    text.reservation_confirmation.en = \"Your stay at {resort.name} is confirmed.\"\n"
            .to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    world
        .tell_sandbox(
            "inbound",
            &json!({ "from": BOB, "text": "Hello!", "phone_number_id": NUMBER }),
        )
        .await;
    world.until_guests_heard(1).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;

    let (to_ada, to_bob) = (
        world.until_received(ADA, 1).await,
        world.until_received(BOB, 1).await,
    );
    assert_eq!(to_ada[0].name(), "contact");
    assert_eq!(to_bob[0].name(), "text");
    assert_eq!(
        to_bob[0].body.as_deref(),
        Some("Your stay at Azure Bay Resort is confirmed.")
    );
}

// shows: B72
#[tokio::test(flavor = "multi_thread")]
async fn without_any_template_the_message_is_held_and_not_lost() {
    let resort = ResortFile {
        templates: String::new(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let held = world.until_state("BK-1", CONFIRMATION, MessageState::Held).await;
    assert_eq!(held.reason.as_deref(), Some("template_missing"));
}

// shows: B73
#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_names_the_guest() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::started("BK-1", ADA)).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;
    world
        .tell_sandbox(
            "inbound",
            &json!({ "from": ADA, "text": "Is the pool heated?", "name": "Ada Lovelace", "phone_number_id": NUMBER }),
        )
        .await;
    world.until_guests_heard(1).await;
    world
        .until_state("BK-1", crate::scene::REMINDER_1, MessageState::Read)
        .await;

    let logs = world.logs();

    for personal in ["6912345678", "Lovelace", "book.example/r/", "pool", "wamid."] {
        assert!(!logs.contains(personal), "a log holds {personal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_queue_names_no_guest() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_processors();
    world.post(&Event::started("BK-1", ADA)).await;

    let get = json!({ "count": 10, "ackmode": "ack_requeue_true", "encoding": "auto" });
    let waiting = world
        .until("the event waits", async || {
            let list = world
                .vhost()
                .api("POST", "queues", "/events/get", Some(get.clone()))
                .await;
            list[0]["payload"]
                .as_str()
                .map(|payload| format!("{payload} {}", list[0]["properties"]))
        })
        .await;

    assert!(waiting.contains("BK-1"), "{waiting}");
    for personal in ["6912345678", "Lovelace", "book.example/r/"] {
        assert!(!waiting.contains(personal), "the queue holds {personal}");
    }
}
