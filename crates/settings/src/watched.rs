//! The files of a long-running process, which reads them again when it wants to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crypto::key_ring::KeyRing;
use crypto::secret::Places;

use crate::files::Files;
use crate::finding::Changes;
use crate::folder::UnreadableFolder;
use crate::resolve::Resolve;
use crate::snapshot::Snapshot;

/// Looks a variable up in the environment as it was at the start of the process.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The files of a folder, their last good versions, and the means to find their secrets.
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
    /// Reads the folder for the first time and logs all findings. Broken files are not an error here; see
    /// [`Snapshot::problems`].
    pub fn start(
        folder: &Path,
        environment: Environment,
        key_ring: Option<Arc<KeyRing>>,
        resolve: Resolve,
    ) -> Result<Self, UnreadableFolder> {
        let mut files = Files::new(folder.to_owned(), resolve);
        files.read(&places(folder, &environment, key_ring.as_deref()))?;
        let current = Snapshot::of(&files, 1);
        current.log_findings();
        Ok(Self {
            folder: folder.to_owned(),
            environment,
            key_ring,
            files: Mutex::new(files),
            current: RwLock::new(Arc::new(current)),
        })
    }

    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads every file again, and every secret in a file of its own. It blocks on the disk.
    pub fn refresh(&self) -> Changes {
        let mut files = self.lock();
        let changes = files.read_or_note(&places(&self.folder, &self.environment, self.key_ring.as_deref()));
        let before = self.current();
        let findings_before = before.problems().chain(before.warnings()).count();
        // A file that is mended by restoring its last good version changes nothing but the findings.
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
