//! An event counts once, however often and from wherever it arrives.

use std::collections::HashSet;

use chrono::Utc;
use store::events::{self, NewEvent};
use tokio::sync::oneshot;

use crate::scene::{Scene, key};

fn new(id: &str) -> NewEvent {
    NewEvent {
        key: format!("direct/{id}"),
        source: "direct".into(),
        event_type: "booking_started".into(),
        booking: Some(key("BK-1")),
        received_at: Utc::now(),
        request_id: "r-1".into(),
        trace: None,
        outcome: "applied",
        phone_hash: None,
        name_hashes: Vec::new(),
        message: None,
        sealed_body: Some(vec![1, 2, 3]),
    }
}

fn keys(ids: &[&str]) -> HashSet<String> {
    ids.iter().map(|id| format!("direct/{id}")).collect()
}

// shows: G18
#[tokio::test]
async fn an_event_is_new_once_also_within_one_batch() {
    let scene = Scene::new().await;
    let insert = |batch: Vec<NewEvent>| scene.run(move |c, _| events::insert_new(c, &batch));

    assert_eq!(
        insert(vec![new("b"), new("a"), new("b")]).await,
        keys(&["a", "b"])
    );
    assert_eq!(insert(vec![new("c"), new("a")]).await, keys(&["c"]));
    assert_eq!(insert(Vec::new()).await, keys(&[]));

    let recorded = scene.run(|c, _| events::list_of_booking(c, &key("BK-1"))).await;
    assert_eq!(recorded.len(), 3);
}

#[tokio::test]
async fn an_event_without_a_booking_is_recorded_too() {
    let scene = Scene::new().await;
    let wish = NewEvent {
        booking: None,
        ..new("wish")
    };

    let fresh = scene.run(move |c, _| events::insert_new(c, &[wish])).await;

    assert_eq!(fresh, keys(&["wish"]));
}

#[tokio::test]
async fn of_two_transactions_with_the_same_event_the_second_waits_and_finds_it_known() {
    let scene = Scene::new().await;
    let (inserted, wait_for_insert) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let first = scene.run(move |c, _| {
        let fresh = events::insert_new(c, &[new("a")])?;
        inserted.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(fresh)
    });
    let second = async {
        wait_for_insert.await.unwrap();
        let insert = scene.run(|c, _| events::insert_new(c, &[new("b"), new("a")]));
        let (fresh, ()) = tokio::join!(insert, async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        });
        fresh
    };

    let (first, second) = tokio::join!(first, second);

    assert_eq!(first, keys(&["a"]));
    assert_eq!(second, keys(&["b"]));
}

#[tokio::test]
async fn an_event_whose_transaction_failed_is_new_again() {
    let scene = Scene::new().await;
    let failed: Result<(), _> = scene
        .try_run(|c, _| {
            events::insert_new(c, &[new("a")])?;
            Err(store::StoreError::Unreadable { what: "test" })
        })
        .await;
    assert!(failed.is_err());

    let fresh = scene.run(|c, _| events::insert_new(c, &[new("a")])).await;

    assert_eq!(fresh, keys(&["a"]));
}
