//! Whether the resort and source files are good.

use std::path::Path;

use crypto::key_ring::KeyRing;
use crypto::secret::Places;
use service::Environment;
use settings::{Finding, Resolve, UnreadableFolder};

/// Whether the secrets that files refer to are looked up too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    Resolve,
    Leave,
}

pub(crate) fn check(
    folder: &Path,
    secrets: Secrets,
    environment: &Environment,
    key_ring: Option<&KeyRing>,
) -> Result<Vec<Finding>, UnreadableFolder> {
    let resolve = match secrets {
        Secrets::Resolve => Resolve::Everything,
        Secrets::Leave => Resolve::Nothing,
    };
    let places = Places {
        environment: &|name| environment.get(name).map(str::to_owned),
        key_ring,
        base: folder,
    };
    settings::check(folder, resolve, &places)
}
