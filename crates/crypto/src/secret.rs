//! Secrets, and how files refer to them: `env:NAME`, `file:PATH`, `sealed:BASE64`, `plain:VALUE`.

mod file_text;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::key_ring::{KeyRing, OpenError, key_id_of};
use crate::text_encoding::{from_base64, to_base64};

pub use file_text::FileText;

// The identity of sealed secrets: no value of a row can be used as a secret.
const IDENTITY: &str = "secret";

/// The longest file of a secret: a device or a wrong path must not fill the memory.
const LONGEST_FILE: usize = 64 * 1024;

/// Windows editors write it before a text.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A text that only [`Secret::reveal`] shows. Its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Where to find a secret, as a file names it. `Debug` shows no value.
#[derive(Debug, Clone)]
pub enum SecretReference {
    /// A variable of the environment at the start of the process.
    Environment(String),
    /// A file, read again at each resolution.
    File(PathBuf),
    Sealed(Sealed),
    Plain(Secret),
}

/// A sealed secret. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Sealed(Vec<u8>);

/// The text does not refer to a secret. The error does not repeat it, since it may be the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not env:NAME, file:PATH, sealed:BASE64 or plain:VALUE")]
pub struct InvalidReference;

/// Where to look references up.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The environment at the start of the process.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The keys that open sealed secrets, if the process has them.
    pub key_ring: Option<&'a KeyRing>,
    /// The folder that paths are relative to.
    pub base: &'a Path,
}

#[derive(Debug)]
pub struct Resolved {
    /// Never empty.
    pub secret: Secret,
    /// Warnings for the operator.
    pub warnings: Vec<SecretWarning>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretWarning {
    #[error("the secret's file {} can be read by every user", path.display())]
    ReadableByOthers { path: PathBuf },
    /// The person who copied it may not have meant the blanks.
    #[error("the secret begins or ends with a blank, which counts as part of it")]
    SurroundingBlanks,
    /// Only in a file a byte order mark is removed.
    #[error("the secret begins with a byte order mark, which counts as part of it")]
    ByteOrderMark,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the variable {name} is not set")]
    NotSet { name: String },
    #[error("cannot read the secret's file {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("a sealed secret needs the key ring")]
    NoKeyRing,
    #[error("cannot open the sealed secret")]
    Sealed {
        #[source]
        cause: OpenError,
    },
    #[error("the secret is not UTF-8 text")]
    NotText,
    /// An empty secret would let anyone in.
    #[error("the secret is empty")]
    Empty,
}

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one place that must use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl SecretReference {
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        let (kind, rest) = text.split_once(':').ok_or(InvalidReference)?;
        match kind {
            "env" if is_variable_name(rest) => Ok(Self::Environment(rest.to_owned())),
            "file" if !rest.is_empty() => Ok(Self::File(PathBuf::from(rest))),
            "sealed" => from_base64(rest.trim())
                .map(|bytes| Self::Sealed(Sealed(bytes)))
                .ok_or(InvalidReference),
            "plain" => Ok(Self::Plain(Secret::new(rest))),
            _ => Err(InvalidReference),
        }
    }

    /// The id of the key that sealed it, if it is sealed.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Sealed(sealed) => key_id_of(&sealed.0),
            _ => None,
        }
    }

    /// Finds the secret. An empty one is an error.
    pub fn resolve(&self, places: &Places<'_>) -> Result<Resolved, SecretError> {
        let mut warnings = Vec::new();
        let secret = match self {
            Self::Environment(name) => (places.environment)(name)
                .map(Secret::new)
                .ok_or_else(|| SecretError::NotSet { name: name.clone() })?,
            Self::File(path) => read(&places.base.join(path), &mut warnings)?,
            Self::Sealed(sealed) => sealed.open(places.key_ring.ok_or(SecretError::NoKeyRing)?)?,
            Self::Plain(secret) => secret.clone(),
        };
        let text = secret.reveal();
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if text.trim().len() < text.len() {
            warnings.push(SecretWarning::SurroundingBlanks);
        }
        if text.starts_with(BYTE_ORDER_MARK) {
            warnings.push(SecretWarning::ByteOrderMark);
        }
        Ok(Resolved { secret, warnings })
    }
}

/// Seals a secret for a file; the result begins with `sealed:`.
pub fn seal(secret: &Secret, key_ring: &KeyRing) -> String {
    format!(
        "sealed:{}",
        to_base64(&key_ring.seal(secret.reveal().as_bytes(), IDENTITY))
    )
}

impl Sealed {
    fn open(&self, key_ring: &KeyRing) -> Result<Secret, SecretError> {
        let bytes = key_ring
            .open(&self.0, IDENTITY)
            .map_err(|cause| SecretError::Sealed { cause })?;
        text_of(bytes)
    }
}

/// Line ends after the secret do not belong to it: editors add one, and copying may add more.
fn read(path: &Path, warnings: &mut Vec<SecretWarning>) -> Result<Secret, SecretError> {
    let file = FileText::read(path, LONGEST_FILE).map_err(|cause| match cause.kind() {
        io::ErrorKind::InvalidData => SecretError::NotText,
        _ => SecretError::Unreadable {
            path: path.to_owned(),
            cause,
        },
    })?;
    if file.readable_by_others {
        warnings.push(SecretWarning::ReadableByOthers {
            path: path.to_owned(),
        });
    }
    Ok(Secret::new(file.text.reveal().trim_end_matches(['\r', '\n'])))
}

fn text_of(bytes: Vec<u8>) -> Result<Secret, SecretError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(SecretError::NotText)
        }
    }
}

fn is_variable_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

#[cfg(test)]
mod tests;
