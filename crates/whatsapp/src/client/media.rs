//! Fetches a file that a guest sent: WhatsApp is asked where it is, then there for the file (Meta, "Media").
//!
//! Both questions carry the token, and the address of the second is read from an answer: only hosts that are known to be
//! Meta's get it.

use std::fmt;
use std::time::Duration;

use outbound::HttpClientError;
use reqwest::header::AUTHORIZATION;
use url::Url;

use super::reading::unexpected;
use super::{Client, DEFAULT_URL, bearer, http_client, unreachable};
use crate::answer::{NotRead, integer};
use crate::notification::json::short;

/// The largest file that is fetched, in bytes. It covers all that WhatsApp takes as image, audio or video; documents may have
/// 100 MB.
pub const LARGEST_FILE: usize = 16 << 20;
/// Where Meta's own API keeps files.
const META_HOSTS: [&str; 1] = ["lookaside.fbsbx.com"];
/// For the file, whose address Meta accepts for five minutes.
const TIMEOUT: Duration = Duration::from_secs(60);
/// WhatsApp's code for an object that does not exist.
const NO_OBJECT: i64 = 100;

/// A guest's file. Personal data: `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// As WhatsApp says: `image/jpeg`, `audio/ogg; codecs=opus`.
    pub mime_type: Option<String>,
    /// At most [`LARGEST_FILE`].
    pub bytes: Vec<u8>,
}

impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFile")
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Why a file is not fetched, for people.
#[derive(Debug, thiserror::Error)]
pub enum NotFetched {
    /// The first question has no answer.
    #[error(transparent)]
    NotRead(NotRead),
    #[error("WhatsApp does not know this file, or not any more: it keeps for some days what guests send")]
    Gone,
    #[error("the file is larger than {} MiB", LARGEST_FILE >> 20)]
    TooLarge,
    #[error("WhatsApp names a server that is not known to be its own; it was not called")]
    ForeignHost,
    /// An HTTP status other than 2xx; redirects are not followed.
    #[error("WhatsApp's server answers with HTTP {0} instead of the file")]
    Status(u16),
    /// No certificate authority is trusted, or the proxy cannot be used.
    #[error("cannot set up the proxy or the certificate authorities for WhatsApp's files")]
    Outbound(#[source] HttpClientError),
    #[error("cannot set up the HTTP client for WhatsApp's files")]
    Setup(#[source] reqwest::Error),
}

impl Client {
    /// The file with this id, which a notification named, by the token of the number that got it. At most two requests.
    pub async fn media(&self, id: &str, token: &str) -> Result<MediaFile, NotFetched> {
        // As `..` an id would leave the path.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if id.is_empty() || !id.bytes().all(is_plain) {
            return Err(NotFetched::Gone);
        }
        let json = self.read(&[id], &[], token).await.map_err(|error| match error {
            NotRead::Refused { code: NO_OBJECT, .. } => NotFetched::Gone,
            other => NotFetched::NotRead(other),
        })?;
        let size = json.get("file_size").and_then(integer).unwrap_or_default();
        if usize::try_from(size).is_ok_and(|size| size > LARGEST_FILE) {
            return Err(NotFetched::TooLarge);
        }
        let address = json.get("url").and_then(|url| Url::parse(url.as_str()?).ok());
        let address = address.ok_or_else(|| NotFetched::NotRead(unexpected("a file's address")))?;
        if !is_own(&self.base, &address) {
            return Err(NotFetched::ForeignHost);
        }
        Ok(MediaFile {
            mime_type: short(&json, "mime_type"),
            bytes: self.file(address, token).await?,
        })
    }

    async fn file(&self, address: Url, token: &str) -> Result<Vec<u8>, NotFetched> {
        // The other host may have another proxy. Files are opened rarely, so the client lives for this one.
        let builder = http_client(&self.outbound, &address, TIMEOUT).map_err(NotFetched::Outbound)?;
        let http = builder
            .build()
            .map_err(|error| NotFetched::Setup(error.without_url()))?;
        let mut request = http.get(address);
        if let Some(authorization) = bearer(token) {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut response = request.send().await.map_err(|error| {
            NotFetched::NotRead(if error.is_connect() {
                NotRead::Unreachable(unreachable::reason(&error))
            } else {
                NotRead::NoAnswer
            })
        })?;
        match response.status().as_u16() {
            200..=299 => {}
            404 => return Err(NotFetched::Gone),
            status => return Err(NotFetched::Status(status)),
        }
        let mut bytes = Vec::new();
        let broken = |_| NotFetched::NotRead(NotRead::NoAnswer);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() > LARGEST_FILE {
                return Err(NotFetched::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Whether the token may go to this address: Meta's own API keeps its files on other hosts, every other base (the sandbox, a
/// gateway) on its own.
fn is_own(base: &Url, address: &Url) -> bool {
    let is_metas = Url::parse(DEFAULT_URL).is_ok_and(|meta| meta.host() == base.host());
    let is_known = if is_metas {
        let host = address.host_str().unwrap_or_default();
        address.scheme() == "https" && address.port().is_none() && META_HOSTS.contains(&host)
    } else {
        address.origin() == base.origin()
    };
    is_known && address.username().is_empty() && address.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: T44
    #[test]
    fn the_token_goes_to_metas_own_hosts_or_to_the_base_and_nowhere_else() {
        let (meta, sandbox) = ("https://graph.facebook.com/v25.0", "http://127.0.0.1:8090/v25.0");
        let cases = [
            (
                meta,
                "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
                true,
            ),
            (meta, "http://lookaside.fbsbx.com/1", false),
            (meta, "https://lookaside.fbsbx.com:8443/1", false),
            (meta, "https://lookaside.fbsbx.com.evil.example/1", false),
            (meta, "https://evil.example/lookaside.fbsbx.com", false),
            (meta, "https://lookaside.fbsbx.com@evil.example/1", false),
            (meta, "https://ada@lookaside.fbsbx.com/1", false),
            (meta, "https://127.0.0.1/1", false),
            (sandbox, "http://127.0.0.1:8090/1", true),
            (sandbox, "http://127.0.0.1:8091/1", false),
            (sandbox, "https://127.0.0.1:8090/1", false),
            (sandbox, "https://lookaside.fbsbx.com/1", false),
            (sandbox, "file:///etc/passwd", false),
        ];
        for (base, address, expected) in cases {
            let (base, url) = (base.parse().unwrap(), address.parse().unwrap());
            assert_eq!(is_own(&base, &url), expected, "{base} {address}");
        }
    }
}
