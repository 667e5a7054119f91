//! `desk letters show`

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Refused};
use serde_json::Value;

use super::Office;

const PERSONAL: [&str; 4] = ["Ada", "Lovelace", "6912345678", "book.example"];

async fn show(office: &Office, more: &str) -> Value {
    let id = office.list("").await[0]["id"].clone();
    office.letters(&format!("show {id} --json{more}")).await.json()
}

#[tokio::test]
async fn a_messages_letter_tells_how_its_message_stands_and_masks_the_guest() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;

    let shown = show(&office, "").await;

    assert_eq!(shown["reason"], "refused");
    assert_eq!(shown["message"]["state"], "dead");
    assert_eq!(shown["guest"]["phone"], "+30•••••••678");
    let text = office.letters(&format!("show {}", shown["id"])).await;
    for personal in PERSONAL {
        assert!(!shown.to_string().contains(personal) && !text.check(0).stdout.contains(personal));
    }
    assert!(text.stdout.contains("+30•••••••678"), "{text:?}");
}

// shows: B106, T24
#[tokio::test]
async fn an_events_letter_is_opened_only_when_it_is_to_be_revealed_and_that_is_logged() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;

    let shown = show(&office, "").await;
    assert_eq!(shown["event"]["event"], "direct/evt_7");
    assert_eq!(shown["event"]["request_id"], "r-7");
    assert_eq!(shown["guest"]["phone"], "+30•••••••678");
    assert!(
        PERSONAL
            .iter()
            .all(|personal| !shown.to_string().contains(personal))
    );

    let id = &shown["id"];
    let ended = office.letters(&format!("show {id} --reveal --json")).await;
    let revealed = ended.json();
    assert_eq!(revealed["guest"]["phone"], "+306912345678");
    assert_eq!(revealed["content"]["details"]["room"], "Sea view");
    assert!(
        ended.stderr.contains("letter_revealed") && ended.stderr.contains("anna"),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("Ada"), "{ended:?}");
}

// shows: B105
#[tokio::test]
async fn a_letter_that_cannot_be_read_is_shown_with_its_bytes_and_closed() {
    let office = Office::open().await;
    office.publish("evt_1", None, b"not {json".to_vec()).await;

    let shown = show(&office, "").await;
    assert_eq!(shown["reason"], "delivery_limit");
    assert_eq!(shown["died_at_is_known"], false);
    assert_eq!(shown["size"], 9);
    assert!(shown["unreadable"].as_str().unwrap().contains("envelope"));
    assert_eq!(show(&office, " --reveal").await["content"], "not {json");

    let id = &shown["id"];
    office
        .letters(&format!("close {id} --note nonsense"))
        .await
        .check(0);
    let closed = &office.list("--closed").await[0];
    assert_eq!(
        (&closed["state"], &closed["closed_by"]),
        (&"closed".into(), &"anna".into())
    );
}

// shows: T24
#[tokio::test]
async fn a_note_is_told_of_and_shown_only_where_it_is_revealed() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();
    office
        .letters(&format!("close {id} --note Lovelace"))
        .await
        .check(0);

    let shown = office.letters(&format!("show {id}")).await;
    assert!(shown.check(0).stdout.contains("•••"), "{shown:?}");
    assert!(shown.stderr.contains("--reveal"), "{shown:?}");
    assert_eq!(office.list("--closed").await[0]["note"], "•••");
    assert_eq!(office.booking().await["letters"][0]["note"], "•••");

    let revealed = office.letters(&format!("show {id} --reveal --json")).await.json();
    assert_eq!(revealed["note"], "Lovelace");
    assert_eq!(office.trail().await[0]["action"], "letter_revealed");
    let booking = office
        .by_anna("bookings show azure-bay BK-1001 --reveal --json")
        .await
        .json();
    assert_eq!(booking["letters"][0]["note"], "Lovelace");
}

#[tokio::test]
async fn a_letter_that_does_not_exist_is_refused() {
    let office = Office::open().await;

    for command in ["show 7", "retry 7", "settle 7 --sent", "close 7 --note so"] {
        let ended = office.letters(command).await;
        assert!(ended.check(1).stderr.contains("no"), "{command}: {ended:?}");
    }
}

#[tokio::test]
async fn a_booking_is_shown_with_its_letters() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    office.list("").await;

    let shown = office.booking().await;

    assert_eq!(shown["letters"][0]["reason"], "refused");
}
