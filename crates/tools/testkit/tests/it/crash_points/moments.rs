//! Processors that die while they plan existing bookings with a new moment, and while they withdraw a removed one.

use domain::message::MessageState::{Queued, Withdrawn};
use domain::message::{MessageKind, MomentName};
use testkit::world::{Event, ResortFile, World};

use super::{check_books, dying_at, guest};

pub(super) const TRIED: &[&[&str]] = &[PLANNING];

const PLANNING: &[&str] = &["processor.moments.written", "processor.moments.committed"];

fn with_moment() -> ResortFile {
    ResortFile {
        sections: "[messages.own]\nat = \"check_in - 1d\"\ncategory = \"utility\"\n\
                   expires_after = \"60d\"\n"
            .to_owned(),
        ..ResortFile::patient()
    }
}

/// As if a minute had passed since the moments were noted or removed.
async fn a_minute_goes_by(world: &World) {
    let ages = "UPDATE moments SET since = since - interval '1 minute', planned_at = planned_at - interval '1 minute', \
                removed_at = removed_at - interval '1 minute'";
    world.database().execute(ages).await;
}

// shows: G3
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_comes_and_goes_for_existing_bookings_wherever_their_processor_dies() {
    let own = MessageKind::Moment(MomentName::parse("own").unwrap());
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    let (booking, phone) = guest(0);
    let stay = ("2090-06-01", "2090-06-08");
    world
        .post(&Event::confirmed(&booking, &phone).staying(stay.0, stay.1))
        .await;
    world.until_events(&booking, 1).await;

    world.write_resort(&with_moment());
    dies_at_each_point(&mut world, "removed_at IS NULL AND NOT is_planned").await;
    let planned = async || {
        let booking = world.booking(&booking).await?;
        let at = booking.wake_at?.to_rfc3339();
        (at == "2090-05-31T09:00:00+00:00").then_some(())
    };
    world
        .until("the booking is planned with the moment", planned)
        .await;

    // The time has come.
    let today = chrono::Utc::now().date_naive();
    let arrives = today.to_string();
    world
        .database()
        .execute("UPDATE moments SET since = since - interval '30 days'")
        .await;
    world
        .post(&Event::new("reservation_modified", &booking).staying(&arrives, stay.1))
        .await;
    let waits = async || {
        let message = world.message(&booking, own).await?;
        (message.existing.state == Queued).then_some(())
    };
    world.until("the moment's message waits", waits).await;

    world.write_resort(&ResortFile::patient());
    dies_at_each_point(&mut world, "removed_at IS NOT NULL").await;
    world.until_state(&booking, own, Withdrawn).await;

    world.start_sender().await;
    assert!(
        world
            .names_received_by(&phone)
            .await
            .iter()
            .all(|name| name == "confirmed")
    );
    check_books(&world).await;
}

/// The processor notes what is in the file; when that is a minute old, it dies at each point, and is replaced.
async fn dies_at_each_point(world: &mut World, noted: &str) {
    world.replace("processor", &dying_at(PLANNING[0])).await;
    let count = format!("SELECT count(*) AS count FROM moments WHERE {noted}");
    let is_noted = async || (world.database().count(&count).await == 1).then_some(());
    world.until(noted, is_noted).await;
    a_minute_goes_by(world).await;
    world.until_dead("processor", PLANNING[0]).await;
    world.replace("processor", &dying_at(PLANNING[1])).await;
    world.until_dead("processor", PLANNING[1]).await;
    world.replace("processor", &[]).await;
}
