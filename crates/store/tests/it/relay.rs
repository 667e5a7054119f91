//! Ids are handed out when they are due, and again until somebody claims them.

use chrono::TimeDelta;
use domain::after_call::NextStep;
use domain::dead_letter::DeadLetterReason;
use domain::event::EventType::BookingStarted;
use domain::ids::MessageId;
use domain::message::MessageKind::Reminder1;
use store::relay;
use tokio::sync::oneshot;

use crate::scene::Scene;

async fn take(scene: &Scene) -> Vec<MessageId> {
    scene.run(|c, _| relay::take_due(c, 10)).await
}

#[derive(diesel::QueryableByName)]
struct Pause {
    #[diesel(sql_type = diesel::sql_types::Double)]
    seconds: f64,
}

/// How long until the only message is handed out again.
async fn pause(scene: &Scene) -> TimeDelta {
    let pause = scene
        .run(|c, _| {
            use diesel::RunQueryDsl;
            let query =
                "SELECT extract(epoch FROM publish_at - clock_timestamp())::float8 AS seconds FROM messages";
            Ok(diesel::sql_query(query).get_result::<Pause>(c).unwrap())
        })
        .await;
    TimeDelta::seconds(pause.seconds.ceil() as i64)
}

// shows: G15
#[tokio::test]
async fn an_id_nobody_claims_comes_again_after_pauses_that_double_up_to_half_an_hour() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;

    for expected in [30, 60, 120, 240, 480, 960, 1_800, 1_800] {
        assert_eq!(take(&scene).await, [id]);
        assert!(take(&scene).await.is_empty());
        assert_eq!(pause(&scene).await, TimeDelta::seconds(expected));
        scene
            .sql("UPDATE messages SET publish_at = clock_timestamp()")
            .await;
    }
}

#[tokio::test]
async fn an_id_that_could_not_be_published_comes_again_soon_and_at_no_cost() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    take(&scene).await;

    scene.run(move |c, _| relay::give_back(c, &[id])).await;

    assert!(pause(&scene).await <= TimeDelta::seconds(1));
    scene
        .sql("UPDATE messages SET publish_at = clock_timestamp()")
        .await;
    take(&scene).await;
    assert_eq!(pause(&scene).await, TimeDelta::seconds(30));
}

#[tokio::test]
async fn what_is_not_due_or_not_queued_is_not_handed_out() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.happens(BookingStarted, "BK-1", 5).await;
    assert!(take(&scene).await.is_empty());

    scene.due_reminder("BK-2").await;
    scene.claimed("BK-2").await;
    assert!(take(&scene).await.is_empty());
}

// shows: G16
#[tokio::test]
async fn a_dead_message_has_one_letter_which_is_published_once() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    scene
        .answered(call, NextStep::GiveUp(DeadLetterReason::Refused))
        .await;

    let letters = scene
        .run(|c, _| {
            let letters = relay::list_letters(c, 10)?;
            relay::mark_letters_published(c, &letters)?;
            Ok(letters)
        })
        .await;

    let [letter] = letters.as_slice() else {
        panic!("{letters:?}");
    };
    assert_eq!(
        (letter.id, letter.reason.as_str(), letter.attempts),
        (id.0, "refused", 1)
    );
    assert_eq!(letter.kind, Reminder1.as_str());
    assert!(scene.run(|c, _| relay::list_letters(c, 10)).await.is_empty());
}

// shows: B109
#[tokio::test]
async fn a_message_that_dies_once_more_while_its_letter_is_published_gets_a_second_letter() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let dies = async || {
        let call = scene.claimed("BK-1").await;
        scene
            .answered(call, NextStep::GiveUp(DeadLetterReason::Refused))
            .await;
        scene.run(|c, _| relay::list_letters(c, 10)).await
    };
    let first = dies().await;
    scene
        .sql("UPDATE messages SET state = 'queued', letter_due = false")
        .await;

    let second = dies().await;
    scene
        .run(move |c, _| relay::mark_letters_published(c, &first))
        .await;

    let waiting = scene.run(|c, _| relay::list_letters(c, 10)).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].attempts, waiting[0].died_at), (2, second[0].died_at));
}

#[tokio::test]
async fn an_id_that_another_relay_is_taking_is_left_to_it_and_the_others_go() {
    let scene = Scene::new().await;
    let (first, second) = (scene.due_reminder("BK-1").await, scene.due_reminder("BK-2").await);
    let (taken, wait_until_taken) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();

    let one = scene.run(move |c, _| {
        let ids = relay::take_due(c, 1)?;
        taken.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(ids)
    });
    let other = async {
        wait_until_taken.await.unwrap();
        let ids = take(&scene).await;
        go_on.send(()).unwrap();
        ids
    };
    let (one, other) = tokio::join!(one, other);

    assert_eq!((one, other), (vec![first], vec![second]));
}
