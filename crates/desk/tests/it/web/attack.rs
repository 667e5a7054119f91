//! What members try beyond their grant, and what strangers and other sites try.

use domain::staff::{Access, Role};
use tempfile::TempDir;

use super::{Served, access};
use crate::bookings::booked;
use crate::program::CONFIG;

const PAGE: &str = "/bookings/azure%2Dbay/BK%2D1001";
/// The number of the resort `azure-bay`.
const AZURE: &str = "106540352242922";
const OLIVE: &str = "206540352242922";

/// The demo's files, with a second resort in another country and with a number of its own.
fn two_resorts() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let resorts = folder.path().join("resorts");
    std::fs::create_dir(&resorts).unwrap();
    let azure = std::fs::read_to_string(format!("{CONFIG}/resorts/azure-bay.toml")).unwrap();
    let olive = azure
        .replace("Azure Bay", "Olive Hill")
        .replace("\"GR\"", "\"AT\"")
        .replace("Europe/Athens", "Europe/Vienna")
        .replace(AZURE, OLIVE);
    std::fs::write(resorts.join("azure-bay.toml"), azure).unwrap();
    std::fs::write(resorts.join("olive-hill.toml"), olive).unwrap();
    folder
}

/// A desk of two resorts, with the booking of Ada at `azure-bay`.
async fn served() -> (Served, TempDir) {
    let folder = two_resorts();
    let config = folder.path().to_str().unwrap().to_owned();
    let served = Served::start_on(booked().await, &[("BELLHOP_CONFIG", &config)]).await;
    (served, folder)
}

// shows: T41
#[tokio::test]
async fn a_cookie_whose_name_is_written_differently_is_none_of_ours() {
    let served = Served::start_with(&[("DESK_PUBLIC_URL", "https://desk.example")]).await;
    let token = served.database.hire("eve").await;
    let answer = served.browser().post("/login", &[("token", &token)]).await;
    let cookie = answer.headers.get("set-cookie").unwrap().to_str().unwrap();
    let session = cookie.split(['=', ';']).nth(1).unwrap();
    let with = |cookies: String| served.browser().with("cookie", cookies.leak());

    // Other hosts of a domain may set the last three: browsers check names as they are written.
    for (name, status) in [
        ("__Host-desk", 200),
        ("%5F%5FHost-desk", 303),
        ("__Host-des%6B", 303),
        ("desk", 303),
    ] {
        let mut browser = with(format!("{name}={session}"));
        browser.get("/").await.check(status);
    }
    let mut tossed = with(format!("%5F%5FHost-desk=bad; broken; =; __Host-desk={session}"));
    tossed.get("/").await.check(200);
}

// shows: T43
#[tokio::test]
async fn holds_and_numbers_of_other_resorts_are_neither_shown_nor_counted_nor_proposed() {
    let (served, _folder) = served().await;
    let holds = format!(
        "INSERT INTO holds (key, scope, number, reason) VALUES ('number number={AZURE}', 'number', '{AZURE}', '131031'), \
         ('number number={OLIVE}', 'number', '{OLIVE}', '131031'); \
         UPDATE messages SET state = 'held', held_by = 'number number={AZURE}'; \
         INSERT INTO messages (id, booking_key, kind, round, basis_at, state, due_at, expires_at, publish_at, turn) \
         SELECT gen_random_uuid(), 'azure-bay/BK-1001', 'reminder_1', n + 10, now(), 'held', now(), now(), now(), 'template' \
         FROM generate_series(1, 7) n"
    );
    served.database.execute(&holds).await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let mut ben = served.member("ben", access(Role::Support, &["olive-hill"])).await;

    anna.get("/holds")
        .await
        .check(200)
        .has(AZURE)
        .has("7 messages wait");
    let theirs = ben.get("/holds").await.check(200);
    theirs.has(OLIVE).lacks(AZURE).lacks("messages wait because");
    ben.get("/").await.check(200).has(OLIVE).lacks(AZURE);
    for number in [AZURE, "106540352242921"] {
        let pause = [
            ("resort", "olive-hill"),
            ("kind", ""),
            ("number", number),
            ("note", ""),
        ];
        let refused = ben.post("/holds", &pause).await.check(400);
        refused
            .has("None of your resorts sends from that number")
            .lacks("nearest");
    }
    // What is not theirs to see is answered as what is not there.
    for hold in [
        &format!("number number={AZURE}"),
        "paused resort=azure-bay",
        "nothing",
    ] {
        let answer = ben.post("/holds/resume", &[("hold", hold), ("note", "")]).await;
        assert_eq!(answer.check(303).location(), "/holds?done=was_resumed");
    }
    let count = served.database.count("SELECT count(*) AS count FROM holds").await;
    assert_eq!(count, 2);
}

// shows: T43
#[tokio::test]
async fn a_search_for_a_number_says_nothing_of_guests_and_countries_of_other_resorts() {
    let (served, _folder) = served().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let mut ben = served.member("ben", access(Role::Support, &["olive-hill"])).await;
    for path in ["/guests/find", "/letters/find"] {
        // Of a guest of azure-bay, in Greece; for who works in Austria it is an Austrian one, known or not.
        for (browser, masked) in [(&mut anna, "+30•"), (&mut ben, "+43•")] {
            let page = browser.post(path, &[("phone", "6912345678")]).await.check(200);
            page.has(masked).lacks("Which country").lacks("could be several");
        }
    }
    ben.post("/guests/find", &[("phone", "+306912345678")])
        .await
        .check(200)
        .has("No guest with this number is known at your resorts")
        .lacks("BK-1001");
}

// shows: T43
#[tokio::test]
async fn who_tries_number_after_number_is_told_to_wait() {
    let served = Served::start().await;
    let mut eve = served.member("eve", access(Role::Viewer, &[])).await;
    let mut statuses = Vec::new();
    for _ in 0..16 {
        for path in ["/guests/find", "/letters/find"] {
            statuses.push(eve.post(path, &[("phone", "+306912345678")]).await.status);
        }
    }
    assert_eq!(statuses[..30], [200; 30]);
    assert_eq!(statuses[30..], [429; 2]);
}

// shows: B206, T43
#[tokio::test]
async fn a_conversation_is_given_to_colleagues_of_its_resort_only_and_closes_with_the_role() {
    let (served, _folder) = served().await;
    served
        .database
        .execute(
            "INSERT INTO guests (resort, phone_hash, replied_at) \
             SELECT resort, phone_hash, now() - interval '5 minutes' FROM bookings",
        )
        .await;
    let mut olga = served
        .member("olga", access(Role::Support, &["olive-hill"]))
        .await;
    olga.get("/guests").await.check(200).has("No guest waits");
    let mut cleo = served.member("cleo", access(Role::Support, &["azure-bay"])).await;

    cleo.get("/guests").await.check(200).has(PAGE);
    let page = cleo.get(PAGE).await.check(200);
    page.has("<option selected>cleo</option>").lacks("olga");
    let assign = [("what", "assign"), ("to", "olga")];
    cleo.post(&format!("{PAGE}/act"), &assign)
        .await
        .check(422)
        .has("olga does not work for the guest&#39;s resort");
    // An address that a form had leads back to the booking.
    let reloaded = cleo.get(&format!("{PAGE}/reveal")).await.check(303);
    assert_eq!(reloaded.location(), PAGE);
    served.member("vera", access(Role::Viewer, &[])).await;

    let conversation = format!("{PAGE}/conversation");
    cleo.submit(&conversation, &[]).await.check(200).has("Open until");
    served
        .database
        .execute("UPDATE staff SET role = 'viewer' WHERE name = 'cleo'")
        .await;
    cleo.get(PAGE).await.check(200).lacks("Open until");
}

// shows: T43
#[tokio::test]
async fn a_form_with_too_many_letters_and_a_day_that_no_calendar_has_are_refused_in_words() {
    let served = Served::start().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let ids: Vec<String> = (1..=201).map(|id| id.to_string()).collect();
    let mut form: Vec<(&str, &str)> = ids.iter().map(|id| ("letter[]", id.as_str())).collect();
    form.push(("action", "retry"));

    let refused = anna.post("/letters/bulk", &form).await.check(400);
    refused.has("Tick 200 letters at most");
    for day in ["-262143-01-01", "10000-01-01", "tomorrow"] {
        let page = anna.get(&format!("/audit?since={day}")).await.check(400);
        page.has("A day is written");
    }
    assert!(!served.program.log().contains("page_failed"));
}
