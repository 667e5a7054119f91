//! The staff's tokens: random, shown once, recognised later by their hash.

use ring::digest::{SHA256, digest};

use crate::random;
use crate::secret::Secret;
use crate::text_encoding::to_base64_for_urls;

/// The beginning of every token, by which people and source scanners recognise a leaked one.
const PREFIX: &str = "bellhop_";
/// 256 random bits: too many to guess, so a fast hash is enough.
const RANDOM: usize = 32;
/// The length of those bytes in base64 without padding.
const WRITTEN: usize = 43;

/// A token. `Debug` shows nothing of it, and its memory is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct Token(Secret);

/// The text is not a token. The error does not repeat it, since it may be another secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no token: one begins with {PREFIX} and has {WRITTEN} more letters, digits, _ or -")]
pub struct InvalidToken;

impl Token {
    pub fn generate() -> Self {
        let random = to_base64_for_urls(&random::bytes::<RANDOM>());
        Self(Secret::new(format!("{PREFIX}{random}")))
    }

    /// Reads a token as a person enters it: blanks around it and a byte order mark are ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).trim();
        let random = text.strip_prefix(PREFIX).ok_or(InvalidToken)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if random.len() == WRITTEN && random.bytes().all(allowed) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(InvalidToken)
        }
    }

    /// The token itself, to be shown to its owner.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The hash that is stored: it finds equal tokens and reveals none.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        let digest = digest(&SHA256, self.reveal().as_bytes());
        for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written_and_is_unique() {
        let (one, other) = (Token::generate(), Token::generate());

        let read = Token::parse(&format!("\u{FEFF} {}\r\n", one.reveal())).unwrap();

        assert_eq!((read.reveal(), read.hash()), (one.reveal(), one.hash()));
        assert_ne!(one.hash(), other.hash());
        assert!(!format!("{one:?}").contains(&one.reveal()[PREFIX.len()..]));
    }

    #[test]
    fn a_text_that_is_not_a_token_is_refused_and_not_repeated() {
        let good = Token::generate();
        let cut = &good.reveal()[..good.reveal().len() - 1];

        for text in [
            "",
            "anna",
            "bellhop_",
            cut,
            &format!("{cut}="),
            &format!("{cut}ü"),
        ] {
            let error = Token::parse(text).map(|_| ()).unwrap_err().to_string();
            assert!(text.len() < 9 || !error.contains(text), "{error}");
        }
    }
}
