//! Schemes that sign nothing: a fixed text in a header or in the path.

use ring::{digest, hmac};
use zeroize::Zeroizing;

use super::scheme::HeaderName;
use super::{NotAuthentic, Request, SchemeError, only_value};
use crate::random;
use crate::secret::Secret;
use crate::text_encoding::from_any_base64;

const AUTHORIZATION: &str = "authorization";

pub(super) enum TokenPlace {
    Basic,
    Bearer,
    Header(HeaderName),
    Url,
}

/// Tokens of which any may fit, hashed under a random key of this verifier alone.
pub(super) struct Tokens {
    place: TokenPlace,
    key: hmac::Key,
    hashes: Vec<hmac::Tag>,
}

impl Tokens {
    pub(super) fn read(place: TokenPlace, secrets: &[Secret]) -> Result<Self, SchemeError> {
        let without_colon = secrets.iter().position(|secret| !secret.reveal().contains(':'));
        if let (TokenPlace::Basic, Some(index)) = (&place, without_colon) {
            return Err(SchemeError::NotCredentials { number: index + 1 });
        }
        let key = hmac::Key::new(
            hmac::HMAC_SHA256,
            &random::bytes::<{ digest::SHA256_OUTPUT_LEN }>(),
        );
        let mut hashes = Vec::new();
        for secret in secrets {
            hashes.push(hmac::sign(&key, secret.reveal().as_bytes()));
            hashes.extend(latin_1(secret).map(|bytes| hmac::sign(&key, &bytes)));
        }
        Ok(Self { place, key, hashes })
    }

    pub(super) fn challenge(&self) -> Option<&'static str> {
        match self.place {
            TokenPlace::Basic => Some(r#"Basic realm="bellhop", charset="UTF-8""#),
            TokenPlace::Bearer => Some(r#"Bearer realm="bellhop""#),
            TokenPlace::Header(_) | TokenPlace::Url => None,
        }
    }

    pub(super) fn verify(&self, request: &Request<'_>) -> Result<(), NotAuthentic> {
        let presented = self.place.read(request)?;
        let fits = self
            .hashes
            .iter()
            .any(|hash| hmac::verify(&self.key, &presented, hash.as_ref()).is_ok());
        if fits { Ok(()) } else { Err(NotAuthentic::NoMatch) }
    }
}

impl TokenPlace {
    fn read(&self, request: &Request<'_>) -> Result<Vec<u8>, NotAuthentic> {
        let malformed = || NotAuthentic::Malformed {
            header: AUTHORIZATION.to_owned(),
        };
        match self {
            Self::Basic => from_any_base64(credentials(request, "basic")?).ok_or_else(malformed),
            Self::Bearer => Ok(credentials(request, "bearer")?.as_bytes().to_vec()),
            Self::Header(name) => only_bytes(request, name.as_str()).map(<[u8]>::to_vec),
            Self::Url => request
                .url_token
                .map(|token| token.as_bytes().to_vec())
                .ok_or(NotAuthentic::NoUrlToken),
        }
    }
}

/// The secret in Latin-1, which some clients use for headers, if it differs from UTF-8.
fn latin_1(secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.reveal();
    if text.is_ascii() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for character in text.chars() {
        bytes.push(u8::try_from(u32::from(character)).ok()?);
    }
    Some(bytes)
}

fn credentials<'a>(request: &Request<'a>, scheme: &str) -> Result<&'a str, NotAuthentic> {
    let value = only_value(request, AUTHORIZATION)?;
    match value.split_once(' ') {
        Some((name, rest)) if name.eq_ignore_ascii_case(scheme) => Ok(rest.trim()),
        _ => Err(NotAuthentic::Malformed {
            header: AUTHORIZATION.to_owned(),
        }),
    }
}

// A token may hold any byte that a header can carry.
fn only_bytes<'a>(request: &Request<'a>, header: &str) -> Result<&'a [u8], NotAuthentic> {
    match (request.headers)(header).as_slice() {
        [] => Err(NotAuthentic::Missing {
            header: header.to_owned(),
        }),
        [value] => Ok(value.trim_ascii()),
        _ => Err(NotAuthentic::Duplicate {
            header: header.to_owned(),
        }),
    }
}
