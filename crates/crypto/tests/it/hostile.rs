//! Hostile requests: a verifier refuses all of them and never panics.

use crypto::signature::{HeaderName, HmacScheme, Scheme, SignedText, Verifier, sign_github, sign_standard};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{Sent, verifier};

const HEADERS: [&str; 11] = [
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
];

fn verifiers() -> Vec<Verifier> {
    let own = HeaderName::parse("x-own").unwrap();
    let mut free = HmacScheme::new(own.clone());
    free.signed = SignedText::parse("{timestamp}{id}{body}").unwrap();
    vec![
        verifier(
            Scheme::StandardWebhooks,
            &[
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            ],
        ),
        verifier(Scheme::GitHub, &["a long enough secret"]),
        verifier(Scheme::Stripe, &["a long enough secret"]),
        verifier(Scheme::Shopify, &["a long enough secret"]),
        verifier(Scheme::Slack, &["a long enough secret"]),
        verifier(Scheme::Hmac(free), &["a long enough secret"]),
        verifier(Scheme::Basic, &["platform:a long enough secret"]),
        verifier(Scheme::Bearer, &["a long enough secret"]),
        verifier(Scheme::Header(own), &["a long enough secret"]),
        verifier(Scheme::UrlToken, &["a long enough secret"]),
    ]
}

fn header_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..80),
        "(v1,|v1a,|v1=|v0=|sha256=|Basic |Bearer |t=)?[0-9a-f=, ]{0,90}".prop_map(String::into_bytes),
        (1_699_999_000_i64..1_700_001_000).prop_map(|seconds| seconds.to_string().into_bytes()),
        Just(format!("t=1700000000,v1={}", "0".repeat(64)).into_bytes()),
    ]
}

proptest! {
    #[test]
    fn an_unsigned_request_is_refused_without_a_panic(
        headers in proptest::collection::vec((proptest::sample::select(&HEADERS[..]), header_value()), 0..8),
        body in proptest::collection::vec(any::<u8>(), 0..64),
        url_token in proptest::option::of(".{0,20}"),
        now in any::<i64>(),
    ) {
        let mut sent = Sent { body, url_token, now, ..Sent::default() };
        for (name, value) in headers {
            sent = sent.with(name, value);
        }

        for verifier in verifiers() {
            prop_assert!(sent.verify(&verifier).is_err());
        }
    }

    // shows: T2
    #[test]
    fn a_signature_verifies_its_own_body_and_no_other(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        place in any::<Index>(),
        change in 1..=u8::MAX,
    ) {
        for (sent, verifier) in signed(&body) {
            prop_assert!(sent.verify(&verifier).is_ok());

            let mut changed = sent.clone();
            let at = place.index(body.len());
            changed.body[at] ^= change;
            prop_assert!(changed.verify(&verifier).is_err());
            let mut longer = sent.clone();
            longer.body.insert(at, change);
            prop_assert!(longer.verify(&verifier).is_err() || longer.body == sent.body);
            let mut shorter = sent.clone();
            shorter.body.remove(at);
            prop_assert!(shorter.verify(&verifier).is_err());
            for index in 0..sent.headers.len() {
                let mut other = sent.clone();
                let value = &mut other.headers[index].1;
                let at = place.index(value.len());
                value[at] ^= change;
                let (name, original) = &sent.headers[index];
                let same = means_the_same(name, value, original);
                prop_assert!(same || other.verify(&verifier).is_err(), "{:?}", other.headers);
            }
        }
    }
}

/// Hexadecimal digits may be upper case, and base64 may lack its padding or use the alphabet for URLs; every other
/// byte of a header counts.
fn means_the_same(header: &str, one: &[u8], other: &[u8]) -> bool {
    if !header.starts_with("webhook-") {
        return one.trim_ascii().eq_ignore_ascii_case(other);
    }
    let essence = |value: &[u8]| {
        let text = String::from_utf8_lossy(value).trim().to_owned();
        let text = text.trim_end_matches('=');
        match header {
            "webhook-signature" => text.replace('-', "+").replace('_', "/"),
            _ => text.to_owned(),
        }
    };
    essence(one) == essence(other)
}

/// A body, signed by each scheme that covers it.
fn signed(body: &[u8]) -> Vec<(Sent, Verifier)> {
    const KEY: &str = "a long enough secret";
    const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NOW: i64 = 1_700_000_000;
    let hex = |before: &str| sign_github(KEY, &[before.as_bytes(), body].concat()).replace("sha256=", "");
    let sent = || Sent::new(body).at(NOW);
    let standard = sent()
        .with("webhook-id", "evt_1")
        .with("webhook-timestamp", NOW.to_string())
        .with("webhook-signature", sign_standard(STANDARD, "evt_1", NOW, body));
    let github = sent().with("x-hub-signature-256", sign_github(KEY, body));
    let stripe = format!("t={NOW},v1={}", hex(&format!("{NOW}.")));
    let slack = sent()
        .with("x-slack-signature", format!("v0={}", hex(&format!("v0:{NOW}:"))))
        .with("x-slack-request-timestamp", NOW.to_string());
    vec![
        (standard, verifier(Scheme::StandardWebhooks, &[STANDARD])),
        (github, verifier(Scheme::GitHub, &[KEY])),
        (
            sent().with("stripe-signature", stripe),
            verifier(Scheme::Stripe, &[KEY]),
        ),
        (slack, verifier(Scheme::Slack, &[KEY])),
    ]
}
