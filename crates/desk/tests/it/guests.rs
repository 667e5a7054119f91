//! `desk guests …`

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Refused};
use serde_json::Value;

use crate::letters::Office;
use crate::program::{CONFIG, Ended};

const ADA: &str = "+306912345678";
const PERSONAL: [&str; 4] = ["Ada", "Lovelace", "6912345678", "book.example"];

impl Office {
    async fn guests(&self, arguments: &str, stdin: &str) -> Ended {
        self.by_anna_saying(&format!("guests {arguments}"), stdin).await
    }
}

#[track_caller]
fn check_masked(ended: &Ended) {
    for personal in PERSONAL {
        let told = ended.stdout.contains(personal) || ended.stderr.contains(personal);
        assert!(!told, "{personal}: {ended:?}");
    }
}

// shows: B125
#[tokio::test]
async fn everything_that_is_held_is_exported_as_one_document_with_everything_opened() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    office
        .database
        .execute(
            "INSERT INTO conversations SELECT '106', phone_hash, now() FROM bookings; \
             INSERT INTO guests SELECT resort, phone_hash, now() FROM bookings",
        )
        .await;

    let by_number = office.guests("export --phone -", &format!("{ADA}\n")).await;
    let by_booking = office
        .guests("export --booking azure-bay BK-1001", "")
        .await
        .json();

    let document = by_number.json();
    assert_eq!(document["of"]["phone"], ADA);
    let booking = &document["bookings"][0];
    assert_eq!(booking["booking"], "BK-1001");
    assert_eq!(booking["facts"]["name"]["value"], "Ada Lovelace");
    assert_eq!(booking["facts"]["phone"]["value"], ADA);
    assert_eq!(booking["messages"][0]["kind"], "reminder_1");
    let raw = &document["raw_events"][0];
    assert_eq!(
        (&raw["event"], &raw["booking"]),
        (&"direct/evt_1".into(), &"azure-bay/BK-1001".into())
    );
    assert_eq!(raw["content"]["guest"]["phone"], ADA);
    assert_eq!(document["letters"][0]["content"]["guest"]["name"], "Ada Lovelace");
    assert_eq!(document["wishes"][0]["opted_out"], true);
    assert_eq!(document["conversations"][0]["number"], "106");
    assert_eq!(document["audit"][0]["action"], "guest_exported");
    assert_eq!(document["unreadable"], serde_json::json!([]));
    for part in ["bookings", "raw_events", "letters", "wishes", "conversations"] {
        assert_eq!(by_booking[part], document[part], "{part}");
    }
    assert!(
        by_number.stderr.contains("guest_exported")
            && by_number.stderr.contains("anna")
            && !by_number.stderr.contains("6912345678"),
        "{by_number:?}"
    );
}

#[tokio::test]
async fn what_people_wrote_of_a_guest_is_exported_too_and_what_they_wrote_of_others_is_not() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    for command in [
        "letters close 1 --note moved",
        "bookings show azure-bay BK-1001 --reveal --note complaint",
        "guests stop --phone +306912345678 --note asked",
        "pause --resort azure-bay --note storm",
    ] {
        office.by_anna(command).await.check(0);
    }

    let document = office.guests("export --phone -", ADA).await.json();

    let rows = document["audit"].as_array().unwrap().iter();
    let told: Vec<_> = rows
        .map(|row| (row["action"].clone(), row["reason"].clone()))
        .collect();
    let expected = [
        ("letter_closed", "moved".into()),
        ("booking_revealed", "complaint".into()),
        ("guest_stopped", "asked".into()),
        ("guest_exported", Value::Null),
    ];
    assert_eq!(told, expected.map(|(action, reason)| (action.into(), reason)));
}

// shows: B125
#[tokio::test]
async fn what_cannot_be_opened_is_named_and_the_rest_is_exported() {
    let office = Office::open().await;
    office
        .database
        .execute("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00'; UPDATE events SET sealed_body = '\\x0102'")
        .await;

    let ended = office.guests("export --booking azure-bay BK-1001", "").await;

    let document = ended.json();
    assert_eq!(
        document["unreadable"],
        serde_json::json!(["booking azure-bay/BK-1001", "event direct/evt_1"])
    );
    assert_eq!(document["bookings"][0]["messages"][0]["kind"], "reminder_1");
    assert_eq!(document["raw_events"][0]["content"], Value::Null);
    assert!(
        ended
            .stderr
            .contains("cannot be opened: booking azure-bay/BK-1001"),
        "{ended:?}"
    );
}

// shows: T31
#[tokio::test]
async fn a_guest_is_erased_by_number_with_masked_words_and_a_second_time_finds_nothing() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;

    let erased = office.guests("erase --phone -", ADA).await;
    let again = office.guests("erase --phone -", ADA).await;

    check_masked(erased.check(0));
    let expected = "+30•••••••678: erased: bookings 1, raw events 1, letters 1, messages withdrawn 1\n  azure-bay/BK-1001\n";
    assert_eq!(erased.stdout, expected);
    check_masked(again.check(0));
    assert_eq!(
        again.stdout,
        "+30•••••••678: nothing is held that tells who it is\n"
    );
    let shown = office.by_anna("bookings show azure-bay BK-1001").await;
    assert!(
        shown.check(0).stdout.contains("the guest was erased"),
        "{shown:?}"
    );
    let booking = office
        .by_anna("bookings show azure-bay BK-1001 --json")
        .await
        .json();
    assert!(
        booking["erased_at"].is_string() && booking["facts"]["name"].is_null(),
        "{booking}"
    );
    assert_eq!(booking["messages"][0]["reason"], "erased");
}

// shows: B129
#[tokio::test]
async fn an_erased_events_letter_can_be_looked_at_and_is_not_retried() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    office
        .guests("erase --booking azure-bay BK-1001", "")
        .await
        .check(0);
    // As if the erasure had left it open.
    office.database.execute("UPDATE letters SET state = 'open'").await;

    let letter = office.letters("show 1 --reveal --json").await.json();
    let retried = office.letters("retry 1").await;
    let all = office.letters("retry --all --dry-run").await;

    assert_eq!(
        (&letter["unreadable"], &letter["size"]),
        (&"what it held was erased".into(), &0.into())
    );
    assert!(retried.check(1).stderr.contains("refused: erased"), "{retried:?}");
    assert!(all.check(1).stdout.contains("1 refused: erased"), "{all:?}");
}

// shows: B129
#[tokio::test]
async fn a_letter_that_is_found_after_the_erasure_is_closed_and_empty() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    office
        .by_anna_without_broker("guests erase --booking azure-bay BK-1001")
        .await
        .check(0);
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;

    let open = office.list("").await;
    let closed = office.list("--closed").await;

    assert_eq!(open, Vec::<Value>::new());
    assert_eq!(closed.len(), 2);
    assert!(
        closed.iter().all(|letter| letter["closed_by"] == "erasure"),
        "{closed:?}"
    );
}

// shows: B134
#[tokio::test]
async fn a_stop_is_remembered_where_the_guest_is_known_or_where_it_is_named() {
    let office = Office::open().await;

    let stopped = office.guests("stop --phone -", ADA).await;
    let again = office.guests("stop --booking azure-bay BK-1001", "").await;
    let unknown = office.guests("stop --phone -", "+306900000000").await;
    let named = office
        .guests("stop --resort azure-bay --phone -", "690 000 0000")
        .await;
    let nothing = office.guests("stop --booking azure-bay BK-9", "").await;

    let words =
        "+30•••••••678: no more reminders and review requests from azure-bay\nmessages withdrawn: 1\n";
    assert_eq!(stopped.check(0).stdout, words);
    assert!(
        again.check(0).stdout.contains("azure-bay knew that already"),
        "{again:?}"
    );
    assert!(unknown.check(1).stderr.contains("--resort"), "{unknown:?}");
    assert!(
        named
            .check(0)
            .stdout
            .contains("+30•••••••000 at azure-bay: no more"),
        "{named:?}"
    );
    assert!(
        nothing.check(1).stderr.contains("no event has named it"),
        "{nothing:?}"
    );
    let booking = office
        .by_anna("bookings show azure-bay BK-1001 --json")
        .await
        .json();
    assert_eq!(booking["messages"][0]["reason"], "opted_out");
}

// shows: B60
#[tokio::test]
async fn a_number_without_a_country_code_finds_its_guest_also_where_no_resort_is_named() {
    let office = Office::open().await;

    let stopped = office.guests("stop --phone -", "691 234 5678").await;
    let exported = office.guests("export --phone -", "0030 691 234 5678").await;

    let told = "+30•••••••678: no more reminders and review requests from azure-bay";
    assert!(stopped.check(0).stdout.contains(told), "{stopped:?}");
    assert!(stopped.stderr.contains("(GR: +30•••••••678)"), "{stopped:?}");
    check_masked(&stopped);
    assert_eq!(exported.json()["bookings"][0]["booking"], "BK-1001");
}

// shows: B60
#[tokio::test]
async fn of_several_numbers_the_one_is_meant_that_is_held_and_where_that_is_not_clear_the_remedy_is_named() {
    let office = Office::open().await;
    let folder = tempfile::tempdir().unwrap();
    let resorts = folder.path().join("resorts");
    std::fs::create_dir(&resorts).unwrap();
    let file = std::fs::read_to_string(format!("{CONFIG}/resorts/azure-bay.toml")).unwrap();
    std::fs::write(
        resorts.join("black-forest.toml"),
        file.replace("\"GR\"", "\"DE\""),
    )
    .unwrap();
    std::fs::write(resorts.join("azure-bay.toml"), file).unwrap();
    let guests = async |arguments: &str, stdin| {
        let arguments = format!("guests {arguments}");
        office.by_anna_with(folder.path(), &arguments, stdin).await
    };

    let held = guests("erase --phone -", "691 234 5678").await;
    let unclear = guests("erase --phone -", "691 234 5679").await;
    let named = guests("erase --resort black-forest --phone -", "691 234 5679").await;
    let foreign = guests("erase --phone -", "0171 1234567").await;
    let nothing = guests("erase --phone -", "12345").await;

    assert!(held.check(0).stdout.contains("azure-bay/BK-1001"), "{held:?}");
    let readings = "(GR: +30•••••••678; DE: +49•••••••678)";
    assert!(
        held.stderr.contains(readings) || held.stderr.contains("DE: +49•••••••678; GR"),
        "{held:?}"
    );
    for refused in [&unclear, &nothing] {
        assert_eq!(refused.check(2).stdout, "");
        assert!(
            refused.stderr.contains("--resort") && refused.stderr.contains("country's code"),
            "{refused:?}"
        );
    }
    assert!(unclear.stderr.contains("+49•••••••679"), "{unclear:?}");
    assert!(
        named.check(0).stdout.starts_with("+49•••••••679 at black-forest"),
        "{named:?}"
    );
    assert!(
        foreign
            .check(0)
            .stderr
            .contains("DE: +49•••••••567; GR: not a valid number"),
        "{foreign:?}"
    );
    for ended in [&held, &unclear, &foreign] {
        check_masked(ended);
    }
}

#[tokio::test]
async fn what_was_done_for_a_guest_stands_in_the_audit_trail_which_does_not_name_them() {
    let office = Office::open().await;

    office.guests("export --phone -", ADA).await.check(0);
    office.guests("stop --phone - --note asked", ADA).await.check(0);
    office
        .guests("erase --booking azure-bay BK-1001", "")
        .await
        .check(0);

    let trail = office.trail().await;
    let actions: Vec<&str> = trail.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions[0], "guest_erased");
    assert_eq!(trail[0]["booking"], "BK-1001");
    for action in ["guest_exported", "guest_stopped", "booking_revealed"] {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
    let told = Value::Array(trail).to_string();
    for personal in PERSONAL {
        assert!(!told.contains(personal), "{personal}: {told}");
    }
    // The reason of her stop was erased with her: no other guest has the number.
    assert!(!told.contains("\"asked\""), "{told}");
}

#[tokio::test]
async fn who_is_meant_must_be_said_and_be_readable() {
    let office = Office::open().await;
    for strange in [
        "erase",
        "erase --booking azure-bay",
        "export --phone +306912345678 --booking azure-bay BK-1001",
        "erase --booking azure-bay BK-1001 --resort azure-bay",
        "erase --phone 12",
        "erase --phone 0171-1234567",
    ] {
        let ended = office.guests(strange, "").await;
        assert_eq!(ended.check(2).stdout, "", "{strange}");
    }
}

// shows: B148, B149
#[tokio::test]
async fn who_waits_for_an_answer_is_listed_and_let_go_again() {
    let office = Office::open().await;
    let nobody = office.guests("waiting", "").await;
    assert_eq!(nobody.check(0).stdout, "nobody waits for an answer\n");
    office
        .database
        .execute("INSERT INTO guests (resort, phone_hash, replied_at) SELECT resort, phone_hash, now() FROM bookings")
        .await;

    let waiting = office.guests("waiting --json", "").await.json();
    let resumed = office.guests("resume --phone -", ADA).await;
    let again = office.guests("resume --booking azure-bay BK-1001", "").await;
    let unknown = office.guests("resume --phone -", "+306900000000").await;

    assert_eq!(
        (&waiting[0]["resort"], &waiting[0]["booking"]),
        (&"azure-bay".into(), &"BK-1001".into())
    );
    assert_eq!(waiting.as_array().unwrap().len(), 1);
    let told = "+30•••••••678: reminders from azure-bay may go again\n";
    assert_eq!(resumed.check(0).stdout, told);
    assert_eq!(again.check(0).stdout, "azure-bay/BK-1001: nothing was paused\n");
    unknown.check(1);
    check_masked(&resumed);
    let list = office.guests("waiting --json", "").await.json();
    assert_eq!(list, serde_json::json!([]));
    let trail = office.by_anna("audit list --json").await.json();
    assert!(
        trail
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["action"] == "guest_resumed")
    );
}
