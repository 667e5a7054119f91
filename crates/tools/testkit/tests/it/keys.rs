//! A key is taken out of the ring before its time: each program that needs it reports so at its start, not when the first guest is missed.

use testkit::world::{Event, ResortFile, Secrets, World};

use crate::scene::ADA;

const ANOTHER: &str = "second:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

/// The ring of the world, its first key replaced.
fn without_the_first() -> String {
    let keys = Secrets::default().keys;
    let lookup = keys.split(',').nth(1).unwrap().trim();
    format!("{ANOTHER},{lookup}")
}

// shows: T22
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_gone_and_needed_still_is_told_by_each_program_that_needs_it() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.post(&Event::started("BK-1", ADA)).await;
    world.until_events("BK-1", 1).await;
    let told = |world: &World, program: &str| -> usize {
        let logs = world.logs_by_program();
        let lines = logs[program].lines().map(str::to_owned);
        lines
            .filter(|line| line.contains(r#""alert":"keys_missing""#))
            .inspect(|line| assert!(line.contains(r#""key":"first""#), "{line}"))
            .count()
    };
    assert_eq!((told(&world, "processor"), told(&world, "sender")), (0, 0));

    let ring = without_the_first();
    for (program, tables) in [("processor", 2), ("sender", 1)] {
        // Asked to stop, it acknowledges what it has applied: killed, the next one might be given it, which cannot read it.
        world.signal(program, "TERM");
        world
            .until("it has ended", async || world.is_dead(program).then_some(()))
            .await;
        world.replace(program, &[("BELLHOP_KEYS", &ring)]).await;
        world
            .until("the key is missed", async || {
                (told(&world, program) == tables).then_some(())
            })
            .await;
    }
}
