//! A real Prometheus scrapes the real programs, with the configuration, the rules and the queries that we ship.

use std::collections::BTreeSet;

use domain::message::MessageState::Read;
use testkit::dashboards::WITHOUT_SERIES;
use testkit::prometheus::Prometheus;
use testkit::world::{Event, ResortFile, World};

use super::{metrics_in, queries};
use crate::scene::{ADA, BOB, CONFIRMATION};

/// The queries that have no answer yet and should have one.
async fn unanswered(prometheus: &Prometheus) -> Vec<String> {
    let mut missing = Vec::new();
    for (panel, query) in queries() {
        let may_be_empty = metrics_in(&query)
            .iter()
            .any(|metric| WITHOUT_SERIES.contains(metric));
        if !may_be_empty && !prometheus.knows(&query).await {
            missing.push(format!("{panel}: {query}"));
        }
    }
    missing
}

// shows: B210
#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_dashboard_has_an_answer_and_only_the_alert_that_should_begins() {
    let mut world = World::start(&ResortFile::patient()).await;
    let desk = world.serve_desk().await;
    let mut programs = world.addresses();
    let (_, ingest) = programs[0];
    programs.push(("desk".to_owned(), desk.address()));
    let prometheus = Prometheus::start(&programs).unwrap();
    let webhooks = format!("http://{ingest}/webhooks/direct");
    let unsigned = reqwest::Client::new()
        .post(&webhooks)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 401);
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    let _ = reqwest::get(format!("http://{}/", desk.address())).await;

    let mut missing = Vec::new();
    for _ in 0..40 {
        missing = unanswered(&prometheus).await;
        if missing.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert_eq!(missing, [] as [String; 0]);
    // Those that begin while Prometheus has read nothing yet end by themselves.
    let is_calm = async || prometheus.alerts().await.filter(BTreeSet::is_empty);
    world.until("no alert", is_calm).await;

    world.kill_senders();
    world.post(&Event::confirmed("BK-2", BOB)).await;

    let begun = world
        .until("an alert", async || {
            prometheus.alerts().await.filter(|alerts| !alerts.is_empty())
        })
        .await;
    assert_eq!(begun, BTreeSet::from(["BellhopProcessDown".to_owned()]));
}
