//! The Cloud API's words: requests out, answers, error codes, notifications in.
//!
//! Nothing here decides what becomes of a message, reads a clock for a decision or knows a table: a call ends in a
//! [`domain::after_call::CallOutcome`], a notification in [`notification::Update`]s.
//! WhatsApp's ids of messages hold the guest's phone number in base64, so they stand in no `Debug` and no error.
//! Start with [`client`] for the way out and [`notification`] for the way in; [`error_codes`] is the one table
//! of what WhatsApp's refusals mean.

pub mod answer;
pub mod client;
pub mod error_codes;
pub mod notification;
pub mod request;
