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
pub(super) const UNDELIVERABLE: i64 = 131_026;
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
    world.database().execute(A_BAD_NIGHT).await;
    let retry = "letters retry --all --reason unmappable --background --note mended";
    world.desk(retry).await.check(0);
    count_again(&world).await;
    world
}

/// Has the processor count messages and sources now, which it does once a minute, after ingest has reported on its sources.
async fn count_again(world: &World) {
    let reports = "SELECT count(*) AS count FROM source_reports";
    let reported = async || (world.database().count(reports).await > 0).then_some(());
    world.until("sources are reported", reported).await;
    let old = "UPDATE overview SET made_at = made_at - interval '2 minutes'";
    world.database().execute(old).await;
    let new = "SELECT count(*) AS count FROM overview WHERE made_at > now() - interval '1 minute'";
    let counted = async || (world.database().count(new).await == 1).then_some(());
    world.until("messages are counted", counted).await;
}

/// Thirty dead letters more, some of no resort, over the last ten hours.
const A_BAD_NIGHT: &str = "INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, state, resort, booking) \
     SELECT kind, kind || '/night-' || n, reason, error, attempts, now() - n * interval '20 minutes', true, subject, 'open', \
     CASE WHEN reason <> 'unmappable' THEN 'azure-bay' END, CASE WHEN reason <> 'unmappable' THEN 'BK-' || 2000 + n END \
     FROM generate_series(1, 30) n, LATERAL (SELECT * FROM (VALUES \
     (0, 'messages', 'refused', '131026', 1, 'reservation_confirmation'), \
     (1, 'messages', 'retries_exhausted', '131016', 4, 'reminder_1'), \
     (2, 'messages', 'refused', '131026', 1, 'reminder_1'), \
     (3, 'events', 'unmappable', 'guest.phone: missing', 1, 'unmappable'), \
     (4, 'messages', 'outcome_unknown', '', 1, 'review_request')) \
     AS of(remainder, kind, reason, error, attempts, subject) WHERE remainder = n % 5) what";

/// Six months of the report, and a call in this one that broke a rule.
pub(super) const A_SEASON: &str = "INSERT INTO report_months (resort, month, figures, frozen_at) \
     SELECT 'azure-bay', month::date, jsonb_build_object('carts', reminded + held_out + 121, \
         'reminded', jsonb_build_object('guests', reminded, 'booked', booked, 'sums', jsonb_build_object('EUR', (booked * 612.5)::text)), \
         'held_out', jsonb_build_object('guests', held_out, 'booked', came, 'sums', jsonb_build_object('EUR', (came * 587.0)::text)), \
         'delivered', reminded * 93 / 100, 'read', reminded * 80 / 100, 'answered', reminded / 13, 'stopped', reminded / 80, \
         'not_sent', jsonb_build_object('held_out', held_out + 5, 'no_consent', 61, 'capped', 18, 'us_marketing', 9, 'replied', 4), \
         'messages', jsonb_build_object('marketing', reminded * 8 / 5, 'utility', reminded / 2, 'service', 41), \
         'breaches', '{}'::jsonb), month::timestamptz + interval '1 month 14 days' \
     FROM (VALUES ('2025-08-01', 412, 45, 101, 6), ('2025-09-01', 388, 41, 99, 5), ('2025-10-01', 295, 27, 70, 4), \
         ('2025-11-01', 231, 19, 60, 3), ('2025-12-01', 342, 38, 84, 4), ('2026-01-01', 486, 58, 118, 5)) \
         AS m(month, reminded, booked, held_out, came); \
     UPDATE messages SET called_quiet_from = (claimed_at AT TIME ZONE 'Europe/Athens')::time - interval '1 hour', \
         called_quiet_to = (claimed_at AT TIME ZONE 'Europe/Athens')::time + interval '1 hour' \
     WHERE booking_key = 'azure-bay/BK-1001' AND kind = 'reminder_1'";

/// Signs Anna in.
pub(super) async fn sign_in(browser: &Browser, desk: &DeskPage<'_>) {
    sign_in_as("anna", browser, desk).await;
}

/// Signs a member of the staff in, by a link and its button.
pub(super) async fn sign_in_as(member: &str, browser: &Browser, desk: &DeskPage<'_>) {
    browser.go(&desk.link(member).await).await.unwrap();
    browser.click("button").await.unwrap();
    browser
        .wait_until("document.querySelector('.who')")
        .await
        .unwrap();
}
