//! Programs that are asked to stop under load, while others take over.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::message::MessageState::Read;
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use testkit::program::Program;
use testkit::world::{Event, ResortFile, World};

use crate::scene::CONFIRMATION;

/// Platforms that send one event after the other.
const PLATFORMS: usize = 8;
/// How often the balancer asks whether an ingest is ready: much less often than it sends.
const HEALTH_CHECK_EVERY: Duration = Duration::from_millis(200);
/// What a program may take after it was asked to stop.
const DEADLINE: Duration = Duration::from_secs(30);

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

fn confirmed(number: usize) -> Event {
    let (booking, phone) = guest(number);
    Event::confirmed(&booking, &phone)
}

/// Everything that was accepted went out, once. Ids that were lost on the way come again after 30 s: here they do at once.
async fn check_books(world: &World, guests: usize) {
    let again = "UPDATE messages SET publish_at = clock_timestamp() \
         WHERE state = 'queued' AND publish_at > clock_timestamp() + interval '5 seconds'";
    world.database().execute(again).await;
    for number in 0..guests {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
    }
    assert_eq!(world.received_by_anyone().await.len(), guests);
    world.desk("ledger check").await.check(0);
    let depths = world.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
}

/// A world whose processor and sender belong to the test.
async fn world() -> (World, Program, Program) {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_processors();
    world.kill_senders();
    let (processor, sender) = (
        world.started("processor", &[]).await,
        world.started("sender", &[]).await,
    );
    (world, processor, sender)
}

async fn stop(program: &mut Program) {
    let begun = Instant::now();
    assert_eq!(program.stop().await.unwrap(), Some(0), "{}", program.name());
    assert!(begun.elapsed() < DEADLINE, "{}", program.name());
}

// shows: G4
#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_stopped_under_full_load_lose_and_repeat_nothing() {
    const GUESTS: usize = 200;
    let (world, mut processor, mut sender) = world().await;
    let slow = json!({ "every": 10, "answer": { "after_ms": 3_000 } });
    world.tell_sandbox("failures", &slow).await;
    let numbers = AtomicUsize::new(0);
    let posting = join_all((0..PLATFORMS).map(|_| async {
        loop {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            if number >= GUESTS {
                return;
            }
            world.post(&confirmed(number)).await;
        }
    }));
    let restarting = async {
        world
            .until("a good many are under way", async || {
                (world.calls().await.len() > GUESTS / 8).then_some(())
            })
            .await;
        tokio::join!(stop(&mut processor), stop(&mut sender));
        (
            world.started("processor", &[]).await,
            world.started("sender", &[]).await,
        )
    };

    let (_, others) = tokio::join!(posting, restarting);

    check_books(&world, GUESTS).await;
    drop(others);
}

/// A world without a sender, in which the confirmations of so many guests wait to be sent.
async fn queued(guests: usize) -> World {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    for number in 0..guests {
        world.post(&confirmed(number)).await;
    }
    world
        .until("all ids are on the queue", async || {
            (world.depths().await.messages as usize >= guests).then_some(())
        })
        .await;
    world
}

async fn until_a_call_has_begun(world: &World) {
    world
        .until("a call has begun", async || {
            (!world.calls().await.is_empty()).then_some(())
        })
        .await;
}

// shows: G4
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_stopped_while_whatsapp_hangs_ends_in_time_and_loses_and_repeats_nothing() {
    const GUESTS: usize = 200;
    let mut world = queued(GUESTS).await;
    let hangs = json!({ "answer": { "cut": true, "accepted": true, "after_ms": 60_000 } });
    world.tell_sandbox("failures", &hangs).await;
    let mut sender = world.started("sender", &[]).await;
    until_a_call_has_begun(&world).await;

    stop(&mut sender).await;

    assert_eq!(world.calls().await.len(), 1, "nothing was begun after the stop");
    world.heal_sandbox().await;
    world.start_sender().await;
    check_books(&world, GUESTS).await;
}

// shows: G4
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_stopped_while_it_waits_for_its_numbers_pace_leaves_the_rest_to_the_others() {
    const GUESTS: usize = 100;
    let mut world = queued(GUESTS).await;
    let slow = [("SENDER_MESSAGES_PER_SECOND", "1")];
    let mut sender = world.started("sender", &slow).await;
    until_a_call_has_begun(&world).await;

    stop(&mut sender).await;

    world.start_sender().await;
    check_books(&world, GUESTS).await;
}

/// Requests go in turn to the ingests that said, when they were last asked, that they are ready.
struct Balancer<'w> {
    world: &'w World,
    ingests: [SocketAddr; 2],
    ready: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

impl Balancer<'_> {
    async fn look(&self) {
        let asked = self
            .ingests
            .map(|ingest| async move { self.world.is_ready(ingest).await.then_some(ingest) });
        let ready = join_all(asked).await.into_iter().flatten().collect();
        *self.ready.lock().unwrap() = ready;
    }

    async fn send(&self, event: &Event) -> Option<StatusCode> {
        let ingest = {
            let ready = self.ready.lock().unwrap();
            ready[self.turn.fetch_add(1, Ordering::Relaxed) % ready.len()]
        };
        self.world.send_to(ingest, event).await
    }

    async fn until_in_turn(&self, ingest: SocketAddr) {
        self.world
            .until("the balancer has found it ready", async || {
                self.ready.lock().unwrap().contains(&ingest).then_some(())
            })
            .await;
    }
}

// shows: G6
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_answers_every_request_and_loses_and_repeats_nothing() {
    let (world, processor, sender) = world().await;
    let lingering = [("INGEST_LINGER", "2s")];
    let ingests = [
        world.started("ingest", &lingering).await,
        world.started("ingest", &lingering).await,
    ];
    let balancer = Balancer {
        world: &world,
        ingests: [ingests[0].address(), ingests[1].address()],
        ready: Mutex::default(),
        turn: AtomicUsize::new(0),
    };
    let (sent, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let asking = async {
        while !over.load(Ordering::Relaxed) {
            balancer.look().await;
            tokio::time::sleep(HEALTH_CHECK_EVERY).await;
        }
    };
    let platform = async || {
        for ingest in balancer.ingests {
            balancer.until_in_turn(ingest).await;
        }
        while !over.load(Ordering::Relaxed) {
            let number = sent.fetch_add(1, Ordering::Relaxed);
            assert_eq!(balancer.send(&confirmed(number)).await, Some(StatusCode::OK));
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    let restarting = async {
        for ingest in balancer.ingests {
            balancer.until_in_turn(ingest).await;
        }
        let mut running = Vec::new();
        for mut old in [processor, sender] {
            running.push(world.started(old.name(), &[]).await);
            stop(&mut old).await;
        }
        for mut old in ingests {
            let address = old.address();
            stop(&mut old).await;
            let same_place = [("INGEST_ADDR", &*address.to_string()), lingering[0]];
            running.push(world.started("ingest", &same_place).await);
            balancer.until_in_turn(address).await;
        }
        over.store(true, Ordering::Relaxed);
        running
    };

    let (_, _, running) = tokio::join!(asking, join_all((0..PLATFORMS).map(|_| platform())), restarting);

    check_books(&world, sent.load(Ordering::Relaxed)).await;
    drop(running);
}
