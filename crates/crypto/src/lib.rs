//! Verifies signatures, seals and opens personal data, keeps the key ring.
//!
//! The crate does not know what it seals or who signs, does not read the environment, and keeps nothing between
//! calls but keys. Start with [`key_ring`] for stored data, [`secret`] for references in files, [`signature`] for
//! webhooks, [`token`] for the staff's tokens.

pub mod key_ring;
mod random;
pub mod secret;
pub mod signature;
mod text_encoding;
pub mod token;
