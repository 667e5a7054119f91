//! Signs as platforms do, for trying out and for tests.

use ring::hmac;

use crate::text_encoding::{from_base64, to_base64, to_hex};

/// The value of `X-Hub-Signature-256`, GitHub's and Meta's.
pub fn sign_github(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", to_hex(hmac::sign(&key, body).as_ref()))
}

/// The value of `webhook-signature`, for the id and the time (Unix seconds) in the headers beside it.
///
/// A secret that is not base64 is used as text; no verifier of ours accepts such a signature.
pub fn sign_standard(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = from_base64(text).unwrap_or_else(|| text.as_bytes().to_vec());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    format!("v1,{}", to_base64(context.sign().as_ref()))
}
