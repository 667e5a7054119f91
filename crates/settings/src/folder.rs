//! Reads the files of the folder from the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crypto::secret::FileText;

// Far more than people write; it keeps a wrong file from filling the memory.
const LONGEST_FILE: usize = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
#[error("cannot read the folder {}", path.display())]
pub struct UnreadableFolder {
    pub path: PathBuf,
    #[source]
    pub cause: io::Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Resort,
    Source,
}

/// The kind of a file, and its name without the extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    pub(crate) kind: Kind,
    pub(crate) stem: String,
}

/// The text of a file, or why it cannot be read.
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

/// Reads all files. A missing folder of one kind holds no files, unless `known` says that files of that kind
/// existed before: then that is an error, since the folder may be about to be replaced.
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
        // Hidden files belong to editors, or to Kubernetes, which replaces whole folders.
        let name = name.to_string_lossy();
        let Some(stem) = name
            .strip_suffix(".toml")
            .filter(|stem| !stem.is_empty() && !stem.starts_with('.'))
        else {
            continue;
        };
        let contents = FileText::read(&path.join(name.as_ref()), LONGEST_FILE);
        // The file was deleted since it was listed.
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
