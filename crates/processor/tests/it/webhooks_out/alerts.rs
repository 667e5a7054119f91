//! Alerts of all programs: told to the resorts that they concern, once an hour.

use broker::envelope::ALERT;
use broker::sealing::{self, Head};
use chrono::Utc;
use domain::event::EventKey;
use domain::ids::{EventId, SourceId};
use domain::raised_alert::RaisedAlert;
use serde_json::{Value, json};
use store::raised_alerts;
use testkit::platform::Platform;
use testkit::world::NUMBER;
use uuid::Uuid;

use super::{EVERYTHING, file, receiver, scene, told};
use crate::scene::Scene;

fn alert(id: &str, fields: &[(&str, &str)]) -> RaisedAlert {
    RaisedAlert {
        alert: id.to_owned(),
        program: "sender".to_owned(),
        sentence: "sending is on hold".to_owned(),
        raised_at: Utc::now(),
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

impl Scene {
    async fn raises(&self, id: &str, fields: &[(&str, &str)]) {
        let raised = [alert(id, fields)];
        self.run(move |connection, _| raised_alerts::record(connection, &raised))
            .await;
    }
}

/// The ids of the alerts that a receiver was told of.
fn alerts(receiver: &Platform) -> Vec<String> {
    let told = told(receiver);
    let id = |body: &Value| body["data"]["alert"].as_str().unwrap().to_owned();
    let mut ids: Vec<String> = told.iter().map(id).collect();
    ids.sort();
    ids
}

// shows: B230
#[tokio::test]
async fn an_alert_goes_to_the_resorts_that_it_concerns_and_that_want_to_know() {
    let (azure, olive, pine) = (receiver().await, receiver().await, receiver().await);
    let scene = scene(&azure, EVERYTHING, "").await;
    scene.write_resort("olive-hill", &file(&olive, r#"["alert"]"#, ""));
    scene.write_resort("pine-lake", &file(&pine, r#"["opted_out"]"#, ""));
    scene.write_source(
        "direct",
        "resorts = [\"olive-hill\"]\n[auth]\nscheme = \"bearer\"\nsecrets = [\"plain:key\"]\n",
    );

    scene
        .raises("resort_without_file", &[("resort.id", "olive-hill")])
        .await;
    scene.raises("event_unmappable", &[("source", "direct")]).await;
    scene.raises("whatsapp_unreachable", &[]).await;
    scene
        .raises("hold_laid", &[("hold", "token resort=azure-bay")])
        .await;
    scene.raises("guest_waits", &[("number", NUMBER)]).await;
    scene
        .raises("webhook_out_failed", &[("resort.id", "azure-bay")])
        .await;
    scene.sends(8).await;

    assert_eq!(
        alerts(&azure),
        ["guest_waits", "hold_laid", "whatsapp_unreachable"]
    );
    let of_olive = [
        "event_unmappable",
        "guest_waits",
        "resort_without_file",
        "whatsapp_unreachable",
    ];
    assert_eq!(alerts(&olive), of_olive);
    assert!(alerts(&pine).is_empty());
}

// shows: B230
#[tokio::test]
async fn an_alert_about_the_same_is_told_once_an_hour() {
    let receiver = receiver().await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    let hold = [("hold", "token resort=azure-bay"), ("scope", "token")];

    for _ in 0..3 {
        scene.raises("hold_laid", &hold).await;
        scene.sends(1).await;
    }
    let told_of = told(&receiver);
    assert_eq!(told_of.len(), 1);
    assert_eq!(
        told_of[0]["data"],
        json!({ "resort": "azure-bay", "alert": "hold_laid", "subject": "resort azure-bay", "program": "sender",
            "sentence": "sending is on hold", "fields": { "hold": "token resort=azure-bay", "scope": "token" } })
    );

    scene
        .sql("UPDATE raised_alerts SET recorded_at = recorded_at - interval '1 hour'")
        .await;
    scene.raises("hold_laid", &hold).await;
    scene.sends(1).await;
    assert_eq!(told(&receiver).len(), 2);
}

// shows: B230
#[tokio::test]
async fn an_alert_of_ingest_comes_by_the_queue_of_events() {
    let receiver = receiver().await;
    let mut scene = scene(&receiver, EVERYTHING, "").await;
    let raised = RaisedAlert {
        program: "ingest".to_owned(),
        ..alert("unknown_property", &[])
    };
    let key = EventKey {
        source: SourceId::bellhop(),
        id: EventId::of_uuid(Uuid::now_v7()),
    };
    let head = Head::new(key.clone(), ALERT, raised.raised_at, "r-1".to_owned());
    let body = sealing::seal(&scene.ring, head, &raised).unwrap().body;

    scene.publish_bytes(&key.to_string(), ALERT, body).await;
    scene
        .consume_until("the alert is recorded", async |scene| {
            scene.steps.record_alerts_once().await.unwrap();
            scene.count("raised_alerts").await == 1
        })
        .await;
    scene.sends(1).await;

    let told = told(&receiver);
    assert_eq!(told[0]["data"]["alert"], "unknown_property");
    assert_eq!(told[0]["data"]["program"], "ingest");
    assert_eq!(scene.depths().await.events, 0);
}
