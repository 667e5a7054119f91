//! What encoding a body's text is in.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The encoding that a sender names beside a body; UTF-8 where none is named.
#[derive(Debug, Clone, Copy)]
pub struct Charset(&'static Encoding);

/// A name that belongs to no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the charset is unknown")]
pub struct UnknownCharset;

impl Charset {
    /// What RFC 8259 requires.
    pub const UTF_8: Self = Self(UTF_8);

    /// Finds an encoding by its name, as the Encoding Standard of browsers lists them: `latin1` is windows-1252.
    pub fn named(name: &[u8]) -> Result<Self, UnknownCharset> {
        Encoding::for_label(name).map(Self).ok_or(UnknownCharset)
    }

    /// The text of a body. A byte order mark wins over the name. What is valid UTF-8 is UTF-8 whatever the name says,
    /// since frameworks put `iso-8859-1` beside it by default; UTF-16 alone can look like UTF-8 and be none.
    pub(crate) fn decode(self, body: &[u8]) -> Cow<'_, str> {
        if let Some((marked, _)) = Encoding::for_bom(body) {
            return marked.decode(body).0;
        }
        if self.0 != UTF_16LE
            && self.0 != UTF_16BE
            && let Ok(text) = std::str::from_utf8(body)
        {
            return Cow::Borrowed(text);
        }
        self.0.decode_without_bom_handling(body).0
    }
}
