//! Secrets, and how files refer to them: `env:NAME`, `file:PATH`, `sealed:BASE64`, `plain:VALUE`.

mod file_text;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::key_ring::{KeyRing, OpenError, key_id_of};
use crate::text_encoding::{from_base64, to_base64};

pub use file_text::FileText;

// What a sealed secret belongs to; it keeps rows' values from being passed off as secrets.
const IDENTITY: &str = "secret";

/// Of a secret. A device or a wrong path must not fill the memory.
const LONGEST_FILE: usize = 64 * 1024;

/// What Windows editors write before a text.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A text that only [`Secret::reveal`] shows. Its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Where a secret is to be found, as a file names it. `Debug` shows no value.
#[derive(Debug, Clone)]
pub enum SecretReference {
    /// A variable of the environment at the start of the process.
    Environment(String),
    /// A file, read anew at each resolution.
    File(PathBuf),
    /// Sealed under a key of the ring.
    Sealed(Sealed),
    /// The secret itself.
    Plain(Secret),
}

/// A sealed secret. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Sealed(Vec<u8>);

/// A text that refers to no secret; it is not repeated, it may be the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not env:NAME, file:PATH, sealed:BASE64 or plain:VALUE")]
pub struct InvalidReference;

/// Where references are looked up.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The environment at the start of the process.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The keys that open sealed secrets, where the process has them.
    pub key_ring: Option<&'a KeyRing>,
    /// The folder to which paths are relative.
    pub base: &'a Path,
}

/// A secret that was found.
#[derive(Debug)]
pub struct Resolved {
    /// The secret, never empty.
    pub secret: Secret,
    /// What the operator should hear about it.
    pub warnings: Vec<SecretWarning>,
}

/// What is unwise about a secret that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretWarning {
    /// Every user of the machine may read it.
    #[error("the secret's file {} can be read by every user", path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
    },
    /// Blanks around it are part of it; whoever copied it may not have meant them.
    #[error("the secret begins or ends with a blank, which counts as part of it")]
    SurroundingBlanks,
    /// A byte order mark, which only files lose.
    #[error("the secret begins with a byte order mark, which counts as part of it")]
    ByteOrderMark,
}

/// Why a secret was not found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment does not have it.
    #[error("the variable {name} is not set")]
    NotSet {
        /// The variable.
        name: String,
    },
    /// Its file cannot be read.
    #[error("cannot read the secret's file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// This process has no key ring.
    #[error("a sealed secret needs the key ring")]
    NoKeyRing,
    /// The ring does not open it.
    #[error("cannot open the sealed secret")]
    Sealed {
        /// Why not.
        #[source]
        cause: OpenError,
    },
    /// It is no text.
    #[error("the secret is not UTF-8 text")]
    NotText,
    /// An empty secret would let anyone in.
    #[error("the secret is empty")]
    Empty,
}

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one place that must use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl SecretReference {
    /// Reads what stands in a file.
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

    /// The id of the key under which it is sealed, where it is.
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

/// Seals a secret for a file: what comes back begins with `sealed:`.
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

/// The line ends after it do not belong to a secret: editors write one, and copying may add more.
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
