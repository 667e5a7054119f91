//! What all pages share.

use std::path::PathBuf;
use std::sync::Arc;

use broker::Address;
use crypto::key_ring::KeyRing;
use settings::Watched;
use store::Store;
use store::notes::Note;

use super::ledger::Ledger;
use super::metrics::DeskMetrics;
use super::throttle::Throttle;
use crate::actions::bookings::MediaSource;
use crate::actions::context::Context;
use crate::settings::{Gateway, PublicUrl, ServeSettings};

pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) broker: Address,
    pub(super) key_ring: Arc<KeyRing>,
    pub(super) files: Arc<Watched>,
    pub(super) public_url: PublicUrl,
    pub(super) gateway: Option<Gateway>,
    pub(super) throttle: Throttle,
    pub(super) metrics: DeskMetrics,
    pub(super) ledger: Ledger,
    pub(super) media: MediaSource,
    /// The folder of the files.
    pub(super) config: PathBuf,
}

impl Desk {
    pub(super) fn new(settings: ServeSettings, files: Arc<Watched>, metrics: DeskMetrics) -> Self {
        Self {
            store: settings.store,
            broker: settings.broker,
            key_ring: settings.key_ring,
            files,
            public_url: settings.public_url,
            gateway: settings.gateway,
            throttle: Throttle::default(),
            metrics,
            ledger: Ledger::default(),
            media: MediaSource {
                client: settings.whatsapp,
                folder: settings.config.clone(),
                environment: settings.environment,
            },
            config: settings.config,
        }
    }

    /// Why a member does something, as a form has it; blank: they did not say.
    pub(super) fn note(&self, words: &str) -> Option<Note> {
        let words = words.trim();
        (!words.is_empty()).then(|| Note::seal(words, &self.key_ring))
    }

    /// What actions need, with the files as they are now.
    pub(super) fn context(&self) -> Context {
        Context::new(
            self.store.clone(),
            Arc::clone(&self.key_ring),
            self.files.current(),
        )
    }
}
