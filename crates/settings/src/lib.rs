//! Reads the resort and source files and keeps the last good ones.
//!
//! A folder holds `resorts/*.toml` and `sources/*.toml`. Every file is read on its own: one with an error is refused
//! whole and changes nothing for the others. What is said about a file names its key and line and never repeats a
//! value, which may be a secret or a phone number.
//!
//! Nothing here reads the environment, knows the time or runs on its own. Start with [`Watched`] for a process that
//! lives, [`check()`] for a person who asks.

mod changes;
mod check;
mod document;
mod files;
mod finding;
mod folder;
pub mod keys;
pub mod network;
pub mod patience;
mod resolve;
mod resort_file;
mod snapshot;
mod source;
mod source_file;
mod watched;

pub use changes::Changes;
pub use check::check;
pub use finding::{Finding, Severity};
pub use folder::UnreadableFolder;
pub use resolve::Resolve;
pub use snapshot::{ResortState, Snapshot, SourceState, load};
pub use source::{RateLimit, Source};
pub use watched::{Environment, Watched};
