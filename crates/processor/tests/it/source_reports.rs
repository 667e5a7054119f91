//! What `ingest` answered its sources is stored for a day, and is no event.

use broker::envelope::SOURCE_REPORT;
use broker::sealing::{self, Head};
use chrono::{TimeDelta, Utc};
use domain::event::EventKey;
use domain::ids::{EventId, SourceId};
use domain::source_report::{AnswerCount, SourceReport};
use store::source_reports;

use crate::scene::Scene;

fn report(count: u64) -> SourceReport {
    SourceReport {
        counts: vec![AnswerCount {
            status: 401,
            answer: "unauthorized".to_owned(),
            reason: Some("no signature".to_owned()),
            count,
        }],
        answers: Vec::new(),
    }
}

fn body(scene: &Scene, id: &str, days_ago: i64) -> Vec<u8> {
    let key = EventKey {
        source: SourceId::parse("rooms").unwrap(),
        id: EventId::parse(id).unwrap(),
    };
    let at = Utc::now() - TimeDelta::days(days_ago);
    let head = Head::new(key, SOURCE_REPORT, at, id.to_owned());
    sealing::seal(&scene.ring, head, &report(7)).unwrap().body
}

#[tokio::test]
async fn a_report_on_a_source_is_stored_once_for_a_day_and_is_no_event() {
    let mut scene = Scene::with_queues().await;
    for (id, days_ago) in [("new", 0), ("new", 0), ("old", 2)] {
        let body = body(&scene, id, days_ago);
        scene
            .publish_bytes(&format!("rooms/{id}"), SOURCE_REPORT, body)
            .await;
    }

    scene
        .consume_until("all reports are stored", async |scene| {
            scene.steps.store_source_reports_once().await;
            scene.count("source_reports").await == 2
        })
        .await;
    scene.steps.retain_once().await.unwrap();

    let rooms = SourceId::parse("rooms").unwrap();
    let found = scene
        .run(move |connection, _| source_reports::list(connection, &rooms))
        .await;
    let found: Vec<SourceReport> = found.into_iter().map(|(_, report)| report).collect();
    assert_eq!(found, [report(7)]);
    assert_eq!(scene.count("source_reports").await, 1);
    assert_eq!(scene.count("events").await, 0);
    assert_eq!(
        (scene.depths().await.events, scene.depths().await.dead_events),
        (0, 0)
    );
}
