//! Verifies signatures, seals and opens personal data, keeps the key ring.
//!
//! Nothing here knows what is sealed or who signs, reads the environment, or keeps anything between calls but keys.
//! Start with [`key_ring`] for data at rest, [`secret`] for what files refer to, [`signature`] for webhooks, [`token`]
//! for people.

pub mod key_ring;
mod random;
pub mod secret;
pub mod signature;
mod text_encoding;
pub mod token;
