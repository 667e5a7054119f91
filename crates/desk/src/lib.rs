//! Lets people see and settle what machines could not.
//!
//! [`cli`] is the face: it reads arguments and prints. What is done stands in `actions`, which print nothing, so that
//! another face can offer the same. Start with [`cli`].

mod actions;
pub mod cli;
mod settings;
