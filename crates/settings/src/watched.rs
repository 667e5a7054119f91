//! The files of a process that lives: read again when it says so.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crypto::key_ring::KeyRing;
use crypto::secret::Places;

use crate::changes::Changes;
use crate::files::Files;
use crate::folder::UnreadableFolder;
use crate::resolve::Resolve;
use crate::snapshot::Snapshot;

/// Looks a variable up in the environment as it was at the start.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The files of a folder, their last good versions, and the means to resolve their secrets.
///
/// It has no thread of its own: the process calls [`Watched::refresh`] every few seconds and on SIGHUP.
pub struct Watched {
    folder: PathBuf,
    environment: Environment,
    key_ring: Option<Arc<KeyRing>>,
    files: Mutex<Files>,
    current: RwLock<Arc<Snapshot>>,
}

impl Watched {
    /// Reads the folder for the first time, and tells in the log what is wrong or unwise. Broken files are no error here;
    /// see [`Snapshot::problems`].
    pub fn start(
        folder: &Path,
        environment: Environment,
        key_ring: Option<Arc<KeyRing>>,
        resolve: Resolve,
    ) -> Result<Self, UnreadableFolder> {
        let mut files = Files::new(folder.to_owned(), resolve);
        files.read(&places(folder, &environment, key_ring.as_deref()))?;
        let current = Snapshot::of(&files, 1);
        current.tell();
        Ok(Self {
            folder: folder.to_owned(),
            environment,
            key_ring,
            files: Mutex::new(files),
            current: RwLock::new(Arc::new(current)),
        })
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads every file, and every secret in a file of its own, again. It blocks on the disk.
    pub fn refresh(&self) -> Changes {
        let mut files = self.lock();
        let changes = files.read_or_note(&places(&self.folder, &self.environment, self.key_ring.as_deref()));
        let before = self.current();
        let findings_before = before.problems().chain(before.warnings()).count();
        // An error that was mended leaves no other trace where the file is again what it was.
        if !changes.is_empty() || files.findings().len() != findings_before {
            let snapshot = Arc::new(Snapshot::of(&files, before.generation().saturating_add(1)));
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        }
        changes
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn places<'a>(folder: &'a Path, environment: &'a Environment, key_ring: Option<&'a KeyRing>) -> Places<'a> {
    Places {
        environment,
        key_ring,
        base: folder,
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
