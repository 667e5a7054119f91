//! Undoes a body's `Content-Encoding`. Called after the signature, which is over the bytes as sent: only authentic
//! callers make us unpack anything.

use std::io::Read;

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::web::Bytes;
use flate2::read::MultiGzDecoder;

use crate::problem::Problem;

/// The body as its sender had it, at most `limit` bytes of it.
pub(crate) fn unpack(body: Bytes, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    if is_gzip(headers)? {
        gunzip(&body, limit)
    } else {
        Ok(body)
    }
}

/// `x-gzip` is its old name, `identity` means no encoding.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut encodings = headers
        .get_all(CONTENT_ENCODING)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"));
    match (encodings.next(), encodings.next()) {
        (None, _) => Ok(false),
        (Some(name), None)
            if [&b"gzip"[..], b"x-gzip"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known)) =>
        {
            Ok(true)
        }
        _ => Err(Problem::UnsupportedEncoding),
    }
}

/// Stops one byte beyond the limit, however much more there would be.
fn gunzip(body: &[u8], limit: usize) -> Result<Bytes, Problem> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(body).take(most).read_to_end(&mut unpacked);
    match read {
        Err(_) => Err(Problem::InvalidEncoding),
        Ok(length) if length > limit => Err(Problem::BodyTooLarge { limit }),
        Ok(_) => Ok(unpacked.into()),
    }
}
