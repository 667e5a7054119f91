//! What is looked for: each secret in every form in which it could have been written down.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Finds secrets.
pub(crate) struct Patterns {
    finder: AhoCorasick,
    /// What is looked for, in the finder's order.
    patterns: Vec<String>,
    /// What each pattern is.
    names: Vec<String>,
}

impl Patterns {
    /// Secrets by name; names are for the report.
    pub(crate) fn new(secrets: &[(&str, String)]) -> Self {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        for (name, secret) in secrets {
            assert!(secret.len() >= 9, "{name} could be met by chance");
            for (form, pattern) in forms(secret) {
                names.push(format!("{name} {form}"));
                patterns.push(pattern);
            }
        }
        Self {
            finder: AhoCorasick::new(&patterns).unwrap(),
            patterns,
            names,
        }
    }

    /// Everything that is looked for.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(String::as_str)
    }

    /// What everything is that is looked for.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// What is found in there.
    pub(crate) fn names_in(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let hits = self.finder.find_overlapping_iter(bytes);
        hits.map(|hit| self.names[hit.pattern().as_usize()].as_str())
            .collect()
    }

    /// What is found in there, once each, with the text before it.
    pub(crate) fn find(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let mut found: Vec<String> = self
            .finder
            .find_iter(bytes)
            .map(|hit| {
                let before = &bytes[hit.start().saturating_sub(80)..hit.start()];
                let before = String::from_utf8_lossy(before).replace(char::is_control, " ");
                format!(
                    "{place} holds {}, after {before:?}",
                    self.names[hit.pattern().as_usize()]
                )
            })
            .collect();
        found.sort();
        found.dedup_by_key(|hit| hit.split(", after").next().map(str::to_owned));
        found
    }
}

/// Plain, hexadecimal, base64 wherever the secret may begin in a longer text, and as in URLs.
fn forms(secret: &str) -> Vec<(String, String)> {
    let bytes = secret.as_bytes();
    let hex = |upper: bool| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        if upper { digits.to_uppercase() } else { digits }
    };
    let mut forms = vec![
        ("plain".to_owned(), secret.to_owned()),
        ("in hexadecimal".to_owned(), hex(false)),
        ("in HEXADECIMAL".to_owned(), hex(true)),
        (
            "as in URLs".to_owned(),
            url::form_urlencoded::byte_serialize(bytes).collect(),
        ),
        (
            "with each byte as in URLs".to_owned(),
            bytes.iter().map(|byte| format!("%{byte:02X}")).collect(),
        ),
        ("with blanks as in URLs".to_owned(), secret.replace(' ', "%20")),
    ];
    for before in 0..3 {
        let padded = [&vec![0; before], bytes].concat();
        // Only what depends on the secret alone.
        let (begin, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for (alphabet, text) in [
            ("base64", STANDARD_NO_PAD.encode(&padded)),
            ("base64 for URLs", URL_SAFE_NO_PAD.encode(&padded)),
        ] {
            forms.push((
                format!("in {alphabet} after {before} bytes"),
                text[begin..end].to_owned(),
            ));
        }
    }
    forms.sort_by(|one, other| one.1.cmp(&other.1));
    forms.dedup_by(|one, other| one.1 == other.1);
    forms
}

#[test]
fn a_secret_is_found_in_whichever_form_it_was_written_down() {
    let secret = "+30 69 1234?Ada";
    let patterns = Patterns::new(&[("the secret", secret.to_owned())]);
    let hidden = |text: String| !patterns.find("here", text.as_bytes()).is_empty();

    for before in ["", "x", "xy", "xyz"] {
        for after in ["", "1", "12"] {
            let whole = format!("{before}{secret}{after}");
            assert!(hidden(whole.clone()), "{whole}");
            assert!(hidden(STANDARD_NO_PAD.encode(&whole)), "{whole}");
            assert!(hidden(URL_SAFE_NO_PAD.encode(&whole)), "{whole}");
            assert!(
                hidden(url::form_urlencoded::byte_serialize(whole.as_bytes()).collect()),
                "{whole}"
            );
            assert!(
                hidden(whole.bytes().map(|byte| format!("{byte:02x}")).collect()),
                "{whole}"
            );
        }
    }
    assert!(!hidden("+30 69 1234?Eve".to_owned()));
}
