//! What the guest reads.

use chrono::NaiveDate;
use domain::event::{Event, EventType};
use domain::message::MessageState::{Held, Sent, Skipped};
use domain::message::Reason;
use domain::stay::{Money, Personal};
use testkit::world::ResortFile;

use crate::scene::{
    ADA, BOB, CONFIRMATION, EVE, REMINDER_1, STOP_CONFIRMATION, Scene, abandoned, confirmed, event,
};

fn named(event: Event, name: &str) -> Event {
    let mut event = event;
    event.guest.name = Some(Personal::new(name));
    event
}

fn with_dates(mut event: Event) -> Event {
    event.details.check_in = NaiveDate::from_ymd_opt(2090, 12, 20);
    event.details.check_out = NaiveDate::from_ymd_opt(2090, 12, 27);
    event
}

fn stay(booking: &str, phone: &str, language: &str) -> Event {
    let mut event = with_dates(named(confirmed(booking, phone), "Ada Lovelace"));
    event.details.total = Money::parse("1240.00", "EUR");
    event.guest.language = Some(language.to_owned());
    event
}

fn templates(templates: &str) -> ResortFile {
    ResortFile {
        templates: templates.to_owned(),
        ..ResortFile::patient()
    }
}

// shows: B64
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_greets_the_guest_by_first_name_and_leads_back_to_the_booking() {
    let scene = Scene::new().await;
    let mut started = named(event(EventType::BookingStarted, "BK-1", ADA), "Ada Lovelace");
    started.details.resume_url = Some(Personal::new("https://book.example/r/BK-1?step=2"));
    scene.apply(started).await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;

    let received = scene.received_by(ADA).await;
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
    let scene = Scene::new().await;
    let english = "Thank you Ada, see you on Dec 20, 2090. Total: 1,240.00 EUR.";
    let german = "Danke Ada, bis zum 20.12.2090. Gesamt: 1.240,00 EUR.";
    let guests = [
        ("BK-1", ADA, "en", "en_US", english),
        ("BK-2", BOB, "de-AT", "de", german),
        ("BK-3", EVE, "fr", "en_US", english),
    ];

    for (booking, phone, language, _, _) in guests {
        scene.apply(stay(booking, phone, language)).await;
    }
    scene.send().await;

    for (_, phone, language, template_language, body) in guests {
        let received = scene.received_by(phone).await;
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
    let scene = Scene::of(&templates(
        "[templates.reservation_confirmation.en]\nname = \"confirmed\"\nlanguage = \"en_US\"\n\
         body = [\"guest.first_name\", \"stay.check_in\", { value = \"stay.total\", else = \"agreed\" }]\n",
    ))
    .await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    let skipped = scene.check("BK-1", CONFIRMATION, Skipped).await;

    let modified = event(EventType::ReservationModified, "BK-1", ADA);
    scene
        .apply_and_send(with_dates(named(modified, "Ada Lovelace")))
        .await;

    assert_eq!(skipped.existing.reason, Some(Reason::MissingValue));
    let received = scene.received_by(ADA).await;
    assert_eq!(
        received[0].body.as_deref(),
        Some("Thank you Ada, see you on Dec 20, 2090. Total: agreed.")
    );
}

// shows: B68, T13
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_would_be_a_strangers_link_reaches_no_guest() {
    let scene = Scene::of(&templates(
        "[templates.reservation_confirmation.en]\nname = \"confirmed\"\nlanguage = \"en_US\"\n\
         body = [{ value = \"guest.name\", else = \"dear guest\" }, \"booking.id\", \"resort.name\"]\n",
    ))
    .await;

    for (booking, phone, name) in [
        ("BK-1", ADA, "https://evil.example/prize"),
        ("BK-2", BOB, "Ada (t.me/prize)"),
        ("evil.com/3", EVE, "Eve"),
    ] {
        scene.apply(named(confirmed(booking, phone), name)).await;
    }
    scene.send().await;

    for (phone, booking) in [(ADA, "BK-1"), (BOB, "BK-2")] {
        let received = scene.received_by(phone).await;
        let expected = format!("Thank you dear guest, see you on {booking}. Total: Azure Bay Resort.");
        assert_eq!(received[0].body.as_deref(), Some(expected.as_str()));
    }
    let skipped = scene.check("evil.com/3", CONFIRMATION, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::MissingValue));
}

const FALLBACK: &str = "[fallback]\ntemplate.en = { name = \"contact\", language = \"en_US\", body = [\"resort.name\"] }\n\
                        text.reservation_confirmation.en = \"Your stay at {resort.name} is confirmed.\"\n";

// shows: B70
#[tokio::test(flavor = "multi_thread")]
async fn without_a_template_the_fallback_goes_and_its_text_where_the_guest_has_written() {
    let scene = Scene::of(&templates(FALLBACK)).await;
    scene.open_window(BOB).await;

    scene.apply(confirmed("BK-1", ADA)).await;
    scene.apply(confirmed("BK-2", BOB)).await;
    scene.send().await;

    let (to_ada, to_bob) = (scene.received_by(ADA).await, scene.received_by(BOB).await);
    assert_eq!(to_ada[0].name(), "contact");
    assert_eq!(to_bob[0].name(), "text");
    assert_eq!(
        to_bob[0].body.as_deref(),
        Some("Your stay at Azure Bay Resort is confirmed.")
    );
}

// shows: B84
#[tokio::test(flavor = "multi_thread")]
async fn free_text_that_fails_since_the_guests_window_is_over_is_followed_by_the_fallbacks_template() {
    let scene = Scene::of(&templates(FALLBACK)).await;
    scene.open_window(BOB).await;
    scene.apply_and_send(confirmed("BK-1", BOB)).await;

    let over = whatsapp::error_codes::failure(131_047);
    scene.report_failure("BK-1", CONFIRMATION, over).await;
    scene.send().await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(scene.names_received_by(BOB).await, ["text", "contact"]);
}

// shows: B53
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_confirmed_in_the_guests_language_or_in_the_resorts_words() {
    let scene = Scene::of(&ResortFile {
        sections: "[stop]\ntext.en = \"As you wish. {resort.name}\"\n".to_owned(),
        ..ResortFile::patient()
    })
    .await;
    let mut spanish = abandoned("CART-1", ADA);
    spanish.guest.language = Some("es-MX".to_owned());
    scene.apply_and_send(spanish).await;
    scene.apply_and_send(abandoned("CART-2", BOB)).await;

    for (cart, phone, body) in [
        (
            "CART-1",
            ADA,
            "No recibirá más recordatorios de Azure Bay Resort. Solo le escribiremos sobre sus reservas.",
        ),
        ("CART-2", BOB, "As you wish. Azure Bay Resort"),
    ] {
        scene.open_window(phone).await;
        scene.stops(cart, phone).await;
        scene.send().await;

        scene.check(cart, STOP_CONFIRMATION, Sent).await;
        assert_eq!(scene.names_received_by(phone).await, ["reminder_1", "text"]);
        let received = scene.received_by(phone).await;
        assert_eq!(received[1].body.as_deref(), Some(body));
    }
}

// shows: B72
#[tokio::test(flavor = "multi_thread")]
async fn without_any_template_the_message_is_held_and_not_lost() {
    let scene = Scene::of(&templates("")).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    // The first round of a sender tries such messages again.
    scene.maintain_and_send().await;
    scene.maintain_and_send().await;

    let held = scene.check("BK-1", CONFIRMATION, Held).await;
    assert_eq!(held.reason.as_deref(), Some("template_missing"));
    assert!(scene.calls().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_without_a_template_goes_when_the_file_has_one() {
    let scene = Scene::of(&templates("")).await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.maintain_and_send().await;
    scene.check("BK-1", CONFIRMATION, Held).await;

    scene.change_file(Some(&ResortFile::patient()));
    scene.maintain_and_send().await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_waits_for_the_guest_goes_when_the_guest_writes() {
    let scene = Scene::of(&templates(
        "[fallback]\ntext.reservation_confirmation.en = \"Your stay at {resort.name} is confirmed.\"\n",
    ))
    .await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.check("BK-1", CONFIRMATION, Held).await;

    scene.open_window(ADA).await;
    scene.send().await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(scene.names_received_by(ADA).await, ["text"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_of_a_cart_without_any_link_leads_to_the_booking_page() {
    let scene = Scene::new().await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;

    scene.check("BK-1", REMINDER_1, Sent).await;
    let received = scene.received_by(ADA).await;
    assert_eq!(
        received[0].button_url.as_deref(),
        Some("https://book.example/book")
    );
    assert_eq!(
        received[0].body.as_deref(),
        Some("Hi there, your booking at Azure Bay Resort is waiting.")
    );
}
