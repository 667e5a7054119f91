//! What was held long enough goes by itself, and nothing else.

use chrono::TimeDelta;
use domain::dead_letter::LetterState;
use domain::event::EventType::ReservationConfirmed;
use domain::ids::ResortId;
use store::guest_data::retention::{self, Cursor, RetentionPolicy};
use store::letters;

use super::{ADA, BOB, left, letter};
use crate::scene::{Scene, anna, event, key, minutes_ago};

/// Raw events for ten days, guests for a hundred.
fn terms() -> Vec<RetentionPolicy> {
    vec![RetentionPolicy {
        resort: ResortId::parse("azure-bay").unwrap(),
        raw_events: TimeDelta::days(10),
        conversations: TimeDelta::days(5),
        guests: TimeDelta::days(100),
    }]
}

impl Scene {
    /// So many days go by for one booking and its events.
    async fn days_go_by(&self, booking: &str, days: u32) {
        self.sql(&format!(
            "UPDATE events SET received_at = received_at - interval '{days} days' WHERE booking_key = 'azure-bay/{booking}'; \
             UPDATE bookings SET created_at = created_at - interval '{days} days' WHERE id = '{booking}'"
        ))
        .await;
    }

    async fn walk_raw_events(&self, terms: Vec<RetentionPolicy>, most: i64) -> Vec<String> {
        let (mut place, mut emptied) = (Some(Cursor::default()), Vec::new());
        while let Some(after) = place.take() {
            let terms = terms.clone();
            let step = self
                .run(move |c, _| retention::empty_raw_events(c, &terms, &after, most))
                .await;
            emptied.extend(step.over);
            place = step.next;
        }
        emptied
    }

    async fn old_guests(&self) -> Vec<String> {
        let step = self
            .run(|c, _| retention::list_old_guests(c, &terms(), &Cursor::default(), 100))
            .await;
        assert_eq!(step.next, None);
        step.over.iter().map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn what_guests_wrote_has_a_time_of_its_own() {
    let scene = Scene::new().await;
    for (number, days) in [4, 6].into_iter().enumerate() {
        scene
            .sql(&format!(
                "INSERT INTO events (key, source, event_type, received_at, request_id, outcome, sealed_body) VALUES \
                 ('whatsapp/{number}', 'whatsapp', 'whatsapp_message', now() - interval '{days} days', '', 'applied', 'x'), \
                 ('whatsapp/s{number}', 'whatsapp', 'whatsapp_status', now() - interval '{days} days', '', 'applied', 'x')"
            ))
            .await;
    }

    assert_eq!(scene.walk_raw_events(terms(), 10).await, ["whatsapp/1"]);
}

#[tokio::test]
async fn raw_events_are_emptied_from_the_oldest_on_and_young_ones_stay() {
    let scene = Scene::new().await;
    for number in 0..5 {
        scene.hears(&left(&format!("BK-{number}"), ADA)).await;
        scene.days_go_by(&format!("BK-{number}"), 7 + number).await;
    }

    let emptied = scene.walk_raw_events(terms(), 1).await;

    assert_eq!(emptied.len(), 2);
    assert_eq!(scene.raw_bodies().await, 3);
    assert_eq!(scene.count("events").await, 5, "ids are remembered");
    assert!(scene.booking("BK-4").await.facts.tells_of_guest());
    assert_eq!(scene.walk_raw_events(terms(), 100).await, Vec::<String>::new());
}

#[tokio::test]
async fn resorts_without_a_readable_file_are_left_alone_and_what_names_no_booking_has_the_shortest_time() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene.days_go_by("BK-1", 1_000).await;
    scene.keeps("of the number", Some(ADA), None).await;
    scene
        .sql("UPDATE events SET received_at = now() - interval '11 days' WHERE booking_key IS NULL")
        .await;
    let of_others = vec![RetentionPolicy {
        resort: ResortId::parse("white-cliff").unwrap(),
        ..terms().remove(0)
    }];

    assert_eq!(scene.walk_raw_events(Vec::new(), 10).await, Vec::<String>::new());
    assert_eq!(
        scene.walk_raw_events(of_others, 10).await,
        ["whatsapp/of the number"]
    );
    assert_eq!(scene.raw_bodies().await, 1);
}

// shows: B135
#[tokio::test]
async fn a_guest_goes_when_the_last_of_their_bookings_is_old_and_its_stay_is_over() {
    let scene = Scene::new().await;
    for (booking, phone, days) in [
        ("BK-old", BOB, 101),
        ("BK-young", "+306912345680", 99),
        ("BK-1", ADA, 500),
        ("BK-2", ADA, 50),
    ] {
        scene.hears(&left(booking, phone)).await;
        scene.days_go_by(booking, days).await;
    }
    let mut ahead = event(ReservationConfirmed, &key("BK-ahead"), 1);
    ahead.guest.phone = Some(domain::stay::Personal::new("+306912345681"));
    ahead.details.check_out = Some(minutes_ago(-60 * 24).date_naive());
    scene.hears(&ahead).await;
    scene.days_go_by("BK-ahead", 500).await;

    assert_eq!(scene.old_guests().await, ["azure-bay/BK-old"]);
    let erased = scene
        .run(|c, planner| retention::erase_old_guest(c, planner, &terms(), &key("BK-old")))
        .await
        .unwrap();
    assert_eq!((erased.bookings, erased.events), (vec![key("BK-old")], 1));
    assert!(scene.booking("BK-old").await.facts.is_without_guest());
    assert_eq!(scene.old_guests().await, Vec::<String>::new());
    let others = ["BK-young", "BK-1", "BK-2", "BK-ahead"];
    for booking in others {
        assert!(scene.booking(booking).await.facts.tells_of_guest(), "{booking}");
    }
}

// shows: B135
#[tokio::test]
async fn a_guest_who_came_back_meanwhile_stays() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene.days_go_by("BK-1", 500).await;
    assert_eq!(scene.old_guests().await, ["azure-bay/BK-1"]);
    scene.hears(&left("BK-2", ADA)).await;

    let erased = scene
        .run(|c, planner| retention::erase_old_guest(c, planner, &terms(), &key("BK-1")))
        .await;

    assert!(erased.is_none());
    assert!(scene.booking("BK-1").await.facts.tells_of_guest());
}

// shows: B136
#[tokio::test]
async fn a_letter_loses_its_body_with_its_event_once_it_ended_and_with_its_guest_while_it_waits() {
    let scene = Scene::new().await;
    let days = |days: i64| minutes_ago(days * 24 * 60);
    scene
        .found(vec![
            letter("direct/ended", Some("BK-1"), None, days(11)),
            letter("direct/ended-lately", Some("BK-1"), None, days(9)),
            letter("direct/open", Some("BK-1"), None, days(11)),
            letter("direct/open-for-long", None, None, days(101)),
        ])
        .await;
    for letter in scene.letters(letters::Filter::default()).await {
        if letter.amqp_id.starts_with("direct/ended") {
            scene
                .run(move |c, _| letters::close(c, letter.id, &anna()))
                .await
                .unwrap();
        }
    }

    let emptied = scene.run(|c, _| retention::empty_letters(c, &terms(), 100)).await;

    assert_eq!(emptied, 2);
    let mut left = Vec::new();
    for letter in scene.letters(letters::Filter::default()).await {
        let (id, state) = (letter.id, letter.state());
        if scene.run(move |c, _| letters::find_body(c, id)).await.is_some() {
            left.push((letter.amqp_id, state));
        }
    }
    let expected = [
        ("direct/ended-lately".to_owned(), LetterState::Closed),
        ("direct/open".to_owned(), LetterState::Open),
    ];
    left.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(left, expected);
}
