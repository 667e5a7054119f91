//! A night in a cluster: three nodes of RabbitMQ, and Postgres with a synchronous standby behind `PgBouncer`.
//!
//! Faults come one after the other, each with what an operator does about it, while bookings go on. How long work stopped
//! around each is measured afterwards, from the times at which events were accepted and applied and messages sent. The results
//! are those of every run.

pub(crate) mod chronicle;
mod members;
mod moments;
mod night;
mod upgrade;

pub(crate) use moments::{Judged, Moments, Stretch};
pub(crate) use night::Night;
