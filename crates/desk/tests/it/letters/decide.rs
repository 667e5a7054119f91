//! `desk letters edit`, `settle` and `close`

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, OutcomeUnknown, Refused};
use serde_json::json;

use super::Office;

#[tokio::test]
async fn a_number_is_put_right_and_the_message_can_go() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();

    let ended = office.letters(&format!("edit {id} --phone 691-234-5670")).await;

    assert!(
        ended
            .check(0)
            .stdout
            .contains("the phone number for azure-bay/BK-1001 is now +30•••••••670"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains(&format!("desk letters retry {id}")),
        "{ended:?}"
    );
    let facts = &office.booking().await["facts"];
    assert_eq!(facts["phone"]["value"], "+30•••••••678");
    assert_eq!(facts["corrected_phone"]["value"], "+30•••••••670");
    assert_eq!(facts["corrected_phone"]["event"], "desk/anna");
    let shown = office.letters(&format!("show {id} --json")).await.json();
    assert_eq!(shown["guest"]["phone"], "+30•••••••670");
    office.letters(&format!("retry {id}")).await.check(0);
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_and_not_repeated() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();

    let ended = office.letters(&format!("edit {id} --phone +3069123")).await;

    assert!(
        ended.check(1).stderr.contains("refused: invalid_phone"),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("69123"), "{ended:?}");
    assert_eq!(office.booking().await["facts"]["corrected_phone"], json!(null));
}

#[tokio::test]
async fn a_message_that_a_person_knows_to_be_sent_counts_as_sent() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(OutcomeUnknown).await;
    let id = office.list("").await[0]["id"].clone();

    office.letters(&format!("settle {id} --sent")).await.check(0);
    let second = office.letters_by("ben", &format!("settle {id} --not-sent")).await;

    assert!(
        second
            .check(1)
            .stderr
            .contains("anna was first: settled as sent at "),
        "{second:?}"
    );
    let booking = office.booking().await;
    assert_eq!(booking["messages"][0]["state"], "sent");
    assert_eq!(booking["to_come"][0]["kind"], "reminder_2");
    let letter = &office.list("--closed").await[0];
    assert_eq!(
        (&letter["state"], &letter["settled_as"]),
        (&json!("settled"), &json!("sent"))
    );
}

#[tokio::test]
async fn a_message_that_did_not_go_is_left_at_that() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(OutcomeUnknown).await;
    let id = office.list("").await[0]["id"].clone();

    office.letters(&format!("settle {id} --not-sent")).await.check(0);

    assert_eq!(office.reminder().await["state"], "dead");
    assert_eq!(office.list("--closed").await[0]["settled_as"], "not_sent");
}

#[tokio::test]
async fn an_events_letter_has_no_message_to_speak_of() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    let id = office.list("").await[0]["id"].clone();

    for command in [
        format!("settle {id} --sent"),
        format!("edit {id} --phone 6912345670"),
    ] {
        let ended = office.letters(&command).await;
        assert!(
            ended.check(1).stderr.contains("refused: not_a_message"),
            "{ended:?}"
        );
    }
}

// shows: B113
#[tokio::test]
async fn a_decision_that_came_too_late_names_the_first_person_and_where_the_reason_is() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    let id = office.list("").await[0]["id"].clone();
    office
        .letters(&format!("close {id} --note test-data"))
        .await
        .check(0);

    let ended = office.letters_by("ben", &format!("retry {id}")).await;

    let told = format!("letter {id}: anna was first: closed at ");
    assert!(ended.check(1).stderr.contains(&told), "{ended:?}");
    let hint = format!("; desk letters show {id} --reveal shows the reason");
    assert!(ended.stderr.contains(&hint), "{ended:?}");
    assert!(!ended.stderr.contains("test-data"), "{ended:?}");
}

// shows: T31
#[tokio::test]
async fn the_right_number_is_read_from_stdin_and_stands_in_no_history() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();

    let ended = office
        .by_anna_saying(&format!("letters edit {id} --phone -"), "691-234-5670\n")
        .await;

    assert!(ended.check(0).stdout.contains("+30•••••••670"), "{ended:?}");
}
