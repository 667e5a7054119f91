//! Whatever is sent, a verifier answers and lets nobody in.

use crypto::signature::{HeaderName, HmacScheme, Scheme, SignedText, Verifier};
use proptest::prelude::*;

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
    fn what_was_not_signed_is_refused_without_a_panic(
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
}
