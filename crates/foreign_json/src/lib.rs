//! Reads JSON as other programs write it: a damaged text costs that text alone, not the body around it.
//!
//! A body that `serde_json` can read has no extra cost. Any other body is decoded, repaired and read a second time;
//! [`read`] lists the repairs. Damage to the structure (a missing brace, an extra comma) is not repaired.

mod charset;
mod document;
mod mend;

#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use charset::{Charset, UnknownCharset};
pub use document::{Content, Document};

/// The deepest nesting of a repaired body; deeper values become `null`. `serde_json` alone reads up to 127 levels.
pub const DEEPEST: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub struct Read<T = Value> {
    /// If a key appears twice, the last value counts.
    pub value: T,
    /// Whether the body was repaired, so that it may differ from what its sender meant.
    pub mended: bool,
}

/// The body is not JSON, even after repair. The error does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not JSON")]
pub struct NotJson;

/// A whole number, also if it is written as `2.0` or `2e0` by languages with a single number type. Numbers beyond
/// an `i128` saturate.
pub fn integer(value: &Value) -> Option<i128> {
    let whole = value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from));
    whole.or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0)
            .map(|number| number as i128)
    })
}

/// Reads a body.
///
/// It repairs: a byte order mark; another encoding than UTF-8, named by a mark or by `charset`; invalid bytes, and
/// half of a surrogate pair in an escape (both become U+FFFD); unescaped control characters in a text; NULs after
/// the end; `NaN`, `Infinity`, numbers beyond a double's range and values nested deeper than [`DEEPEST`] (all of
/// which become `null`).
pub fn read(body: &[u8], charset: Charset) -> Result<Read, NotJson> {
    read_as(body, charset)
}

/// As [`read`], for a body that is only looked at.
pub fn read_document(body: &[u8], charset: Charset) -> Result<Read<Document>, NotJson> {
    read_as(body, charset)
}

fn read_as<T: DeserializeOwned>(body: &[u8], charset: Charset) -> Result<Read<T>, NotJson> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(Read { value, mended: false });
    }
    let text = charset.decode(body);
    let mended = mend::mend(&text);
    match serde_json::from_slice(&mended) {
        Ok(value) => Ok(Read { value, mended: true }),
        Err(_) => Err(NotJson),
    }
}
