//! The client of WhatsApp's Cloud API: requests out, answers, error codes, notifications in.
//!
//! The crate makes no decision about a message and uses no clock for one. A call ends in a
//! [`domain::after_call::CallOutcome`], a notification in [`notification::Update`]s. WhatsApp's message ids contain
//! the guest's phone number in base64, so no `Debug` and no error shows them.
//!
//! Start with [`client`] for the way out and [`notification`] for the way in. [`error_codes`] is the one table of
//! what WhatsApp's refusals mean. [`account`] is what WhatsApp says of our own account: token, number, templates.

pub mod account;
pub mod answer;
pub mod client;
pub mod error_codes;
pub mod notification;
pub mod request;
