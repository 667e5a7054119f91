//! The headers of Standard Webhooks and Svix.

use crate::signature::parts::{MOST_SIGNATURES, Parts, Signature, Timestamp, malformed, read_id};
use crate::signature::{NotAuthentic, Request, only_value};
use crate::text_encoding::from_any_base64;

/// Reads `webhook-*`, or `svix-*` if only those are there.
pub(super) fn read<'a>(request: &Request<'a>) -> Result<Parts<'a>, NotAuthentic> {
    let is_svix =
        (request.headers)("webhook-signature").is_empty() && !(request.headers)("svix-signature").is_empty();
    let [id, timestamp, signature] = if is_svix {
        ["svix-id", "svix-timestamp", "svix-signature"]
    } else {
        ["webhook-id", "webhook-timestamp", "webhook-signature"]
    };
    let listed = only_value(request, signature)?;
    let signatures: Vec<Signature> = listed
        .split(' ')
        .filter_map(decode_versioned)
        .take(MOST_SIGNATURES + 1)
        .collect();
    if signatures.is_empty() || signatures.len() > MOST_SIGNATURES {
        return Err(malformed(signature));
    }
    let seconds = Timestamp::parse(only_value(request, timestamp)?).ok_or_else(|| malformed(timestamp))?;
    Ok(Parts {
        id: Some(read_id(request, id)?),
        timestamp: Some(seconds),
        signatures,
    })
}

// Unknown versions are ignored, so that a sender can introduce one.
fn decode_versioned(item: &str) -> Option<Signature> {
    match item.split_once(',')? {
        ("v1", text) => from_any_base64(text).map(Signature::Hmac),
        ("v1a", text) => from_any_base64(text).map(Signature::Ed25519),
        _ => None,
    }
}
