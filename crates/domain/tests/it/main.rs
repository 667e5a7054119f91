//! Properties that hold for every history of a booking, checked on random ones.

#![cfg(test)]

mod journeys;
mod merging;
mod model;
mod season;
mod stories;
