//! Keys are changed while everything runs: nothing is lost, nothing is sealed under the wrong identity.

use std::collections::BTreeMap;

use crypto::key_ring::KeyRing;
use domain::event::EventType::BookingStarted;
use store::bookings;
use store::reseal::{self, Page, SealedColumn};

use crate::scene::{Scene, key};

const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const LOOKUP: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

fn ring(keys: &[(&str, &str)]) -> KeyRing {
    let entries = keys.iter().map(|(id, key)| format!("{id}:{key}"));
    let all: Vec<String> = entries.chain([format!("lookup:{LOOKUP}")]).collect();
    KeyRing::parse(&all.join(",")).unwrap()
}

/// The scene's bookings lie under the key `a`.
async fn three_bookings() -> Scene {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3"] {
        scene.happens(BookingStarted, booking, 5).await;
    }
    scene
}

async fn page(scene: &Scene, ring: KeyRing, after: &str) -> Page {
    let after = after.to_owned();
    scene
        .run(move |c, _| reseal::reseal(c, &ring, SealedColumn::Bookings, &after, 2))
        .await
}

async fn counts(scene: &Scene) -> BTreeMap<String, i64> {
    reseal::count_by_key(&scene.store, SealedColumn::Bookings)
        .await
        .unwrap()
}

// shows: B123
#[tokio::test]
async fn every_value_comes_under_the_first_key_page_by_page_and_reads_the_same() {
    let scene = three_bookings().await;
    let facts = scene.booking("BK-2").await.facts;
    let rotated = || ring(&[("b", NEW), ("a", OLD)]);

    let first = page(&scene, rotated(), "").await;
    let second = page(&scene, rotated(), first.next.as_deref().unwrap()).await;
    let again = page(&scene, rotated(), "").await;

    assert_eq!((first.resealed, second.resealed, second.next), (2, 1, None));
    assert_eq!(again, Page::default());
    assert_eq!(counts(&scene).await, BTreeMap::from([("b".to_owned(), 3)]));
    let without_old = ring(&[("b", NEW)]);
    let found = scene
        .run(move |c, _| bookings::find(c, &without_old, &key("BK-2")))
        .await;
    assert_eq!(found.unwrap().facts, facts);
}

// shows: B124
#[tokio::test]
async fn what_lies_under_a_key_that_is_gone_is_counted_and_left_alone() {
    let scene = three_bookings().await;
    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00' WHERE id = 'BK-1'")
        .await;

    let without = page(&scene, ring(&[("b", NEW)]), "").await;
    let with = page(&scene, ring(&[("b", NEW), ("a", OLD)]), "").await;

    assert_eq!(without.unknown, BTreeMap::from([("a".to_owned(), 2)]));
    assert_eq!((without.resealed, without.damaged), (0, 0));
    assert_eq!((with.resealed, with.damaged), (1, 1));
    let expected = [("a".to_owned(), 2), ("b".to_owned(), 1)];
    assert_eq!(counts(&scene).await, BTreeMap::from(expected));
    let ring = ring(&[("b", NEW)]);
    let places = [SealedColumn::Events, SealedColumn::Bookings];
    let missing = reseal::count_without_key(&scene.store, &ring, &places).await;
    assert_eq!(missing.unwrap(), [(SealedColumn::Bookings, "a".to_owned(), 2)]);
}

#[tokio::test]
async fn a_table_of_many_pages_is_counted_to_its_end() {
    let scene = three_bookings().await;
    scene
        .sql(
            "INSERT INTO bookings (key, resort, id, status, sealed_facts) \
             SELECT 'azure-bay/old-' || n, 'azure-bay', 'old-' || n, 'started', \
                    CASE n % 2 WHEN 0 THEN ''::bytea ELSE '\\x01016300'::bytea END FROM generate_series(1, 12000) n",
        )
        .await;

    let expected = [("a".to_owned(), 3), ("c".to_owned(), 6_000)];
    assert_eq!(counts(&scene).await, BTreeMap::from(expected));
}
