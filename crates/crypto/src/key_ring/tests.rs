//! Which key rings are accepted, and which values open.

use super::*;

// 32 bytes of 0x01, 0x02 and 0x03.
const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const THREE: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(text).unwrap()
}

#[test]
fn a_value_opens_under_every_key_of_the_ring_and_is_sealed_under_the_first() {
    let before = ring(&format!("lookup:{THREE},a:{ONE}"));
    let rotated = ring(&format!("b:{TWO}\na:{ONE}\nlookup:{THREE}\n"));

    let sealed = before.seal(b"Ada", "guest/1");

    assert_eq!(rotated.open(&sealed, "guest/1"), Ok(b"Ada".to_vec()));
    assert_eq!(key_id_of(&sealed), Some("a"));
    assert_eq!(rotated.sealing_key_id(), "b");
    assert_eq!(
        before.open(&rotated.seal(b"Ada", "guest/1"), "guest/1"),
        Err(OpenError::UnknownKey { id: "b".to_owned() })
    );
}

// shows: T23
#[test]
fn a_value_that_was_moved_or_changed_or_cut_does_not_open() {
    let ring = ring(&format!("a:{ONE},b:{TWO},lookup:{THREE}"));
    let sealed = ring.seal(b"Ada", "guest/1");

    assert_eq!(ring.open(&sealed, "guest/2"), Err(OpenError::Damaged));
    for length in 0..sealed.len() {
        assert_eq!(
            ring.open(&sealed[..length], "guest/1"),
            Err(OpenError::Damaged),
            "cut to {length}"
        );
    }
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 3;
        assert!(ring.open(&changed, "guest/1").is_err(), "changed at {position}");
    }
}

#[test]
fn the_same_text_is_sealed_differently_each_time_and_hashed_alike() {
    let a = ring(&format!("a:{ONE},lookup:{THREE}"));
    let b = ring(&format!("b:{TWO},a:{ONE},lookup:{THREE}"));

    assert_ne!(a.seal(b"Ada", "x"), a.seal(b"Ada", "x"));
    assert_eq!(a.lookup("+306912345678"), b.lookup("+306912345678"));
    assert_ne!(a.lookup("+306912345678"), a.lookup("+306912345679"));
}

#[test]
fn every_bad_entry_is_named_at_once_and_no_value_is_repeated() {
    let text = format!("a:{ONE},a:{TWO},short:AQEB,odd:!!{THREE},{TWO},bad id:{ONE}");

    let error = KeyRing::parse(&text).unwrap_err();

    let expected = [
        KeyProblem::Duplicate { id: "a".to_owned() },
        KeyProblem::WrongLength {
            id: "short".to_owned(),
            length: 3,
        },
        KeyProblem::NotBase64 { id: "odd".to_owned() },
        KeyProblem::NoId { number: 5 },
        KeyProblem::NoId { number: 6 },
        KeyProblem::NoLookupKey,
    ];
    assert_eq!(error.problems, expected);
    let said = format!("{error} {error:?}");
    for value in ["AQEB", "AgIC", "AwMD", "bad id"] {
        assert!(!said.contains(value), "{said}");
    }
}

#[test]
fn a_ring_needs_a_key_to_seal_with_beside_the_one_that_hashes() {
    let error = KeyRing::parse(&format!("lookup:{ONE}")).unwrap_err();

    assert_eq!(error.problems, [KeyProblem::NoSealingKey]);
    assert_eq!(
        KeyRing::parse(" \n").unwrap_err().problems,
        [KeyProblem::NoLookupKey, KeyProblem::NoSealingKey]
    );
}

#[test]
fn debug_shows_ids_and_no_key() {
    let shown = format!("{:?}", ring(&format!("a:{ONE},b:{TWO},lookup:{THREE}")));

    assert_eq!(shown, r#"KeyRing ["a", "b"]"#);
}
