//! Calls that broke a rule are counted: each rule is broken here by a row that no program would write.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use domain::hold_out::HoldOut;
use domain::message::MessageKind::Reminder1;
use domain::report::{Breach, Month};
use store::claims::{Claim, Wanted};
use store::report::{ResortMonth, breaches};

use crate::scene::{Scene, key};

const ZONE: Tz = Tz::Europe__Athens;

/// A reminder that is called, of a guest of its own.
async fn called(scene: &Scene, booking: &str, guest: u32) {
    called_with(scene, booking, guest, |wanted| wanted).await;
}

async fn called_with(
    scene: &Scene,
    booking: &str,
    guest: u32,
    change: impl FnOnce(Wanted) -> Wanted,
) -> Claim {
    scene
        .due_reminder_of(booking, &format!("+3069123456{guest:02}"))
        .await;
    let wanted = change(scene.wanted(booking, Reminder1).await);
    scene.claim(vec![wanted]).await.remove(0)
}

async fn this_month(scene: &Scene) -> ResortMonth {
    let now = scene.run(|connection, _| store::pool::clock(connection)).await;
    ResortMonth {
        resort: key("BK-1").resort,
        zone: ZONE,
        month: Month::at(now, ZONE),
    }
}

/// How many calls broke each rule.
async fn counted(scene: &Scene) -> BTreeMap<String, u64> {
    let of = this_month(scene).await;
    let breaches = scene
        .run(move |connection, _| breaches::count(connection, &of))
        .await;
    breaches
        .iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

/// An event of a booking that was applied so many seconds before the first reminder of another one was claimed.
fn event(event_type: &str, booking: &str, seconds: i32, before: &str) -> String {
    format!(
        "INSERT INTO events (key, source, event_type, booking_key, received_at, applied_at, request_id, outcome) \
         SELECT 'direct/' || gen_random_uuid(), 'direct', '{event_type}', 'azure-bay/{booking}', claimed_at, \
         claimed_at - interval '{seconds} seconds', 'r', 'applied' FROM messages WHERE booking_key = 'azure-bay/{before}'"
    )
}

fn change(booking: &str, columns: &str) -> String {
    format!("UPDATE messages SET {columns} WHERE booking_key = 'azure-bay/{booking}'")
}

/// The resort's time of the day when the message was claimed.
const LOCAL: &str = "(claimed_at AT TIME ZONE 'Europe/Athens')::time";

/// Another row for each rule, which breaks it; the hold-out is broken otherwise.
fn broken() -> Vec<(Breach, String)> {
    vec![
        (
            Breach::AfterConfirmation,
            event("reservation_confirmed", "BK-1", 31, "BK-1")
                + "; UPDATE bookings SET status = 'confirmed' WHERE id = 'BK-1'",
        ),
        (
            Breach::AfterConfirmation,
            event("reservation_confirmed", "RS-2", 31, "BK-2")
                + "; UPDATE bookings SET became_key = 'azure-bay/RS-2' WHERE id = 'BK-2'",
        ),
        (
            Breach::AfterCancellation,
            event("reservation_cancelled", "BK-3", 31, "BK-3")
                + "; UPDATE bookings SET status = 'cancelled' WHERE id = 'BK-3'",
        ),
        (Breach::OptedOut, STOP_BEFORE_CALL.to_owned()),
        (
            Breach::QuietHours,
            change(
                "BK-5",
                &format!("called_quiet_from = {LOCAL} - interval '1 hour', called_quiet_to = {LOCAL} + interval '1 hour'"),
            ),
        ),
        (
            Breach::OverCap,
            "UPDATE messages SET called_day_cap = 1, called_to = '\\x00' \
             WHERE booking_key IN ('azure-bay/BK-5', 'azure-bay/BK-6')"
                .to_owned(),
        ),
        (Breach::Twice, change("BK-7", "sent_at = claimed_at - interval '2 seconds'")),
        (
            Breach::Twice,
            "INSERT INTO messages (id, booking_key, kind, round, basis_at, state, due_at, expires_at, claimed_at, attempts) \
             SELECT ('ffffffff' || substr(gen_random_uuid()::text, 9))::uuid, booking_key, 'reservation_confirmation', n, basis_at, \
             'sent', due_at, expires_at, claimed_at, 1 FROM messages, generate_series(0, 1) n WHERE booking_key = 'azure-bay/BK-1'"
                .to_owned(),
        ),
        (Breach::TooEarly, change("BK-8", "due_at = claimed_at + interval '2 seconds'")),
        (Breach::TooLate, change("BK-9", "expires_at = claimed_at - interval '2 seconds'")),
    ]
}

const STOP_BEFORE_CALL: &str = "INSERT INTO guests (resort, phone_hash, opted_out_at) \
    SELECT 'azure-bay', called_to, claimed_at FROM messages WHERE booking_key = 'azure-bay/BK-4'; \
    UPDATE guests SET opt_out_known_at = opted_out_at - interval '31 seconds'";

fn by_name(counts: &BTreeMap<Breach, u64>) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(breach, count)| (breach.to_string(), *count))
        .collect()
}

// shows: B218
#[tokio::test]
async fn each_rule_that_a_call_broke_is_counted_once_and_by_its_name() {
    let scene = Scene::new().await;
    for guest in 1..=9 {
        called(&scene, &format!("BK-{guest}"), guest).await;
    }
    let hold_out = HoldOut::parse("10%").unwrap();
    for (booking, is_held_out) in [("BK-10", true), ("BK-11", false)] {
        called_with(&scene, booking, 10, |wanted| Wanted {
            is_held_out,
            hold_out,
            ..wanted
        })
        .await;
    }
    // The hold-out was broken by a claim that did not ask for it.
    let mut expected = BTreeMap::from([(Breach::HeldOut, 1)]);
    assert_eq!(counted(&scene).await, by_name(&expected));

    for (breach, row) in broken() {
        scene.sql(&row).await;
        *expected.entry(breach).or_default() += 1;
        assert_eq!(counted(&scene).await, by_name(&expected), "{breach}");
    }
    assert_eq!(expected.len(), Breach::ALL.len(), "every rule");

    let of = this_month(&scene).await;
    let listed = scene.run(move |c, _| breaches::list(c, &of, 100)).await;
    let named: BTreeMap<&str, &str> = listed
        .iter()
        .map(|one| (one.breach.as_str(), one.booking_key.as_str()))
        .collect();
    assert_eq!(named["opted_out"], "azure-bay/BK-4");
    assert_eq!(named["held_out"], "azure-bay/BK-11");
}

// shows: B218
#[tokio::test]
async fn what_only_looks_like_a_breach_is_none() {
    let scene = Scene::new().await;
    for guest in 1..=7 {
        called(&scene, &format!("BK-{guest}"), guest).await;
    }
    for right in [
        // The claim and the confirmation met.
        event("reservation_confirmed", "BK-1", 29, "BK-1")
            + "; UPDATE bookings SET status = 'confirmed' WHERE id = 'BK-1'",
        // The reservation named its cart only after the call.
        event("reservation_confirmed", "RS-2", 31, "BK-2"),
        event("reservation_modified", "RS-2", -1, "BK-2"),
        "UPDATE bookings SET became_key = 'azure-bay/RS-2' WHERE id = 'BK-2'".to_owned(),
        // Cancelled after the call.
        event("reservation_cancelled", "BK-3", -1, "BK-3"),
        "UPDATE bookings SET status = 'cancelled' WHERE id = 'BK-3'".to_owned(),
        // The stop was written before the call, and reached us afterwards.
        "INSERT INTO guests (resort, phone_hash, opted_out_at) \
         SELECT 'azure-bay', called_to, claimed_at - interval '1 hour' FROM messages WHERE booking_key = 'azure-bay/BK-4'"
            .to_owned(),
        // Quiet hours begin as the call does, and span midnight.
        change("BK-5", &format!("called_quiet_from = {LOCAL}, called_quiet_to = {LOCAL} - interval '1 hour'")),
        // WhatsApp reported that the call before failed.
        change(
            "BK-6",
            "sent_at = claimed_at - interval '1 minute', failed_attempt = 1, attempts = 2, due_at = claimed_at + interval '1 minute'",
        ),
        // A call that counted as lost was to be repeated; then its report came.
        change(
            "BK-7",
            "state = 'delivered', silent_attempt = 1, due_at = claimed_at + interval '2 minutes'",
        ),
    ] {
        scene.sql(&right).await;
        assert_eq!(counted(&scene).await, BTreeMap::new(), "{right}");
    }
}
