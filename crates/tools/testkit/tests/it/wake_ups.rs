//! Timers of bookings that stand beside such as cannot be planned.

use domain::message::MessageState::Read;
use testkit::world::{Event, ResortFile, World};

use crate::scene::REMINDER_1;

const DUE: &str = "UPDATE bookings SET wake_at = clock_timestamp() - interval '2 minutes'";

/// Bookings whose timers stand where they belong again: at the second reminder, a day from now.
async fn planned(world: &World, bookings: &str) -> i64 {
    let planned = format!(
        "SELECT count(*) AS count FROM bookings WHERE wake_at > now() + interval '1 hour' AND id = ANY('{{{bookings}}}')"
    );
    world.database().count(&planned).await
}

/// `BK-0` to `BK-9` have got their first reminder.
async fn reminded() -> World {
    let world = World::start(&ResortFile::patient()).await;
    for number in 0..10 {
        let phone = format!("+3069{number:08}");
        world
            .post(&Event::abandoned(&format!("BK-{number}"), &phone))
            .await;
    }
    for number in 0..10 {
        world.until_state(&format!("BK-{number}"), REMINDER_1, Read).await;
    }
    world
}

// shows: G11
#[tokio::test(flavor = "multi_thread")]
async fn bookings_that_cannot_be_planned_are_left_aside_with_their_names_and_the_others_wake() {
    let world = reminded().await;
    let locked = "SELECT 1 FROM messages WHERE booking_key = 'azure-bay/BK-1' FOR UPDATE";
    let lock = world.database().hold(locked).await;
    let newer = "UPDATE messages SET state = 'tomorrow' WHERE booking_key = 'azure-bay/BK-4'";
    world.database().execute(newer).await;
    let damaged = "UPDATE bookings SET sealed_facts = sealed_facts || '\\x00' WHERE id = 'BK-7'";
    world.database().execute(damaged).await;

    world.database().execute(DUE).await;

    world
        .until("the others are planned", async || {
            (planned(&world, "BK-0,BK-2,BK-3,BK-5,BK-6,BK-8,BK-9").await == 7).then_some(())
        })
        .await;
    for booking in ["BK-4", "BK-7"] {
        let alert = format!("azure-bay/{booking}");
        world
            .until(&format!("an alert names {booking}"), async || {
                let logs = world.logs();
                let mut alerts = logs.lines().filter(|line| line.contains("booking left aside"));
                alerts.any(|line| line.contains(&alert)).then_some(())
            })
            .await;
    }

    // Nothing is wrong with the one whose message is locked: it is tried again within seconds, and no alert names it.
    let soon =
        "SELECT count(*) AS count FROM bookings WHERE id = 'BK-1' AND wake_at < now() + interval '6 seconds'";
    assert_eq!(world.database().count(soon).await, 1);
    let logs = world.logs();
    let mut alerts = logs.lines().filter(|line| line.contains("\"alert\":\""));
    assert!(!alerts.any(|line| line.contains("azure-bay/BK-1\"")));
    drop(lock);
    world
        .until("it is planned once the lock is gone", async || {
            (planned(&world, "BK-1").await == 1).then_some(())
        })
        .await;
    let mended = "UPDATE messages SET state = 'read' WHERE booking_key = 'azure-bay/BK-4'";
    world.database().execute(mended).await;
    let due = format!("{DUE} WHERE id = 'BK-4'");
    world.database().execute(&due).await;

    world
        .until("the one that can be is planned too", async || {
            (planned(&world, "BK-4").await == 1).then_some(())
        })
        .await;
}
