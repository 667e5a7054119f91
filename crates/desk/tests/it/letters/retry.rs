//! `desk letters retry`

use broker::consumer::Consumer;
use broker::topology::Queue;
use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Crashed, Refused};

use super::{Office, envelope};

#[tokio::test]
async fn a_message_goes_back_into_its_queue_once() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();

    let first = office.letters(&format!("retry {id}")).await;
    let second = office.letters_by("ben", &format!("retry {id}")).await;

    assert_eq!(first.check(0).stdout, format!("letter {id}: retried\n"));
    assert!(
        second
            .check(1)
            .stderr
            .contains(&format!("letter {id}: anna was first: retried at ")),
        "{second:?}"
    );
    let reminder = office.reminder().await;
    assert_eq!(
        (&reminder["state"], &reminder["attempts"]),
        (&"queued".into(), &1.into())
    );
    let letter = &office.list("--closed").await[0];
    assert_eq!(
        (&letter["state"], &letter["message_state"]),
        (&"retried".into(), &"queued".into())
    );
}

#[tokio::test]
async fn a_message_that_would_be_wrong_now_is_refused_with_the_reason() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();
    office
        .database
        .execute("UPDATE messages SET state = 'delivered', reason = NULL")
        .await;

    let ended = office.letters(&format!("retry {id}")).await;

    assert!(
        ended
            .check(1)
            .stderr
            .contains(&format!("letter {id}: refused: sent_after_all")),
        "{ended:?}"
    );
    assert_eq!(ended.stdout, "");
}

// shows: B108
#[tokio::test]
async fn an_event_is_published_once_more_as_it_was() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    let id = office.list("").await[0]["id"].clone();

    office.letters(&format!("retry {id}")).await.check(0);

    let mut consumer = Consumer::new(
        office.address.clone(),
        Queue::Events,
        10,
        office.publisher.clone(),
    );
    let batch = consumer.next_batch(10).await;
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].message_id, "direct/evt_7");
    assert_eq!(batch[0].kind, "booking_abandoned");
    let event = broker::envelope::Envelope::decode(&batch[0].body).unwrap();
    assert_eq!(
        (event.event_id, event.received_at),
        (envelope("evt_7").event_id, envelope("evt_7").received_at)
    );
    assert_eq!(office.list("--closed").await[0]["state"], "retried");
}

#[tokio::test]
async fn an_event_that_cannot_be_published_keeps_its_letter_open_and_a_message_needs_no_broker() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    office.reminder_is_dead_lettered(Refused).await;
    let letters = office.list("").await;
    let (event, message) = (&letters[0]["id"], &letters[1]["id"]);
    let nowhere = "amqp://u:hunter2@127.0.0.1:1/%2f";

    let ended = office
        .letters_at(nowhere, "anna", &format!("retry {event} {message}"))
        .await;

    assert!(ended.check(1).stderr.contains("stays open"), "{ended:?}");
    assert_eq!(ended.stdout, format!("letter {message}: retried\n"));
    let open = office.list("").await;
    assert_eq!((open.len(), &open[0]["id"]), (1, event));
}

#[tokio::test]
async fn all_letters_of_a_filter_are_retried_in_pages_with_progress_on_stderr() {
    let office = Office::open().await;
    for number in 0..70 {
        office
            .event_is_dead_lettered(&format!("evt_{number}"), CannotBeApplied)
            .await;
    }
    office.event_is_dead_lettered("evt_other", Crashed).await;
    office.reminder_is_dead_lettered(Refused).await;

    let ended = office.letters("retry --all --reason cannot_be_applied").await;

    assert_eq!(ended.check(0).stdout, "70 retried\n");
    let progress: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.ends_with(" of 70"))
        .collect();
    assert_eq!(progress, ["50 of 70", "70 of 70"]);
    assert_eq!(office.depths().await.events, 70);
    assert_eq!(office.list("").await.len(), 2);
    let again = office.letters("retry --all --reason cannot_be_applied").await;
    assert_eq!(again.check(0).stdout, "0 retried\n");
}

#[tokio::test]
async fn a_dry_run_tells_what_would_happen_and_changes_nothing() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    office.reminder_is_dead_lettered(Refused).await;
    office
        .database
        .execute("INSERT INTO guests (resort, phone_hash, opted_out_at) SELECT resort, phone_hash, now() FROM bookings")
        .await;

    let rehearsed = office.letters("retry --all --dry-run").await;

    let told = "1 would be retried\n1 refused: opted_out\n";
    assert_eq!(rehearsed.check(1).stdout, told);
    assert!(
        rehearsed.stderr.contains("2 of 2, refused 1 (opted_out 1)"),
        "{rehearsed:?}"
    );
    assert_eq!(office.list("").await.len(), 2);
    assert_eq!(office.depths().await.events, 0);
    assert_eq!(office.reminder().await["state"], "dead");
    let carried_out = office.letters("retry --all").await;
    assert_eq!(carried_out.check(1).stdout, "1 retried\n1 refused: opted_out\n");
}
