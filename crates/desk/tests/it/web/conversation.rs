//! The conversation on a booking's page, and what staff do about upcoming messages there.

use domain::staff::{Access, Role};
use testkit::plain_browser::{Page, PlainBrowser};

use super::{Served, access};
use crate::bookings::booked;

const PAGE: &str = "/bookings/azure%2Dbay/BK%2D1001";
const WORDS: &str = "Dear Ada, the pool is heated <b>";

/// Ada, of the abandoned booking, wrote five minutes ago.
async fn ada_wrote() -> Served {
    let database = booked().await;
    database
        .execute(
            "INSERT INTO guests (resort, phone_hash, replied_at) \
                 SELECT resort, phone_hash, now() - interval '5 minutes' FROM bookings; \
             INSERT INTO conversations (number, phone_hash, open_until) \
                 SELECT '106540352242922', phone_hash, now() + interval '3 hours' FROM bookings",
        )
        .await;
    Served::start_on(database, &[]).await
}

async fn act(browser: &mut PlainBrowser, fields: &[(&str, &str)]) -> Page {
    browser.post(&format!("{PAGE}/act"), fields).await
}

/// The id that the form for an answer has.
fn answer_id(page: &Page) -> String {
    let (_, rest) = page.text.split_once("name=\"id\" value=\"").unwrap();
    rest[..36].to_owned()
}

// shows: B206
#[tokio::test]
async fn a_guest_who_waits_is_answered_on_the_page_once_and_waits_no_more() {
    let served = ada_wrote().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    anna.get("/guests").await.check(200).has(PAGE).has("no one");
    anna.get("/").await.check(200).has("<title>(1) ");

    let page = anna.get(PAGE).await.check(200).has("waits").lacks(WORDS);
    let id = answer_id(&page);
    let form = [("id", id.as_str()), ("text", WORDS)];
    let path = format!("{PAGE}/answer");
    anna.submit(&path, &form)
        .await
        .check(200)
        .has("Your answer is on its way");
    anna.submit(&path, &form).await.check(200);

    anna.get("/guests").await.check(200).has("No guest waits");
    assert_eq!(
        served
            .database
            .count("SELECT count(*) AS count FROM answers")
            .await,
        1
    );
    let opened = anna.submit(&format!("{PAGE}/conversation"), &[]).await.check(200);
    opened
        .has("the pool is heated &#60;b&#62;")
        .lacks(WORDS)
        .has("on its way");
    let empty = [("id", "0198f2c4-0000-7000-8000-000000000009"), ("text", " ")];
    anna.post(&path, &empty)
        .await
        .check(422)
        .has("the answer is empty");
    let log = served.program.log();
    assert!(!log.contains("heated"), "{log}");
}

// shows: B206, B117
#[tokio::test]
async fn a_conversation_opens_for_its_member_alone_after_one_row_in_the_audit_trail() {
    let served = ada_wrote().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let mut ben = served.member("ben", access(Role::Support, &[])).await;
    let open = format!("{PAGE}/conversation");

    anna.get(PAGE).await.check(200).has("Open the conversation");
    for _ in 0..2 {
        anna.submit(&open, &[("note", "she called")])
            .await
            .check(200)
            .has("Open until");
    }

    anna.get(PAGE).await.check(200).has("Open until");
    ben.get(PAGE).await.check(200).lacks("Open until");
    let rows =
        "SELECT count(*) AS count FROM audit WHERE action = 'conversation_opened' AND booking = 'BK-1001'";
    assert_eq!(served.database.count(rows).await, 1);
}

// shows: B206
#[tokio::test]
async fn a_conversation_is_assigned_rests_is_closed_and_the_reminders_go_again() {
    let served = ada_wrote().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    served.database.hire("ben").await;

    act(&mut anna, &[("what", "assign"), ("to", "ben")])
        .await
        .check(303);
    anna.get("/guests").await.has(">ben</td>");
    act(&mut anna, &[("what", "assign"), ("to", "zoe")])
        .await
        .check(422)
        .has("zoe is no member");
    act(&mut anna, &[("what", "snooze"), ("hours", "4")])
        .await
        .check(303);
    anna.get("/guests")
        .await
        .has("snoozed until")
        .has("<title>Guests");
    act(&mut anna, &[("what", "close")]).await.check(303);
    anna.get("/guests").await.has("No guest waits");
    anna.get(PAGE).await.has("anna: conversation closed");
    act(&mut anna, &[("what", "resume")]).await.check(303);
    act(&mut anna, &[("what", "dance")]).await.check(400);
}

// shows: B206, T43
#[tokio::test]
async fn a_shut_window_leaves_templates_and_viewers_and_strangers_change_nothing() {
    let served = Served::start_on(booked().await, &[]).await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let mut eve = served.member("eve", access(Role::Viewer, &["azure-bay"])).await;
    let mut ben = served.member("ben", access(Role::Support, &["olive-hill"])).await;

    let page = anna
        .get(PAGE)
        .await
        .check(200)
        .has("the window is shut until the guest writes again");
    let page = page.lacks("Your answer").has("Send the template");
    let id = answer_id(&page);
    let answer = format!("{PAGE}/answer");
    let text = [("id", id.as_str()), ("text", WORDS)];
    anna.post(&answer, &text)
        .await
        .check(422)
        .has("the window is shut");
    eve.get(PAGE)
        .await
        .check(200)
        .lacks("Open the conversation")
        .lacks("Send the template");
    for (path, fields) in [
        ("conversation", &[][..]),
        ("answer", &text),
        ("act", &[("what", "close")]),
        ("instruct", &[("what", "withdraw"), ("kind", "reminder_2")]),
    ] {
        eve.post(&format!("{PAGE}/{path}"), fields).await.check(403);
        ben.post(&format!("{PAGE}/{path}"), fields).await.check(404);
    }
    let template = [("id", id.as_str()), ("template", "reminder_1")];
    anna.submit(&answer, &template).await.check(200).has("on its way");
}

// shows: B206
#[tokio::test]
async fn an_upcoming_message_is_withdrawn_on_the_page_and_the_page_says_so() {
    let served = Served::start_on(booked().await, &[]).await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let instruct = format!("{PAGE}/instruct");
    let withdraw = [
        ("what", "withdraw"),
        ("kind", "reminder_1"),
        ("note", "she called"),
    ];

    anna.submit(&instruct, &withdraw)
        .await
        .check(200)
        .has("The message will not be sent");

    let page = anna.get(PAGE).await.check(200);
    page.has("A member of the staff withdrew it.")
        .has("anna: message withdrawn");
    anna.post(&instruct, &[("what", "send_now"), ("kind", "review_request")])
        .await
        .check(422)
        .has("Not done");
    anna.post(&instruct, &[("what", "send_now"), ("kind", "")])
        .await
        .check(400);
}
