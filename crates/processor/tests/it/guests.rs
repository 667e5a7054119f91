//! Who wrote: guests are known by every name that WhatsApp has for them, so that a stop holds whichever name it comes under.

use chrono::{TimeDelta, Utc};
use domain::event::EventType;
use domain::guest::GuestName;
use domain::message::MessageState::{Queued, Skipped, Withdrawn};
use domain::phone_number::PhoneNumber;
use serde_json::json;
use store::planning::Planner;

use crate::notification::{Writer, digits, number_changed, preference, status, status_of, text, text_with};
use crate::scene::{ADA, BOB, CONFIRMATION, Called, REMINDER_1, REMINDER_2, STOP_CONFIRMATION, Scene};
use crate::webhook::Webhook;

/// Numbers as people dial them, and as WhatsApp spells them.
const BRAZIL: (&str, &str) = ("+5511987654321", "+551187654321");
const MEXICO: (&str, &str) = ("+525512345678", "+5215512345678");
const ARGENTINA: (&str, &str) = ("+541123456789", "+5491123456789");
const USER: &str = "GR.1234567890";

fn opted_out() -> Option<String> {
    Some("opted_out".to_owned())
}

/// As [`Scene::reminded`], WhatsApp spelling the guest's number otherwise in its answer.
async fn reminded_as(scene: &Scene, cart: &str, (dialled, spelt): (&str, &str)) -> Called {
    scene.happens(&Webhook::abandoned(cart, dialled)).await;
    let names = GuestName::all(None, &PhoneNumber::from_whatsapp(digits(spelt)).ok());
    scene.calls_naming(cart, REMINDER_1, names).await
}

/// Neither a second reminder nor one for the next cart.
async fn gets_no_more_reminders(scene: &Scene, cart: &str, phone: &str) {
    scene.a_day_goes_by().await;
    assert_eq!(
        scene.state(cart, REMINDER_2).await,
        (Skipped, opted_out()),
        "{cart}"
    );
    let next = format!("{cart}-next");
    scene.happens(&Webhook::abandoned(&next, phone)).await;
    assert_eq!(
        scene.state(&next, REMINDER_1).await,
        (Skipped, opted_out()),
        "{next}"
    );
}

// shows: B49
#[tokio::test]
async fn a_stop_from_a_number_that_whatsapp_spells_otherwise_is_the_guests_with_and_without_context() {
    let scene = Scene::new().await;
    let numbers = [BRAZIL, MEXICO, ARGENTINA];
    let mut called = Vec::new();
    for (index, number) in numbers.into_iter().enumerate() {
        called.push(reminded_as(&scene, &format!("CART-{index}"), number).await);
    }

    let context = json!({ "context": { "from": "15550100200", "id": called[0].wamid } });
    let answer = text_with(Writer::Number(BRAZIL.1), "STOP", Utc::now(), context);
    scene.notified(&answer).await;
    scene.notified(&text(MEXICO.1, "STOP")).await;
    scene.notified(&text(ARGENTINA.1, "STOP")).await;

    for (index, number) in numbers.into_iter().enumerate() {
        let cart = format!("CART-{index}");
        assert_eq!(
            scene.state(&cart, STOP_CONFIRMATION).await,
            (Queued, None),
            "{cart}"
        );
        gets_no_more_reminders(&scene, &cart, number.0).await;
    }
}

// shows: B49
#[tokio::test]
async fn a_stop_that_bears_only_the_user_id_is_the_guests_by_the_reports_of_our_messages() {
    let scene = Scene::new().await;
    let called = scene.reminded("CART-1", ADA).await;
    let delivered = status_of(&called, "delivered", ("recipient_user_id", USER), json!({}));
    scene.notified(&delivered).await;

    scene
        .notified(&text_with(Writer::User(USER), "STOP", Utc::now(), json!({})))
        .await;

    assert_eq!(scene.state("CART-1", STOP_CONFIRMATION).await, (Queued, None));
    gets_no_more_reminders(&scene, "CART-1", ADA).await;
}

// shows: B47, B49
#[tokio::test]
async fn a_preference_bears_the_names_that_a_message_does_and_opens_no_window() {
    let scene = Scene::new().await;
    reminded_as(&scene, "CART-1", BRAZIL).await;
    scene.reminded("CART-2", ADA).await;

    scene.notified(&preference(BRAZIL.1, "stop")).await;

    assert!(scene.message("CART-1", STOP_CONFIRMATION).await.is_none());
    assert_eq!(scene.count("conversations").await, 0);
    gets_no_more_reminders(&scene, "CART-1", BRAZIL.0).await;
    assert_eq!(scene.state("CART-2", REMINDER_2).await, (Queued, None));
}

// shows: B47
#[tokio::test]
async fn a_preference_to_resume_allows_reminders_again() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;
    scene
        .notified(&text_with(
            Writer::Number(ADA),
            "STOP",
            Utc::now() - TimeDelta::seconds(5),
            json!({}),
        ))
        .await;
    scene.happens(&Webhook::abandoned("CART-2", ADA)).await;
    assert_eq!(scene.state("CART-2", REMINDER_1).await, (Skipped, opted_out()));

    scene.notified(&preference(ADA, "resume")).await;

    // Still of use: it was skipped, not sent, and its time is not over.
    assert_eq!(scene.state("CART-2", REMINDER_1).await, (Queued, None));
    scene.happens(&Webhook::abandoned("CART-3", ADA)).await;
    assert_eq!(scene.state("CART-3", REMINDER_1).await, (Queued, None));
}

// shows: B43, B51
#[tokio::test]
async fn a_stop_of_an_unknown_writer_asks_for_a_person_and_holds_for_the_cart_that_comes_later() {
    let scene = Scene::new().await;

    let outcomes = scene.steps.apply(&scene.updates(&text(ADA, "Stop!"))).await;

    assert_eq!(outcomes, ["unmatched_stop"]);
    scene.happens(&Webhook::abandoned("CART-1", ADA)).await;
    assert_eq!(scene.state("CART-1", REMINDER_1).await, (Skipped, opted_out()));
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Queued, None));
}

#[tokio::test]
async fn a_stop_of_an_unknown_writer_that_comes_again_asks_for_a_person_again() {
    // A crash after the commit may have kept the first dead letter from being published.
    let scene = Scene::new().await;
    let stop = scene.updates(&text(ADA, "STOP"));

    assert_eq!(scene.steps.apply(&stop).await, ["unmatched_stop"]);
    assert_eq!(scene.steps.apply(&stop).await, ["unmatched_stop"]);

    assert_eq!(scene.count("events").await, 1);
}

#[tokio::test]
async fn a_word_of_an_unknown_writer_that_is_no_stop_needs_no_person() {
    let scene = Scene::new().await;

    let outcomes = scene
        .steps
        .apply(&scene.updates(&text(ADA, "Is the pool heated?")))
        .await;

    assert_eq!(outcomes, ["committed"]);
}

// shows: B50
#[tokio::test]
async fn a_stop_that_was_said_under_a_user_id_holds_as_soon_as_the_id_is_learnt() {
    let scene = Scene::new().await;
    let stop = text_with(Writer::User(USER), "STOP", Utc::now(), json!({}));
    assert_eq!(scene.steps.apply(&scene.updates(&stop)).await, ["unmatched_stop"]);

    // Nothing ties the number to the id yet: the report of this reminder does.
    let called = scene.reminded("CART-1", ADA).await;
    let delivered = status_of(&called, "delivered", ("recipient_user_id", USER), json!({}));
    scene.notified(&delivered).await;

    gets_no_more_reminders(&scene, "CART-1", ADA).await;
}

// shows: B52
#[tokio::test]
async fn a_stop_goes_along_when_the_guest_changes_the_number_and_stays_for_the_old_one() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;
    scene.notified(&text(ADA, "STOP")).await;

    scene.notified(&number_changed(ADA, BOB)).await;

    for (cart, phone) in [("CART-2", BOB), ("CART-3", ADA)] {
        scene.happens(&Webhook::abandoned(cart, phone)).await;
        assert_eq!(
            scene.state(cart, REMINDER_1).await,
            (Skipped, opted_out()),
            "{cart}"
        );
    }
}

#[tokio::test]
async fn a_stop_withdraws_the_reminder_that_waits() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::abandoned("CART-1", ADA)).await;

    scene.notified(&text(ADA, "STOP")).await;

    let (state, reason) = scene.state("CART-1", REMINDER_1).await;
    assert!(matches!(state, Withdrawn | Skipped), "{state}");
    assert_eq!(reason, opted_out());
}

// shows: B53
#[tokio::test]
async fn a_stop_is_confirmed_once_and_again_only_after_a_start() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;
    let says = |word, seconds| {
        let at = Utc::now() - TimeDelta::seconds(seconds);
        text_with(Writer::Number(ADA), word, at, json!({}))
    };
    let confirmations = "messages WHERE kind = 'stop_confirmation'";

    for (word, seconds) in [("STOP", 50), ("Stop", 40), ("STOP", 30)] {
        scene.notified(&says(word, seconds)).await;
    }
    assert_eq!(scene.count(confirmations).await, 1);
    scene.calls("CART-1", STOP_CONFIRMATION).await;

    scene.notified(&says("START", 20)).await;
    scene.notified(&says("STOP", 10)).await;

    assert_eq!(scene.count(confirmations).await, 2);
    assert_eq!(scene.state("CART-1", STOP_CONFIRMATION).await, (Queued, None));
}

// shows: B53
#[tokio::test]
async fn a_stop_of_the_platform_is_confirmed_only_in_an_open_window() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;
    scene.reminded("CART-2", BOB).await;
    scene.notified(&text(ADA, "Is the pool heated?")).await;

    for phone in [ADA, BOB] {
        scene
            .happens(&Webhook::opted(EventType::GuestOptedOut, phone))
            .await;
    }

    assert_eq!(scene.state("CART-1", STOP_CONFIRMATION).await, (Queued, None));
    assert!(scene.message("CART-2", STOP_CONFIRMATION).await.is_none());
    gets_no_more_reminders(&scene, "CART-2", BOB).await;
}

#[tokio::test]
async fn a_start_of_the_platform_allows_reminders_again() {
    let scene = Scene::new().await;
    let stop = Webhook::opted(EventType::GuestOptedOut, ADA).ago(TimeDelta::minutes(2));
    scene.happens(&stop).await;

    let start = Webhook::opted(EventType::GuestOptedIn, ADA).ago(TimeDelta::minutes(1));
    scene.happens(&start).await;

    scene.happens(&Webhook::abandoned("CART-1", ADA)).await;
    assert_eq!(scene.state("CART-1", REMINDER_1).await, (Queued, None));
}

// shows: B54
#[tokio::test]
async fn what_is_written_in_a_group_is_neither_a_stop_nor_opens_a_window() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;

    let in_group = json!({ "group_id": "Y2FwaV9ncm91cDo" });
    let stop = text_with(Writer::Number(ADA), "STOP", Utc::now(), in_group);
    scene.notified(&stop).await;
    scene.a_day_goes_by().await;

    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
    assert_eq!(scene.count("conversations").await, 0);
    assert_eq!(scene.count("number_wishes").await, 0);
}

// shows: B69
#[tokio::test]
async fn a_window_opens_under_the_number_that_we_call_though_whatsapp_spells_it_otherwise() {
    let scene = Scene::new().await;
    reminded_as(&scene, "CART-1", BRAZIL).await;

    scene.notified(&text(BRAZIL.1, "Is the pool heated?")).await;

    let open = "conversations c JOIN bookings b ON b.phone_hash = c.phone_hash \
                WHERE b.id = 'CART-1' AND c.open_until > clock_timestamp()";
    assert_eq!(scene.count(open).await, 1);
    assert_eq!(scene.count("conversations").await, 1);
}

// shows: B48
#[tokio::test]
async fn a_word_that_answers_no_reminder_is_read_by_the_newest_message_to_the_guest() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;
    let booked = Webhook::confirmed("BK-2", BOB).staying("2027-05-01", "2027-05-04");
    scene.happens(&booked).await;
    scene.calls("BK-2", CONFIRMATION).await;

    for phone in [ADA, BOB] {
        scene.notified(&text(phone, "cancelar")).await;
    }

    gets_no_more_reminders(&scene, "CART-1", ADA).await;
    let other_days = Webhook::abandoned("CART-3", BOB).staying("2027-07-01", "2027-07-04");
    scene.happens(&other_days).await;
    assert_eq!(scene.state("CART-3", REMINDER_1).await, (Queued, None));
}

#[tokio::test]
async fn a_report_teaches_the_number_as_whatsapp_spells_it() {
    let scene = Scene::new().await;
    let called = scene.reminded("CART-1", BRAZIL.0).await;

    scene.notified(&status(&called, "delivered", BRAZIL.1)).await;
    scene.notified(&text(BRAZIL.1, "STOP")).await;

    assert_eq!(digits(BRAZIL.1).len(), 12);
    gets_no_more_reminders(&scene, "CART-1", BRAZIL.0).await;
}

/// A cart whose second reminder waits.
async fn reminded_once(scene: &Scene) -> Called {
    let called = scene.reminded("CART-1", ADA).await;
    scene.a_day_goes_by().await;
    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
    called
}

async fn waiting(scene: &Scene) -> Vec<(String, Option<String>)> {
    let work = |connection: &mut store::Connection, _: &Planner| store::guests::list_waiting(connection, 10);
    let found = scene.run(work).await;
    found.into_iter().map(|one| (one.resort, one.booking)).collect()
}

async fn resume(scene: &Scene) {
    let guest = store::guests::GuestKey {
        phone_hash: scene.ring.lookup(ADA),
        resort: crate::scene::resort(),
    };
    let work = move |connection: &mut store::Connection, planner: &Planner| {
        store::planning::resume_guests(connection, planner, &[guest].into())
    };
    assert_eq!(scene.run(work).await.0.len(), 1);
}

// shows: B148, B149
#[tokio::test]
async fn a_reply_pauses_the_guests_reminders_until_staff_let_them_go_again() {
    crate::logs::begin();
    let scene = Scene::new().await;
    reminded_once(&scene).await;

    for said in ["Is the pool heated?", "Hello?"] {
        scene.notified(&text(ADA, said)).await;
    }

    let paused = (Withdrawn, Some("replied".to_owned()));
    assert_eq!(scene.state("CART-1", REMINDER_2).await, paused);
    let ada = ("azure-bay".to_owned(), Some("CART-1".to_owned()));
    assert_eq!(waiting(&scene).await, [ada]);
    assert_eq!(crate::logs::alerts("guest_waits").len(), 1);
    scene
        .happens(&Webhook::confirmed("BK-2", ADA).staying("2090-01-01", "2090-01-02"))
        .await;
    assert_eq!(scene.state("BK-2", CONFIRMATION).await, (Queued, None));
    resume(&scene).await;
    assert_eq!(waiting(&scene).await, []);
    scene.notified(&text(ADA, "And the sea?")).await;
    assert_eq!(crate::logs::alerts("guest_waits").len(), 2);
}

// shows: B148
#[tokio::test]
async fn a_paused_reminder_goes_when_staff_resume_it_or_the_guest_is_active_again() {
    let scene = Scene::new().await;
    reminded_once(&scene).await;
    scene.notified(&text(ADA, "Is the pool heated?")).await;

    resume(&scene).await;
    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
    scene.notified(&text(ADA, "And the sea?")).await;
    let paused = (Withdrawn, Some("replied".to_owned()));
    assert_eq!(scene.state("CART-1", REMINDER_2).await, paused);
    assert_eq!(scene.booking("CART-1").await.wake_at, None);
    let mut again = Webhook::started("CART-1", ADA).received(Utc::now() + TimeDelta::minutes(1));
    again.event.occurred_at = again.received_at;
    scene.happens(&again).await;
    // A day after the guest was active again.
    let wakes = scene.booking("CART-1").await.wake_at.unwrap();
    assert!((wakes - again.received_at - TimeDelta::days(1)).abs() < TimeDelta::seconds(1));
}

// shows: B148
#[tokio::test]
async fn what_is_no_reply_pauses_nothing_and_a_resort_may_switch_the_pause_off() {
    let scene = Scene::new().await;
    let called = reminded_once(&scene).await;
    let reaction = json!({ "type": "reaction", "reaction": { "message_id": called.wamid, "emoji": "👍" } });
    scene
        .notified(&text_with(Writer::Number(ADA), "", Utc::now(), reaction))
        .await;
    scene.notified(&text(BOB, "Hello?")).await;

    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
    assert_eq!(waiting(&scene).await, []);
    let file = testkit::world::ResortFile {
        sections: "[replies]\npause_reminders = false\n".to_owned(),
        ..testkit::world::ResortFile::patient()
    };
    scene.write_file(&file.text());
    scene.notified(&text(ADA, "Is the pool heated?")).await;
    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
    assert_eq!(waiting(&scene).await.len(), 1);
}
