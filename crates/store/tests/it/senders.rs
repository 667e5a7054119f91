//! Senders know how many they are.

use store::senders;
use uuid::Uuid;

use crate::scene::Scene;

#[tokio::test]
async fn senders_count_each_other_until_they_leave_or_fall_silent() {
    let scene = Scene::new().await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let beat = async |id| scene.run(move |c, _| senders::beat(c, id)).await;

    assert_eq!(beat(one).await, 1);
    assert_eq!(beat(one).await, 1);
    assert_eq!(beat(other).await, 2);
    scene.run(move |c, _| senders::leave(c, other)).await;
    assert_eq!(beat(one).await, 1);
    assert_eq!(beat(other).await, 2);
    scene
        .sql("UPDATE senders SET seen_at = seen_at - interval '6 seconds'")
        .await;
    assert_eq!(beat(one).await, 1);
}
