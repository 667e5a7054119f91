//! What the desk of these tests has to show: an evening at a resort.

use browser::Browser;
use chrono::{Days, Utc};
use domain::message::{MessageKind, MessageState};
use serde_json::json;
use testkit::world::{DeskPage, Event, NUMBER, ResortFile, World};

pub(super) const ADA: &str = "+306912345678";
const BOB: &str = "+306912345679";
const CAY: &str = "+306912345680";
/// The number is not on WhatsApp.
const UNDELIVERABLE: i64 = 131_026;
/// The page of Bob's booking, whose number is of a platform that likes long ones.
pub(super) const BOBS: &str = "/bookings/azure-bay/BK-1002-with-a-number-of-the-platform-that-is-long";

/// Guests who are reminded at once, once; what comes later is still to come.
pub(super) fn resort() -> ResortFile {
    ResortFile {
        reminder_2: Some("1d".to_owned()),
        review_after: Some("1d".to_owned()),
        ..ResortFile::default()
    }
}

/// Ada was reminded, confirmed, and asks something; Bob left a booking; Cay's number is wrong; a platform sent what cannot be read; Ben is on the
/// staff; the review requests are on hold; Anna has looked at Ada's booking.
pub(super) async fn evening() -> World {
    let world = World::start(&resort()).await;
    let day = |days| (Utc::now().date_naive() + Days::new(days)).to_string();
    let ada = Event::started("BK-1001", ADA)
        .staying(&day(12), &day(19))
        .with("/booking/room", "Sea view")
        .with("/booking/guests", 2);
    world.post(&ada).await;
    world
        .until_state("BK-1001", MessageKind::Reminder1, MessageState::Read)
        .await;
    world
        .post(&Event::confirmed("BK-1001", ADA).staying(&day(12), &day(19)))
        .await;
    world
        .until_state(
            "BK-1001",
            MessageKind::ReservationConfirmation,
            MessageState::Read,
        )
        .await;
    let refusal = json!({ "times": 1, "answer": { "error": UNDELIVERABLE } });
    world.tell_sandbox("failures", &refusal).await;
    world.post(&Event::started("BK-1003", CAY)).await;
    world
        .until_state("BK-1003", MessageKind::Reminder1, MessageState::Dead)
        .await;
    let found = async || world.letters("--kind messages").await.pop();
    world.until("the letter of a wrong number", found).await;
    let bobs = BOBS.rsplit('/').next().unwrap();
    world.post(&Event::started(bobs, BOB)).await;
    world.until_received(BOB, 1).await;
    for body in ["{}", "[]", "{"] {
        world.send_bytes(body.into()).await;
    }
    let asks = json!({ "from": ADA, "text": "Is the pool heated?", "name": "Ada Lovelace", "phone_number_id": NUMBER });
    world.tell_sandbox("inbound", &asks).await;
    world.until_guests_heard(1).await;
    world
        .database()
        .hire_as("ben", domain::staff::Access::ADMIN)
        .await;
    for command in [
        "pause --resort azure-bay --kind review_request --note storm",
        "pause --resort azure-bay --kind reminder_2 --note closed",
        "bookings show azure-bay BK-1001 --reveal",
        "guests export --phone +306912345678",
        "letters assign 1 --to ben",
    ] {
        world.desk(command).await.check(0);
    }
    world
}

/// Signs a browser in, by a link and its button.
pub(super) async fn sign_in(browser: &Browser, desk: &DeskPage<'_>) {
    browser.go(&desk.link("anna").await).await.unwrap();
    browser.click("button").await.unwrap();
    browser
        .wait_until("document.querySelector('.who')")
        .await
        .unwrap();
}
