//! Properties that hold for every history of a booking, checked on random ones.

#![cfg(test)]

mod journeys;
mod measured_seasons;
mod merging;
mod model;
mod season;
mod stories;
