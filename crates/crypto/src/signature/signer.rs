//! Signs our own webhooks as Standard Webhooks.

use std::fmt;

use ring::hmac;

use crate::secret::Secret;
use crate::text_encoding::{from_base64, to_base64};

/// How many bytes a key has, by the specification.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// Signs with every one of its secrets, so that a receiver may change from one to the next. `Debug` shows no secret.
pub struct Signer {
    keys: Vec<hmac::Key>,
}

/// A secret cannot sign. Secrets are counted from 1 and never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("secret {number} is not whsec_ and 24 to 64 bytes in base64")]
pub struct InvalidKey {
    pub number: usize,
}

impl Signer {
    /// # Errors
    /// A secret is not base64, with or without `whsec_` in front, of 24 to 64 bytes: receivers' libraries would not take it.
    pub fn new(secrets: &[Secret]) -> Result<Self, InvalidKey> {
        let key = |(index, secret): (usize, &Secret)| {
            let text = secret.reveal();
            let bytes = from_base64(text.strip_prefix("whsec_").unwrap_or(text));
            bytes
                .map(zeroize::Zeroizing::new)
                .filter(|bytes| LENGTHS.contains(&bytes.len()))
                .map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
                .ok_or(InvalidKey { number: index + 1 })
        };
        let keys = secrets.iter().enumerate().map(key).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// The value of `webhook-signature`, for the id and the time (Unix seconds) in the headers beside it.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        let signature = |key: &hmac::Key| {
            let mut context = hmac::Context::with_key(key);
            context.update(head.as_bytes());
            context.update(body);
            format!("v1,{}", to_base64(context.sign().as_ref()))
        };
        let signatures: Vec<String> = self.keys.iter().map(signature).collect();
        signatures.join(" ")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{Request, Scheme, Verifier, sign_standard};

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    // shows: B221
    #[test]
    fn a_receiver_with_any_one_of_the_secrets_accepts_the_signature() {
        let secrets = [OLD, NEW].map(|text| Secret::new(text.to_owned()));
        let signer = Signer::new(&secrets).unwrap();

        let signature = signer.sign("id-1", 1_700_000_000, b"{}");

        let each = [OLD, NEW].map(|secret| sign_standard(secret, "id-1", 1_700_000_000, b"{}"));
        assert_eq!(signature, each.join(" "));
        for secret in secrets {
            let verifier = Verifier::new(Scheme::StandardWebhooks, &[secret]).unwrap();
            let headers = |name: &str| -> Vec<&[u8]> {
                match name {
                    "webhook-id" => vec![b"id-1"],
                    "webhook-timestamp" => vec![b"1700000000"],
                    "webhook-signature" => vec![signature.as_bytes()],
                    _ => Vec::new(),
                }
            };
            let request = Request {
                headers: &headers,
                body: b"{}",
                url_token: None,
                now: 1_700_000_010,
            };
            assert!(verifier.verify(&request).is_ok());
        }
    }

    #[test]
    fn a_secret_that_libraries_would_not_take_is_refused() {
        let short = format!("whsec_{}", to_base64(&[7; 23]));
        let long = to_base64(&[7; 65]);
        for text in ["hunter2-hunter2-hunter2-hunter2", &short, &long] {
            let secrets = [OLD, text].map(|text| Secret::new(text.to_owned()));
            assert_eq!(Signer::new(&secrets).unwrap_err(), InvalidKey { number: 2 });
        }
        assert!(Signer::new(&[Secret::new(to_base64(&[7; 24]))]).is_ok());
    }
}
