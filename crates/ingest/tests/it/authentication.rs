//! Who is let in: every scheme, from every address, at every rate.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use crypto::signature::sign_github;
use futures_util::future::join_all;
use settings::RateLimit;

use crate::http::{Answer, exchange, request};
use crate::vhost::VHost;
use crate::world::{SCHEME_SECRET, World, bytes, event, signed};

/// Nobody listens there.
const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";

async fn world() -> World {
    World::start(NO_BROKER, &[("INGEST_CONFIRM_TIMEOUT", "300ms")]).await
}

/// The HMAC of a text in hexadecimal: GitHub's signature without its prefix.
fn hmac(text: &[u8]) -> String {
    sign_github(SCHEME_SECRET, text).replace("sha256=", "")
}

fn base64_hmac(text: &[u8]) -> String {
    let digits = hmac(text);
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    STANDARD.encode(bytes.collect::<Vec<_>>())
}

/// Path and headers with which a source's platform would send this body.
fn as_its_platform(source: &str, body: &[u8]) -> (String, Vec<(&'static str, String)>) {
    let now = Utc::now().timestamp().to_string();
    let timed =
        |before: &str, between: &str| hmac(&[format!("{before}{now}{between}").as_bytes(), body].concat());
    let headers = match source {
        "github" => vec![("x-hub-signature-256", format!("sha256={}", hmac(body)))],
        "stripe" => vec![("stripe-signature", format!("t={now},v1={}", timed("", ".")))],
        "shopify" => vec![("x-shopify-hmac-sha256", base64_hmac(body))],
        "slack" => vec![
            ("x-slack-signature", format!("v0={}", timed("v0:", ":"))),
            ("x-slack-request-timestamp", now),
        ],
        "own" => vec![("x-own", timed("", ":")), ("x-time", now)],
        "basic" => vec![(
            "authorization",
            format!("Basic {}", STANDARD.encode(SCHEME_SECRET)),
        )],
        "bearer" => vec![("authorization", format!("Bearer {SCHEME_SECRET}"))],
        "header" => vec![("x-api-key", SCHEME_SECRET.to_owned())],
        _ => Vec::new(),
    };
    let token = if source == "url" { SCHEME_SECRET } else { "" };
    (
        format!("/webhooks/{source}/{token}")
            .trim_end_matches('/')
            .to_owned(),
        headers,
    )
}

async fn post(world: &World, path: &str, headers: &[(&str, String)], body: &[u8]) -> Answer {
    let mut all: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    all.push(("content-type", "application/json"));
    exchange(world.address, &request("POST", path, &all, body)).await
}

// shows: T1
#[tokio::test(flavor = "multi_thread")]
async fn every_scheme_lets_its_platform_in_and_refuses_whatever_was_changed_doubled_or_left_out() {
    let world = world().await;
    let body = bytes(&event());
    let mut changed = body.clone();
    *changed.last_mut().unwrap() = b' ';

    for source in [
        "github", "stripe", "shopify", "slack", "own", "basic", "bearer", "header", "url",
    ] {
        let (path, headers) = as_its_platform(source, &body);
        let good = post(&world, &path, &headers, &body).await;
        assert_eq!(good.problem(), "broker-unavailable", "{source}");

        let mut refused = Vec::new();
        for (index, (name, value)) in headers.iter().enumerate() {
            let mut without = headers.clone();
            without.remove(index);
            refused.push(post(&world, &path, &without, &body).await);
            let cut = value.split_at(value.len() - 4).0.to_owned();
            for wrong in [
                String::new(),
                cut,
                "\u{fffd}".to_owned(),
                format!("{value}, {value}"),
            ] {
                let with = [without.clone(), vec![(*name, wrong)]].concat();
                refused.push(post(&world, &path, &with, &body).await);
            }
            let doubled = [headers.clone(), vec![(*name, value.clone())]].concat();
            refused.push(post(&world, &path, &doubled, &body).await);
        }
        if source == "url" {
            for wrong in [
                "/webhooks/url",
                "/webhooks/url/platform:secre",
                "/webhooks/url/platform:secretx",
            ] {
                refused.push(post(&world, wrong, &headers, &body).await);
            }
        }
        if !["basic", "bearer", "header", "url"].contains(&source) {
            refused.push(post(&world, &path, &headers, &changed).await);
        }
        let mut told: Vec<_> = refused
            .iter()
            .map(|answer| (answer.problem(), answer.json()["detail"].clone()))
            .collect();
        told.dedup();
        assert_eq!(told.len(), 1, "{source}: {told:?}");
        assert_eq!(told[0].0, "unauthorized", "{source}");
    }
    world.finish().await;
}

// shows: T4
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_replayed_in_time_is_the_same_event_again() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let recorded = signed("/webhooks/direct", &bytes(&event()), "application/json");

    let answers = [
        exchange(world.address, &recorded).await,
        exchange(world.address, &recorded).await,
    ];

    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200]);
    let ids: Vec<_> = vhost
        .take_events()
        .await
        .into_iter()
        .map(|event| event.event_id)
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1], "the processor knows it by its id");
    world.finish().await;
    vhost.drop_now().await;
}

// shows: T6
#[tokio::test(flavor = "multi_thread")]
async fn address_lists_hold_for_both_kinds_of_addresses() {
    let world = world().await;
    let check = async |forwarded: &str, expected: &str| {
        let headers = [("x-forwarded-for", forwarded)];
        let answer = world.post_bearer("elsewhere", &headers, &bytes(&event())).await;
        assert_eq!(answer.problem(), expected, "{forwarded}");
    };

    check("2a05:d018:1::7", "broker-unavailable").await;
    check("[2a05:d018:1::7]", "broker-unavailable").await;
    check("[2a05:d018:1::7]:443", "broker-unavailable").await;
    check("\u{e9}, 203.0.113.9", "broker-unavailable").await;
    check("::ffff:203.0.113.9", "broker-unavailable").await;
    check("2a05:d019::7", "address-not-allowed").await;
    check("::ffff:198.51.100.7", "address-not-allowed").await;
    check("2a05:d018:1::7, 198.51.100.7", "address-not-allowed").await;
    check("203.0.113.9, nonsense", "address-not-allowed").await;
    world.finish().await;
}

// shows: T6
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_stranger_writes_before_his_address_he_does_not_become_our_proxy() {
    let world = world().await;
    let check = async |forwarded: &str, expected: &str| {
        let headers = [("x-forwarded-for", forwarded)];
        let answer = world.post_bearer("inside", &headers, &bytes(&event())).await;
        assert_eq!(answer.problem(), expected, "{forwarded}");
    };

    check("127.0.0.9", "broker-unavailable").await;
    for nonsense in ["\u{e9}", "unknown", "127.0.0.1.1", "[::1", "a;b"] {
        check(&format!("{nonsense}, 198.51.100.7"), "address-not-allowed").await;
        check(&format!("198.51.100.7, {nonsense}"), "address-not-allowed").await;
        check(nonsense, "address-not-allowed").await;
    }
    world.finish().await;
}

// shows: T6
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_without_a_proxy_of_ours_cannot_lend_himself_another_address() {
    let world = World::start(NO_BROKER, &[("INGEST_TRUSTED_PROXIES", "10.0.0.0/8")]).await;

    for headers in [
        &[("x-forwarded-for", "203.0.113.9")][..],
        &[("x-forwarded-for", "203.0.113.9, 10.0.0.1")],
        &[("forwarded", "for=203.0.113.9")],
        &[("x-real-ip", "203.0.113.9")],
    ] {
        let answer = world.post_bearer("elsewhere", headers, &bytes(&event())).await;
        assert_eq!(answer.problem(), "address-not-allowed", "{headers:?}");
    }
    world.finish().await;
}

// shows: T7
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_as_long_as_retry_after_says_is_let_in() {
    let world = world().await;
    let post = async || world.post_bearer("slow", &[], b"{}").await;
    let mut answer = post().await;
    while answer.status != 429 {
        answer = post().await;
    }

    let seconds: u64 = answer.headers["retry-after"].parse().unwrap();
    tokio::time::sleep(Duration::from_secs(seconds)).await;

    assert!(seconds <= 2, "{seconds}");
    assert_eq!(post().await.status, 400);
    world.finish().await;
}

// shows: T7
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_one_source_neither_uses_up_nor_slows_another() {
    let world = world().await;
    // Authentic ones from many addresses use up the source's rate, forged ones from a single address their own.
    let flood = (0..1_000).map(|number: u32| {
        let (address, token) = match number % 2 {
            0 => (
                format!("198.51.{}.{}", number / 250, number % 250),
                "Bearer letmein",
            ),
            _ => ("192.0.2.1".to_owned(), "Bearer wrong"),
        };
        let world = &world;
        async move {
            let headers = [("x-forwarded-for", address.as_str()), ("authorization", token)];
            (token, world.post_bearer("slow", &headers, b"{}").await.status)
        }
    });
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let began = Instant::now();
            assert_eq!(world.post_bearer("lenient", &[], b"{}").await.status, 400);
            slowest = slowest.max(began.elapsed());
        }
        slowest
    };

    let (answers, slowest) = tokio::join!(join_all(flood), others);

    for (token, unlimited) in [("Bearer letmein", 400), ("Bearer wrong", 401)] {
        let of_token = answers.iter().filter(|(sent, _)| *sent == token);
        let (limited, passed): (Vec<_>, Vec<_>) = of_token.partition(|(_, status)| *status == 429);
        assert!(
            passed.iter().all(|(_, status)| *status == unlimited),
            "{passed:?}"
        );
        // One a second, for as many seconds as this may take.
        assert!(!passed.is_empty() && limited.len() > 450, "{token}: {passed:?}");
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    world.finish().await;
}

/// An ingest that takes five requests at once of one address as WhatsApp, and then one a second.
async fn world_with_five() -> World {
    let rate = RateLimit {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::new(5).unwrap(),
    };
    World::start_changed(NO_BROKER, &[], |settings| settings.whatsapp_rate = rate).await
}

/// What a hundred of the same request are answered with, together.
async fn flood(world: &World, request: &[u8]) -> Vec<u16> {
    let answers = join_all((0..100).map(|_| exchange(world.address, request))).await;
    answers.iter().map(|answer| answer.status).collect()
}

/// At least the burst gets through, at most what comes back in a minute too.
fn check_slowed_down(statuses: &[u16], refusal: u16) {
    let passed = statuses.iter().filter(|status| **status == refusal).count();
    let limited = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(passed + limited, statuses.len(), "{statuses:?}");
    assert!((5..65).contains(&passed), "{statuses:?}");
}

// shows: T7
#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_play_whatsapp_are_slowed_down_before_their_signatures_are_looked_at() {
    let world = world_with_five().await;
    let headers = [("x-hub-signature-256", "sha256=00")];

    let statuses = flood(&world, &request("POST", "/webhooks/whatsapp", &headers, b"{}")).await;

    check_slowed_down(&statuses, 401);
    world.finish().await;
}

// shows: T7
#[tokio::test(flavor = "multi_thread")]
async fn verify_tokens_cannot_be_tried_out_without_end() {
    let world = world_with_five().await;
    let guess = "/webhooks/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess";

    let statuses = flood(&world, &request("GET", guess, &[], b"")).await;

    check_slowed_down(&statuses, 403);
    world.finish().await;
}
