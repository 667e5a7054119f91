//! Reads a request's body as it comes: bounded in size and in time.

mod encoding;

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;

use crate::problem::Problem;

pub(crate) use encoding::unpack;

/// How long a caller may take for the whole body.
const DEADLINE: Duration = Duration::from_secs(10);

/// How much of a body that is too large is read and thrown away, so that its caller comes to read the answer.
const MOST_DISCARDED: usize = 32 << 20;

/// The raw bytes, at most `limit` of them.
pub(crate) async fn read(payload: &mut Payload, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    tokio::time::timeout(DEADLINE, collect(payload, headers, limit))
        .await
        .unwrap_or(Err(Problem::RequestTimeout))
}

async fn collect(payload: &mut Payload, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    let announced = announced_length(headers);
    if announced.is_some_and(|length| length > limit) {
        return Err(discard(payload, limit).await);
    }
    let Some(first) = payload.next().await.transpose().map_err(incomplete)? else {
        return Ok(Bytes::new());
    };
    if announced == Some(first.len()) {
        return Ok(first);
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(first.len()).min(limit));
    let mut chunk = Some(first);
    while let Some(bytes) = chunk {
        if body.len() + bytes.len() > limit {
            return Err(discard(payload, limit).await);
        }
        body.extend_from_slice(&bytes);
        chunk = payload.next().await.transpose().map_err(incomplete)?;
    }
    Ok(body.freeze())
}

/// Reads on without keeping anything, as far as is reasonable.
pub(crate) async fn discard(payload: &mut Payload, limit: usize) -> Problem {
    let mut discarded = 0;
    while let Some(Ok(bytes)) = payload.next().await {
        discarded += bytes.len();
        if discarded > MOST_DISCARDED {
            break;
        }
    }
    Problem::BodyTooLarge { limit }
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn incomplete(_: PayloadError) -> Problem {
    Problem::IncompleteBody
}
