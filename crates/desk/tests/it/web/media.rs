//! A guest's file on the booking's page, fetched from the sandbox.

use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::staff::{Access, Role};
use sandbox::{Sandbox, Settings};
use serde_json::json;
use service::Stop;
use store::events::{self, NewEvent};
use testkit::database::Database;
use testkit::plain_browser::PlainBrowser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use whatsapp::notification;

use super::{Served, access};
use crate::bookings::booked;
use crate::program::KEYS;

const PAGE: &str = "/bookings/azure%2Dbay/BK%2D1001";
const TOKEN: &str = "EAAJB-the-secret-token";
/// The sandbox's first file, and its second.
const PICTURE: &str = "1003383421387256";
const LETTER: &str = "1003383421387257";
const GONE: &str = "1003383421387299";
const PIXELS: &str = "pixels-of-ada";
const PIXELS_IN_BASE64: &str = "cGl4ZWxzLW9mLWFkYQ==";

/// A sandbox that has two files of guests.
struct World {
    stop: Stop,
    served: Served,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl World {
    /// Ada, of the booking, sent the picture and one that WhatsApp forgot; Bob, of no booking here, sent the letter.
    async fn start(token: &str) -> Self {
        let mut settings = Settings::for_tests();
        settings.tokens = Some([TOKEN.to_owned()].into());
        settings.numbers = Some(["106540352242922".to_owned()].into());
        let stop = Stop::manual();
        let sandbox = sandbox::start(settings, &stop).unwrap();
        keep(&sandbox, "image/jpeg", PIXELS_IN_BASE64).await;
        keep(&sandbox, "application/pdf", PIXELS_IN_BASE64).await;
        let database = booked().await;
        let (ada, bob) = ("306912345678", "306987654321");
        let sent = [
            (ada, "image", PICTURE),
            (ada, "image", GONE),
            (bob, "document", LETTER),
        ];
        for (guest, kind, file) in sent {
            wrote(&database, guest, kind, file).await;
        }
        let variables = [("WHATSAPP_API_URL", &*sandbox.url()), ("AZURE_BAY_TOKEN", token)];
        let served = Served::start_on(database, &variables).await;
        Self { stop, served }
    }
}

async fn keep(sandbox: &Sandbox, mime_type: &str, base64: &str) {
    let media = json!({ "type": "image", "mime_type": mime_type, "base64": base64 });
    let body =
        json!({ "from": "+306912345678", "phone_number_id": "106540352242922", "media": media }).to_string();
    let head = format!(
        "POST /sandbox/inbound HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(sandbox.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Stores a guest's message with a file, as WhatsApp notifies of it.
async fn wrote(database: &Database, guest: &str, kind: &str, file: &str) {
    let message = json!({
        "from": guest, "id": format!("wamid.{file}"), "timestamp": "1750000000", "type": kind,
        kind: { "id": file, "mime_type": "image/jpeg", "caption": "our room" },
    });
    let value = json!({
        "messaging_product": "whatsapp", "metadata": { "phone_number_id": "106540352242922" }, "messages": [message],
    });
    let change = json!({ "field": "messages", "value": value });
    let body =
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [change] }] });
    let updates = notification::parse(body.to_string().as_bytes()).unwrap();
    let (ring, key) = (KeyRing::parse(KEYS).unwrap(), format!("whatsapp/{file}"));
    let update = serde_json::to_vec(&updates[0]).unwrap();
    let new = NewEvent {
        source: "whatsapp".into(),
        event_type: "whatsapp_message".into(),
        booking: None,
        received_at: Utc::now(),
        request_id: "r-2".into(),
        trace: None,
        outcome: "applied",
        phone_hash: Some(ring.lookup(format!("+{guest}")).to_vec()),
        name_hashes: Vec::new(),
        message: None,
        sealed_body: Some(ring.seal(&update, &format!("event:{key}"))),
        key,
    };
    let store = database.store();
    let storing =
        store.transaction(move |connection| events::insert_new(connection, std::slice::from_ref(&new)));
    storing.await.unwrap();
}

async fn open(browser: &mut PlainBrowser, file: &str) -> testkit::plain_browser::Page {
    browser.post(&format!("{PAGE}/media"), &[("id", file)]).await
}

async fn fetched_rows(world: &World) -> i64 {
    let rows = "SELECT count(*) AS count FROM audit WHERE action = 'media_fetched' AND booking = 'BK-1001'";
    world.served.database.count(rows).await
}

// shows: B186, T44
#[tokio::test(flavor = "multi_thread")]
async fn a_guests_picture_opens_from_the_open_conversation_after_a_row_in_the_audit_trail() {
    let world = World::start(TOKEN).await;
    let mut anna = world.served.member("anna", Access::ADMIN).await;
    open(&mut anna, PICTURE)
        .await
        .check(422)
        .has("the conversation is not open");
    assert_eq!(fetched_rows(&world).await, 0);

    let page = anna.submit(&format!("{PAGE}/conversation"), &[]).await.check(200);
    page.has("our room").has("Open the image").lacks(PIXELS);
    let picture = open(&mut anna, PICTURE).await.check(200);

    assert_eq!(picture.text, PIXELS);
    for (header, expected) in [
        ("content-type", "image/jpeg"),
        ("content-disposition", "inline"),
        (
            "content-security-policy",
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(picture.headers[header], expected);
    }
    assert_eq!(fetched_rows(&world).await, 1);
    open(&mut anna, LETTER).await.check(404).lacks(PIXELS);
    assert_eq!(fetched_rows(&world).await, 1);
    open(&mut anna, GONE)
        .await
        .check(422)
        .has("WhatsApp does not know this file, or not any more");
    let log = world.served.program.log();
    for secret in [PIXELS, TOKEN, PICTURE, GONE, "our room"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

// shows: B186, T43
#[tokio::test(flavor = "multi_thread")]
async fn a_guests_file_is_not_for_viewers_nor_for_members_of_other_resorts() {
    let world = World::start(TOKEN).await;
    let mut anna = world.served.member("anna", Access::ADMIN).await;
    let mut eve = world
        .served
        .member("eve", access(Role::Viewer, &["azure-bay"]))
        .await;
    let mut ben = world
        .served
        .member("ben", access(Role::Support, &["olive-hill"]))
        .await;
    anna.submit(&format!("{PAGE}/conversation"), &[]).await.check(200);

    open(&mut eve, PICTURE).await.check(403).lacks(PIXELS);
    open(&mut ben, PICTURE).await.check(404).lacks(PIXELS);

    assert_eq!(fetched_rows(&world).await, 0);
}

// shows: B186
#[tokio::test(flavor = "multi_thread")]
async fn without_the_resorts_token_or_with_a_refused_one_the_page_says_why() {
    for (token, why) in [
        ("", "the desk cannot read the resort&#39;s access token"),
        ("EAAJB-another", "WhatsApp refuses with code 190"),
    ] {
        let world = World::start(token).await;
        let mut anna = world.served.member("anna", Access::ADMIN).await;
        anna.submit(&format!("{PAGE}/conversation"), &[]).await.check(200);

        open(&mut anna, PICTURE).await.check(422).has(why);
    }
}
