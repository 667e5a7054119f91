//! What the desk does, whoever asks. Nothing here prints or reads arguments.

pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod config;
pub(crate) mod guests;
pub(crate) mod holds;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod letters;
pub(crate) mod messages;
pub(crate) mod migrate;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod personal;
pub(crate) mod shelf;
pub(crate) mod staff;
