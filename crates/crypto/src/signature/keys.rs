//! The keys of schemes that sign.

use ring::signature::{ED25519, UnparsedPublicKey};
use ring::{digest, hmac};

use super::SchemeError;
use super::parts::Signature;
use crate::random;
use crate::secret::Secret;
use crate::text_encoding::from_base64;

const PUBLIC_KEY_LENGTH: usize = 32;

#[derive(Clone, Copy)]
pub(super) enum KeyFormat {
    Text,
    Base64,
    /// Base64, with or without `whsec_` in front; an ed25519 public key has `whpk_` in front.
    Standard,
}

/// Keys of which any may fit.
pub(super) struct Keys {
    keys: Vec<Key>,
    // Random, for this verifier alone; see `fits`.
    comparison: hmac::Key,
}

enum Key {
    Hmac(hmac::Key),
    Ed25519(UnparsedPublicKey<Vec<u8>>),
}

impl Keys {
    pub(super) fn read(format: KeyFormat, secrets: &[Secret]) -> Result<Self, SchemeError> {
        let keys = secrets
            .iter()
            .enumerate()
            .map(|(index, secret)| Key::read(format, secret, index + 1));
        let comparison = hmac::Key::new(
            hmac::HMAC_SHA256,
            &random::bytes::<{ digest::SHA256_OUTPUT_LEN }>(),
        );
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            comparison,
        })
    }

    /// Whether any of the signatures is one of the message by any key.
    pub(super) fn any_fits(&self, message: &[&[u8]], signatures: &[Signature]) -> bool {
        self.keys.iter().any(|key| match key {
            Key::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                message.iter().for_each(|part| context.update(part));
                let expected = context.sign();
                signatures.iter().any(|signature| self.fits(&expected, signature))
            }
            Key::Ed25519(key) => {
                let message = message.concat();
                signatures.iter().any(|signature| match signature {
                    Signature::Ed25519(bytes) => key.verify(&message, bytes).is_ok(),
                    Signature::Hmac(_) => false,
                })
            }
        })
    }

    // Both sides go through one more HMAC. That comparison is ring's, in constant time, and the message is hashed
    // only once for all signatures of a header.
    fn fits(&self, expected: &hmac::Tag, signature: &Signature) -> bool {
        let Signature::Hmac(bytes) = signature else {
            return false;
        };
        let expected = hmac::sign(&self.comparison, expected.as_ref());
        hmac::verify(&self.comparison, bytes, expected.as_ref()).is_ok()
    }
}

impl Key {
    fn read(format: KeyFormat, secret: &Secret, number: usize) -> Result<Self, SchemeError> {
        let text = secret.reveal();
        let decode = |text: &str| {
            let bytes = from_base64(text).filter(|bytes| !bytes.is_empty());
            bytes
                .map(zeroize::Zeroizing::new)
                .ok_or(SchemeError::NotBase64 { number })
        };
        let of_bytes = |bytes: &[u8]| Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, bytes));
        match (format, text.strip_prefix("whpk_")) {
            (KeyFormat::Text, _) => Ok(of_bytes(text.as_bytes())),
            (KeyFormat::Base64, _) => Ok(of_bytes(&decode(text)?)),
            (KeyFormat::Standard, None) => {
                Ok(of_bytes(&decode(text.strip_prefix("whsec_").unwrap_or(text))?))
            }
            (KeyFormat::Standard, Some(public)) => {
                let bytes = decode(public)?;
                if bytes.len() != PUBLIC_KEY_LENGTH {
                    return Err(SchemeError::NotPublicKey { number });
                }
                Ok(Self::Ed25519(UnparsedPublicKey::new(&ED25519, bytes.to_vec())))
            }
        }
    }
}
