//! Senders know how many they are, and tell when they cannot reach WhatsApp.

use chrono::{DateTime, Utc};
use store::senders::{self, Sender, Unreachable};
use uuid::Uuid;

use crate::scene::Scene;

fn sender(id: Uuid, unreachable: Option<Unreachable>) -> Sender {
    Sender {
        id,
        name: "host-1/4711".to_owned(),
        unreachable,
    }
}

#[tokio::test]
async fn senders_count_each_other_until_they_leave_or_fall_silent() {
    let scene = Scene::new().await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let beat = async |id| scene.run(move |c, _| senders::beat(c, &sender(id, None))).await;

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

#[tokio::test]
async fn a_sender_that_cannot_reach_whatsapp_is_listed_until_it_can_or_is_gone() {
    let scene = Scene::new().await;
    let id = Uuid::now_v7();
    let unreachable = Unreachable {
        since: DateTime::<Utc>::UNIX_EPOCH,
        reason: "the connection is refused".to_owned(),
    };
    let lost = sender(id, Some(unreachable));
    let says = async |sender: Sender| {
        scene
            .run(move |c, _| senders::beat(c, &sender).and_then(|_| senders::list_unreachable(c)))
            .await
    };

    assert_eq!(says(lost.clone()).await, std::slice::from_ref(&lost));
    assert_eq!(says(sender(id, None)).await, []);
    says(lost).await;
    scene
        .sql("UPDATE senders SET seen_at = seen_at - interval '11 seconds'")
        .await;
    assert_eq!(scene.run(|c, _| senders::list_unreachable(c)).await, []);
}
