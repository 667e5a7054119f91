//! JSON as other people's programs write it: damage to a text costs that text, not the body around it.
//!
//! A body that `serde_json` reads costs nothing more than that. Any other is decoded, mended and read a second time; what
//! is mended is listed at [`read`]. Damage to the structure (a missing brace, a comma too many) is never guessed at.

mod charset;
mod mend;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use charset::{Charset, UnknownCharset};

/// The deepest nesting of a body that is mended; what lies deeper becomes `null`. `serde_json` alone reads up to 127.
pub const DEEPEST: usize = 100;

/// A body that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Its JSON. Of a key that is given twice the last value counts.
    pub value: Value,
    /// Whether it had to be mended, and so may differ from what its sender meant.
    pub mended: bool,
}

/// A body that is not JSON, mended or not. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not JSON")]
pub struct NotJson;

/// A whole number, also one that is written `2.0` or `2e0`, as languages do that know one kind of number only. What is
/// larger than an `i128` counts as the largest one.
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
/// Mended are: a byte order mark; another encoding than UTF-8, named by a mark or by `charset`; bytes that are no
/// text, and half of a surrogate pair in an escape (both become U+FFFD); control characters in a text that are not
/// escaped; NULs after the end; `NaN`, `Infinity`, numbers beyond a double's range and what is nested deeper than
/// [`DEEPEST`] (all of them `null`).
pub fn read(body: &[u8], charset: Charset) -> Result<Read, NotJson> {
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
