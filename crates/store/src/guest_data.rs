//! Everything that is held of one guest, wherever it lies: found ([`whom`]), read ([`held`]), taken out ([`erase()`]),
//! by a person's word or because its time is over ([`retention`]).
//!
//! Erasing is remembered ([`memory`]): what was accepted before may still lie in a queue, and is stripped when it
//! arrives. Locks: those [of erasures](lock), then bookings, messages, letters.

mod erase;
pub(crate) mod erasure_lock;
pub mod export;
pub mod memory;
pub mod retention;
mod subject;

pub use erase::{Erased, erase, strip};
pub use subject::{DataSubject, SubjectData, numbers_of, reach};
