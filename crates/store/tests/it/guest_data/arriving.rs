//! What was accepted before an erasure, and arrives later.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::event::EventType::BookingStarted;
use domain::ids::{BookingKey, MessageId, ResortId};
use domain::message::MessageKind::Reminder1;
use store::Fault;
use store::guest_data;
use store::guest_data::DataSubject;
use store::guest_data::tombstones::{self, Arrival};
use store::letters::Filter;
use tokio::sync::oneshot;

use super::{ADA, BOB, booking, left, letter};
use crate::scene::{Scene, apply, event, key, minutes_ago};

/// What an event tells of whose it is.
#[derive(Clone, Default)]
struct Says {
    booking: Option<&'static str>,
    resort: Option<&'static str>,
    phone: Option<&'static str>,
    message: Option<MessageId>,
    minutes_ago: i64,
}

impl Says {
    fn resort(&self) -> Option<ResortId> {
        self.resort.map(|resort| ResortId::parse(resort).unwrap())
    }

    fn arrival<'a>(&self, resort: &'a Option<ResortId>, hash: Option<&'a [u8; 32]>) -> Arrival<'a> {
        Arrival {
            booking: self.booking.map(key),
            resort: resort.as_ref(),
            names: hash.iter().map(|hash| hash.as_slice()).collect(),
            message: self.message,
            received_at: minutes_ago(self.minutes_ago),
        }
    }
}

impl Scene {
    /// Whether an event that says this is late.
    async fn is_late(&self, says: Says) -> bool {
        let hash = says.phone.map(|phone| self.planner.ring.lookup(phone));
        let late = self
            .run(move |c, _| {
                let resort = says.resort();
                let arrivals = [says.arrival(&resort, hash.as_ref())];
                tombstones::lock_shared(c, &arrivals)?;
                tombstones::erased(c, &arrivals)
            })
            .await;
        late[0].is_some()
    }
}

#[tokio::test]
async fn what_was_accepted_before_is_late_and_what_was_accepted_after_is_not() {
    let scene = Scene::new().await;
    let says = Says {
        booking: Some("BK-1"),
        resort: Some("azure-bay"),
        phone: Some(ADA),
        minutes_ago: 1,
        ..Says::default()
    };
    assert!(!scene.is_late(says.clone()).await);

    // Nobody has heard of it yet.
    scene.erase(scene.number(ADA, None)).await;
    scene.erase(booking(key("BK-2"))).await;

    assert!(scene.is_late(says.clone()).await);
    let accepted_after = Says {
        minutes_ago: -1,
        ..says.clone()
    };
    assert!(!scene.is_late(accepted_after).await);
    let of_bob = |booking| Says {
        phone: Some(BOB),
        booking: Some(booking),
        ..says.clone()
    };
    assert!(!scene.is_late(of_bob("BK-1")).await);
    assert!(scene.is_late(of_bob("BK-2")).await);
}

#[tokio::test]
async fn an_erasure_at_one_resort_says_nothing_of_another() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene.erase(scene.number(ADA, Some("azure-bay"))).await;
    let at = |resort| Says {
        resort: Some(resort),
        booking: Some("BK-9"),
        phone: Some(ADA),
        minutes_ago: 1,
        ..Says::default()
    };

    assert!(scene.is_late(at("azure-bay")).await);
    assert!(!scene.is_late(at("white-cliff")).await);
}

#[tokio::test]
async fn with_the_last_booking_of_a_number_late_texts_go_and_new_bookings_stay() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    scene.erase(booking(key("BK-1"))).await;
    let says = Says {
        phone: Some(ADA),
        minutes_ago: 1,
        ..Says::default()
    };

    assert!(scene.is_late(says.clone()).await, "a text names only the number");
    let of_another = Says {
        booking: Some("BK-2"),
        resort: Some("azure-bay"),
        ..says
    };
    assert!(!scene.is_late(of_another).await);
}

#[tokio::test]
async fn a_report_on_a_message_from_before_is_late_whenever_it_is_accepted() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let message = scene.message("BK-1", Reminder1).await.existing.id;
    let report = Says {
        message: Some(message),
        minutes_ago: -1,
        ..Says::default()
    };
    assert!(!scene.is_late(report.clone()).await);

    scene.erase(booking(key("BK-1"))).await;

    assert!(scene.is_late(report).await);
}

// shows: B128, G13
#[tokio::test]
async fn an_erasure_waits_for_what_is_arriving_and_finds_it() {
    let scene = Scene::new().await;
    let (raw, news) = (scene.raw(&left("BK-1", ADA)), left("BK-1", ADA));
    let (is_arriving, may_erase) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let arriving = scene.run(move |c, planner| {
        let resort = ResortId::parse("azure-bay").ok();
        let arrival = Says::default().arrival(&resort, None);
        tombstones::lock_shared(c, &[arrival])?;
        is_arriving.send(()).unwrap();
        may_go_on.blocking_recv().unwrap();
        store::events::insert_new(c, &[raw])?;
        apply(c, planner, &news).map(drop)
    });
    let erasing = async {
        may_erase.await.unwrap();
        let whom = scene.number(ADA, None);
        let erasing = scene.run(move |c, planner| guest_data::erase(c, planner, &whom, None));
        let letting = async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        };
        tokio::join!(erasing, letting).0
    };

    let ((), erased) = tokio::join!(arriving, erasing);

    assert_eq!((erased.bookings, erased.events), (vec![key("BK-1")], 1));
    assert_eq!(scene.raw_bodies().await, 0);
}

#[tokio::test]
async fn what_arrived_of_a_booking_before_it_was_known_to_be_theirs_is_stripped_too() {
    let scene = Scene::new().await;
    scene.hears(&event(BookingStarted, &key("BK-1"), 40)).await;
    scene
        .found(vec![letter("direct/evt_1", Some("BK-1"), None, minutes_ago(5))])
        .await;
    let late = BTreeMap::from([(key("BK-1"), minutes_ago(0))]);

    scene.run(move |c, _| guest_data::strip(c, &late)).await;

    assert_eq!(scene.raw_bodies().await, 0);
    assert_eq!(scene.count("letters WHERE body IS NOT NULL").await, 0);
    let says = Says {
        booking: Some("BK-1"),
        minutes_ago: 1,
        ..Says::default()
    };
    assert!(scene.is_late(says).await);
}

#[tokio::test]
async fn a_letter_that_is_found_late_is_kept_as_a_shell_and_known_when_it_comes_again() {
    let scene = Scene::new().await;
    scene.erase(scene.number(ADA, None)).await;
    scene.erase(booking(key("BK-1"))).await;
    let found = vec![
        letter(
            "direct/of-the-number",
            None,
            Some(scene.planner.ring.lookup(ADA)),
            minutes_ago(1),
        ),
        letter("direct/of-the-booking", Some("BK-1"), None, minutes_ago(1)),
        letter(
            "direct/accepted-after",
            Some("BK-1"),
            Some(scene.planner.ring.lookup(ADA)),
            minutes_ago(-1),
        ),
    ];

    assert_eq!(scene.found(found.clone()).await, 3);
    assert_eq!(scene.found(found).await, 0);

    let letters = scene.letters(Filter::default()).await;
    let open = letters.iter().filter(|letter| letter.ending.is_none());
    let open: Vec<&str> = open.map(|letter| letter.amqp_id.as_str()).collect();
    assert_eq!((letters.len(), open), (3, vec!["direct/accepted-after"]));
    assert_eq!(scene.count("letters WHERE body IS NOT NULL").await, 1);
}

/// Which of these arrivals a transaction has to wait with while an erasure is under way.
async fn waiting(scene: &Scene, whom: DataSubject, arrivals: &[(&'static str, Says)]) -> Vec<&'static str> {
    let (erased, wait_until_erased) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let erasing = scene.run(move |c, planner| {
        guest_data::erase(c, planner, &whom, None)?;
        erased.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    });
    let arriving = async {
        wait_until_erased.await.unwrap();
        let mut waiting = Vec::new();
        for (name, says) in arrivals {
            let (says, hash) = (
                says.clone(),
                says.phone.map(|phone| scene.planner.ring.lookup(phone)),
            );
            let passed = scene.try_run(move |c, _| {
                store::pool::wait_for_locks(c, Duration::from_millis(50))?;
                let resort = says.resort();
                tombstones::lock_shared(c, &[says.arrival(&resort, hash.as_ref())])
            });
            match passed.await {
                Ok(()) => {}
                Err(error) if error.fault() == Fault::Locked => waiting.push(*name),
                Err(error) => panic!("{error}"),
            }
        }
        go_on.send(()).unwrap();
        waiting
    };
    tokio::join!(erasing, arriving).1
}

// shows: G13
#[tokio::test]
async fn an_erasure_holds_up_what_arrives_for_its_resort_and_guest_and_nothing_else() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let message = scene.message("BK-1", Reminder1).await.existing.id;
    let arrivals = [
        (
            "event",
            Says {
                resort: Some("azure-bay"),
                ..Says::default()
            },
        ),
        (
            "report",
            Says {
                message: Some(message),
                ..Says::default()
            },
        ),
        (
            "text",
            Says {
                phone: Some(ADA),
                ..Says::default()
            },
        ),
        (
            "event elsewhere",
            Says {
                resort: Some("white-cliff"),
                phone: Some(BOB),
                ..Says::default()
            },
        ),
        (
            "text of another",
            Says {
                phone: Some(BOB),
                ..Says::default()
            },
        ),
        ("nothing", Says::default()),
    ];
    let its_own = ["event", "report", "text"];

    assert_eq!(
        waiting(&scene, scene.number(ADA, Some("azure-bay")), &arrivals).await,
        its_own
    );
    assert_eq!(
        waiting(&scene, booking(key("BK-1")), &arrivals).await,
        ["event", "report"]
    );
    let all: Vec<_> = arrivals.iter().map(|(name, _)| *name).collect();
    assert_eq!(waiting(&scene, scene.number(ADA, None), &arrivals).await, all);
}

// shows: G13
#[tokio::test]
async fn of_two_erasures_that_share_a_number_the_second_takes_what_names_the_number_alone() {
    let scene = Scene::new().await;
    scene.hears(&left("BK-1", ADA)).await;
    let mut elsewhere = left("BK-2", ADA);
    elsewhere.resort = ResortId::parse("white-cliff").unwrap();
    scene.hears(&elsewhere).await;
    let hash = scene.planner.ring.lookup(ADA);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    scene
        .sql(&format!(
            "UPDATE bookings SET phone_hash = '\\x{hex}' WHERE id = 'BK-2'; \
             INSERT INTO conversations (number, phone_hash, open_until) \
             VALUES ('106540352242922', '\\x{hex}', now() + interval '1 day')"
        ))
        .await;
    let (erased, wait_until_erased) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let first = scene.run(move |c, planner| {
        guest_data::erase(c, planner, &booking(key("BK-1")), None)?;
        erased.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    });
    let second = async {
        wait_until_erased.await.unwrap();
        let theirs = BookingKey {
            resort: ResortId::parse("white-cliff").unwrap(),
            ..key("BK-2")
        };
        let erasing = scene.run(move |c, planner| guest_data::erase(c, planner, &booking(theirs), None));
        let letting = async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        };
        tokio::join!(erasing, letting)
    };

    tokio::join!(first, second);

    assert_eq!(scene.count("conversations").await, 0);
}
