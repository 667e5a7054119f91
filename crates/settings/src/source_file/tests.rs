//! A source's file: the meaning of a good one, and the errors of a bad one.

use std::path::Path;

use crypto::signature::{NotAuthentic, Request};

use super::*;

const GOOD: &str = include_str!("../../tests/fixtures/direct.toml");

fn noted(name: &str, text: &str) -> Vec<String> {
    let (_, notes) = read(&SourceId::parse(name).unwrap(), text);
    notes.into_iter().map(|note| note.text).collect()
}

fn resolved(text: &str) -> Result<Arc<Source>, Vec<Note>> {
    let (file, mut notes) = read(&SourceId::parse("direct").unwrap(), text);
    let environment = |name: &str| (name == "DIRECT_SECRET").then(|| "whsec_AAAA".to_owned());
    let places = Places {
        environment: &environment,
        key_ring: None,
        base: Path::new(""),
    };
    let good = file.and_then(|file| file.resolve(Resolve::SourceSecrets, &places, &mut notes));
    good.and_then(|(good, _)| good.source).ok_or(notes)
}

#[test]
fn the_example_has_no_fault_also_with_its_other_scheme() {
    let example = include_str!("../../../../deploy/example/sources/website.toml");
    let keys_of_hmac = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|first: char| first.is_ascii_lowercase()) && key.contains(" = ") => {
            key.to_owned()
        }
        _ => line.to_owned(),
    };
    let (before, auth) = example.split_once("[auth]").unwrap();
    let (auth, _) = auth.split_once("\n\n").unwrap();
    let auth: Vec<String> = auth.lines().map(keys_of_hmac).collect();
    let with_hmac = auth.join("\n").replace("\"standard-webhooks\"", "\"hmac\"");

    assert_eq!(noted("website", example), [] as [&str; 0]);
    let expected = ["auth.tolerance has no effect: auth.signed holds no {timestamp}"];
    assert_eq!(noted("website", &format!("{before}[auth]{with_hmac}")), expected);
}

fn with_auth(auth: &str) -> String {
    format!("resorts = [\"*\"]\n[auth]\n{auth}\n")
}

#[test]
fn the_example_means_what_it_says() {
    let source = resolved(GOOD).unwrap();

    assert!(source.rules.strict);
    assert!(source.rules.speaks_for(&ResortId::parse("azure-bay").unwrap()));
    assert!(!source.rules.speaks_for(&ResortId::parse("other").unwrap()));
    assert_eq!(
        (source.rate_limit.per_second.get(), source.rate_limit.burst.get()),
        (50, 100)
    );
    for (address, allowed) in [
        ("203.0.113.7", true),
        ("::ffff:203.0.113.7", true),
        ("2a05:d018::1", true),
        ("203.0.114.7", false),
        ("::1", false),
    ] {
        assert_eq!(source.allows(address.parse().unwrap()), allowed, "{address}");
    }
    let request = Request {
        headers: &|_| Vec::new(),
        body: b"{}",
        url_token: None,
        now: 0,
    };
    assert!(matches!(
        source.verifier.verify(&request),
        Err(NotAuthentic::Missing { .. })
    ));
}

#[test]
fn a_short_file_has_the_defaults() {
    let source =
        resolved("resorts = [\"*\"]\nauth = { scheme = \"bearer\", secrets = [\"plain:x\"] }").unwrap();

    assert!(source.rules.strict && source.rules.speaks_for(&ResortId::parse("any").unwrap()));
    assert!(source.allows("192.0.2.1".parse().unwrap()));
    assert_eq!(source.rate_limit, RateLimit::default());
    assert_eq!(
        (source.rate_limit.per_second.get(), source.rate_limit.burst.get()),
        (100, 200)
    );
}

#[test]
fn every_scheme_of_the_list_is_known_and_takes_its_own_parameters() {
    for scheme in SCHEMES.split(", ") {
        let parameter = if matches!(scheme, "hmac" | "header") {
            "header = \"X-Signature\""
        } else {
            ""
        };
        let text = with_auth(&format!(
            "scheme = \"{scheme}\"\nsecrets = [\"plain:AAAA:BBBB\"]\n{parameter}"
        ));
        let text = if scheme == "standard-webhooks" {
            text.replace(":BBBB", "")
        } else {
            text
        };
        assert!(resolved(&text).is_ok(), "{scheme}");
    }
    let free = "scheme = \"hmac\"\nheader = \"X-Signature\"\nprefix = \"v1=\"\nencoding = \"base64\"\n\
        signed = \"{timestamp}.{body}\"\nkey = \"base64\"\ntolerance = \"60s\"\nsecrets = [\"plain:AAAA\"]";
    assert_eq!(noted("direct", &with_auth(free)), Vec::<String>::new());
    assert_eq!(
        noted("direct", &with_auth(&free.replace("{timestamp}.", ""))),
        ["auth.tolerance has no effect: auth.signed holds no {timestamp}",]
    );
}

#[test]
fn a_source_without_usable_authentication_is_an_error() {
    let secret = "secrets = [\"plain:x\"]";
    for (text, expected) in [
        ("resorts = [\"*\"]".to_owned(), "auth is missing".to_owned()),
        (
            with_auth(&format!("scheme = \"none\"\n{secret}")),
            format!("auth.scheme is none of {SCHEMES}"),
        ),
        (with_auth(secret), "auth.scheme is missing".to_owned()),
        (
            with_auth("scheme = \"github\""),
            "auth.secrets is missing".to_owned(),
        ),
        (
            with_auth("scheme = \"github\"\nsecrets = []"),
            "auth.secrets is empty".to_owned(),
        ),
        (
            with_auth(&format!("scheme = \"hmac\"\n{secret}")),
            "auth.header is missing".to_owned(),
        ),
        (
            with_auth(&format!("scheme = \"github\"\nheader = \"X\"\n{secret}")),
            "auth.header is not a known key".to_owned(),
        ),
        (
            with_auth(&format!(
                "scheme = \"hmac\"\nheader = \"X\"\nsigned = \"{{id}}\"\n{secret}"
            )),
            "auth.signed does not contain {body}".to_owned(),
        ),
        (
            with_auth("scheme = \"github\"\nsecrets = [\"hunter2\"]"),
            "auth.secrets[0] is not env:NAME, file:PATH, sealed:BASE64 or plain:VALUE".to_owned(),
        ),
    ] {
        assert_eq!(noted("direct", &text), [expected], "{text}");
    }
}

#[test]
fn every_other_error_is_named() {
    for (line, replacement, expected) in [
        (
            "resorts = [\"azure-bay\"]",
            "resorts = []",
            "resorts names no resort",
        ),
        (
            "[\"azure-bay\"]",
            "[\"azure-bay\", \"*\"]",
            "resorts holds \"*\" beside resorts",
        ),
        (
            "strict = true",
            "strict = \"yes\"",
            "strict must be true or false",
        ),
        (
            "203.0.113.0/24",
            "203.0.113.0/33",
            "network.allow[0] is not a network such as 203.0.113.0/24",
        ),
        (
            "per_second = 50",
            "per_second = 0",
            "rate_limit.per_second must be a whole number of at least 1",
        ),
        (
            "burst = 100",
            "bursts = 100",
            "rate_limit.bursts is not a known key; did you mean burst?",
        ),
    ] {
        assert_eq!(noted("direct", &GOOD.replace(line, replacement)), [expected]);
    }
    assert_eq!(
        noted("whatsapp", GOOD),
        ["the name whatsapp is reserved for WhatsApp's own notifications"]
    );
    assert_eq!(
        noted("import", GOOD),
        ["the name import is reserved for what staff import"]
    );
}

#[test]
fn a_missing_or_unusable_secret_is_an_error_that_does_not_show_it() {
    let missing = resolved(&GOOD.replace("DIRECT_SECRET", "OTHER_SECRET")).unwrap_err();
    let no_key = resolved(&GOOD.replace("env:DIRECT_SECRET", "plain:hunter-2")).unwrap_err();

    assert_eq!(
        missing[0].text,
        "auth.secrets[0]: the variable OTHER_SECRET is not set"
    );
    assert_eq!((missing[0].line, no_key[0].line), (5, 3));
    assert_eq!(no_key[0].text, "auth.secrets: secret 1 is not base64");
}
