//! From a webhook's JSON, in a platform's own words or in ours, to our event.
//!
//! A platform's words are read by a [`Mapping`]: one expression for each field, a table that says which of our event types
//! a request is, and casts that are written once, here ([`casts`]). What it makes is an event in our own format, which then
//! passes the same [`check`] as one that a platform wrote so itself. Nothing here reads a clock, a file or the network.
//!
//! Start with [`map`], which has the steps in their order.

pub mod casts;
pub mod check;
mod definition;
mod draft;
mod expression;
mod fault;
mod field;
pub mod map;
pub mod own_format;
pub mod presets;
mod request;
pub mod samples;
mod scope;
mod when;

pub use definition::{Definition, ResortOf};
pub use expression::{Expression, InvalidExpression};
pub use fault::{Cause, ElementFault, Fault};
pub use field::Field;
pub use map::{Element, Ignored, Mapped, Mapping, Reading, Verdict, faults};
pub use request::{Kept, Request, Tools, short_hex};
pub use when::{Row, Target};
