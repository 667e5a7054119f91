//! Messages that a sender could not prepare are handed out as soon as one can.

use domain::ids::MessageId;
use store::claims::{self, Lacks};
use store::relay;

use crate::scene::Scene;

impl Scene {
    /// A reminder whose id was handed out, whose sender could not prepare it, and whose next turn is far away.
    async fn unprepared(&self, booking: &str, lacks: Lacks) -> MessageId {
        let id = self.due_reminder(booking).await;
        assert_eq!(self.handed_out().await, [id]);
        self.sql("UPDATE messages SET publishes = 7, publish_at = now() + interval '30 minutes'")
            .await;
        self.run(move |c, _| claims::note_unprepared(c, &[(id, lacks)]))
            .await;
        id
    }

    async fn handed_out(&self) -> Vec<MessageId> {
        self.run(|c, _| relay::take_due(c, 10)).await
    }

    async fn files_can_be_read(&self, resorts: &'static [&str]) -> usize {
        self.run(move |c, _| claims::retry_of_resorts(c, resorts, 10))
            .await
    }

    async fn look_for_mended_bookings(&self) -> usize {
        self.run(|c, planner| claims::retry_of_mended_bookings(c, &planner.ring, 20))
            .await
    }
}

// shows: B95
#[tokio::test]
async fn what_waited_for_its_resorts_file_is_handed_out_once_that_can_be_read() {
    let scene = Scene::new().await;
    let id = scene.unprepared("BK-1", Lacks::ResortFile).await;

    assert_eq!(scene.files_can_be_read(&["white-cliff"]).await, 0);
    assert!(scene.handed_out().await.is_empty());

    assert_eq!(scene.files_can_be_read(&["azure-bay", "white-cliff"]).await, 1);
    assert_eq!(scene.handed_out().await, [id]);
    assert_eq!(scene.files_can_be_read(&["azure-bay"]).await, 0, "once");
}

// shows: G12
#[tokio::test]
async fn what_is_not_due_or_not_queued_any_more_is_not_handed_out() {
    for change in [
        "UPDATE messages SET due_at = now() + interval '1 hour'",
        "UPDATE messages SET state = 'withdrawn', publish_at = NULL",
    ] {
        let scene = Scene::new().await;
        scene.unprepared("BK-1", Lacks::ResortFile).await;
        scene.sql(change).await;

        scene.files_can_be_read(&["azure-bay"]).await;

        assert!(scene.handed_out().await.is_empty(), "{change}");
        assert_eq!(scene.files_can_be_read(&["azure-bay"]).await, 0, "{change}");
    }
}

// shows: B95
#[tokio::test]
async fn what_waited_for_a_damaged_booking_is_handed_out_once_that_can_be_read() {
    let scene = Scene::new().await;
    let id = scene.unprepared("BK-1", Lacks::Booking).await;
    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00'")
        .await;

    assert_eq!(scene.look_for_mended_bookings().await, 0);
    assert_eq!(scene.files_can_be_read(&["azure-bay"]).await, 0);
    assert!(scene.handed_out().await.is_empty());

    scene
        .sql("UPDATE bookings SET sealed_facts = substring(sealed_facts FOR length(sealed_facts) - 1)")
        .await;
    assert_eq!(scene.look_for_mended_bookings().await, 1);
    assert_eq!(scene.handed_out().await, [id]);
}
