//! What the desk does, whoever asks. Nothing here prints or reads arguments.

pub(crate) mod bookings;
pub(crate) mod config;
pub(crate) mod holds;
pub(crate) mod messages;
pub(crate) mod migrate;
