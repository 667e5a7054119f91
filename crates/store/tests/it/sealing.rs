//! What lies in the tables about people opens only where it belongs, and only with the key.

use domain::event::EventType::BookingStarted;
use store::{Fault, StoreError, bookings, claims};

use crate::scene::{Scene, key, ring};

#[tokio::test]
async fn facts_that_were_moved_to_another_booking_do_not_open() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    scene.happens(BookingStarted, "BK-2", 5).await;
    scene
        .sql("UPDATE bookings SET sealed_facts = (SELECT sealed_facts FROM bookings WHERE id = 'BK-2') WHERE id = 'BK-1'")
        .await;

    let found = scene
        .try_run(|c, policies| bookings::find(c, policies.ring, &key("BK-1")))
        .await;
    let drafts = scene
        .try_run(move |c, policies| claims::read_drafts(c, policies.ring, &[id]))
        .await;

    for error in [found.map(drop).unwrap_err(), drafts.map(drop).unwrap_err()] {
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
        assert_eq!(error.fault(), Fault::Data);
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
