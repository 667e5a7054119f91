//! The folder with the files, as it lies on the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crypto::secret::FileText;

// Far beyond any file that people write; keeps a wrong one from filling the memory.
const LONGEST_FILE: usize = 1024 * 1024;

/// The folder, or one of the two in it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the folder {}", path.display())]
pub struct UnreadableFolder {
    /// Which one.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

/// What a file describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Resort,
    Source,
}

/// A file of ours: its kind, and its name without the extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    pub(crate) kind: Kind,
    pub(crate) stem: String,
}

/// What a file holds, or why that is not known.
pub(crate) type Contents = Result<FileText, io::Error>;

impl Kind {
    const ALL: [Self; 2] = [Self::Resort, Self::Source];

    fn folder(self) -> &'static str {
        match self {
            Self::Resort => "resorts",
            Self::Source => "sources",
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.toml", self.kind.folder(), self.stem)
    }
}

/// Reads every file. A folder of one kind that is not there holds no files; `known` says of which kind there were
/// some before, for which that is an error: it may be about to be replaced.
pub(crate) fn read(
    folder: &Path,
    known: impl Fn(Kind) -> bool,
) -> Result<BTreeMap<FileName, Contents>, UnreadableFolder> {
    let unreadable = |path: &Path, cause| UnreadableFolder {
        path: path.to_owned(),
        cause,
    };
    fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))?;
    let mut found = BTreeMap::new();
    for kind in Kind::ALL {
        let path = folder.join(kind.folder());
        match read_kind(&path, kind, &mut found) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !known(kind) => {}
            other => other.map_err(|cause| unreadable(&path, cause))?,
        }
    }
    Ok(found)
}

fn read_kind(path: &Path, kind: Kind, found: &mut BTreeMap<FileName, Contents>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        // Hidden files are those of editors, and of Kubernetes, which replaces whole folders.
        let name = name.to_string_lossy();
        let Some(stem) = name
            .strip_suffix(".toml")
            .filter(|stem| !stem.is_empty() && !stem.starts_with('.'))
        else {
            continue;
        };
        let contents = FileText::read(&path.join(name.as_ref()), LONGEST_FILE);
        // It was deleted since it was listed.
        if matches!(&contents, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            continue;
        }
        found.insert(
            FileName {
                kind,
                stem: stem.to_owned(),
            },
            contents,
        );
    }
    Ok(())
}
