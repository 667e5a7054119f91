//! Guests are known by every name that WhatsApp has for them: from the answer of a call, through the webhook, to the desk.
//! `crates/processor/tests` shows each case of a stop.

use domain::message::MessageKind::StopConfirmation as STOP_CONFIRMATION;
use domain::message::MessageState::{Read, Skipped};
use domain::message::Reason;
use serde_json::{Value, json};
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, REMINDER_1, REMINDER_2};

/// Numbers as people dial them, and as WhatsApp spells them.
const BRAZIL: (&str, &str) = ("+5511987654321", "551187654321");
const MEXICO: (&str, &str) = ("+525512345678", "5215512345678");
const ARGENTINA: (&str, &str) = ("+541123456789", "5491123456789");

async fn spell(world: &World, (number, wa_id): (&str, &str)) {
    let spelling = json!({ "number": number, "wa_id": wa_id });
    world.tell_sandbox("spellings", &spelling).await;
}

/// A guest who was reminded once; WhatsApp has reported everything.
async fn reminded(world: &World, cart: &str, phone: &str) {
    world.post(&Event::abandoned(cart, phone)).await;
    world.until_state(cart, REMINDER_1, Read).await;
}

/// The id of the last message that a guest got.
async fn last_wamid(world: &World, phone: &str) -> String {
    let received = world.received_by(phone).await;
    received.last().unwrap().wamid.clone().unwrap()
}

async fn writes(world: &World, from: &str, more: Value) {
    let mut says = json!({ "from": from, "phone_number_id": NUMBER });
    says.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    world.tell_sandbox("inbound", &says).await;
}

/// The time of the second reminder comes.
async fn a_day_goes_by(world: &World) {
    let database = world.database();
    database
        .execute("UPDATE messages SET sent_at = sent_at - interval '1 day' WHERE kind = 'reminder_1'")
        .await;
    database
        .execute("UPDATE bookings SET wake_at = clock_timestamp() WHERE wake_at IS NOT NULL")
        .await;
}

/// Neither a second reminder nor one for the next cart.
async fn gets_no_more_reminders(world: &World, cart: &str, phone: &str) {
    a_day_goes_by(world).await;
    let second = world.until_state(cart, REMINDER_2, Skipped).await;
    assert_eq!(second.existing.reason, Some(Reason::OptedOut), "{cart}");
    let next = format!("{cart}-next");
    world.post(&Event::abandoned(&next, phone)).await;
    let first = world.until_state(&next, REMINDER_1, Skipped).await;
    assert_eq!(first.existing.reason, Some(Reason::OptedOut), "{next}");
}

async fn letters(world: &World, filter: &str) -> Vec<Value> {
    let listed = world.desk(&format!("letters list {filter} --json")).await;
    serde_json::from_str(&listed.check(0).stdout).unwrap()
}

async fn count(world: &World, of: &str) -> i64 {
    let database = world.database();
    database
        .count(&format!("SELECT count(*) AS count FROM {of}"))
        .await
}

// shows: B49
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_a_number_that_whatsapp_spells_otherwise_is_the_guests_with_and_without_context() {
    let world = World::start(&ResortFile::patient()).await;
    for (index, number) in [BRAZIL, MEXICO, ARGENTINA].into_iter().enumerate() {
        spell(&world, number).await;
        let cart = format!("CART-{index}");
        reminded(&world, &cart, number.0).await;
    }

    let context = last_wamid(&world, BRAZIL.0).await;
    writes(
        &world,
        &format!("+{}", BRAZIL.1),
        json!({ "text": "STOP", "answers": context }),
    )
    .await;
    writes(&world, &format!("+{}", MEXICO.1), json!({ "text": "STOP" })).await;
    writes(&world, &format!("+{}", ARGENTINA.1), json!({ "text": "STOP" })).await;
    world.until_guests_heard(3).await;

    for (index, number) in [BRAZIL, MEXICO, ARGENTINA].into_iter().enumerate() {
        let cart = format!("CART-{index}");
        world.until_state(&cart, STOP_CONFIRMATION, Read).await;
        gets_no_more_reminders(&world, &cart, number.0).await;
        assert_eq!(world.names_received_by(number.0).await, ["reminder_1", "text"]);
    }
    assert!(letters(&world, "").await.is_empty());
}

// shows: B50, B51
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_an_unknown_writer_has_one_letter_and_holds_for_the_cart_that_comes_later() {
    let world = World::start(&ResortFile::patient()).await;
    writes(&world, ADA, json!({ "text": "STOP" })).await;
    writes(&world, ADA, json!({ "text": "stop!" })).await;
    world.until_guests_heard(2).await;

    let open = letters(&world, "--open").await;
    let reasons: Vec<&str> = open
        .iter()
        .map(|letter| letter["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["unmatched_stop"]);
    let shown = world
        .desk(&format!("letters show {} --json", open[0]["id"]))
        .await;
    let shown = &shown.check(0).stdout;
    assert!(
        !shown.contains("6912345678") && !shown.contains("STOP"),
        "{shown}"
    );

    world.post(&Event::abandoned("CART-1", ADA)).await;
    let reminder = world.until_state("CART-1", REMINDER_1, Skipped).await;
    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
    assert!(letters(&world, "--open").await.is_empty());
    let ended = letters(&world, "--closed").await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["state"], json!("settled"));
    assert!(world.received_by(ADA).await.is_empty());

    a_letter_under_a_user_id_is_settled_as_soon_as_the_id_is_learnt(&world).await;
}

async fn a_letter_under_a_user_id_is_settled_as_soon_as_the_id_is_learnt(world: &World) {
    let nameless = json!({ "when": { "to": BOB }, "notify": { "without_phone": true } });
    world.tell_sandbox("failures", &nameless).await;
    writes(world, BOB, json!({ "text": "STOP", "without_phone": true })).await;
    world.until_guests_heard(3).await;
    assert_eq!(letters(world, "--open").await.len(), 1);

    // Nothing ties the number to the id yet: the report of this reminder does.
    reminded(world, "CART-2", BOB).await;

    assert!(letters(world, "--open").await.is_empty());
    gets_no_more_reminders(world, "CART-2", BOB).await;
    assert_eq!(world.names_received_by(BOB).await, ["reminder_1"]);
}

// shows: B131
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_finds_what_was_written_under_every_name_and_the_stop_stays() {
    let world = World::start(&ResortFile::patient()).await;
    spell(&world, BRAZIL).await;
    reminded(&world, "CART-1", BRAZIL.0).await;
    let written = format!("+{}", BRAZIL.1);
    writes(&world, &written, json!({ "text": "Is the pool heated?" })).await;
    writes(&world, &written, json!({ "text": "STOP", "without_phone": true })).await;
    world.until_guests_heard(2).await;
    world.until_state("CART-1", STOP_CONFIRMATION, Read).await;
    world.until_reports(6).await;
    let exported = world.desk(&format!("guests export --phone {}", BRAZIL.0)).await;
    let exported: Value = serde_json::from_str(&exported.check(0).stdout).unwrap();
    let kinds: Vec<&str> = exported["known_as"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"whatsapp_number") && kinds.contains(&"user"),
        "{kinds:?}"
    );
    assert!(exported.to_string().contains("Is the pool heated"), "{exported}");
    assert_eq!(exported["wishes_to_numbers"][0]["opted_out"], json!(true));

    world
        .desk(&format!("guests erase --phone {}", BRAZIL.0))
        .await
        .check(0);

    assert_eq!(count(&world, "guest_names").await, 0);
    assert_eq!(count(&world, "messages WHERE called_to IS NOT NULL").await, 0);
    assert_eq!(count(&world, "events WHERE sealed_body IS NOT NULL").await, 0);
    assert_eq!(count(&world, "conversations").await, 0);
    world.post(&Event::abandoned("CART-2", BRAZIL.0)).await;
    let reminder = world.until_state("CART-2", REMINDER_1, Skipped).await;
    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
}
