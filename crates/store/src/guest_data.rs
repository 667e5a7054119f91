//! Everything that is stored of one guest: found ([`subject`]), read ([`export`]), and erased ([`erase()`]), by a decision of
//! staff or after the retention time ([`retention`]).
//!
//! An erasure leaves tombstones ([`tombstones`]): events that `ingest` accepted before may still wait in a queue, and are
//! stripped when they arrive. Lock order: erasure locks, bookings, messages, dead letters, guests of the day (`reminded`).

mod erase;
pub mod export;
pub mod retention;
mod subject;
pub mod tombstones;

pub use erase::{Erased, erase, strip};
pub use subject::{DataSubject, SubjectData, find, numbers_of};
