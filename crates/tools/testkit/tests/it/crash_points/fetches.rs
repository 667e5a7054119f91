//! Processors that die while they ask a platform for what its webhook left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::message::MessageState::Read;
use serde_json::{Value, json};
use testkit::platform::{Asked, Platform, Reply};
use testkit::world::{ResortFile, World};

use super::{check_books, check_guest, dying_at, guest, half_an_hour_goes_by};
use crate::scene::CONFIRMATION;

pub(super) const TRIED: &[&[&str]] = &[ASKING, GIVING_UP];

const ASKING: &[&str] = &[
    "processor.fetches.claimed",
    "processor.fetches.answered",
    "processor.fetches.published",
    "processor.fetches.removed",
];
const GIVING_UP: &[&str] = &["processor.fetches.given_up"];

fn source(platform: &Platform) -> String {
    let address = platform.address();
    format!(
        "resorts = ['azure-bay']\nplatform = 'apaleo'\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:key']\n\
         [properties]\nBER = 'azure-bay'\n\
         [fetch]\nurl = 'http://{address}/reservations/{{booking.id}}'\nhosts = ['127.0.0.1']\nper_second = 100\n\
         auth = {{ scheme = 'bearer', secret = 'plain:hunter2' }}\n"
    )
}

fn webhook(booking: &str) -> Value {
    json!({
        "topic": "Reservation", "type": "created", "id": format!("evt-{booking}"), "propertyId": "BER",
        "data": { "entityId": booking },
    })
}

async fn posts(world: &World, booking: &str) {
    let body = webhook(booking).to_string().into_bytes();
    let (status, answer) = world.send_as("/webhooks/apaleo", "key", body).await;
    assert_eq!(status, 200, "{answer}");
}

/// What the platform tells of a booking.
fn reservation(asked: &Asked) -> Reply {
    let number = asked
        .line
        .trim_start_matches("GET /reservations/BK-")
        .parse()
        .unwrap();
    let (booking, phone) = guest(number);
    Reply::json(json!({
        "id": booking, "arrival": "2099-12-20", "departure": "2099-12-27", "channelCode": "Direct",
        "primaryGuest": { "firstName": "Ada", "phone": phone },
    }))
}

/// A lease ends, or a pause.
async fn it_is_time(world: &World) {
    world
        .database()
        .execute("UPDATE fetches SET due_at = clock_timestamp()")
        .await;
}

// shows: G3, G37
#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_leaves_out_is_asked_for_and_applied_once_wherever_its_processor_dies() {
    let platform = Platform::start(reservation).await;
    let mut world = World::start(&ResortFile::patient()).await;
    world.add_source("apaleo", &source(&platform)).await;

    for (number, point) in ASKING.iter().enumerate() {
        let (booking, _) = guest(number);
        world.replace("processor", &dying_at(point)).await;
        posts(&world, &booking).await;
        world.until_dead("processor", point).await;
        it_is_time(&world).await;
        world.replace("processor", &[]).await;
        world.until_events(&booking, 2).await;
        half_an_hour_goes_by(&world).await;
        world.until_state(&booking, CONFIRMATION, Read).await;
    }

    for number in 0..ASKING.len() {
        check_guest(&world, number, 2, &["confirmed"]).await;
    }
    // A webhook whose delivery was not acknowledged comes again, and is asked for again after its end.
    let left = "SELECT count(*) AS count FROM fetches";
    let none_is_left = async || (world.database().count(left).await == 0).then_some(());
    world.until("everything was asked for", none_is_left).await;
    check_books(&world).await;
}

// shows: G16, G39
#[tokio::test(flavor = "multi_thread")]
async fn what_a_platform_does_not_tell_has_one_letter_wherever_its_processor_dies_and_is_asked_for_again() {
    let is_known = Arc::new(AtomicBool::new(false));
    let knows = Arc::clone(&is_known);
    let platform = Platform::start(move |asked| match knows.load(Ordering::Relaxed) {
        false => Reply::status(404),
        true => reservation(asked),
    })
    .await;
    let mut world = World::start(&ResortFile::patient()).await;
    world.add_source("apaleo", &source(&platform)).await;
    world.replace("processor", &[]).await;
    let (booking, _) = guest(0);
    posts(&world, &booking).await;
    let refused = "SELECT count(*) AS count FROM fetches WHERE refusals = 1";
    let is_refused = async || (world.database().count(refused).await == 1).then_some(());
    world.until("the platform refuses once", is_refused).await;
    world.kill_processors();
    world.database().execute("UPDATE fetches SET refusals = 3").await;

    for point in GIVING_UP {
        it_is_time(&world).await;
        world.replace("processor", &dying_at(point)).await;
        world.until_dead("processor", point).await;
    }
    it_is_time(&world).await;
    world.replace("processor", &[]).await;
    let twice = async || (world.depths().await.dead_events > 1).then_some(());
    world.until("it is given up twice", twice).await;

    let letters = world.letters("--kind events").await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["reason"], json!("fetch_failed"));
    assert_eq!(letters[0]["error"], json!("the platform answered 404"));
    is_known.store(true, Ordering::Relaxed);
    world
        .desk("letters retry --all --reason fetch_failed")
        .await
        .check(0);
    world.until_state(&booking, CONFIRMATION, Read).await;
    check_guest(&world, 0, 2, &["confirmed"]).await;
    check_books(&world).await;
}
