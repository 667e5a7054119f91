//! Signatures: published vectors, what each scheme accepts and refuses, and that hostile input causes no panic.

#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

mod hostile;
mod schemes;
mod vectors;

use crypto::secret::Secret;
use crypto::signature::{NotAuthentic, Request, Scheme, Verified, Verifier};

/// A request, as tests write it.
#[derive(Clone, Default)]
struct Sent {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    url_token: Option<String>,
    now: i64,
}

impl Sent {
    fn new(body: impl AsRef<[u8]>) -> Self {
        Self {
            body: body.as_ref().to_vec(),
            now: 1_700_000_000,
            ..Self::default()
        }
    }

    fn with(mut self, header: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((header.to_owned(), value.as_ref().to_vec()));
        self
    }

    fn at(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    fn verify(&self, verifier: &Verifier) -> Result<Verified, NotAuthentic> {
        let headers = |name: &str| {
            let same = self
                .headers
                .iter()
                .filter(|(header, _)| header.eq_ignore_ascii_case(name));
            same.map(|(_, value)| value.as_slice()).collect()
        };
        let url_token = self.url_token.as_deref();
        verifier.verify(&Request {
            headers: &headers,
            body: &self.body,
            url_token,
            now: self.now,
        })
    }
}

fn verifier(scheme: Scheme, secrets: &[&str]) -> Verifier {
    let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::new).collect();
    Verifier::new(scheme, &secrets).unwrap()
}

fn accepted() -> Result<Verified, NotAuthentic> {
    Ok(Verified { signed_id: None })
}
