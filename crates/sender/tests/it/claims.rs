//! Who may call, and when.

use std::time::Duration;

use domain::message::MessageState::{Expired, Queued, Sending, Sent, Withdrawn};
use domain::message::Reason;

use crate::scene::{ADA, CONFIRMATION, REMINDER_1, Scene, abandoned, confirmed};

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_come_twice_cause_one_call() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    let due = scene.due().await;

    for _ in 0..2 {
        scene.sender.send_once(due.clone()).await.unwrap();
    }

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 1);
    assert_eq!(scene.calls().await.len(), 1);
}

// shows: G20
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_come_in_several_batches_at_once_cause_one_call_each() {
    const GUESTS: usize = 30;
    let scene = Scene::new().await;
    scene.confirm(1).await;
    // The route is healthy: its messages are claimed together.
    scene.send().await;
    scene.confirm(GUESTS).await;
    let due = scene.due().await;

    scene.sender.send_often(due, 6).await.unwrap();

    assert_eq!(scene.calls().await.len(), GUESTS);
    assert_eq!(scene.count(Sent).await, i64::try_from(GUESTS).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_senders_with_the_same_ids_call_once_for_each_message() {
    const GUESTS: usize = 30;
    let scene = Scene::new().await;
    let other = scene.another_sender();
    scene.confirm(GUESTS).await;
    let due = scene.due().await;

    let (one, two) = tokio::join!(scene.sender.send_once(due.clone()), other.send_once(due));

    one.unwrap();
    two.unwrap();
    // A message that one was just claiming when the other looked is sent by the first.
    assert_eq!(scene.count(Sent).await, i64::try_from(GUESTS).unwrap());
    assert_eq!(scene.calls().await.len(), GUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_no_message_cause_no_call() {
    let scene = Scene::new().await;
    let nothing = domain::ids::MessageId(uuid::Uuid::now_v7());

    scene.sender.send_once(vec![nothing]).await.unwrap();

    assert!(scene.calls().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_due_yet_stays_queued() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    let due = scene.due().await;
    let later = "UPDATE messages SET due_at = clock_timestamp() + interval '1 minute'";
    scene.database.execute(later).await;

    scene.sender.send_once(due).await.unwrap();

    scene.check("BK-1", CONFIRMATION, Queued).await;
    assert!(scene.calls().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_stop_nothing_more_is_claimed() {
    let scene = Scene::new().await;
    scene.confirm(5).await;
    let due = scene.due().await;
    scene.stop();

    scene.sender.send_once(due).await.unwrap();

    assert_eq!(scene.count(Queued).await, 5);
    let attempts = "SELECT sum(attempts)::bigint AS count FROM messages";
    assert_eq!(scene.database.count(attempts).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_has_become_too_late_ends_by_its_claim() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    scene
        .database
        .execute("UPDATE messages SET expires_at = clock_timestamp()")
        .await;

    scene.send().await;

    let ended = scene.check("BK-1", CONFIRMATION, Expired).await;
    assert_eq!(ended.existing.attempts, 0);
    assert!(scene.calls().await.is_empty());
    let series = r#"bellhop_messages_total{kind="reservation_confirmation",outcome="expired"}"#;
    assert_eq!(scene.metric(series), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_not_sent_to_a_guest_who_has_booked_elsewhere_meanwhile() {
    let scene = Scene::new().await;
    scene.apply(abandoned("CART-1", ADA)).await;
    // The sender's claim looks at this reservation itself: nothing has planned the cart again.
    scene.apply(confirmed("BK-1", ADA)).await;

    scene.send().await;

    let ended = scene.check("CART-1", REMINDER_1, Withdrawn).await;
    assert_eq!(ended.existing.reason, Some(Reason::BookedElsewhere));
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_whose_cart_became_a_reservation_is_not_sent() {
    let scene = Scene::new().await;
    scene.apply(abandoned("CART-1", ADA)).await;
    let due = scene.due().await;
    let mut booked = confirmed("BK-1", ADA);
    booked.details.cart = Some(domain::ids::BookingId::parse("CART-1").unwrap());
    scene.apply(booked).await;

    scene.sender.send_once(due).await.unwrap();
    scene.send().await;

    let ended = scene.check("CART-1", REMINDER_1, Withdrawn).await;
    assert_eq!(ended.existing.reason, Some(Reason::BecameReservation));
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: G20
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_took_too_long_is_given_back_without_a_call() {
    let scene = Scene::new().await;
    let slow = "CREATE FUNCTION dawdle() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sending' AND new.attempts = 1 THEN PERFORM pg_sleep(2.1); END IF; RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER dawdle BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION dawdle()";
    scene.database.execute(slow).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    let released = scene.check("BK-1", CONFIRMATION, Queued).await;
    scene.next_try_is_due().await;
    scene.send().await;

    assert_eq!(released.existing.attempts, 1);
    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(scene.calls().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_postgres_does_not_take_back_does_not_keep_its_sender() {
    let scene = Scene::new().await;
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sending' THEN PERFORM pg_sleep(2.1); END IF; \
         IF old.state = 'sending' THEN RAISE 'refused' USING ERRCODE = '22000'; END IF; \
         RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION refuse()";
    scene.database.execute(refuse).await;
    scene.apply(confirmed("BK-1", ADA)).await;

    let sending = tokio::time::timeout(Duration::from_secs(15), scene.send());

    assert!(sending.await.is_ok(), "it still tries");
    scene.check("BK-1", CONFIRMATION, Sending).await;
    assert!(scene.calls().await.is_empty());
}
