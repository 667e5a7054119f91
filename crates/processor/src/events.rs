//! Events: from the queue into Postgres.
//!
//! [`consume`] is the loop: it takes deliveries, has them applied, and settles each after the commit of its event.
//! [`decode`] opens a delivery, [`apply`] gets events into Postgres (it retries, and takes a refused batch apart; two batches
//! go [`side_by_side`]),
//! [`batch`] is one transaction, [`report`] logs and counts what it did, [`settlement`] says how the delivery is settled.
//! The loop asks three values: [`poison`] guards against events that end their process, [`delayed`] holds what waits,
//! [`canary`] shows whether Postgres refuses everything.

mod apply;
mod batch;
mod canary;
mod consume;
mod dead_letters;
mod decode;
mod delayed;
mod event;
mod poison;
mod report;
mod settlement;
mod side_by_side;

pub(crate) use apply::SHORT_LOCK_WAIT;
pub(crate) use canary::check_postgres;
pub(crate) use consume::Consume;
pub(crate) use dead_letters::Alerts;
pub(crate) use side_by_side::{TAKEN, apply_bodies};
