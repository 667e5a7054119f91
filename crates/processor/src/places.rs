//! How many calls run at once for each platform or receiver, so that a slow one delays no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use service::lock;

pub(crate) struct Places<K> {
    most: usize,
    running: Arc<Mutex<BTreeMap<K, usize>>>,
}

/// One of the calls; counts until it is dropped.
pub(crate) struct Place<K: Ord> {
    of: K,
    running: Arc<Mutex<BTreeMap<K, usize>>>,
}

impl<K: Ord + Clone> Places<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            running: Arc::default(),
        }
    }

    /// A place for one more call, if there is one.
    pub(crate) fn take(&self, of: &K) -> Option<Place<K>> {
        let mut running = lock(&self.running);
        let count = running.entry(of.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            of: of.clone(),
            running: Arc::clone(&self.running),
        })
    }
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        if let Some(running) = lock(&self.running).get_mut(&self.of) {
            *running = running.saturating_sub(1);
        }
    }
}
