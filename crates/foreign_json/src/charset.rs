//! The encoding of a body's text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The encoding that a request declares for its body; UTF-8 by default.
#[derive(Debug, Clone, Copy)]
pub struct Charset(&'static Encoding);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the charset is unknown")]
pub struct UnknownCharset;

impl Charset {
    /// The encoding that RFC 8259 requires.
    pub const UTF_8: Self = Self(UTF_8);

    /// Finds an encoding by its name in the Encoding Standard of browsers: `latin1` is windows-1252.
    pub fn named(name: &[u8]) -> Result<Self, UnknownCharset> {
        Encoding::for_label(name).map(Self).ok_or(UnknownCharset)
    }

    /// Decodes a body. A byte order mark overrules the name. A body that is valid UTF-8 is UTF-8 whatever the name
    /// says, since frameworks add `iso-8859-1` by default. UTF-16 is the exception: it can look like valid UTF-8.
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
