//! Pages of letters, and what a filter asks for.

use std::time::{Duration, Instant};

use domain::dead_letter::{DeadLetterReason, LetterKind};
use domain::ids::{LetterId, ResortId, SourceId};
use domain::staff::Scope;
use store::letters::{self, AtResort, Filter, NewLetter, Page, Place, Standing, Start};

use super::event_letter;
use crate::scene::{Scene, minutes_ago, ring};

const MOST: usize = 50;

fn resort(id: &str) -> Option<ResortId> {
    ResortId::parse(id).ok()
}

fn at(resort: Option<ResortId>) -> Option<AtResort> {
    resort.map(AtResort::One)
}

fn open() -> Filter {
    Filter {
        standing: Some(Standing::Open),
        ..Filter::default()
    }
}

fn ids(page: &Page) -> Vec<i64> {
    page.letters.iter().map(|letter| letter.id.0).collect()
}

impl Scene {
    async fn page(&self, filter: &Filter, start: Start, most: usize) -> Page {
        let filter = filter.clone();
        self.run(move |c, _| letters::page(c, &filter, start, most)).await
    }

    async fn how_many(&self, filter: Filter) -> i64 {
        self.run(move |c, _| letters::extent(c, &filter)).await.0
    }

    /// Letters of events at two resorts, and of none, of two sources, one of them by one guest; every second died at the same time.
    async fn seven_letters(&self) {
        let letter = |number: i64| NewLetter {
            resort: match number % 3 {
                0 => None,
                1 => resort("azure-bay"),
                _ => resort("olive-hill"),
            },
            reason: if number % 2 == 0 {
                DeadLetterReason::Crashed
            } else {
                DeadLetterReason::Unmappable
            },
            phone_hash: (number == 3).then(|| ring("a").lookup("+306912345678").to_vec()),
            ..event_letter(
                &format!("{}/evt_{number}", if number < 4 { "direct" } else { "lodgify" }),
                Some(minutes_ago(60 * (8 - number - number % 2))),
            )
        };
        for number in 1..=7 {
            self.found(vec![letter(number)]).await;
        }
    }
}

// shows: B190
#[tokio::test]
async fn pages_show_every_letter_once_in_both_directions_the_longest_dead_first() {
    let scene = Scene::new().await;
    scene.seven_letters().await;
    let oldest_first = ids(&scene.page(&open(), Start::Oldest, MOST).await);
    assert_eq!(oldest_first.len(), 7);

    let mut forwards = Vec::new();
    let mut start = Some(Start::Oldest);
    while let Some(from) = start {
        let page = scene.page(&open(), from, 2).await;
        assert_eq!(page.older.is_some(), !forwards.is_empty());
        forwards.extend(ids(&page));
        start = page.newer.map(Start::NewerThan);
    }
    let mut backwards = Vec::new();
    let mut start = Some(Start::Newest);
    while let Some(from) = start {
        let page = scene.page(&open(), from, 3).await;
        assert_eq!(page.newer.is_some(), !backwards.is_empty());
        backwards.splice(0..0, ids(&page));
        start = page.older.map(Start::OlderThan);
    }

    assert_eq!((&forwards, &backwards), (&oldest_first, &oldest_first));
}

#[tokio::test]
async fn a_letters_neighbours_are_those_of_its_page() {
    let scene = Scene::new().await;
    scene.seven_letters().await;
    let filter = Filter {
        reason: Some(DeadLetterReason::Unmappable),
        ..open()
    };
    let page = scene.page(&filter, Start::Oldest, MOST).await;
    let [first, second, third, last] = &page.letters[..] else {
        panic!("{page:?}")
    };

    for (letter, expected) in [
        (first, (None, Some(second.id))),
        (second, (Some(first.id), Some(third.id))),
        (last, (Some(third.id), None)),
    ] {
        let (filter, place) = (filter.clone(), Place::of(letter));
        let found = scene
            .run(move |c, _| letters::neighbours(c, &filter, place))
            .await;
        assert_eq!(found, expected);
        assert_eq!(place.to_string().parse(), Ok(place));
    }
    assert!("soon-1".parse::<Place>().is_err() && "1".parse::<Place>().is_err());
}

/// With how many of the seven letters match.
#[expect(clippy::too_many_lines, reason = "one table")]
fn filters(guest: Option<[u8; 32]>) -> Vec<(Filter, i64)> {
    let hours = |hours| Some(Duration::from_hours(hours));
    let within = |resorts: &[&str]| Scope::Resorts(resorts.iter().filter_map(|id| resort(id)).collect());

    vec![
        (
            Filter {
                resort: at(resort("olive-hill")),
                ..open()
            },
            2,
        ),
        (
            Filter {
                within: within(&["azure-bay", "olive-hill"]),
                ..open()
            },
            5,
        ),
        (
            Filter {
                within: within(&["azure-bay"]),
                resort: at(resort("olive-hill")),
                ..open()
            },
            0,
        ),
        (
            Filter {
                within: within(&[]),
                ..open()
            },
            0,
        ),
        (
            Filter {
                source: SourceId::parse("lodgify").ok(),
                ..open()
            },
            4,
        ),
        (
            Filter {
                older: hours(4),
                ..open()
            },
            4,
        ),
        (
            Filter {
                younger: hours(4),
                ..open()
            },
            3,
        ),
        (
            Filter {
                older: hours(3),
                as_of: Some(minutes_ago(60)),
                ..open()
            },
            4,
        ),
        (
            Filter {
                id: Some("evt_5".to_owned()),
                ..open()
            },
            1,
        ),
        (
            Filter {
                id: Some("BK-9".to_owned()),
                ..open()
            },
            7,
        ),
        (
            Filter {
                id: Some("evt_".to_owned()),
                ..open()
            },
            0,
        ),
        (Filter { guest, ..open() }, 1),
        (
            Filter {
                letters: [2, 5, 99].map(LetterId).into(),
                ..open()
            },
            2,
        ),
        (
            Filter {
                guest: Some([0; 32]),
                ..open()
            },
            0,
        ),
        (
            Filter {
                standing: Some(Standing::Retried),
                ..open()
            },
            0,
        ),
    ]
}

// shows: B190
#[tokio::test]
async fn letters_are_found_by_resort_source_age_id_and_guest() {
    let scene = Scene::new().await;
    scene.seven_letters().await;
    let guest = Some(scene.planner.ring.lookup("+306912345678"));

    for (filter, expected) in filters(guest) {
        let told = format!("{filter:?}");
        assert_eq!(scene.how_many(filter).await, expected, "{told}");
    }
}

#[tokio::test]
async fn a_messages_letter_is_found_by_its_id_its_booking_and_its_guest() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    scene.found(vec![event_letter("direct/evt_1", None)]).await;
    let guest = Some(scene.planner.ring.lookup("+306912345678"));
    let id = |id: &str| Filter {
        id: Some(id.to_owned()),
        ..open()
    };

    for filter in [
        id("BK-1"),
        id(&letter.message.unwrap().to_string()),
        Filter { guest, ..open() },
    ] {
        let found = scene.page(&filter, Start::Oldest, MOST).await;
        assert_eq!(ids(&found), [letter.id.0], "{filter:?}");
    }
}

#[tokio::test]
async fn letters_are_counted_by_reason_and_resort_and_menus_offer_what_there_is() {
    let scene = Scene::new().await;
    scene.seven_letters().await;
    let everywhere = open();
    let azure_bay = Filter {
        within: Scope::Resorts(resort("azure-bay").into_iter().collect()),
        ..open()
    };

    let groups = scene.run(move |c, _| letters::groups(c, &everywhere)).await;
    let choices = scene
        .run(move |c, _| letters::choices(c, &azure_bay.within))
        .await;

    let counted: Vec<_> = groups
        .iter()
        .map(|group| (group.reason.as_str(), group.resort.as_deref(), group.count))
        .collect();
    assert_eq!(counted.iter().map(|group| group.2).sum::<i64>(), 7);
    assert_eq!(counted[0], ("unmappable", Some("azure-bay"), 2));
    assert_eq!(counted.len(), 6);
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    assert_eq!(choices.resorts, names(&["azure-bay"]));
    assert_eq!(choices.sources, names(&["direct", "lodgify"]));
    assert_eq!(choices.reasons, names(&["crashed", "unmappable"]));
}

/// Ten thousand open letters beside thirty thousand that ended (with a hundred thousand it takes about as long).
const MANY: &str = "INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, resort, booking, \
     body, state, closed_by, closed_at) \
     SELECT 'events', 'direct/evt_' || n, CASE WHEN n % 1000 = 0 THEN 'crashed' ELSE 'cannot_be_applied' END, \
     'cannot save bookings', 4, now() - n * interval '1 second', true, 'booking_started', 'resort-' || n % 20, 'BK-' || n, \
     convert_to(repeat('envelope ' || n, 20), 'UTF8'), CASE WHEN n % 4 = 0 THEN 'open' ELSE 'retried' END, \
     CASE WHEN n % 4 = 0 THEN NULL ELSE 'anna' END, CASE WHEN n % 4 = 0 THEN NULL ELSE now() END \
     FROM generate_series(1, 40000) n; ANALYZE letters";

/// What people ask for, the usual and the costly.
fn questions() -> Vec<Filter> {
    vec![
        open(),
        Filter::default(),
        Filter {
            standing: Some(Standing::Ended),
            ..open()
        },
        Filter {
            reason: Some(DeadLetterReason::Crashed),
            ..open()
        },
        Filter {
            reason: Some(DeadLetterReason::Crashed),
            ..Filter::default()
        },
        Filter {
            kind: Some(LetterKind::Messages),
            ..open()
        },
        Filter {
            resort: at(resort("resort-8")),
            ..open()
        },
        Filter {
            within: Scope::Resorts(resort("resort-8").into_iter().collect()),
            ..open()
        },
        Filter {
            older: Some(Duration::from_hours(5)),
            resort: at(resort("resort-4")),
            ..open()
        },
        Filter {
            source: SourceId::parse("lodgify").ok(),
            ..open()
        },
        Filter {
            assignee: Some(letters::Assignee::Nobody),
            ..open()
        },
        Filter {
            id: Some("evt_20000".to_owned()),
            ..Filter::default()
        },
        Filter {
            id: Some("BK-20000".to_owned()),
            ..Filter::default()
        },
        Filter {
            guest: Some([7; 32]),
            ..Filter::default()
        },
    ]
}

// shows: B190
#[tokio::test]
async fn lists_and_searches_are_fast_with_ten_thousand_open_letters() {
    let scene = Scene::new().await;
    scene.sql(MANY).await;
    let middle = Place {
        died_at: minutes_ago(60 * 5),
        id: LetterId(0),
    };

    let mut slow = Vec::new();
    for filter in questions() {
        let asked = filter.clone();
        let took = scene
            .run(move |c, _| {
                let mut took = Vec::new();
                for start in [
                    Start::Oldest,
                    Start::Newest,
                    Start::NewerThan(middle),
                    Start::OlderThan(middle),
                ] {
                    let began_at = Instant::now();
                    letters::page(c, &asked, start, MOST)?;
                    took.push(began_at.elapsed());
                }
                let began_at = Instant::now();
                letters::extent(c, &asked)?;
                letters::groups(c, &asked)?;
                letters::neighbours(c, &asked, middle)?;
                took.push(began_at.elapsed());
                Ok(took)
            })
            .await;
        // Ten times what it takes on a machine without other work.
        slow.extend(
            took.iter()
                .filter(|took| **took > Duration::from_millis(500))
                .map(|took| (*took, filter.clone())),
        );
    }
    assert!(slow.is_empty(), "{slow:?}");
}
