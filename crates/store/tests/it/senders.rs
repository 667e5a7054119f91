//! Senders know how many they are, and tell when they cannot reach WhatsApp.

use chrono::{DateTime, Utc};
use store::senders::{self, Other, Sender, Unreachable};
use uuid::Uuid;

use crate::scene::Scene;

fn sender(id: Uuid, unreachable: Option<Unreachable>) -> Sender {
    Sender {
        id,
        name: "host-1/4711".to_owned(),
        unreachable,
        knows: Vec::new(),
    }
}

#[tokio::test]
async fn senders_see_each_other_until_they_leave_or_fall_silent_and_who_counts_them() {
    let scene = Scene::new().await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let beat = async |id, knows: Vec<Uuid>| {
        let sender = Sender {
            knows,
            ..sender(id, None)
        };
        scene.run(move |c, _| senders::beat(c, &sender)).await
    };
    let seen = |id, knows_us| vec![Other { id, knows_us }];

    assert_eq!(beat(one, vec![]).await, []);
    assert_eq!(beat(one, vec![]).await, []);
    assert_eq!(beat(other, vec![]).await, seen(one, false));
    assert_eq!(beat(one, vec![other]).await, seen(other, false));
    assert_eq!(beat(other, vec![one]).await, seen(one, true));
    scene.run(move |c, _| senders::leave(c, other)).await;
    assert_eq!(beat(one, vec![]).await, []);
    assert_eq!(beat(other, vec![]).await, seen(one, false));
    scene
        .sql("UPDATE senders SET seen_at = seen_at - interval '4 seconds'")
        .await;
    assert_eq!(beat(one, vec![]).await, []);
}

#[tokio::test]
async fn a_sender_of_an_older_version_is_not_waited_for() {
    let scene = Scene::new().await;
    scene
        .sql("INSERT INTO senders (id, seen_at) VALUES (gen_random_uuid(), now())")
        .await;

    let others = scene
        .run(|c, _| senders::beat(c, &sender(Uuid::now_v7(), None)))
        .await;

    assert_eq!(
        others.iter().map(|other| other.knows_us).collect::<Vec<_>>(),
        [true]
    );
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
