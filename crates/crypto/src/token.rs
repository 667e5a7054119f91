//! Tokens of people: random, shown once, known again by their hash.

use ring::digest::{SHA256, digest};

use crate::random;
use crate::secret::Secret;
use crate::text_encoding::to_base64_for_urls;

/// What every token begins with, so that whoever finds one, a scanner of sources too, knows whose it is.
const PREFIX: &str = "bellhop_";
/// Bytes of chance in a token: nobody guesses one, so its hash need not be slow.
const RANDOM: usize = 32;
/// Characters that those take in base64 without padding.
const WRITTEN: usize = 43;

/// A token. `Debug` shows nothing of it, and its memory is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct Token(Secret);

/// A text that is no token; it is not repeated, it may be some other secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no token: one begins with {PREFIX} and has {WRITTEN} more letters, digits, _ or -")]
pub struct InvalidToken;

impl Token {
    /// A new one.
    pub fn generate() -> Self {
        let random = to_base64_for_urls(&random::bytes::<RANDOM>());
        Self(Secret::new(format!("{PREFIX}{random}")))
    }

    /// Takes what a member of the staff gives as their token; blanks around it and a byte order mark do not count.
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

    /// The token itself, for the one to whom it belongs.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What is kept of it: equal tokens are found by it, nothing is read from it.
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
