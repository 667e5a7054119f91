//! What `/metrics` shows.

use domain::message::MessageKind;
use serde_json::json;

use crate::scene::{ADA, BOB, Scene, confirmed};

#[tokio::test(flavor = "multi_thread")]
async fn series_with_known_labels_exist_from_the_start_with_0() {
    let scene = Scene::new().await;

    for kind in MessageKind::labels() {
        for outcome in ["accepted", "refused", "unknown", "skipped", "held"] {
            let series = format!("bellhop_messages_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}");
            assert_eq!(scene.metric(&series), 0.0, "{series}");
        }
        for state in ["queued", "dead"] {
            let series = format!("bellhop_settled_calls_total{{kind=\"{kind}\",state=\"{state}\"}}");
            assert_eq!(scene.metric(&series), 0.0, "{series}");
        }
    }
    for scope in ["token", "platform", "number", "account", "country", "template"] {
        let series = format!("bellhop_holds_begun_total{{scope=\"{scope}\"}}");
        assert_eq!(scene.metric(&series), 0.0, "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_kind_and_outcome_and_refusals_by_code() {
    let scene = Scene::new().await;
    let refused = json!({ "when": { "to": BOB }, "answer": { "error": 131_026 } });
    scene.tell_sandbox("failures", refused).await;

    scene.apply(confirmed("BK-1", ADA)).await;
    scene.apply(confirmed("BK-2", BOB)).await;
    scene.send().await;

    let outcome = |outcome| {
        let kind = "reservation_confirmation";
        scene.metric(&format!(
            "bellhop_messages_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!((outcome("accepted"), outcome("refused")), (1.0, 1.0));
    assert_eq!(scene.metric("bellhop_refusals_total{code=\"131026\"}"), 1.0);
    assert_eq!(scene.metric("bellhop_call_seconds_count"), 2.0);
    assert_eq!(scene.metric("bellhop_calls_in_flight"), 0.0);
}
