//! The support staff's tool: lets people see and settle what machines could not.
//!
//! [`cli`] reads arguments and prints. The rules that any face must follow are in `actions`, which print nothing. Start with
//! [`cli`].

mod actions;
pub mod cli;
mod settings;
