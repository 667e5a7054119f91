//! `desk seal`

use std::path::Path;

use crypto::key_ring::KeyRing;
use crypto::secret::{Places, SecretReference};

use crate::program::{KEYS, desk};

#[tokio::test]
async fn a_sealed_secret_opens_to_what_was_given_without_its_line_break() {
    let ended = desk(&["seal"], &[("BELLHOP_KEYS", KEYS)], "hunter2\n").await;

    let line = ended.check(0).stdout.trim_end();
    let ring = KeyRing::parse(KEYS).unwrap();
    let places = Places {
        environment: &|_| None,
        key_ring: Some(&ring),
        base: Path::new("/"),
    };
    assert!(line.starts_with("sealed:"), "{line}");
    let opened = SecretReference::parse(line).unwrap().resolve(&places).unwrap();
    assert_eq!(opened.secret.reveal(), "hunter2");
}

#[tokio::test]
async fn an_empty_secret_is_refused() {
    let ended = desk(&["seal"], &[("BELLHOP_KEYS", KEYS)], "\n").await;

    assert_eq!(ended.check(1).stdout, "");
}

#[tokio::test]
async fn a_key_ring_that_cannot_be_read_is_named_and_not_repeated() {
    let ended = desk(&["seal"], &[("BELLHOP_KEYS", "a:c2hvcnQ=")], "hunter2").await;

    assert!(ended.check(2).stderr.contains("BELLHOP_KEYS"));
    assert!(!ended.stderr.contains("c2hvcnQ="));
}
