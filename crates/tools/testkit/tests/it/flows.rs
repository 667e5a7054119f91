//! The four ways of a guest: a cart left behind, a reservation, an arrival, a review.

use chrono::{NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::message::{MessageKind, MessageState, MomentName};
use domain::plan::Status;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, EVE, REMINDER_1, REMINDER_2, REVIEW_REQUEST};

// shows: B12, B32, B34
#[tokio::test(flavor = "multi_thread")]
async fn with_short_delays_a_guest_is_reminded_twice_asked_for_a_review_and_left_alone_after_a_no_show() {
    let world = World::start(&ResortFile::default()).await;

    tokio::join!(
        a_guest_who_stops_booking_gets_two_reminders_and_no_third(&world),
        a_check_out_leads_to_a_review_request(&world),
        a_guest_who_never_arrived_gets_no_review_request(&world),
    );
}

async fn a_guest_who_stops_booking_gets_two_reminders_and_no_third(world: &World) {
    world.post(&Event::started("BK-1", ADA)).await;
    world.until_received(ADA, 2).await;

    world.until_state("BK-1", REMINDER_2, MessageState::Read).await;
    let booking = world.until_status("BK-1", Status::Abandoned).await;
    assert_eq!(world.names_received_by(ADA).await, ["reminder_1", "reminder_2"]);
    assert_eq!(booking.wake_at, None);
}

async fn a_check_out_leads_to_a_review_request(world: &World) {
    world
        .post(&Event::confirmed("BK-2", BOB).staying("2090-06-01", "2090-06-08"))
        .await;
    world.until_received(BOB, 1).await;
    world.post(&Event::new("guest_checked_in", "BK-2")).await;
    world.post(&Event::new("guest_checked_out", "BK-2")).await;
    let received = world.until_received(BOB, 2).await;

    world.until_status("BK-2", Status::CheckedOut).await;
    assert_eq!(received[1].name(), "review");
    assert_eq!(
        received[1].button_url.as_deref(),
        Some("https://reviews.example/azure-bay")
    );
}

async fn a_guest_who_never_arrived_gets_no_review_request(world: &World) {
    world.post(&past_stay("BK-3", EVE)).await;

    world.until_status("BK-3", Status::NoShow).await;
    assert!(world.message("BK-3", REVIEW_REQUEST).await.is_none());
    assert_eq!(world.booking("BK-3").await.unwrap().wake_at, None);
}

/// A reservation whose guest should have left two days ago.
fn past_stay(booking: &str, phone: &str) -> Event {
    let today = Utc::now().date_naive();
    let (arrival, departure) = (today - TimeDelta::days(9), today - TimeDelta::days(2));
    Event::confirmed(booking, phone).staying(&arrival.to_string(), &departure.to_string())
}

// shows: B13, B14, B15, B18, B31
#[tokio::test(flavor = "multi_thread")]
async fn with_long_delays_each_event_has_its_effect_at_once_and_sets_the_next_timer() {
    let world = World::start(&ResortFile::patient()).await;

    tokio::join!(
        a_cart_that_the_platform_calls_abandoned_is_reminded_of_at_once(&world),
        activity_puts_the_first_reminder_off(&world),
        a_reservation_is_confirmed_and_its_arrival_tracked(&world),
        a_check_in_ends_the_tracking_of_the_arrival_and_sets_the_review_timer(&world),
    );
}

async fn a_cart_that_the_platform_calls_abandoned_is_reminded_of_at_once(world: &World) {
    world.post(&Event::started("BK-1", ADA)).await;
    world.until_status("BK-1", Status::Started).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;

    world.until_status("BK-1", Status::Abandoned).await;
    world.until_received(ADA, 1).await;
    let first = world.until_state("BK-1", REMINDER_1, MessageState::Read).await;
    let second_at = first.existing.sent_at.unwrap() + TimeDelta::days(1);
    assert_eq!(world.booking("BK-1").await.unwrap().wake_at, Some(second_at));
}

async fn activity_puts_the_first_reminder_off(world: &World) {
    let (an_hour_ago, now) = (Utc::now() - TimeDelta::hours(1), Utc::now());

    let mut timers = Vec::new();
    for (count, at) in [an_hour_ago, now].into_iter().enumerate() {
        world.post(&Event::started("BK-2", BOB).at(at)).await;
        world.until_events("BK-2", count + 1).await;
        timers.push(
            world
                .booking("BK-2")
                .await
                .unwrap()
                .wake_at
                .unwrap()
                .timestamp_millis(),
        );
    }

    let day_after = |at: chrono::DateTime<Utc>| (at + TimeDelta::days(1)).timestamp_millis();
    assert_eq!(timers, [day_after(an_hour_ago), day_after(now)]);
}

async fn a_reservation_is_confirmed_and_its_arrival_tracked(world: &World) {
    world
        .post(&Event::confirmed("BK-3", EVE).staying("2090-06-01", "2090-06-08"))
        .await;
    world.until_received(EVE, 1).await;

    let booking = world.until_status("BK-3", Status::Confirmed).await;
    assert_eq!(world.names_received_by(EVE).await, ["confirmed"]);
    // 36 hours after the day begins in Athens, which is at 21:00 UTC of the day before.
    assert_eq!(booking.wake_at.unwrap().to_rfc3339(), "2090-06-02T09:00:00+00:00");
}

async fn a_check_in_ends_the_tracking_of_the_arrival_and_sets_the_review_timer(world: &World) {
    world
        .post(&Event::confirmed("BK-4", "+306912345681").staying("2090-06-01", "2090-06-08"))
        .await;
    world.post(&Event::new("guest_checked_in", "BK-4")).await;
    let booking = world.until_status("BK-4", Status::CheckedIn).await;

    // A day after noon in Athens of the departure day.
    assert_eq!(booking.wake_at.unwrap().to_rfc3339(), "2090-06-09T09:00:00+00:00");
}

// shows: B17, B30, B34
#[tokio::test(flavor = "multi_thread")]
async fn a_resort_without_a_second_reminder_and_without_reviews_sends_none_and_waits_for_its_no_shows() {
    let since_midnight = Utc::now() - today_utc().and_time(NaiveTime::MIN).and_utc();
    let resort = ResortFile {
        reminder_2: None,
        review_after: None,
        time_zone: "UTC".to_owned(),
        no_show_after: Some(format!("{}ms", since_midnight.num_milliseconds() + 4_000)),
        ..ResortFile::default()
    };
    let world = World::start(&resort).await;

    tokio::join!(
        a_resort_without_a_second_reminder_sends_none(&world),
        a_guest_who_does_not_arrive_is_a_no_show_until_a_check_in_is_known_after_all(&world),
        a_resort_without_reviews_asks_for_none(&world),
    );
}

fn today_utc() -> NaiveDate {
    Utc::now().date_naive()
}

async fn a_resort_without_a_second_reminder_sends_none(world: &World) {
    world.post(&Event::started("BK-1", ADA)).await;
    world.until_state("BK-1", REMINDER_1, MessageState::Read).await;

    assert_eq!(world.booking("BK-1").await.unwrap().wake_at, None);
    assert!(world.message("BK-1", REMINDER_2).await.is_none());
}

async fn a_guest_who_does_not_arrive_is_a_no_show_until_a_check_in_is_known_after_all(world: &World) {
    let (arrival, departure) = (
        today_utc().to_string(),
        (today_utc() + TimeDelta::days(7)).to_string(),
    );

    world
        .post(&Event::confirmed("BK-2", BOB).staying(&arrival, &departure))
        .await;
    world.until_status("BK-2", Status::NoShow).await;
    world.post(&Event::new("guest_checked_in", "BK-2")).await;

    world.until_status("BK-2", Status::CheckedIn).await;
}

async fn a_resort_without_reviews_asks_for_none(world: &World) {
    world.post(&past_stay("BK-3", EVE)).await;
    world.post(&Event::new("guest_checked_out", "BK-3")).await;

    world.until_status("BK-3", Status::CheckedOut).await;
    assert!(world.message("BK-3", REVIEW_REQUEST).await.is_none());
    assert_eq!(world.booking("BK-3").await.unwrap().wake_at, None);
}

// shows: B33
#[tokio::test(flavor = "multi_thread")]
async fn where_arrivals_are_not_tracked_the_review_request_follows_the_departure_day() {
    let yesterday = Utc::now().date_naive() - TimeDelta::days(1);
    let noon = yesterday
        .and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap())
        .and_utc();
    let resort = ResortFile {
        time_zone: "UTC".to_owned(),
        no_show_after: None,
        review_after: Some(format!("{}ms", (Utc::now() - noon).num_milliseconds() + 3_000)),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    let (arrival, departure) = (
        (yesterday - TimeDelta::days(7)).to_string(),
        yesterday.to_string(),
    );

    world
        .post(&Event::confirmed("BK-1", ADA).staying(&arrival, &departure))
        .await;

    world
        .until_state("BK-1", REVIEW_REQUEST, MessageState::Read)
        .await;
    assert!(world.names_received_by(ADA).await.contains(&"review".to_owned()));
    world.until_status("BK-1", Status::Confirmed).await;
}

const QUESTION: &str = r#"
[messages.stay_check]
at = "confirmed"
category = "utility"
replies = ["fine", { payload = "help", alert = true }]
[messages.stay_check.templates.en]
name = "stay_check"
language = "en_US"
body = [{ value = "guest.first_name", else = "there" }]
"#;

// shows: B138, B142
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_asked_at_a_moment_of_the_resorts_own_and_the_answer_wants_a_person() {
    let resort = ResortFile {
        sections: QUESTION.to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    let stay_check = MessageKind::Moment(MomentName::parse("stay_check").unwrap());
    let noted = async || {
        let rows = world
            .database()
            .count("SELECT count(*) AS count FROM moments")
            .await;
        (rows == 1).then_some(())
    };
    world.until("the moment is noted", noted).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", stay_check, MessageState::Read).await;

    let received = world.until_received(ADA, 2).await;
    let question = received
        .iter()
        .find(|message| message.name() == "stay_check")
        .unwrap();
    let labels: Vec<&str> = question.replies.iter().map(|reply| reply.text.as_str()).collect();
    assert_eq!(labels, ["All fine", "I need help"]);
    let button =
        json!({ "payload": question.replies[1].payload, "text": "I need help", "wamid": question.wamid });
    world
        .tell_sandbox("inbound", &json!({ "from": ADA, "button": button }))
        .await;
    let answered = async || {
        let facts = world.booking("BK-1").await?.facts;
        let answer = facts.answers.get(MomentName::parse("stay_check").unwrap())?;
        Some(answer.value.clone())
    };
    assert_eq!(world.until("the answer is a fact", answered).await, "help");
    let is_told = async || world.has_logged("guest_needs_person").then_some(());
    world.until("people are told", is_told).await;
}
