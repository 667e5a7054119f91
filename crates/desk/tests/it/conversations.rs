//! `desk guests answer|assign|snooze|close`, `desk bookings cancel|send`

use serde_json::{Value, json};

use crate::letters::Office;
use crate::program::Ended;

const BOOKING: &str = "--booking azure-bay BK-1001";
const WORDS: &str = "Dear Ada, the pool is heated";
const ID: &str = "0198f2c4-0000-7000-8000-000000000001";

impl Office {
    /// Ada wrote five minutes ago to the resort's number.
    async fn ada_wrote(&self) {
        self.database
            .execute(
                "INSERT INTO guests (resort, phone_hash, replied_at) \
                     SELECT resort, phone_hash, now() - interval '5 minutes' FROM bookings; \
                 INSERT INTO conversations (number, phone_hash, open_until) \
                     SELECT '106540352242922', phone_hash, now() + interval '3 hours' FROM bookings",
            )
            .await;
    }

    async fn guests_of(&self, command: &str, stdin: &str) -> Ended {
        self.by_anna_saying(&format!("guests {command} {BOOKING}"), stdin)
            .await
    }

    async fn waiting(&self) -> Value {
        self.by_anna("guests waiting --json").await.json()
    }

    async fn shown(&self, more: &str) -> Value {
        let command = format!("bookings show azure-bay BK-1001 --json {more}");
        self.by_anna(&command).await.json()
    }
}

// shows: B180, B183
#[tokio::test]
async fn an_answer_is_taken_once_shown_with_who_wrote_it_and_ends_the_waiting() {
    let office = Office::open().await;
    office.ada_wrote().await;
    assert_eq!(office.waiting().await.as_array().unwrap().len(), 1);
    let answer = format!("answer --text - --id {ID} --note heating");

    let taken = office.guests_of(&answer, &format!("{WORDS}\n")).await;
    let again = office.guests_of(&answer, WORDS).await;

    assert!(taken.check(0).stdout.contains("answered"), "{taken:?}");
    assert!(again.check(0).stdout.contains("is not sent again"), "{again:?}");
    assert!(
        !taken.stdout.contains("pool") && !taken.stderr.contains("pool"),
        "{taken:?}"
    );
    assert_eq!(office.waiting().await, json!([]));
    let shown = office.shown("--reveal").await;
    let turn = &shown["conversation"][0];
    assert_eq!(
        (
            &turn["by"],
            &turn["staff"],
            &turn["text"],
            &turn["state"],
            &turn["message"]
        ),
        (
            &"resort".into(),
            &"anna".into(),
            &WORDS.into(),
            &"queued".into(),
            &ID.into()
        )
    );
    let text = office.by_anna("bookings show azure-bay BK-1001 --reveal").await;
    assert!(text.check(0).stdout.contains(WORDS) && text.stdout.contains("free text can be sent until"));
    let hidden = office.shown("").await;
    assert_eq!(hidden["conversation"], Value::Null);
    let trail = office.trail().await;
    let row = trail
        .iter()
        .find(|row| row["action"] == "guest_answered")
        .unwrap();
    assert_eq!(
        (&row["booking"], &row["reason"]),
        (&"BK-1001".into(), &"heating".into())
    );
    let exported = office
        .by_anna("guests export --booking azure-bay BK-1001")
        .await
        .json();
    assert_eq!(exported["bookings"][0]["conversation"][0]["text"], WORDS);
}

// shows: B181
#[tokio::test]
async fn when_the_window_is_shut_the_reason_is_plain_and_the_templates_that_can_be_sent_are_named() {
    let office = Office::open().await;

    let refused = office.guests_of("answer --text -", WORDS).await;
    let unknown = office.guests_of("answer --template spa_offer", "").await;
    let taken = office.guests_of("answer --template reminder_1", "").await;

    assert_eq!(refused.check(1).stdout, "");
    let told = "azure-bay/BK-1001: the window is shut until the guest writes again: only a template can be sent\n\
                templates that can be sent now: ";
    let at = refused.stderr.find(told).unwrap_or_else(|| panic!("{refused:?}"));
    assert!(refused.stderr[at..].contains("reminder_1"), "{refused:?}");
    assert!(
        unknown.check(1).stderr.contains("no template of this kind"),
        "{unknown:?}"
    );
    taken.check(0);
    let shown = office.shown("").await;
    let message = shown["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&message["kind"], &message["state"]),
        (&"staff-answer".into(), &"queued".into())
    );
    assert_eq!(
        shown["answering"]["no_text"],
        "the window is shut until the guest writes again: only a template can be sent"
    );
}

#[tokio::test]
async fn what_cannot_be_decrypted_of_an_answer_is_named_by_the_export() {
    let office = Office::open().await;
    office.ada_wrote().await;
    office
        .guests_of(&format!("answer --text - --id {ID}"), WORDS)
        .await
        .check(0);
    office
        .database
        .execute("UPDATE answers SET sealed_answer = '\\x0102'")
        .await;

    let exported = office
        .by_anna("guests export --booking azure-bay BK-1001")
        .await
        .json();

    assert_eq!(exported["unreadable"], json!([format!("answer {ID}")]));
}

// shows: B183
#[tokio::test]
async fn a_conversation_is_assigned_snoozed_and_closed() {
    let office = Office::open().await;
    let nothing = office.guests_of("close", "").await;
    assert!(nothing.check(1).stderr.contains("wrote nothing"), "{nothing:?}");
    office.ada_wrote().await;

    office.guests_of("assign --to ben", "").await.check(0);
    let stranger = office.guests_of("assign --to zoe", "").await;
    let past = office.guests_of("snooze --until 2020-01-01T10:00:00Z", "").await;
    office.guests_of("snooze --for 2h", "").await.check(0);
    let snoozed = office.waiting().await;
    let list = office.by_anna("guests waiting").await;
    office.guests_of("close", "").await.check(0);

    assert!(
        stranger.check(1).stderr.contains("zoe is no member of the staff"),
        "{stranger:?}"
    );
    assert!(past.check(1).stderr.contains("that time is over"), "{past:?}");
    assert_eq!(snoozed[0]["assignee"], "ben");
    assert!(snoozed[0]["snoozed_until"].is_string() && snoozed[0]["since"].is_string());
    assert!(
        list.check(0).stdout.contains("ben") && list.stdout.contains("SNOOZED UNTIL"),
        "{list:?}"
    );
    assert_eq!(office.waiting().await, json!([]));
    let trail = office.trail().await;
    let actions: Vec<_> = trail
        .iter()
        .map(|row| (&row["action"], &row["details"]))
        .collect();
    assert_eq!(actions[0].0, "conversation_closed");
    assert_eq!(actions[1].0, "conversation_snoozed");
    assert_eq!(actions[2], (&json!("conversation_assigned"), &json!("to ben")));
}

// shows: B184, B185
#[tokio::test]
async fn an_upcoming_message_is_cancelled_and_sent_after_all() {
    let office = Office::open().await;

    let cancelled = office
        .by_anna("bookings cancel azure-bay BK-1001 reminder_1")
        .await;
    let again = office
        .by_anna("bookings cancel azure-bay BK-1001 reminder_1")
        .await;
    let withdrawn = office.shown("").await;
    let sent = office.by_anna("bookings send azure-bay BK-1001 reminder_1").await;
    let not_yet = office.by_anna("bookings send azure-bay BK-1001 reminder_2").await;
    let misspelt = office.by_anna("bookings send azure-bay BK-1001 reminder_3").await;

    let said = "azure-bay/BK-1001: reminder_1 is not sent any more\n";
    assert_eq!(cancelled.check(0).stdout, said);
    assert!(
        again
            .check(1)
            .stderr
            .contains("it is not sent: withdrawn_by_staff"),
        "{again:?}"
    );
    let message = &withdrawn["messages"][0];
    assert_eq!(
        (&message["state"], &message["reason"]),
        (&"withdrawn".into(), &"withdrawn_by_staff".into())
    );
    assert_eq!(withdrawn["facts"]["staff.reminder_1"]["value"], "withdraw");
    assert_eq!(withdrawn["facts"]["staff.reminder_1"]["event"], "desk/anna");
    assert!(
        sent.check(0).stdout.contains("goes as soon as it may"),
        "{sent:?}"
    );
    assert_eq!(office.shown("").await["messages"][0]["state"], "queued");
    assert!(
        not_yet.check(1).stderr.contains("has not happened yet"),
        "{not_yet:?}"
    );
    assert!(misspelt.check(1).stderr.contains("reminder_2"), "{misspelt:?}");
}

#[tokio::test]
async fn who_may_only_look_neither_answers_nor_instructs() {
    let office = Office::open().await;
    office.ada_wrote().await;
    office
        .database
        .execute("UPDATE staff SET role = 'viewer' WHERE name = 'anna'")
        .await;

    for (command, stdin) in [
        ("guests answer --booking azure-bay BK-1001 --text -", WORDS),
        ("guests close --booking azure-bay BK-1001", ""),
        ("guests assign --booking azure-bay BK-1001 --to-nobody", ""),
        ("bookings cancel azure-bay BK-1001 reminder_1", ""),
    ] {
        let refused = office.by_anna_saying(command, stdin).await;
        assert!(
            refused.check(1).stderr.contains("this needs the role support"),
            "{refused:?}"
        );
    }
    let answers = "SELECT count(*) AS count FROM messages WHERE kind = 'staff-answer' OR state = 'withdrawn'";
    assert_eq!(office.database.count(answers).await, 0);
}
