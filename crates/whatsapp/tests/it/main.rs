//! Requests to the Cloud API, its answers and its notifications, by the examples in `fixtures`.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod both_ways;
#[cfg(test)]
mod error_table;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod media;
#[cfg(test)]
mod news;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod server;
