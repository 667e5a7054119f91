//! The figures of the whole for the desk's first page.

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use domain::event::EventType::{BookingStarted, ReservationConfirmed};
use domain::overview::Figure;
use store::overview;

use crate::scene::Scene;

fn told(figures: &[Figure]) -> Vec<(Option<&str>, &str, i64)> {
    let told = figures.iter().map(|figure| {
        assert!(figure.oldest.is_some(), "{figure:?}");
        (
            figure.resort.as_ref().map(|id| id.as_str()),
            figure.name.as_str(),
            figure.count,
        )
    });
    told.collect()
}

// shows: B196
#[tokio::test]
async fn the_figures_of_the_whole_tell_what_waits_and_what_went() {
    let scene = Scene::new().await;
    assert!(scene.run(|c, _| overview::read(c)).await.is_none());
    scene.letter_of("BK-1").await;
    scene.happens(ReservationConfirmed, "BK-2", 5).await;
    scene.happens(BookingStarted, "BK-3", 1).await;
    scene
        .sql("UPDATE guests SET replied_at = now(); INSERT INTO guests (resort, phone_hash, replied_at) \
              VALUES ('olive-hill', '\\x01', now()), ('olive-hill', '\\x02', now()), ('olive-hill', '\\x03', NULL); \
              INSERT INTO source_reports (id, source, reported_at, report) VALUES ('1', 'direct', now(), '{}')")
        .await;

    assert!(scene.run(|c, _| overview::write(c)).await);
    assert!(!scene.run(|c, _| overview::write(c)).await, "within a minute");

    let (figures, _) = scene.run(|c, _| overview::read(c)).await.unwrap();
    assert_eq!(told(&figures.letters), [(Some("azure-bay"), "refused", 1)]);
    assert!(
        told(&figures.waiting).contains(&(Some("olive-hill"), "", 2)),
        "{:?}",
        figures.waiting
    );
    assert_eq!(told(&figures.due), [(Some("azure-bay"), "queued", 1)]);
    assert_eq!(told(&figures.messages), [(Some("azure-bay"), "dead", 1)]);
    assert_eq!(figures.sources.len(), 1);

    scene
        .sql("UPDATE overview SET made_at = made_at - interval '61 seconds'")
        .await;
    assert!(scene.run(|c, _| overview::write(c)).await);
}

/// Twenty thousand bookings with a message each that was sent long ago, and one that will be.
const MANY: &str = "INSERT INTO bookings (key, resort, id, status, sealed_facts, version, stands, tells_of_guest) \
     SELECT 'azure-bay/BK-' || n, 'azure-bay', 'BK-' || n, 'confirmed', '', 1, true, true FROM generate_series(1, 20000) n; \
     INSERT INTO messages (id, booking_key, kind, round, basis_at, state, due_at, expires_at, publish_at, claimed_at, called_from) \
     SELECT gen_random_uuid(), 'azure-bay/BK-' || n, k, 0, now(), CASE k WHEN 'a' THEN 'sent' ELSE 'queued' END, \
     now() + interval '9 days', now() + interval '10 days', CASE k WHEN 'a' THEN NULL ELSE now() + interval '9 days' END, \
     CASE k WHEN 'a' THEN now() - interval '9 days' END, CASE k WHEN 'a' THEN '10' || n % 20 END \
     FROM generate_series(1, 20000) n, unnest(ARRAY['a', 'b']) k; ANALYZE bookings, messages, letters";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

#[tokio::test]
async fn the_figures_of_the_whole_are_read_from_indexes_however_many_bookings_there_are() {
    let scene = Scene::new().await;
    scene.sql(MANY).await;
    let explain = format!(
        "EXPLAIN {}",
        include_str!("../../src/overview/write.sql").replace("$1", "60")
    );

    let plan: Vec<Line> = scene
        .run(move |c, _| Ok(sql_query(explain).load(c).unwrap()))
        .await;

    let plan: Vec<String> = plan.into_iter().map(|line| line.line).collect();
    assert!(
        plan.iter().any(|line| line.contains("messages_by_call")),
        "{plan:#?}"
    );
    let whole = |line: &&String| {
        ["messages", "bookings"]
            .iter()
            .any(|table| line.contains(&format!("Seq Scan on {table}")))
    };
    assert_eq!(plan.iter().find(whole), None, "{plan:#?}");
}
