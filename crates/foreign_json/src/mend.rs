//! Repairs what `serde_json` refuses and a reader can do without.

use crate::DEEPEST;

const REPLACEMENT: &[u8] = br"\ufffd";
const NULL: &[u8] = b"null";

/// Repairs a text; the result may still not be JSON.
pub(crate) fn mend(text: &str) -> Vec<u8> {
    let text = text.trim_end_matches(['\0', ' ', '\t', '\r', '\n']);
    let mut mender = Mender {
        rest: text.as_bytes(),
        mended: Vec::with_capacity(text.len() + 16),
        depth: 0,
    };
    while mender.step() {}
    mender.mended
}

struct Mender<'t> {
    rest: &'t [u8],
    mended: Vec<u8>,
    depth: usize,
}

impl<'t> Mender<'t> {
    /// Copies or repairs one token; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(&first) = self.rest.first() else {
            return false;
        };
        match first {
            b'"' => self.string(),
            b'[' | b'{' => self.opening(first),
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                self.copy(1);
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => self.word(),
            _ => self.copy(1),
        }
        true
    }

    fn opening(&mut self, bracket: u8) {
        if self.depth == DEEPEST {
            self.skip_nested();
            return self.mended.extend_from_slice(NULL);
        }
        self.depth += 1;
        self.rest = self.rest.get(1..).unwrap_or_default();
        self.mended.push(bracket);
    }

    /// Skips a whole object or list.
    fn skip_nested(&mut self) {
        let (kept, outer) = (self.mended.len(), self.depth);
        loop {
            match self.rest.first() {
                None => break,
                Some(b'"') => self.string(),
                Some(b'[' | b'{') => {
                    self.depth += 1;
                    self.copy(1);
                }
                Some(b']' | b'}') => {
                    self.depth -= 1;
                    self.copy(1);
                    if self.depth == outer {
                        break;
                    }
                }
                Some(_) => self.copy(1),
            }
            self.mended.truncate(kept);
        }
        self.mended.truncate(kept);
    }

    /// A number, or a word such as `true`.
    fn word(&mut self) {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.rest.iter().take_while(|byte| is_part(byte)).count();
        let word = self.rest.get(..length).unwrap_or_default();
        if is_beyond_numbers(word) {
            self.rest = self.rest.get(length..).unwrap_or_default();
            self.mended.extend_from_slice(NULL);
        } else {
            self.copy(length);
        }
    }

    fn string(&mut self) {
        self.copy(1);
        loop {
            let plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
            self.copy(self.rest.iter().take_while(plain).count());
            match *self.rest {
                [] => return,
                [b'"', ..] => return self.copy(1),
                [b'\\', b'u', ..] => self.escape(),
                [b'\\', ..] => self.copy(2),
                [control, ..] => {
                    self.rest = self.rest.get(1..).unwrap_or_default();
                    self.mended.extend(format!("\\u{control:04x}").bytes());
                }
            }
        }
    }

    /// `\uXXXX`; both halves of a surrogate pair.
    fn escape(&mut self) {
        let low = |rest: &[u8]| unit(rest).is_some_and(|unit| (0xDC00..0xE000).contains(&unit));
        match unit(self.rest) {
            Some(0xD800..0xDC00) if self.rest.get(6..).is_some_and(low) => self.copy(12),
            Some(0xD800..0xE000) => {
                self.rest = self.rest.get(6..).unwrap_or_default();
                self.mended.extend_from_slice(REPLACEMENT);
            }
            _ => self.copy(2),
        }
    }

    fn copy(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.mended.extend_from_slice(taken);
        self.rest = rest;
    }
}

/// The UTF-16 code unit of an escape `\uXXXX` at the beginning of the text.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    let all_digits = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    u16::from_str_radix(digits, 16).ok()
}

/// Whether a word is a number that JSON, or a double, does not have: `NaN` or infinity as Python and C write them,
/// or a number that is too large.
fn is_beyond_numbers(word: &[u8]) -> bool {
    if matches!(word, b"NaN" | b"Infinity" | b"-Infinity") {
        return true;
    }
    let starts_as_number = word.first().is_some_and(|first| !first.is_ascii_alphabetic());
    let number = std::str::from_utf8(word).ok().filter(|_| starts_as_number);
    number
        .and_then(|text| text.parse::<f64>().ok())
        .is_some_and(f64::is_infinite)
}
