//! Reads files that are, or may hold, secrets.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::{BYTE_ORDER_MARK, Secret};

// With less spare room, the standard library grows the buffer before it checks whether there is more to read.
const SPARE: usize = 64;

/// The text of a file, and who may read it.
#[derive(Debug)]
pub struct FileText {
    /// A secret as a whole, since any part may be one.
    pub text: Secret,
    /// Whether every user of the machine may read it.
    pub readable_by_others: bool,
}

impl FileText {
    /// Reads a file; one of more than `longest` bytes is an error. No copy of the text stays in memory. A byte
    /// order mark, which some editors write, is removed.
    pub fn read(path: &Path, longest: usize) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        // The buffer has its full size from the start: one that grows would leave copies behind. Devices and pipes
        // have no length.
        let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        let expected = if metadata.is_file() {
            length.min(longest)
        } else {
            longest
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(expected.saturating_add(SPARE)));
        let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut bytes)?;
        if bytes.len() > longest {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| not_text())?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Ok(Self {
            text: Secret::new(text),
            readable_by_others: is_readable_by_others(&metadata),
        })
    }
}

fn not_text() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")
}

#[cfg(unix)]
fn is_readable_by_others(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_file: &Metadata) -> bool {
    false
}
