//! What real clients do with bytes: each body below means the same event, and is taken as that.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::http::{Answer, exchange, request};
use crate::vhost::VHost;
use crate::world::{KEYS, SCHEME_SECRET, World, bytes, event, signed};

const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";
/// A body that passes every check is told this where there is no broker.
const PASSED: &str = "broker-unavailable";

async fn world() -> World {
    World::start(NO_BROKER, &[("INGEST_CONFIRM_TIMEOUT", "50ms")]).await
}

/// A body to a source that signs nothing and has no rate to speak of.
async fn post(world: &World, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let token = format!("Bearer {SCHEME_SECRET}");
    let mut all = vec![
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    all.retain(|(name, _)| headers.iter().all(|(other, _)| name != other));
    all.extend(headers);
    exchange(world.address, &request("POST", "/webhooks/bearer", &all, body)).await
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// The event with this JSON as one more member.
fn with_member(member: &[u8]) -> Vec<u8> {
    let body = bytes(&event());
    [b"{", member, b",", &body[1..]].concat()
}

// shows: B4
#[tokio::test(flavor = "multi_thread")]
async fn damage_in_a_field_that_is_ignored_costs_no_event() {
    let world = world().await;
    let deep = [br#""x":"#.to_vec(), b"[".repeat(5_000), b"]".repeat(5_000)].concat();
    let members: [&[u8]; 10] = [
        br#""x":"\ud83d""#,
        br#""x":{"y":["\udc00"]}"#,
        br#""\ud83d":1"#,
        b"\"x\":\"\0\"",
        b"\"x\":\"a\rb\"",
        b"\"x\":\"a\nb\tc\"",
        "\"x\":\"\u{202A}\u{202E}\u{2066}\u{2069}\u{200E}\u{200F}\"".as_bytes(),
        b"\"x\":\"\xff\"",
        br#""x":[NaN,-Infinity,1e999]"#,
        &deep,
    ];

    for member in members {
        let answer = post(&world, &[], &with_member(member)).await;
        assert_eq!(answer.problem(), PASSED, "{:?}", String::from_utf8_lossy(member));
    }
    world.finish().await;
}

// shows: B3
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_before_the_json_or_blanks_and_nuls_after_it_change_nothing() {
    let world = world().await;
    let body = bytes(&event());
    let text = String::from_utf8(body.clone()).unwrap();
    let utf_16: Vec<u8> = format!("\u{FEFF}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();

    for whole in [
        [b"\xef\xbb\xbf", body.as_slice()].concat(),
        [body.as_slice(), b"\r\n \t"].concat(),
        [body.as_slice(), b"\0"].concat(),
        [b"\n \r\n", body.as_slice()].concat(),
        utf_16,
    ] {
        assert_eq!(post(&world, &[], &whole).await.problem(), PASSED);
    }
    world.finish().await;
}

// shows: B4
#[tokio::test(flavor = "multi_thread")]
async fn a_control_character_or_a_direction_mark_is_removed_from_texts_and_refused_in_ids_and_links() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let with = |pointer: &str, text: &str| {
        let mut body = event();
        *body.pointer_mut(pointer).unwrap() = json!("?");
        String::from_utf8(bytes(&body))
            .unwrap()
            .replace("\"?\"", &format!("\"{text}\""))
    };

    for mark in [
        r"\u0000", r"\r", r"\u202e", r"\u2066", r"\u200f", "\u{0}", "\r", "\u{202E}",
    ] {
        let name = with("/guest/name", &format!("Ada {mark}Lovelace"));
        assert_eq!(world.post_signed(name.as_bytes()).await.status, 200, "{mark:?}");
        for (pointer, field) in [
            ("/id", "id"),
            ("/booking/id", "booking.id"),
            ("/booking/resume_url", "booking.resume_url"),
        ] {
            let value = format!("https://book.example/{mark}x");
            let answer = world.post_signed(with(pointer, &value).as_bytes()).await;
            let told = &answer.json()["errors"];
            assert_eq!(
                told,
                &json!([{ "field": field, "problem": "not allowed" }]),
                "{mark:?}"
            );
        }
    }

    let half = with("/guest/name", r"Ada \ud83d Lovelace");
    assert_eq!(world.post_signed(half.as_bytes()).await.status, 200);
    let names: std::collections::BTreeSet<String> = opened(&vhost).await.iter().map(name).collect();
    let wanted = ["Ada Lovelace", "Ada \u{FFFD} Lovelace"].map(str::to_owned);
    assert_eq!(names, wanted.into());
    world.finish().await;
    vhost.drop_now().await;
}

pub(crate) async fn opened(vhost: &VHost) -> Vec<serde_json::Value> {
    let ring = crypto::key_ring::KeyRing::parse(KEYS).unwrap();
    let events = vhost.take_events().await;
    let open =
        |envelope: &broker::envelope::Envelope| ring.open(&envelope.sealed, &envelope.identity()).unwrap();
    events
        .iter()
        .map(|envelope| serde_json::from_slice(&open(envelope)).unwrap())
        .collect()
}

fn name(event: &serde_json::Value) -> String {
    event["guest"]["name"].as_str().unwrap().trim().replace("  ", " ")
}

// shows: B1
#[tokio::test(flavor = "multi_thread")]
async fn a_slash_after_the_source_and_a_query_change_nothing() {
    let world = world().await;
    let body = bytes(&event());

    for path in [
        "/webhooks/direct",
        "/webhooks/direct/",
        "/webhooks/direct?a=b&c",
        "/webhooks/direct/?",
        "/webhooks/dir%65ct",
    ] {
        let answer = exchange(world.address, &signed(path, &body, "application/json")).await;
        assert_eq!(answer.problem(), PASSED, "{path}");
    }
    let json = [("content-type", "application/json")];
    for path in [
        "/webhooks/url/platform:secret/",
        "/webhooks/url/platform%3Asecret",
        "/webhooks/url/platform:secret/?x=/",
    ] {
        let answer = exchange(world.address, &request("POST", path, &json, &body)).await;
        assert_eq!(answer.problem(), PASSED, "{path}");
    }
    for path in [
        "/webhooks//direct",
        "/webhooks/direct//",
        "/webhooks/",
        "/webhooks/url/a/b",
        "/webhooks/url/a/b/",
    ] {
        let answer = exchange(world.address, &request("POST", path, &json, &body)).await;
        assert_eq!(answer.problem(), "not-found", "{path}");
    }
    let refused = exchange(world.address, &request("GET", "/webhooks/direct/", &[], b"")).await;
    assert_eq!((refused.status, refused.headers["allow"].as_str()), (405, "POST"));
    world.finish().await;
}

// shows: B1
#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_too_may_put_a_slash_or_a_query_behind_its_address() {
    let world = world().await;
    let query = "hub.mode=subscribe&hub.challenge=7&hub.verify_token=verify%20me";

    let greeted = world.get(&format!("/webhooks/whatsapp/?{query}")).await;
    let notified = world
        .notify_at("/webhooks/whatsapp/?a=b", br#"{"entry":[]}"#, &[])
        .await;

    assert_eq!((greeted.status, greeted.body.as_slice()), (200, b"7".as_slice()));
    assert_eq!(notified.status, 200);
    world.finish().await;
}

// shows: B2
#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_gzip_is_unpacked_after_its_signature_was_checked() {
    let world = world().await;
    let body = bytes(&event());
    let (head, tail) = body.split_at(100);
    let check = async |encoding: &str, body: &[u8], expected: (u16, &str)| {
        let answer = post(&world, &[("content-encoding", encoding)], body).await;
        assert_eq!((answer.status, answer.problem().as_str()), expected, "{encoding}");
    };

    for encoding in ["gzip", "GZIP", "x-gzip", "identity, gzip", " gzip "] {
        check(encoding, &gzip(&body), (503, PASSED)).await;
    }
    check("gzip", &[gzip(head), gzip(tail)].concat(), (503, PASSED)).await;
    check("gzip", &gzip(&with_member(br#""x":"\ud83d""#)), (503, PASSED)).await;
    check("identity", &body, (503, PASSED)).await;
    check("", &body, (503, PASSED)).await;

    let cut = gzip(&body);
    let mut wrong_sum = cut.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    for broken in [
        &body[..],
        b"",
        &cut[..cut.len() - 1],
        &cut[..12],
        &wrong_sum,
        &[&cut[..], b"x"].concat(),
    ] {
        check("gzip", broken, (400, "invalid-encoding")).await;
    }
    check("gzip", &gzip(b"hello"), (400, "invalid-json")).await;

    let forged = signed(
        "/webhooks/direct",
        &body,
        "application/json\r\ncontent-encoding: gzip",
    );
    assert_eq!(
        exchange(world.address, &forged).await.problem(),
        "invalid-encoding"
    );
    let packed = signed(
        "/webhooks/direct",
        &gzip(&body),
        "application/json\r\ncontent-encoding: gzip",
    );
    assert_eq!(exchange(world.address, &packed).await.problem(), PASSED);
    let unsigned = [("content-encoding", "gzip"), ("authorization", "Bearer wrong")];
    assert_eq!(post(&world, &unsigned, &gzip(&body)).await.status, 401);
    world.finish().await;
}

// shows: B2, T9
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_when_unpacked_is_too_large_and_never_unpacked_whole() {
    let world = world().await;
    let packed = |length: usize| {
        let mut body = b"{}".to_vec();
        body.resize(length, b' ');
        gzip(&body)
    };
    let gzip = [("content-encoding", "gzip")];

    assert_eq!(
        post(&world, &gzip, &packed(1 << 20)).await.problem(),
        "invalid-event"
    );
    assert_eq!(
        post(&world, &gzip, &packed((1 << 20) + 1)).await.problem(),
        "body-too-large"
    );
    let bomb = packed(64 << 20);
    assert!(bomb.len() < 100_000, "it must pass the limit of what is sent");
    let members = packed((1 << 20) - 10).repeat(100);
    for bomb in [bomb, members] {
        let began = std::time::Instant::now();
        let answer = post(&world, &gzip, &bomb).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (413, "body-too-large")
        );
        assert!(
            began.elapsed() < std::time::Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }
    world.finish().await;
}

// shows: B2
#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_that_is_not_known_is_told_which_one_is() {
    let world = world().await;

    for encoding in [
        "br",
        "zstd",
        "deflate",
        "gzip, gzip",
        "gzip, br",
        "aws-chunked",
        "gzip;q=1",
    ] {
        let answer = post(&world, &[("content-encoding", encoding)], &bytes(&event())).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (415, "unsupported-encoding"),
            "{encoding}"
        );
        assert_eq!(answer.headers["accept-encoding"], "gzip");
    }
    world.finish().await;
}

// shows: B3
#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_is_read_as_widely_as_clients_write_it() {
    let world = world().await;
    let body = bytes(&event());
    let check = async |content_type: &str, body: &[u8], expected: &str| {
        let answer = post(&world, &[("content-type", content_type)], body).await;
        assert_eq!(answer.problem(), expected, "{content_type}");
    };

    for content_type in [
        "application/json",
        "APPLICATION/JSON;CHARSET=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "application/json;charset=utf8;",
        "application/json; charset=",
        "application/json; version=\u{e9}",
        "text/json",
        "Text/JSON; charset=utf-8",
        "application/cloudevents+json",
        "application/vnd.api+json; charset=iso-8859-1",
    ] {
        check(content_type, &body, PASSED).await;
    }
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=json",
        "json",
        "application/json5",
    ] {
        check(content_type, &body, "unsupported-media-type").await;
    }
    for charset in ["klingon", "utf-32"] {
        check(
            &format!("application/json; charset={charset}"),
            &body,
            "unsupported-media-type",
        )
        .await;
    }
    let text = String::from_utf8(body).unwrap().replace("Ada", "Zo\u{EB}");
    let latin_1: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    check("application/json; charset=ISO-8859-1", &latin_1, PASSED).await;
    check("application/json; charset=utf-16be", &utf_16, PASSED).await;
    check("application/json", &latin_1, PASSED).await;
    check("application/json", &utf_16, "invalid-json").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_only_look_are_told_what_is_allowed() {
    let world = world().await;

    for method in ["HEAD", "OPTIONS", "GET", "PATCH", "TRACE", "MADEUP"] {
        for (path, allow) in [
            ("/webhooks/direct", "POST"),
            ("/webhooks/url/x", "POST"),
            ("/webhooks/whatsapp", "GET, POST"),
        ] {
            if method == "GET" && allow != "POST" {
                continue;
            }
            let answer = exchange(world.address, &request(method, path, &[], b"")).await;
            assert_eq!(
                (answer.status, answer.headers["allow"].as_str()),
                (405, allow),
                "{method} {path}"
            );
            assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_come_in_chunks_or_be_none() {
    let world = world().await;
    let token = format!("Bearer {SCHEME_SECRET}");
    let head = format!(
        "POST /webhooks/bearer HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {token}\r\ncontent-type: application/json\r\n"
    );
    let body = String::from_utf8(bytes(&event())).unwrap();
    let chunks: String = body
        .as_bytes()
        .chunks(7)
        .map(|chunk| {
            format!(
                "{:X};ext=1\r\n{}\r\n",
                chunk.len(),
                std::str::from_utf8(chunk).unwrap()
            )
        })
        .collect();

    let chunked = format!("{head}transfer-encoding: Chunked\r\n\r\n{chunks}0\r\nx-trailer: 1\r\n\r\n");
    let empty = format!("{head}content-length: 0\r\n\r\n");
    let none = format!("{head}\r\n");

    assert_eq!(
        exchange(world.address, chunked.as_bytes()).await.problem(),
        PASSED
    );
    assert_eq!(
        exchange(world.address, empty.as_bytes()).await.problem(),
        "invalid-json"
    );
    assert_eq!(
        exchange(world.address, none.as_bytes()).await.problem(),
        "invalid-json"
    );
    world.finish().await;
}
