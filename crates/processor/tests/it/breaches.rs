//! Calls that broke a rule raise an alert.

use crate::logs;
use crate::scene::{ADA, CONFIRMATION, Scene};
use crate::webhook::Webhook;

// shows: B219
#[tokio::test]
async fn the_processor_that_exports_the_figures_tells_of_calls_that_broke_a_rule() {
    logs::begin();
    let mut scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene.calls("BK-1", CONFIRMATION).await;
    scene
        .sql("UPDATE messages SET expires_at = claimed_at - interval '1 minute'")
        .await;

    scene.steps.export_figures_once().await;
    scene.steps.export_figures_once().await;

    let alerts = logs::alerts("rule_broken");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["resort"], "azure-bay");
    assert_eq!(alerts[0]["rules"], "too_late");
}
