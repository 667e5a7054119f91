//! Whatever comes in is answered, never with 5xx, and never let in with a body that was changed.
//!
//! As many cases as `PROPTEST_CASES` says.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Runtime;

use crate::http::{Answer, exchange, request};
use crate::vhost::VHost;
use crate::world::{World, bytes, event, signed};

const NOTIFICATION: &[u8] =
    include_bytes!("../../../whatsapp/tests/fixtures/webhooks/batch_mixed_out_of_order.json");

/// Some bytes with some of them changed, cut out, doubled or added.
fn mutated(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<Index>(), any::<u8>(), 0..5_u8);
    let original = Arc::new(original);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut bytes = original.to_vec();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len().max(1));
            match (kind, bytes.get(at).copied()) {
                (0, Some(_)) => bytes[at] = byte,
                (1, Some(_)) => drop(bytes.remove(at)),
                (2, Some(_)) => bytes.truncate(at),
                (3, Some(old)) => bytes.insert(at, old),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

/// Sends each case to one ingest with a broker, and looks at the answer.
fn fuzz<T: std::fmt::Debug>(
    cases: &impl Strategy<Value = T>,
    send: impl AsyncFn(&World, &T) -> Answer,
    is_right: impl Fn(&T, &Answer) -> bool,
) {
    let runtime = Runtime::new().unwrap();
    let vhost = runtime.block_on(VHost::create());
    let world = runtime.block_on(async {
        let world = World::start(&vhost.url, &[]).await;
        world.until_broker_ready().await;
        world
    });
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };

    let result = TestRunner::new(config).run(cases, |case| {
        let answer = runtime.block_on(send(&world, &case));
        if is_right(&case, &answer) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&answer.body);
        Err(TestCaseError::fail(format!("{} {body}", answer.status)))
    });

    runtime.block_on(async {
        world.finish().await;
        vhost.drop_now().await;
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

// shows: T11
#[test]
fn an_authentic_body_of_whatever_bytes_is_accepted_or_is_the_callers_fault() {
    let any_bytes = prop::collection::vec(any::<u8>(), 0..300);
    let cases = prop_oneof![3 => mutated(bytes(&event())), 1 => any_bytes];

    fuzz(
        &cases,
        async |world, body| world.post_signed(body).await,
        |_, answer| match answer.status {
            200 => answer.json()["status"] == "accepted",
            400 => ["invalid-json", "invalid-event"].contains(&answer.problem().as_str()),
            _ => false,
        },
    );
}

// shows: T9
#[test]
fn an_authentic_body_that_was_packed_by_whatever_is_accepted_or_is_the_callers_fault() {
    let packed = crate::habits::gzip(&bytes(&event()));
    let cases = (
        mutated(packed),
        prop::sample::select(vec!["gzip", "x-gzip", "identity", "br", "gzip, gzip"]),
    );

    fuzz(
        &cases,
        async |world, (body, encoding)| {
            let content_type = format!("application/json\r\ncontent-encoding: {encoding}");
            exchange(world.address, &signed("/webhooks/direct", body, &content_type)).await
        },
        |(_, encoding), answer| match answer.status {
            200 => answer.json()["status"] == "accepted",
            400 => ["invalid-json", "invalid-event", "invalid-encoding"].contains(&answer.problem().as_str()),
            413 => *encoding != "identity",
            415 => encoding.contains("br") || encoding.contains(','),
            _ => false,
        },
    );
}

// shows: B4
#[test]
fn whatever_stands_between_quotes_in_a_field_that_is_ignored_costs_no_event() {
    let text =
        r#"([^"\\\pC]|[\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\u[dD][89a-fA-F][0-9a-f]{2}){0,20}"#;
    let any_bytes = prop::collection::vec(
        any::<u8>().prop_filter("of a string", |byte| !b"\"\\".contains(byte)),
        0..30,
    );
    let cases = prop_oneof![text.prop_map(String::into_bytes), any_bytes];

    fuzz(
        &cases,
        async |world, text| {
            let body = [b"{\"x\":\"", text.as_slice(), b"\",", &bytes(&event())[1..]].concat();
            world.post_signed(&body).await
        },
        |_, answer| answer.status == 200,
    );
}

// shows: T2
#[test]
fn a_body_that_was_changed_under_its_signature_is_never_accepted() {
    let body = bytes(&event());
    let length = format!("content-length: {}", body.len());

    fuzz(
        &mutated(body.clone()),
        async |world, changed| {
            // Signed now: an old signature would be refused for its time.
            let mut head = signed("/webhooks/direct", &body, "application/json");
            head.truncate(head.len() - body.len());
            let head = String::from_utf8(head)
                .unwrap()
                .replace(&length, &format!("content-length: {}", changed.len()));
            exchange(world.address, &[head.as_bytes(), changed].concat()).await
        },
        |changed, answer| (answer.status == 401) == (*changed != body) && answer.status < 500,
    );
}

// shows: T2
#[test]
fn signature_headers_of_whatever_form_let_nobody_in() {
    let value =
        "[ -~]{0,120}|v1,[A-Za-z0-9+/=]{44}( v1,[A-Za-z0-9+/=]{0,50}){0,20}|t=[0-9]{1,25},v1=[0-9a-f]{64}";
    let name = prop::sample::select(vec![
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "svix-signature",
        "stripe-signature",
        "x-hub-signature-256",
        "x-shopify-hmac-sha256",
        "x-slack-signature",
        "x-slack-request-timestamp",
        "authorization",
        "x-own",
        "x-time",
        "x-api-key",
    ]);
    let source = prop::sample::select(vec![
        "direct", "github", "stripe", "shopify", "slack", "own", "basic", "bearer", "header", "url",
        "whatsapp",
    ]);
    let cases = (source, prop::collection::vec((name, value), 0..6));

    fuzz(
        &cases,
        async |world, (source, headers)| {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let path = format!("/webhooks/{source}");
            exchange(world.address, &request("POST", &path, &headers, &bytes(&event()))).await
        },
        |_, answer| answer.status == 401,
    );
}

// shows: T11
#[test]
fn an_authentic_notification_of_whatever_bytes_is_taken_and_a_changed_one_is_not() {
    let signature = crypto::signature::sign_github(crate::world::APP_SECRET, NOTIFICATION);

    fuzz(
        &mutated(NOTIFICATION.to_vec()),
        async |world, body| {
            let headers = [("x-hub-signature-256", signature.as_str())];
            let changed = request("POST", "/webhooks/whatsapp", &headers, body);
            let forged = exchange(world.address, &changed).await;
            assert_eq!(forged.status == 401, body != NOTIFICATION);
            world.notify(body).await
        },
        |_, answer| answer.status == 200,
    );
}
