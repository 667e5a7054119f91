//! Folders on a disk: what is in force, what is rejected, and what changes when files do.

#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

mod reading;
mod signing;
mod watching;

use std::path::Path;

use crypto::key_ring::KeyRing;
use crypto::secret::Places;
use domain::ids::{ResortId, SourceId};
use tempfile::TempDir;

const RESORT: &str = include_str!("../fixtures/azure-bay.toml");
const SOURCE: &str = include_str!("../fixtures/direct.toml");

/// A folder with the two example files.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        for kind in ["resorts", "sources"] {
            std::fs::create_dir(folder.path().join(kind)).unwrap();
        }
        folder.write("resorts/azure-bay.toml", RESORT);
        folder.write("sources/direct.toml", SOURCE);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).unwrap();
    }

    fn remove(&self, file: &str) {
        std::fs::remove_file(self.path().join(file)).unwrap();
    }

    fn places(&self) -> Places<'_> {
        Places {
            environment: &environment,
            key_ring: None,
            base: self.path(),
        }
    }
}

fn environment(name: &str) -> Option<String> {
    match name {
        "AZURE_BAY_TOKEN" => Some("token of azure bay".to_owned()),
        "DIRECT_SECRET" => Some("whsec_AAAA".to_owned()),
        _ => None,
    }
}

fn key_ring() -> KeyRing {
    let text =
        "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,lookup:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    KeyRing::parse(text).unwrap()
}

fn resort(name: &str) -> ResortId {
    ResortId::parse(name).unwrap()
}

fn source(name: &str) -> SourceId {
    SourceId::parse(name).unwrap()
}
