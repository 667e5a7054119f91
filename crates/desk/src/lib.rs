//! The support staff's tool: lets people see and settle what machines could not.
//!
//! It has two faces: [`cli`] reads arguments and prints, `web` serves pages. The rules that both follow are in `actions`, which
//! print nothing. Start with [`cli`].

mod actions;
pub mod cli;
mod settings;
mod web;
