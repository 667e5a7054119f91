//! What lies in the tables about people opens only where it belongs, and only with the key.

use chrono::Utc;
use domain::event::EventType::BookingStarted;
use store::{Fault, StoreError, bookings, claims};

use crate::scene::{Scene, key, ring};

// shows: T23
#[tokio::test]
async fn facts_that_were_moved_to_another_booking_do_not_open() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.happens(BookingStarted, "BK-2", 5).await;
    scene
        .sql("UPDATE bookings SET sealed_facts = (SELECT sealed_facts FROM bookings WHERE id = 'BK-2') WHERE id = 'BK-1'")
        .await;

    let found = scene
        .try_run(|c, planner| bookings::find(c, &planner.ring, &key("BK-1")))
        .await;

    let error = found.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Data);
}

// shows: B96
#[tokio::test]
async fn a_damaged_booking_is_left_aside_and_the_others_are_read() {
    let scene = Scene::new().await;
    let (damaged, good) = (scene.due_reminder("BK-1").await, scene.due_reminder("BK-2").await);
    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00' WHERE id = 'BK-1'")
        .await;

    let drafts = scene
        .run(move |c, planner| claims::read_drafts(c, &planner.ring, &[damaged, good]))
        .await;

    assert_eq!(drafts.damaged, [(damaged, "azure-bay/BK-1".to_owned())]);
    assert_eq!(
        drafts.readable.iter().map(|draft| draft.id).collect::<Vec<_>>(),
        [good]
    );
}

#[tokio::test]
async fn an_unknown_key_is_no_damage_and_stops_the_whole_batch() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    scene
        .sql("UPDATE bookings SET wake_at = clock_timestamp() - interval '1 minute'")
        .await;

    let drafts = scene
        .try_run(move |c, _| claims::read_drafts(c, &ring("b"), &[id]))
        .await;
    let due = scene
        .try_run(move |c, _| bookings::lock_due(c, &ring("b"), Utc::now(), 10))
        .await;

    for error in [drafts.map(drop).unwrap_err(), due.map(drop).unwrap_err()] {
        assert_eq!(error.fault(), Fault::Ours);
    }
}

#[tokio::test]
async fn facts_under_a_key_that_this_process_lacks_are_not_the_bookings_fault() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;

    let found = scene
        .try_run(|c, _| bookings::find(c, &ring("b"), &key("BK-1")))
        .await;

    assert_eq!(found.map(drop).unwrap_err().fault(), Fault::Ours);
}

#[derive(diesel::QueryableByName)]
struct Dump {
    #[diesel(sql_type = diesel::sql_types::Text)]
    rows: String,
}

#[tokio::test]
async fn no_table_holds_a_name_or_number_in_the_open() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let query = "SELECT (SELECT string_agg(b::text, ' ') FROM bookings b) || \
                 (SELECT string_agg(m::text, ' ') FROM messages m) AS rows";

    let dump = scene
        .run(move |c, _| {
            use diesel::RunQueryDsl;
            Ok(diesel::sql_query(query).get_result::<Dump>(c).unwrap().rows)
        })
        .await;

    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for personal in ["Ada", "Lovelace", "6912345678"] {
        assert!(
            !dump.contains(personal) && !dump.contains(&hex(personal)),
            "{personal}"
        );
    }
}
