//! What platforms are still to be asked for: each row is one process's at a time, at the pace of its source.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;
use domain::ids::SourceId;
use store::events::{self, NewEvent};
use store::fetches::{self, Charge, Claimed, NewFetch, Terms};

use crate::scene::{Scene, key};

const TERMS: Terms = Terms {
    interval: Duration::ZERO,
    lease: Duration::from_secs(30),
    given_up_after: Duration::from_secs(60),
};

fn source(name: &str) -> SourceId {
    SourceId::parse(name).unwrap()
}

fn fetch(source: &str, id: &str) -> NewFetch {
    NewFetch {
        key: format!("{source}/{id}"),
        source: source.to_owned(),
        sealed_body: vec![1, 2, 3],
    }
}

impl Scene {
    /// An event that only names a booking, and its fetch. Whether the fetch is new.
    async fn adds(&self, source: &str, id: &str) -> bool {
        let fetch = fetch(source, id);
        let event = NewEvent {
            key: fetch.key.clone(),
            source: source.to_owned(),
            event_type: "fetch".into(),
            booking: Some(key("BK-1")),
            received_at: Utc::now(),
            request_id: "r-1".into(),
            trace: None,
            outcome: "applied",
            phone_hash: None,
            name_hashes: Vec::new(),
            message: None,
            sealed_body: Some(fetch.sealed_body.clone()),
        };
        let added: HashSet<String> = self
            .run(move |c, _| {
                events::insert_new(c, &[event])?;
                fetches::insert_new(c, &[fetch])
            })
            .await;
        !added.is_empty()
    }

    async fn fetches(&self) -> i64 {
        self.run(|c, _| fetches::count(c)).await
    }

    async fn claims_fetch(&self, name: &str, terms: Terms) -> Option<Claimed> {
        let source = source(name);
        self.run(move |c, _| fetches::claim(c, &source, terms)).await
    }

    async fn takes(&self, name: &str, terms: Terms) -> String {
        let claimed = self.claims_fetch(name, terms).await;
        claimed
            .map(|claimed| claimed.key.id.to_string())
            .unwrap_or_default()
    }

    async fn puts_off(&self, claimed: &Claimed, charge: Charge) {
        let claimed = claimed.clone();
        self.run(move |c, _| fetches::put_off(c, &claimed, Duration::ZERO, charge))
            .await;
    }
}

#[tokio::test]
async fn a_fetch_is_claimed_by_one_process_until_its_lease_ends() {
    let scene = Scene::new().await;
    assert!(scene.adds("apaleo", "a").await);
    assert!(!scene.adds("apaleo", "a").await);

    let short = Terms {
        lease: Duration::ZERO,
        ..TERMS
    };
    let claimed = scene.claims_fetch("apaleo", short).await.unwrap();
    assert_eq!(claimed.key.to_string(), "apaleo/a");
    assert_eq!(claimed.booking, Some(key("BK-1")));
    assert_eq!(claimed.sealed_body, Some(vec![1, 2, 3]));
    assert_eq!((claimed.attempt, claimed.failures, claimed.refusals), (1, 0, 0));
    let again = scene.claims_fetch("apaleo", TERMS).await.unwrap();
    assert_eq!(again.attempt, 2);
    assert!(scene.claims_fetch("apaleo", TERMS).await.is_none());

    // The first process was slower than its lease: the row is the second one's.
    scene.run(move |c, _| fetches::remove(c, &claimed)).await;
    assert_eq!(scene.fetches().await, 1);
    scene.run(move |c, _| fetches::remove(c, &again)).await;
    assert_eq!(scene.fetches().await, 0);
}

#[tokio::test]
async fn the_oldest_goes_first_and_each_source_has_a_pace_of_its_own() {
    let scene = Scene::new().await;
    for (source, id) in [("apaleo", "b"), ("apaleo", "a"), ("guesty", "c")] {
        assert!(scene.adds(source, id).await);
    }
    let paced = Terms {
        interval: Duration::from_secs(60),
        ..TERMS
    };

    assert_eq!(scene.takes("apaleo", paced).await, "b");
    assert_eq!(scene.takes("apaleo", paced).await, "", "not its turn");
    assert_eq!(scene.takes("guesty", paced).await, "c");

    let waiting = scene.run(|c, _| fetches::list_waiting(c)).await;
    let of = |name: &str| {
        waiting
            .iter()
            .find(|one| one.source == source(name))
            .unwrap()
            .after
    };
    let minute = Duration::from_secs(50)..=Duration::from_secs(60);
    assert!(minute.contains(&of("apaleo")), "{waiting:?}");
    scene.sql("UPDATE fetch_turns SET next_at = now()").await;
    assert_eq!(scene.takes("apaleo", paced).await, "a");
}

#[tokio::test]
async fn a_source_that_asks_for_rest_is_not_claimed_from() {
    let scene = Scene::new().await;
    scene.adds("apaleo", "a").await;

    scene
        .run(|c, _| fetches::rest(c, &source("apaleo"), Duration::from_secs(60)))
        .await;

    assert_eq!(scene.takes("apaleo", TERMS).await, "");
}

#[tokio::test]
async fn failures_are_counted_and_what_was_not_tried_is_not() {
    let scene = Scene::new().await;
    scene.adds("apaleo", "a").await;
    let given_up_at_once = Terms {
        given_up_after: Duration::ZERO,
        ..TERMS
    };

    for (charge, counts, is_over) in [
        (Charge::Nothing, (0, 0), false),
        (Charge::Failure, (0, 0), false),
        (Charge::Refusal, (1, 0), true),
        (Charge::Nothing, (2, 1), true),
    ] {
        let claimed = scene.claims_fetch("apaleo", given_up_at_once).await.unwrap();
        assert_eq!((claimed.failures, claimed.refusals), counts, "{charge:?}");
        assert_eq!(claimed.is_over, is_over, "{charge:?}");
        scene.puts_off(&claimed, charge).await;
    }
    let claimed = scene.claims_fetch("apaleo", TERMS).await.unwrap();
    assert_eq!(
        (claimed.attempt, claimed.failures, claimed.is_over),
        (5, 2, false)
    );
}

#[tokio::test]
async fn a_fetch_that_is_added_again_after_its_end_gets_its_request_back() {
    let scene = Scene::new().await;
    scene.adds("apaleo", "a").await;
    let claimed = scene.claims_fetch("apaleo", TERMS).await.unwrap();
    scene.run(move |c, _| fetches::remove(c, &claimed)).await;
    scene.sql("UPDATE events SET sealed_body = NULL").await;

    assert!(scene.adds("apaleo", "a").await);

    let claimed = scene.claims_fetch("apaleo", TERMS).await.unwrap();
    assert_eq!(claimed.sealed_body, Some(vec![1, 2, 3]));
    let both = [fetch("apaleo", "x"), fetch("apaleo", "x")];
    let added = scene.run(move |c, _| fetches::insert_new(c, &both)).await;
    assert_eq!(added, HashSet::from(["apaleo/x".to_owned()]));
}
