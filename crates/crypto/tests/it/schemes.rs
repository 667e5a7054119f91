//! What each scheme accepts and refuses.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::secret::Secret;
use crypto::signature::{
    Encoding, HeaderName, HmacScheme, InvalidScheme, KeyForm, NotAuthentic, Scheme, SchemeError, SignedText,
    Verified, Verifier, sign_github, sign_standard,
};

use crate::{Sent, accepted, verifier};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: i64 = 1_700_000_000;

fn standard(secret: &str, timestamp: i64) -> Sent {
    Sent::new("{}")
        .with("webhook-id", "evt_1")
        .with("webhook-timestamp", timestamp.to_string())
        .with(
            "webhook-signature",
            sign_standard(secret, "evt_1", timestamp, b"{}"),
        )
}

fn missing(header: &str) -> Result<Verified, NotAuthentic> {
    Err(NotAuthentic::Missing {
        header: header.to_owned(),
    })
}

fn malformed(header: &str) -> Result<Verified, NotAuthentic> {
    Err(NotAuthentic::Malformed {
        header: header.to_owned(),
    })
}

fn header(name: &str) -> HeaderName {
    HeaderName::parse(name).unwrap()
}

#[test]
fn any_of_several_secrets_verifies_a_request_and_its_signed_id_is_known() {
    let verifier = verifier(Scheme::StandardWebhooks, &[NEW, OLD]);

    for secret in [NEW, OLD] {
        let answer = standard(secret, NOW).verify(&verifier);
        assert_eq!(
            answer,
            Ok(Verified {
                signed_id: Some("evt_1".to_owned())
            })
        );
    }
    assert_eq!(
        standard("whsec_AAAA", NOW).verify(&verifier),
        Err(NotAuthentic::NoMatch)
    );
}

#[test]
fn any_of_several_signatures_verifies_a_request_and_unknown_versions_are_skipped() {
    let verifier = verifier(Scheme::StandardWebhooks, &[NEW]);
    let sign = |secret| sign_standard(secret, "evt_1", NOW, b"{}");
    let listed = |list: String| {
        let mut sent = standard(NEW, NOW);
        sent.headers.pop();
        sent.with("webhook-signature", list).verify(&verifier)
    };

    assert!(listed(format!("{} v9,AAAA {}", sign(OLD), sign(NEW))).is_ok());
    assert_eq!(listed(sign(OLD)), Err(NotAuthentic::NoMatch));
    assert_eq!(listed("v9,AAAA".to_owned()), malformed("webhook-signature"));
    assert_eq!(
        listed(vec![sign(NEW); 17].join(" ")),
        malformed("webhook-signature")
    );
}

// shows: T4
#[test]
fn a_signature_holds_for_five_minutes_in_both_directions() {
    let verifier = verifier(Scheme::StandardWebhooks, &[NEW]);
    for away in [-300, 0, 300] {
        assert!(standard(NEW, NOW - away).verify(&verifier).is_ok(), "{away}");
    }
    for away in [-301, 301] {
        let answer = standard(NEW, NOW - away).verify(&verifier);
        assert_eq!(answer, Err(NotAuthentic::OutsideTolerance { seconds: away }));
    }
}

#[test]
fn a_header_that_is_missing_doubled_or_malformed_is_refused() {
    let verifier = verifier(Scheme::StandardWebhooks, &[NEW]);
    for (index, name) in ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .into_iter()
        .enumerate()
    {
        let mut without = standard(NEW, NOW);
        let (_, value) = without.headers.remove(index);
        let doubled = standard(NEW, NOW).with(name, value);
        let binary = without.clone().with(name, [0xff, 0xfe]);
        let empty = without.clone().with(name, "");

        assert_eq!(without.verify(&verifier), missing(name));
        assert_eq!(
            doubled.verify(&verifier),
            Err(NotAuthentic::Duplicate {
                header: name.to_owned()
            })
        );
        assert_eq!(binary.verify(&verifier), malformed(name));
        assert_eq!(empty.verify(&verifier), malformed(name));
    }
}

#[test]
fn github_takes_its_prefix_and_nothing_else() {
    let verifier = verifier(Scheme::GitHub, &["secret"]);
    let name = "x-hub-signature-256";
    let good = sign_github("secret", b"{}");

    assert_eq!(Sent::new("{}").with(name, &good).verify(&verifier), accepted());
    assert_eq!(Sent::new("{}").verify(&verifier), missing(name));
    for wrong in [
        good.replace("sha256=", "sha1="),
        good.replace("sha256=", ""),
        format!("{good},{good}"),
    ] {
        assert_eq!(
            Sent::new("{}").with(name, wrong).verify(&verifier),
            malformed(name)
        );
    }
}

#[test]
fn stripe_needs_exactly_one_time() {
    let verifier = verifier(Scheme::Stripe, &["secret"]);
    let name = "stripe-signature";
    let signature = "v1=d7373bc68f4bd320b253cd7461f87af6e1cdf1b4d7db1614d8d1d746972d2d0a";
    for (list, expected) in [
        (signature.to_owned(), malformed(name)),
        (format!("t=1700000000,t=1700000000,{signature}"), malformed(name)),
        (format!("t=+1700000000,{signature}"), malformed(name)),
        (
            format!("t=1600000000,{signature}"),
            Err(NotAuthentic::OutsideTolerance { seconds: 100_000_000 }),
        ),
        (
            format!("t=1700000000, v0=00, {signature}"),
            Err(NotAuthentic::NoMatch),
        ),
        ("t=1700000000,v0=00".to_owned(), malformed(name)),
    ] {
        assert_eq!(
            Sent::new("{}").with(name, &list).verify(&verifier),
            expected,
            "{list}"
        );
    }
}

#[test]
fn a_configurable_scheme_sets_every_parameter_itself() {
    // Standard Webhooks and GitHub, written as parameters.
    let scheme = HmacScheme {
        prefix: "v1,".to_owned(),
        encoding: Encoding::Base64,
        signed: SignedText::parse("{id}.{timestamp}.{body}").unwrap(),
        key: KeyForm::Base64,
        tolerance: Duration::from_secs(10),
        id_header: Some(header("X-Event")),
        timestamp_header: Some(header("X-Time")),
        ..HmacScheme::new(header("X-Signature"))
    };
    let verifier = verifier(Scheme::Hmac(scheme), &[NEW.trim_start_matches("whsec_")]);
    let sent = |away: i64| {
        Sent::new("{}")
            .with("x-event", "evt_1")
            .with("x-time", (NOW - away).to_string())
            .with("x-signature", sign_standard(NEW, "evt_1", NOW - away, b"{}"))
    };

    assert_eq!(
        sent(10).verify(&verifier),
        Ok(Verified {
            signed_id: Some("evt_1".to_owned())
        })
    );
    assert_eq!(
        sent(11).verify(&verifier),
        Err(NotAuthentic::OutsideTolerance { seconds: 11 })
    );
}

#[test]
fn without_a_header_for_the_time_it_is_found_beside_the_signature_or_in_webhook_timestamp() {
    let mut scheme = HmacScheme {
        prefix: "v1=".to_owned(),
        ..HmacScheme::new(header("Signature"))
    };
    scheme.signed = SignedText::parse("{timestamp}.{body}").unwrap();
    let verifier = verifier(Scheme::Hmac(scheme), &["secret"]);
    let hash = sign_github("secret", b"1700000000.{}").replace("sha256=", "v1=");

    let beside = Sent::new("{}").with("signature", format!("t=1700000000,{hash}"));
    let apart = Sent::new("{}")
        .with("signature", &hash)
        .with("webhook-timestamp", "1700000000");
    let nowhere = Sent::new("{}").with("signature", &hash);

    assert_eq!(beside.verify(&verifier), accepted());
    assert_eq!(apart.verify(&verifier), accepted());
    assert_eq!(nowhere.verify(&verifier), missing("webhook-timestamp"));
}

#[test]
fn a_token_verifies_a_request_from_its_own_place_only() {
    let basic = verifier(Scheme::Basic, &["platform:pa:ss"]);
    let bearer = verifier(Scheme::Bearer, &["t0ken"]);
    let own = verifier(Scheme::Header(header("X-Api-Key")), &["old", "t0ken"]);
    let url = verifier(Scheme::UrlToken, &["t0ken"]);
    let sent = Sent::new("{}");
    let in_url = Sent {
        url_token: Some("t0ken".to_owned()),
        ..sent.clone()
    };

    assert_eq!(
        sent.clone()
            .with("Authorization", "Basic cGxhdGZvcm06cGE6c3M=")
            .verify(&basic),
        accepted()
    );
    assert_eq!(
        sent.clone().with("Authorization", "bearer t0ken").verify(&bearer),
        accepted()
    );
    assert_eq!(sent.clone().with("X-API-Key", "t0ken").verify(&own), accepted());
    assert_eq!(in_url.verify(&url), accepted());

    assert_eq!(
        sent.clone().with("authorization", "Basic t0ken").verify(&bearer),
        malformed("authorization")
    );
    assert_eq!(
        sent.clone().with("authorization", "Bearer t0ke").verify(&bearer),
        Err(NotAuthentic::NoMatch)
    );
    assert_eq!(
        sent.clone().with("authorization", "Basic !").verify(&basic),
        malformed("authorization")
    );
    assert_eq!(
        sent.clone()
            .with("x-api-key", "t0ken")
            .with("x-api-key", "t0ken")
            .verify(&own),
        Err(NotAuthentic::Duplicate {
            header: "x-api-key".to_owned()
        })
    );
    assert_eq!(in_url.verify(&bearer), missing("authorization"));
    assert_eq!(sent.verify(&url), Err(NotAuthentic::NoUrlToken));
}

// shows: T1
#[test]
fn empty_and_unusable_secrets_are_refused_by_their_number() {
    let refused = |scheme, secrets: &[&str]| {
        let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::new).collect();
        Verifier::new(scheme, &secrets).map(|_| ()).unwrap_err()
    };

    assert_eq!(refused(Scheme::GitHub, &[]), SchemeError::NoSecrets);
    assert_eq!(
        refused(Scheme::UrlToken, &["a", ""]),
        SchemeError::Empty { number: 2 }
    );
    assert_eq!(
        refused(Scheme::StandardWebhooks, &[NEW, "whsec_?"]),
        SchemeError::NotBase64 { number: 2 }
    );
    assert_eq!(
        refused(Scheme::StandardWebhooks, &["whsec_"]),
        SchemeError::NotBase64 { number: 1 }
    );
    assert_eq!(
        refused(Scheme::StandardWebhooks, &["whpk_AAAA"]),
        SchemeError::NotPublicKey { number: 1 }
    );
    assert_eq!(
        refused(Scheme::Basic, &["platform"]),
        SchemeError::NotCredentials { number: 1 }
    );
}

#[test]
fn a_signed_text_holds_the_body_and_known_placeholders_only() {
    for (text, expected) in [
        ("{body}", None),
        ("v0:{timestamp}:{body}", None),
        ("{id}", Some(InvalidScheme::BodyNotSigned)),
        ("", Some(InvalidScheme::BodyNotSigned)),
        ("{url}{body}", Some(InvalidScheme::Placeholder)),
        ("{body", Some(InvalidScheme::Placeholder)),
        ("}{body}", Some(InvalidScheme::Placeholder)),
    ] {
        assert_eq!(SignedText::parse(text).err(), expected, "{text}");
    }
}

// shows: B9
#[test]
fn credentials_are_known_in_utf_8_and_in_latin_1() {
    let secret = "guest:p\u{E4}ss";
    let basic =
        |bytes: &[u8]| Sent::new("{}").with("authorization", format!("Basic {}", STANDARD.encode(bytes)));
    let own = |bytes: &[u8]| Sent::new("{}").with("x-key", bytes);
    let verifiers = [
        verifier(Scheme::Basic, &[secret]),
        verifier(Scheme::Header(header("x-key")), &[secret]),
    ];

    for (sent, verifier) in [
        (basic(secret.as_bytes()), &verifiers[0]),
        (basic(b"guest:p\xe4ss"), &verifiers[0]),
        (own(secret.as_bytes()), &verifiers[1]),
        (own(b"guest:p\xe4ss"), &verifiers[1]),
    ] {
        assert!(sent.verify(verifier).is_ok());
    }
    for wrong in [&b"guest:pass"[..], b"guest:p?ss", b"guest:p\xc3ss"] {
        assert_eq!(basic(wrong).verify(&verifiers[0]), Err(NotAuthentic::NoMatch));
        assert_eq!(own(wrong).verify(&verifiers[1]), Err(NotAuthentic::NoMatch));
    }
}

#[test]
fn only_the_schemes_of_http_itself_have_a_challenge() {
    let challenge = |scheme| verifier(scheme, &["user:password"]).challenge();

    assert_eq!(
        challenge(Scheme::Basic),
        Some("Basic realm=\"bellhop\", charset=\"UTF-8\"")
    );
    assert_eq!(challenge(Scheme::Bearer), Some("Bearer realm=\"bellhop\""));
    for scheme in [
        Scheme::GitHub,
        Scheme::Stripe,
        Scheme::Slack,
        Scheme::UrlToken,
        Scheme::Header(header("x-key")),
    ] {
        assert_eq!(challenge(scheme), None);
    }
}

#[test]
fn a_signature_in_base64_may_use_the_letters_for_urls_and_one_in_hexadecimal_large_ones() {
    let mut saw_other_letters = false;
    for id in 0..50 {
        let id = format!("evt_{id}");
        let signature = sign_standard(NEW, &id, NOW, b"{}");
        let for_urls = signature.replace('+', "-").replace('/', "_").replace('=', "");
        saw_other_letters |= for_urls.contains(['-', '_']);
        let sent = Sent::new("{}")
            .with("webhook-id", id)
            .with("webhook-timestamp", NOW.to_string())
            .with("webhook-signature", for_urls);
        assert!(
            sent.at(NOW)
                .verify(&verifier(Scheme::StandardWebhooks, &[NEW]))
                .is_ok()
        );
    }
    assert!(saw_other_letters);
    let large = sign_github("secret", b"{}")
        .to_ascii_uppercase()
        .replace("SHA256", "sha256");
    let sent = Sent::new("{}").with("x-hub-signature-256", large);
    assert!(sent.verify(&verifier(Scheme::GitHub, &["secret"])).is_ok());
}
