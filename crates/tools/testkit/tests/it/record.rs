//! The staff at work in the whole system, with no more rights than the desk has: what they do stands in the trail.

use domain::message::MessageState;
use serde_json::Value;
use testkit::world::{Event, RESORT, ResortFile, World};

use crate::scene::{ADA, REMINDER_1};

const BOOKING: &str = "BK-1";

async fn trail(world: &World) -> Vec<Value> {
    let listed = world.desk("audit list --json --reveal").await;
    serde_json::from_str(&listed.check(0).stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_do_stands_in_the_trail_under_their_names() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .post(&Event::new("booking_abandoned", BOOKING).of(ADA))
        .await;
    world.until_state(BOOKING, REMINDER_1, MessageState::Read).await;

    for command in [
        "staff add ben --note starts-on-Monday",
        &format!("bookings show {RESORT} {BOOKING} --reveal --note complaint"),
        &format!("pause --resort {RESORT} --note storm"),
        "resume --all",
        "keys reseal",
        "staff remove ben",
    ] {
        world.desk(command).await.check(0);
    }

    let told: Vec<String> = trail(&world)
        .await
        .iter()
        .rev()
        .map(|row| {
            let word = |field: &str| row[field].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("actor"), word("action"), word("reason"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "anna staff_added -",
            "anna staff_added starts-on-Monday",
            "anna booking_revealed complaint",
            "anna paused storm",
            "anna resumed -",
            "anna reseal_begun -",
            "anna reseal_ended -",
            "anna staff_removed -",
        ]
    );
}
