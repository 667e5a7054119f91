//! Reads the resort and source files and keeps the last good version of each.
//!
//! A folder holds `resorts/*.toml` and `sources/*.toml`. Each file is read on its own: one with an error is
//! rejected as a whole and changes nothing for the others. A finding about a file names its key and line and never
//! repeats a value, which may be a secret or a phone number.
//!
//! The crate reads no environment, no clock, and runs nothing by itself. Start with [`Watched`] for a long-running
//! process and [`check()`] for a person who asks.

mod access;
mod arrivals;
mod document;
pub mod fetch;
mod files;
mod finding;
mod folder;
pub mod keys;
mod lines;
mod mapping_file;
pub mod network;
mod resolve;
mod resort_file;
pub mod silence_policy;
mod snapshot;
mod source;
mod source_file;
mod usable;
mod watched;
pub mod webhook_out;

use std::collections::BTreeSet;
use std::path::Path;

use crypto::secret::Places;

use files::Files;
use folder::Kind;

pub use finding::{Changes, Finding, Severity};
pub use folder::UnreadableFolder;
pub use lines::ResortLines;
pub use mapping_file::definition_of;
pub use resolve::Resolve;
pub use resort_file::templates_table;
pub use snapshot::{ResortState, Snapshot, SourceState, load};
pub use source::{RateLimit, Source, SourceRules};
pub use usable::Needs;
pub use watched::{Environment, Watched};

/// Reads every file and returns everything that is wrong or unwise, in the order of files and lines.
///
/// With [`Resolve::Nothing`], references to secrets are read but not followed.
pub fn check(folder: &Path, resolve: Resolve, places: &Places<'_>) -> Result<Vec<Finding>, UnreadableFolder> {
    let mut files = Files::new(folder.to_owned(), resolve);
    files.read(places)?;
    let mut findings = files.findings();
    let resorts: BTreeSet<&str> = files
        .held()
        .filter(|(name, _)| name.kind == Kind::Resort)
        .map(|(name, _)| name.stem.as_str())
        .collect();
    for (name, held) in files.held() {
        let unknown = held
            .named_resorts
            .iter()
            .filter(|(_, resort)| !resorts.contains(resort.as_str()));
        findings.extend(unknown.map(|(line, resort)| Finding {
            file: name.to_string(),
            line: *line,
            severity: Severity::Warning,
            text: format!("resorts names {resort}, which has no file"),
        }));
    }
    findings.extend(arrivals::findings(&files));
    findings.sort();
    Ok(findings)
}
