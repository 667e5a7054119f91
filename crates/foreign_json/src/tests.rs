//! What is repaired, what is refused, and what stays unchanged.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const LATIN_1: &[u8] = b"iso-8859-1";

fn mended(body: &[u8]) -> Value {
    let read = read(body, Charset::UTF_8).unwrap();
    assert!(read.mended, "{:?}", String::from_utf8_lossy(body));
    read.value
}

// shows: B4
#[test]
fn half_of_a_surrogate_pair_becomes_a_replacement_character() {
    let check = |text: &str, expected: &str| {
        let body = format!(r#"{{"a":"{text}","neighbour":1}}"#);
        let wanted = json!({ "a": expected, "neighbour": 1 });
        assert_eq!(
            read(body.as_bytes(), Charset::UTF_8).unwrap().value,
            wanted,
            "{text}"
        );
    };

    check(r"\ud83d", "\u{FFFD}");
    check(r"\uD83D", "\u{FFFD}");
    check(r"\ude00", "\u{FFFD}");
    check(r"x\ud83d y", "x\u{FFFD} y");
    check(r"\ud83d\ud83d\ude00", "\u{FFFD}😀");
    check(r"\ud83d\n\ude00", "\u{FFFD}\n\u{FFFD}");
    check(r"\ud83dA", "\u{FFFD}A");
    check(r"\\ud83d", r"\ud83d");
    check(r#"\"\ud83d\""#, "\"\u{FFFD}\"");
    check(r"\ud83d\ude00", "😀");
    check(r"\ud83d\u0041", "\u{FFFD}A");
}

#[test]
fn a_key_is_repaired_like_any_text() {
    assert_eq!(
        mended(br#"{"\udc00":{"\ud800":1}}"#),
        json!({ "\u{FFFD}": { "\u{FFFD}": 1 } })
    );
}

#[test]
fn unescaped_control_characters_stay_in_their_text() {
    let every: String = (0..0x20_u8).map(char::from).collect();
    let body = format!("{{\"a\":\"{every}\"}}");

    assert_eq!(mended(body.as_bytes()), json!({ "a": every }));
}

// shows: B3
#[test]
fn a_byte_order_mark_or_a_named_charset_says_what_the_bytes_mean() {
    let utf_16 = |text: &str, to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    };
    let text = r#"{"name":"Zoë 😀"}"#;
    let latin_1: Vec<u8> = "{\"name\":\"Zo\u{EB}\"}".chars().map(|c| c as u8).collect();
    let check = |body: &[u8], charset: &[u8], expected: &str| {
        let read = read(body, Charset::named(charset).unwrap()).unwrap();
        assert_eq!(
            read.value,
            json!({ "name": expected }),
            "{:?}",
            String::from_utf8_lossy(charset)
        );
    };

    check(format!("\u{FEFF}{text}").as_bytes(), b"utf-8", "Zoë 😀");
    check(format!("\u{FEFF}{text}").as_bytes(), LATIN_1, "Zoë 😀");
    check(
        &utf_16(&format!("\u{FEFF}{text}"), u16::to_le_bytes),
        b"utf-8",
        "Zoë 😀",
    );
    check(
        &utf_16(&format!("\u{FEFF}{text}"), u16::to_be_bytes),
        b"utf-16",
        "Zoë 😀",
    );
    check(&utf_16(text, u16::to_le_bytes), b"UTF-16LE", "Zoë 😀");
    check(&utf_16(text, u16::to_be_bytes), b"utf-16be", "Zoë 😀");
    check(&latin_1, LATIN_1, "Zoë");
    check(&latin_1, b"Latin1", "Zoë");
    check(&latin_1, b"utf-8", "Zo\u{FFFD}");
    check(text.as_bytes(), LATIN_1, "Zoë 😀");
    assert!(Charset::named(b"klingon").is_err());
    assert!(Charset::named(b"utf-32").is_err());
}

#[test]
fn invalid_bytes_cost_only_themselves() {
    assert_eq!(
        mended(b"{\"a\":\"x\xff\xfey\",\"b\":\"z\"}"),
        json!({ "a": "x\u{FFFD}\u{FFFD}y", "b": "z" })
    );
}

// shows: B5
#[test]
fn numbers_that_json_does_not_have_are_null() {
    for number in [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "1000000000000000000000E400",
    ] {
        let body = format!(r#"{{"a":{number},"b":[{number}],"c":"{number}"}}"#);
        assert_eq!(
            mended(body.as_bytes()),
            json!({ "a": null, "b": [null], "c": number })
        );
    }
}

// shows: B5
#[test]
fn values_that_are_nested_too_deep_are_null_and_their_neighbours_are_read() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"]}":"["},"#, "]")] {
        let bomb = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let body = format!(r#"{{"bomb":{bomb},"b":"z","c":{{"d":[{bomb},7]}}}}"#);

        let value = mended(body.as_bytes());

        assert_eq!(
            (&value["b"], &value["c"]["d"][1]),
            (&json!("z"), &json!(7)),
            "{open}"
        );
    }
    assert!(read("[".repeat(100_000).as_bytes(), Charset::UTF_8).is_err());
}

#[test]
fn blanks_and_nuls_after_the_end_do_not_count() {
    assert_eq!(mended(b"{\"a\":1}\0"), json!({ "a": 1 }));
    assert_eq!(mended(b"{\"a\":1}\r\n\0\0\n"), json!({ "a": 1 }));
}

#[test]
fn of_a_key_that_is_given_twice_the_last_value_counts() {
    assert_eq!(
        read(br#"{"a":1,"a":2}"#, Charset::UTF_8).unwrap().value,
        json!({ "a": 2 })
    );
}

// shows: B5
#[test]
fn damage_to_the_structure_is_refused() {
    let bodies: [&[u8]; 14] = [
        b"",
        b"\0",
        b"\xef\xbb\xbf",
        b"hello",
        b"{",
        b"{\"a\":\"",
        b"{\"a\":1,}",
        b"{}{}",
        b"{\"a\":\"\\u12\"}",
        b"{\"a\":\"\\ud83\"}",
        b"{'a':1}",
        b"{\"a\":undefined}",
        b"\xff{}",
        b"[1 2]",
    ];
    for body in bodies {
        assert_eq!(
            read(body, Charset::UTF_8),
            Err(NotJson),
            "{:?}",
            String::from_utf8_lossy(body)
        );
    }
}

#[test]
fn whole_numbers_are_whole_however_they_are_written() {
    let check = |json: &str, expected: Option<i128>| {
        let value = serde_json::from_str(json).unwrap();
        assert_eq!(integer(&value), expected, "{json}");
    };

    check("2", Some(2));
    check("2.0", Some(2));
    check("2e0", Some(2));
    check("20E-1", Some(2));
    check("-0.0", Some(0));
    check("-7", Some(-7));
    check("18446744073709551615", Some(u64::MAX.into()));
    check("9007199254740993", Some(9_007_199_254_740_993));
    check("1e300", Some(i128::MAX));
    check("2.5", None);
    check("1e-1", None);
    check("\"2\"", None);
    check("null", None);
}

proptest! {
    #[test]
    fn valid_json_is_read_unchanged_and_repairing_would_not_change_it(
        text in r#"("([a-z \\\\]|\\\\["\\/bfnrt]|\\u00[0-7][0-9a-f]|é|😀){0,9}"|-?[1-9][0-9]{0,20}(\.[0-9]+)?|true|null)"#
    ) {
        for body in [text.clone(), format!("[{text} , {{\"k\":{text}}}]")] {
            let Ok(plain) = serde_json::from_str::<Value>(&body) else { continue };

            prop_assert_eq!(read(body.as_bytes(), Charset::UTF_8), Ok(Read { value: plain, mended: false }));
            prop_assert_eq!(mend::mend(&body), body.into_bytes());
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), charset in 0..3_usize) {
        let name: [&[u8]; 3] = [b"utf-8", LATIN_1, b"utf-16"];
        let _ = read(&body, Charset::named(name[charset]).unwrap());
    }

    #[test]
    fn no_text_between_quotes_costs_its_neighbours(
        text in r#"([^"\\\pC]|[\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\u[dD][89a-fA-F][0-9a-f]{2}){0,20}"#
    ) {
        let body = format!("{{\"a\":\"{text}\",\"b\":7}}");

        let value = read(body.as_bytes(), Charset::UTF_8).unwrap().value;

        prop_assert_eq!(&value["b"], 7);
    }
}
