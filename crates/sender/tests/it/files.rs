//! Resort files and bookings that cannot be read for a while.

use domain::message::MessageState::{Queued, Sent};
use testkit::world::ResortFile;

use crate::scene::{ADA, BOB, CONFIRMATION, Scene, confirmed};

// shows: B95, G12
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_resorts_file_is_gone_stays_queued_and_goes_when_the_file_is_back() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    scene.change_file(None);

    scene.send().await;
    scene.maintain_and_send().await;
    scene.check("BK-1", CONFIRMATION, Queued).await;
    // It has been so for hours.
    let come_and_gone = "UPDATE messages SET publishes = 9, publish_at = now() + interval '30 minutes'";
    scene.database.execute(come_and_gone).await;
    scene.change_file(Some(&ResortFile::patient()));
    scene.maintain_and_send().await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 1);
    assert_eq!(scene.metric("bellhop_messages_without_resort_total"), 1.0);
}

// shows: B95, G12
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_booking_stops_no_other_and_its_message_goes_when_it_is_mended() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    scene.apply(confirmed("BK-2", BOB)).await;
    let damage = "CREATE TABLE kept AS SELECT key, sealed_facts FROM bookings; \
                  UPDATE bookings SET sealed_facts = 'damaged' WHERE id = 'BK-1'";
    scene.database.execute(damage).await;

    scene.send().await;
    scene.check("BK-1", CONFIRMATION, Queued).await;
    scene.check("BK-2", CONFIRMATION, Sent).await;
    let mend = "UPDATE bookings b SET sealed_facts = k.sealed_facts FROM kept k WHERE k.key = b.key";
    scene.database.execute(mend).await;
    scene.maintain_and_send().await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(scene.metric("bellhop_messages_of_damaged_bookings_total"), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resort_that_goes_into_test_mode_sends_nothing_that_was_planned_before() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    scene.change_file(Some(&ResortFile {
        top: format!("mode = \"test\"\ntest_numbers = [\"{BOB}\"]"),
        ..ResortFile::patient()
    }));

    scene.send().await;

    assert!(scene.calls().await.is_empty());
}

// shows: G36
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_prepared_by_an_older_file_goes_by_the_new_one() {
    let one_a_second = |settings: &mut sender::Settings| settings.per_second = std::num::NonZeroU32::MIN;
    let scene = Scene::with(&ResortFile::patient(), one_a_second).await;
    scene.confirm(3).await;
    let change = async {
        while scene.calls().await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        scene.change_file(Some(&ResortFile {
            top: format!("mode = \"test\"\ntest_numbers = [\"{BOB}\"]"),
            ..ResortFile::patient()
        }));
    };

    tokio::join!(scene.send(), change);

    assert_eq!((scene.calls().await.len(), scene.count(Queued).await), (1, 2));
}
