//! Months of the owner's report become final.

use crate::scene::{ADA, Scene};
use crate::webhook::Webhook;

// shows: B260
#[tokio::test]
async fn the_processor_that_exports_the_figures_freezes_every_month_that_is_over_once() {
    let mut scene = Scene::new().await;
    scene.happens(&Webhook::abandoned("BK-1", ADA)).await;
    scene
        .sql("UPDATE messages SET basis_at = now() - interval '3 months' WHERE kind = 'reminder_1'")
        .await;

    for _ in 0..5 {
        scene.steps.export_figures_once().await;
        if scene.count("report_months").await > 0 {
            break;
        }
    }

    // The month three months ago is over, and so is the next; of the one after that it depends on the day.
    let frozen = scene.count("report_months").await;
    assert!((2..=3).contains(&frozen), "{frozen}");
    scene.steps.export_figures_once().await;
    assert_eq!(scene.count("report_months").await, frozen);
    // Those that are not final are counted.
    let present = scene.count("report_present").await;
    assert!((1..=2).contains(&present), "{present}");
    let later = "report_present WHERE month > (SELECT max(month) FROM report_months)";
    assert_eq!(scene.count(later).await, present);
}
