//! Examples that platforms and their libraries published.

use crypto::signature::{NotAuthentic, Scheme};
use serde_json::Value;

use crate::{Sent, verifier};

// shows: T1
#[test]
fn every_published_vector_is_judged_as_published() {
    let vectors: Value = serde_json::from_str(include_str!("../fixtures/signature_vectors.json")).unwrap();
    let mut judged = 0;
    for vector in vectors.as_array().unwrap() {
        let (Some(secret), Some(body)) = (vector["secret"].as_str(), vector["body"].as_str()) else {
            continue;
        };
        let scheme = match vector["scheme"].as_str().unwrap() {
            "standard-webhooks-v1" | "standard-webhooks-v1a" | "svix" => Scheme::StandardWebhooks,
            "github-sha256" => Scheme::GitHub,
            "slack-v0" => Scheme::Slack,
            "stripe-v1" => Scheme::Stripe,
            "shopify" => Scheme::Shopify,
            other => panic!("no scheme for {other}"),
        };
        let verifier = verifier(scheme, &[secret]);
        let clock = vector["clock"].as_i64().unwrap_or(1_700_000_000);
        let mut sent = Sent::new(body).at(clock);
        for (name, value) in vector["headers"].as_object().unwrap() {
            sent = sent.with(name, value.as_str().unwrap());
        }

        let answer = sent.verify(&verifier);

        assert_eq!(
            Some(answer.is_ok()),
            vector["valid"].as_bool(),
            "{vector}: {answer:?}"
        );
        sent.body.push(b' ');
        assert!(sent.verify(&verifier).is_err(), "a changed body: {vector}");
        judged += 1;
    }
    assert_eq!(judged, vectors.as_array().unwrap().len() - 1);
}

/// Stripe's documents show a header without its secret and body.
#[test]
fn a_published_header_without_its_secret_is_read_and_refused_for_its_signature_alone() {
    const SIGNED_AT: i64 = 1_492_774_577;
    let vectors: Value = serde_json::from_str(include_str!("../fixtures/signature_vectors.json")).unwrap();
    let mut without_secret = vectors
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["secret"].is_null());
    let header = without_secret.next().unwrap()["headers"]["Stripe-Signature"]
        .as_str()
        .unwrap();
    assert_eq!(without_secret.next(), None);
    let verifier = verifier(Scheme::Stripe, &["whsec_unknown"]);
    let answer = |header: &str, now| {
        Sent::new("{}")
            .with("stripe-signature", header)
            .at(now)
            .verify(&verifier)
    };

    let late = Err(NotAuthentic::OutsideTolerance { seconds: 301 });
    assert_eq!(answer(header, SIGNED_AT + 300), Err(NotAuthentic::NoMatch));
    assert_eq!(answer(header, SIGNED_AT + 301), late);
    // Only the scheme's own signature counts, not the older one beside it.
    let malformed = Err(NotAuthentic::Malformed {
        header: "stripe-signature".to_owned(),
    });
    assert_eq!(answer(&header.replace("v1=", "v2="), SIGNED_AT), malformed);
}

#[test]
fn metas_signature_covers_the_bytes_and_not_what_they_mean() {
    let file: Value = serde_json::from_str(include_str!("../fixtures/meta_signature_vectors.json")).unwrap();
    let verifier = verifier(Scheme::GitHub, &[file["secret"].as_str().unwrap()]);
    let vectors = file["vectors"].as_array().unwrap();

    for (index, vector) in vectors.iter().enumerate() {
        let header = vector["x_hub_signature_256"].as_str().unwrap();
        for (other_index, other) in vectors.iter().enumerate() {
            let sent = Sent::new(other["body_utf8"].as_str().unwrap()).with("X-Hub-Signature-256", header);
            assert_eq!(sent.verify(&verifier).is_ok(), index == other_index);
        }
    }
}
