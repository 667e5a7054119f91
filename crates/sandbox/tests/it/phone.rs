//! The guest's phone, as a plain client without scripts walks through it.

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use sandbox::{Callback, StatusTimes};
use serde_json::{Value, json};

use crate::harness::{CallbackServer, GUEST, NUMBER, SECRET, World, hello, reminder, text};

const PHONE: &str = "/phone/+306912345678";

/// An answer, after the redirection of a form.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    path: String,
    html: String,
}

async fn load(request: RequestBuilder) -> Page {
    let answer = request.send().await.unwrap();
    Page {
        status: answer.status(),
        headers: answer.headers().clone(),
        path: answer.url().path().to_owned(),
        html: answer.text().await.unwrap(),
    }
}

impl World {
    async fn look(&self, path: &str) -> Page {
        load(self.client().get(format!("{}{path}", self.url()))).await
    }

    fn form(&self, path: &str, fields: &str) -> RequestBuilder {
        let request = self.client().post(format!("{}{path}", self.url()));
        let kind = "application/x-www-form-urlencoded";
        request.header("content-type", kind).body(fields.to_owned())
    }

    async fn submit(&self, path: &str, fields: &str) -> Page {
        load(self.form(path, fields)).await
    }

    /// Sends a reminder whose quick reply has a payload of the sender's; returns its wamid.
    async fn send_with_payload(&self, payload: &str) -> String {
        let mut message = reminder();
        let button = json!({ "type": "button", "sub_type": "quick_reply", "index": "1",
                             "parameters": [{ "type": "payload", "payload": payload }] });
        message["template"]["components"]
            .as_array_mut()
            .unwrap()
            .push(button);
        let (_, answer) = self.send(message).await;
        answer["messages"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// A sandbox with these statuses, for a callback.
fn reporting(callback: &CallbackServer, statuses: &str) -> World {
    World::start(|settings| {
        settings.callback = Some(Callback::new(&callback.url, SECRET).unwrap());
        settings.status_times = StatusTimes::parse(statuses).unwrap();
    })
}

/// The places of these texts in a page follow each other.
fn assert_in_order(html: &str, texts: &[&str]) {
    let mut rest = html;
    for text in texts {
        let (_, after) = rest
            .split_once(text)
            .unwrap_or_else(|| panic!("{text} in {html}"));
        rest = after;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_as_the_guest_sees_it() {
    let world = World::start(|_| {});
    world.send(reminder()).await;

    let page = world.look(PHONE).await;

    assert_eq!(page.status, StatusCode::OK);
    assert_in_order(
        &page.html,
        &[
            "<h1>Azure Bay Resort<small>on the phone of +306912345678",
            ">Azure Bay</h2>",
            ">Hi Ada, your stay at Azure Bay waits.</p>",
            ">Reply STOP to opt out</p>",
            r#"href="https://book.example/r/BK-1001?k=1" rel="noreferrer""#,
            ">Continue</a>",
            ">Stop</button>",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tapped_button_reaches_the_callback_with_its_payload_and_the_message_it_belongs_to() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world.script(json!({ "notify": { "statuses": [] } })).await;
    let wamid = world.send_with_payload("bellhop:stop:7").await;

    let page = world
        .submit(&format!("{PHONE}/tap"), &format!("wamid={wamid}&button=0"))
        .await;

    let message = &callback.changes(1).await[0]["value"]["messages"][0];
    assert_eq!(
        message["button"],
        json!({ "payload": "bellhop:stop:7", "text": "Stop" })
    );
    assert_eq!(message["context"]["id"], wamid);
    assert_eq!(message["from"], "306912345678");
    assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, PHONE));
    let own = [
        "<li class=\"own\">",
        "<blockquote dir=\"auto\">Hi Ada, your stay",
        ">Stop</p>",
    ];
    assert_in_order(&page.html, &own);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_reaches_the_callback_and_opens_the_window() {
    let callback = CallbackServer::start(&[]).await;
    let world = reporting(&callback, "sent=0ms");
    world.send(text("Too early.")).await;
    callback.statuses(1).await;

    let answer = format!("number={NUMBER}&text=+Is+there+a+caf%C3%A9%3F+");
    world.submit(&format!("{PHONE}/answer"), &answer).await;
    world.send(text("There is.")).await;

    let changes = callback.changes(3).await;
    assert_eq!(changes[0]["value"]["statuses"][0]["status"], "failed");
    assert_eq!(
        changes[1]["value"]["messages"][0]["text"]["body"],
        "Is there a café?"
    );
    assert_eq!(changes[1]["value"]["metadata"]["phone_number_id"], NUMBER);
    assert_eq!(changes[2]["value"]["statuses"][0]["status"], "sent");
    let page = world.look(PHONE).await;
    assert_in_order(
        &page.html,
        &[
            "failed",
            ">Too early.<",
            "not delivered",
            "\"own\"",
            ">Is there a café?<",
            "\"theirs\"",
            ">There is.<",
            "sent</span>",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_left_unread_is_read_when_the_guest_says_so() {
    let callback = CallbackServer::start(&[]).await;
    let world = reporting(&callback, "delivered=0ms,read=0ms");

    world
        .submit(&format!("{PHONE}/attention"), "attention=unread")
        .await;
    world.send(hello(GUEST)).await;
    callback.statuses(1).await;
    let unread = world.look(PHONE).await;
    let read = world
        .submit(&format!("{PHONE}/attention"), "attention=read")
        .await;
    world.send(hello(GUEST)).await;

    let told = callback.statuses(4).await;
    let told: Vec<&Value> = told.iter().map(|status| &status["status"]).collect();
    assert_eq!(told, ["delivered", "read", "delivered", "read"]);
    assert!(unread.html.contains("delivered</span>"), "{}", unread.html);
    assert!(unread.html.contains(r#"value="unread" aria-pressed="true""#));
    assert!(read.html.contains("read</span>"), "{}", read.html);
    assert!(read.html.contains(r#"value="unread" aria-pressed="false""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_text_and_never_part_of_the_page() {
    let world = World::start(|_| {});
    let script = "<script>alert(1)</script>";
    world.send(text(script)).await;
    let inbound = json!({ "from": GUEST, "text": format!("\"'>{script}"), "phone_number_id": NUMBER });
    world.post("/sandbox/inbound", inbound).await;

    for path in [PHONE, "/phone"] {
        let page = world.look(path).await;
        assert!(page.html.contains("&#60;script&#62;alert(1)"), "{}", page.html);
        assert!(!page.html.contains("<script>"), "{}", page.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_page_is_refused() {
    let world = World::start(|_| {});
    let wamid = world.send_with_payload("bellhop:stop:7").await;
    let forms = [
        ("tap", format!("wamid={wamid}&button=0")),
        ("answer", format!("number={NUMBER}&text=Hi")),
        ("attention", "attention=unread".to_owned()),
    ];

    for (form, fields) in &forms {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = world.form(&format!("{PHONE}/{form}"), fields);
            let answer = load(request.header(name, value)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {name}: {value}");
        }
    }

    let page = world.look(PHONE).await;
    assert!(!page.html.contains("\"own\""), "{}", page.html);
    assert!(page.html.contains(r#"value="read" aria-pressed="true""#));
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", world.url())] {
        let request = world.form(&format!("{PHONE}/tap"), &forms[0].1);
        assert_eq!(
            load(request.header(name, value)).await.status,
            StatusCode::OK,
            "{name}: {value}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_what_a_page_does_not_need() {
    let world = World::start(|_| {});
    let refused = world.submit(&format!("{PHONE}/tap"), "wamid=x&button=0").await;
    let mut pages = vec![refused];
    for path in [
        "/phone",
        PHONE,
        "/phone/phone.css",
        "/phone/phone.js",
        "/phone/phone.svg",
        "/phone/nobody",
    ] {
        pages.push(world.look(path).await);
    }

    for page in pages {
        let header = |name: &str| page.headers[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
            "{}",
            page.path
        );
        assert!(
            policy.ends_with("form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
            "{}",
            page.path
        );
        assert_eq!(header("cache-control"), "no-store", "{}", page.path);
        assert_eq!(header("x-content-type-options"), "nosniff", "{}", page.path);
        assert_eq!(header("referrer-policy"), "same-origin", "{}", page.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_cannot_do_is_told() {
    let world = World::start(|_| {});
    let wamid = world.send_with_payload("bellhop:stop:7").await;
    let long = "a".repeat(4097);
    let cases = [
        (
            "/phone/+49/answer".to_owned(),
            format!("number={NUMBER}&text=Hi"),
            "not a phone number",
        ),
        (
            format!("{PHONE}/answer"),
            format!("number={NUMBER}&text=+"),
            "1 to 4096",
        ),
        (
            format!("{PHONE}/answer"),
            format!("number={NUMBER}&text={long}"),
            "1 to 4096",
        ),
        (
            format!("{PHONE}/answer"),
            "number=12x&text=Hi".to_owned(),
            "in digits",
        ),
        (
            format!("{PHONE}/tap"),
            format!("wamid={wamid}&button=1"),
            "no such button",
        ),
        (
            "/phone/+4915550001111/tap".to_owned(),
            format!("wamid={wamid}&button=0"),
            "no such button",
        ),
    ];

    for (path, fields, expected) in cases {
        let answer = world.submit(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {fields}");
        assert!(answer.html.contains(expected), "{path} {fields}: {}", answer.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_got_nothing_yet_can_write_first() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    let before = world.look("/phone/4915550001111").await;
    let after = world
        .submit("/phone/4915550001111/answer", "number=2&text=Hi")
        .await;

    assert!(before.html.contains("Nothing here yet"), "{}", before.html);
    assert!(
        before
            .html
            .contains(r#"<input id="number" name="number" type="text""#)
    );
    assert!(
        after.html.contains(r#"type="hidden" name="number" value="2""#),
        "{}",
        after.html
    );
    let value = &callback.changes(1).await[0]["value"];
    assert_eq!(value["metadata"]["phone_number_id"], "2");
    assert_eq!(value["messages"][0]["from"], "4915550001111");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_the_business_number_that_was_spoken_with_last() {
    let world = World::start(|_| {});
    world.send(hello(GUEST)).await;
    world.post("/v25.0/2/messages", hello(GUEST)).await;

    let page = world.look(PHONE).await;

    assert_in_order(
        &page.html,
        &[
            ">Hello.<",
            "with the number 2",
            ">Hello.<",
            r#"name="number" value="2""#,
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phones_are_listed_by_their_last_message() {
    let world = World::start(|_| {});
    world.send(hello("+4915550001111")).await;
    world.send(hello(GUEST)).await;
    let last_but_one = world.look("/phone").await;
    let inbound = json!({ "from": "+4915550001111", "text": "Hi", "phone_number_id": NUMBER });
    world.post("/sandbox/inbound", inbound).await;
    let last = world.look("/phone").await;

    assert_in_order(
        &last_but_one.html,
        &[
            "href=\"/phone/+306912345678\"",
            "Hello.",
            "+4915550001111",
            "Hello.",
        ],
    );
    assert_in_order(
        &last.html,
        &[
            "href=\"/phone/+4915550001111\"",
            "You: Hi",
            "+306912345678",
            "Hello.",
        ],
    );
    assert_eq!(last.html.matches("<a ").count(), 2);
}
