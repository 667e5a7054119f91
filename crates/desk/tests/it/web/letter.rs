//! One letter's page: what it says, and what can be done there.

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, DeliveryFailed, OutcomeUnknown, Refused};
use domain::staff::{Access, Role};

use super::{Served, access};
use crate::letters::Office;

// shows: B195
#[tokio::test]
async fn a_number_is_checked_while_it_is_typed_and_when_it_is_sent() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(DeliveryFailed).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let (letter, check) = ("/letters/1", "/letters/1/phone/check");

    for (typed, said) in [
        ("691 234 5670", "The number is +30 691 234 5670."),
        ("+3069123", "Digits are missing."),
        ("", "Type the number."),
    ] {
        let answer = dora.post(check, &[("phone", typed)]).await.check(200);
        assert_eq!(answer.text, said, "{typed}");
        assert_eq!(
            answer.headers.get("content-type").unwrap(),
            "text/plain; charset=utf-8"
        );
    }
    let wrong = dora
        .post(
            &format!("{letter}/phone"),
            &[("phone", "+3069123"), ("then", "retry")],
        )
        .await
        .check(422);
    wrong
        .has("Digits are missing.")
        .has("value=\"+3069123\" aria-invalid=\"true\"")
        .lacks("data-refresh");

    let corrected = "SELECT count(*) AS count FROM audit WHERE action = 'phone_corrected'";
    assert_eq!(served.database.count(corrected).await, 0);
    let log = served.program.log();
    assert!(!log.contains("5670") && !log.contains("69123"), "{log}");
}

// shows: B198
#[tokio::test]
async fn a_number_is_corrected_and_its_message_retried() {
    let office = Office::open().await;
    office
        .database
        .execute("UPDATE messages SET error_code = 131026")
        .await;
    office.reminder_is_dead_lettered(DeliveryFailed).await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let letter = "/letters/2";

    let page = dora.get(letter).await.check(200);
    let page = page
        .has("<code>131026</code> Message Undeliverable")
        .has("The number is not on WhatsApp")
        .has("data-checked-by=\"/letters/2/phone/check\"")
        .has("<summary>Correct the number</summary>");
    page.has("+30•••••••678")
        .lacks("6912345678")
        .lacks("Lovelace")
        .has("/bookings/azure%2Dbay/BK%2D1001")
        .lacks("Settle it");

    let corrected = [
        ("phone", "691 234 5670"),
        ("then", "retry"),
        ("filter", "resort=azure-bay"),
    ];
    let answer = dora.post(&format!("{letter}/phone"), &corrected).await.check(303);

    assert_eq!(
        answer.location(),
        "/letters/2?resort=azure-bay&done=corrected_and_retried"
    );
    let done = dora.get(answer.location()).await.check(200);
    done.has("the message is queued again")
        .has("retried by dora")
        .has("+30•••••••670")
        .lacks("What you can do");
    let queued = "SELECT count(*) AS count FROM messages WHERE state = 'queued'";
    assert_eq!(served.database.count(queued).await, 1);
    let log = served.program.log();
    assert!(!log.contains("5670") && !log.contains("69123"), "{log}");
}

// shows: B240
#[tokio::test]
async fn before_a_retry_the_page_says_what_it_would_do_or_why_it_would_be_refused() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let mut eve = served.member("eve", access(Role::Viewer, &[])).await;

    let message = dora.get("/letters/2").await.check(200);
    let event = dora.get("/letters/1").await.check(200);
    let viewed = eve.get("/letters/2").await.check(200);
    served
        .database
        .execute("UPDATE messages SET state = 'delivered', reason = NULL")
        .await;
    let taken = dora.get("/letters/2").await.check(200);

    // In the quiet hours of the resort it goes when they end.
    message
        .has("Retry sends the first reminder again ")
        .has(", to +30•••••••678, as the WhatsApp template booking_reminder_1.");
    event.has("Retry hands the platform’s report to Bellhop again");
    viewed.lacks("Retry sends");
    taken.has("A retry would be refused now. WhatsApp took the message after all.");
}

// shows: B192, B198
#[tokio::test]
async fn two_people_on_one_letter_see_each_other_and_the_second_is_told_who_was_faster() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    office.event_is_dead_lettered("evt_2", CannotBeApplied).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let mut carl = served.member("carl", Access::ADMIN).await;

    dora.get("/letters/1")
        .await
        .check(200)
        .has("Take it")
        .lacks("looked at it");
    carl.get("/letters/1")
        .await
        .check(200)
        .has("dora looked at it")
        .lacks("Taken by");
    let taken = dora
        .submit("/letters/1/assign", &[("to", "dora")])
        .await
        .check(200);
    taken
        .has("It is assigned.")
        .has("Hand it back")
        .has("carl looked at it");
    carl.get("/letters/1").await.check(200).has("Taken by dora");
    let done = dora
        .submit("/letters/1/retry", &[("filter", "")])
        .await
        .check(200);
    done.has("It is queued again.")
        .has("href=\"/letters/2\">Next letter</a>");
    for (path, form) in [
        ("/letters/1/retry", [("note", "")]),
        ("/letters/1/close", [("note", "test data")]),
        ("/letters/1/assign", [("to", "carl")]),
    ] {
        let late = carl.submit(path, &form).await.check(200);
        late.has("dora was faster: the letter is retried.")
            .has("retried by dora");
    }

    carl.post("/letters/2/close", &[("note", " ")])
        .await
        .check(400)
        .has("says why");
    carl.submit("/letters/2/close", &[("note", "test data")])
        .await
        .check(200)
        .has("It is closed.")
        .lacks("test data");
    let trail = carl.get("/audit?action=letter_closed").await.check(200);
    trail.has("letter 2").has("carl");
}

// shows: B198
#[tokio::test]
async fn a_call_without_known_outcome_is_settled_by_what_the_guest_says() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(OutcomeUnknown).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;

    dora.get("/letters/1")
        .await
        .check(200)
        .has("The guest does not have it")
        .has("Ask the guest, then settle it.");
    dora.post("/letters/1/settle", &[("word", "perhaps")])
        .await
        .check(400);
    let settled = dora
        .submit("/letters/1/settle", &[("word", "sent")])
        .await
        .check(200);

    settled
        .has("the guest has the message")
        .has("settled as sent by dora")
        .has("That was the last letter of this list.");
    let refused = dora
        .submit("/letters/1/phone", &[("phone", "+306912345670")])
        .await;
    refused.check(200).has("dora was faster");
}

// shows: B117, B198
#[tokio::test]
async fn one_personal_value_of_a_letter_is_shown_for_a_minute_and_the_trail_says_which() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let show = |value: &'static str| [("value", value), ("filter", "kind=events")];

    let phone = dora.post("/letters/2/reveal", &show("phone")).await.check(200);
    let content = dora.post("/letters/1/reveal", &show("content")).await.check(200);
    let name = dora.post("/letters/1/reveal", &show("name")).await.check(200);

    assert_eq!(phone.headers["refresh"], "60; url=/letters/2?kind=events");
    phone.has("+306912345678").lacks("Lovelace").lacks("data-refresh");
    content
        .has("What the platform sent")
        .has("https://book.example/r/BK-1001");
    name.has("Ada Lovelace").lacks("6912345678").lacks("book.example");
    dora.post("/letters/1/reveal", &show("everything"))
        .await
        .check(404);
    dora.get("/letters/1").await.lacks("Lovelace").lacks("6912345678");
    let trail = dora.get("/audit?action=letter_revealed").await.check(200);
    for value in ["phone", "content", "name"] {
        assert_eq!(
            trail.text.matches(&format!("</a> {value}")).count(),
            1,
            "{}",
            trail.text
        );
    }
    let log = served.program.log();
    assert!(!log.contains("Lovelace") && !log.contains("5678"), "{log}");
}
