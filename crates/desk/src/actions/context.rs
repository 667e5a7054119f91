//! What showing bookings and deciding about them needs: the database, the keys and the resorts' files.

use std::path::Path;
use std::sync::Arc;

use crypto::key_ring::KeyRing;
use crypto::secret::Places;
use domain::ids::ResortId;
use domain::resort::Resort;
use service::crash;
use settings::{Resolve, Snapshot, UnreadableFolder};
use store::planning::Planner;
use store::{Connection, Fault, Store, StoreError};

/// For a transaction that conflicts with others.
const TRIES: u32 = 5;

#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) key_ring: Arc<KeyRing>,
    resorts: Arc<Snapshot>,
}

impl Context {
    pub(crate) fn open(store: Store, key_ring: KeyRing, folder: &Path) -> Result<Self, UnreadableFolder> {
        Ok(Self::new(
            store,
            Arc::new(key_ring),
            Arc::new(read_files(folder)?),
        ))
    }

    pub(crate) fn new(store: Store, key_ring: Arc<KeyRing>, resorts: Arc<Snapshot>) -> Self {
        Self {
            store,
            key_ring,
            resorts,
        }
    }

    pub(crate) fn files(&self) -> &Snapshot {
        &self.resorts
    }

    /// `None` if its file cannot be read.
    pub(crate) fn resort(&self, id: &ResortId) -> Option<Arc<Resort>> {
        self.resorts.resort(id)
    }

    /// As [`transaction`], with the keys and the resorts.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection, &Planner) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let planner = Planner {
            due: store::planning::DueIds::Relay,
            ring: Arc::clone(&self.key_ring),
            resorts: self.resorts.readable_resorts(),
        };
        transaction(&self.store, move |connection| work(connection, &planner)).await
    }
}

/// Does not resolve the files' secrets.
pub(crate) fn read_files(folder: &Path) -> Result<Snapshot, UnreadableFolder> {
    let places = Places {
        environment: &|_| None,
        key_ring: None,
        base: folder,
    };
    settings::load(folder, Resolve::Nothing, &places)
}

/// Runs one transaction, and again while it conflicts with others, five times at most.
pub(crate) async fn transaction<T: Send + 'static>(
    store: &Store,
    work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + Sync + 'static,
) -> Result<T, StoreError> {
    let work = Arc::new(work);
    let mut tries = 0;
    loop {
        let work = Arc::clone(&work);
        tries += 1;
        let deciding = store.transaction(move |connection| {
            let decided = work(connection)?;
            crash::point("desk.decision.written");
            Ok(decided)
        });
        match deciding.await {
            Err(error) if is_contention(&error) && tries < TRIES => {
                log::debug!(error = service::chain(&error); "transaction conflicted with another; retrying");
            }
            done => return done.inspect(|_| crash::point("desk.decision.committed")),
        }
    }
}

fn is_contention(error: &StoreError) -> bool {
    matches!(error.fault(), Fault::Contention | Fault::Locked | Fault::Unclear)
}
