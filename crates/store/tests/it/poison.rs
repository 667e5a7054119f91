//! Tries of events that nobody lived to finish.

use store::poison::{self, Try};

use crate::scene::Scene;

async fn begin(scene: &Scene, key: &'static str) -> u32 {
    scene.run(move |c, _| poison::begin(c, key, Try::new())).await
}

#[tokio::test]
async fn tries_that_nobody_finished_are_counted_until_one_is() {
    let scene = Scene::new().await;
    assert_eq!(begin(&scene, "direct/evt_1").await, 0);
    assert_eq!(begin(&scene, "direct/evt_1").await, 1);
    assert_eq!(begin(&scene, "direct/evt_2").await, 0);

    scene.run(|c, _| poison::clear(c, "direct/evt_1")).await;

    assert_eq!(begin(&scene, "direct/evt_1").await, 0);
    assert_eq!(begin(&scene, "direct/evt_2").await, 1);
}

// shows: G9
#[tokio::test]
async fn a_try_that_is_noted_again_since_its_commit_had_no_answer_counts_once() {
    let scene = Scene::new().await;
    let again = Try::new();
    let note = |this| scene.run(move |c, _| poison::begin(c, "direct/evt_1", this));
    assert_eq!(note(Try::new()).await, 0);

    assert_eq!(note(again).await, 1);
    assert_eq!(note(Try::new()).await, 2, "of another process meanwhile");
    assert_eq!(note(again).await, 2);

    assert_eq!(note(Try::new()).await, 3);
}

#[tokio::test]
async fn a_canary_leaves_nothing_behind_and_tells_what_would_have_happened() {
    let scene = Scene::new().await;

    let begun = scene
        .store
        .canary(|c| {
            poison::begin(c, "direct/evt_1", Try::new())?;
            poison::begin(c, "direct/evt_1", Try::new())
        })
        .await;
    let refused = scene.store.canary(|c| poison::begin(c, "\0", Try::new())).await;

    assert_eq!(begun.unwrap(), 1);
    assert!(refused.is_err());
    assert_eq!(begin(&scene, "direct/evt_1").await, 0);
}
