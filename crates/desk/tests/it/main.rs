//! The real program, as people and scripts call it.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod bookings;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod config;
#[cfg(test)]
mod conversations;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod import;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod names;
#[cfg(test)]
mod pack;
#[cfg(test)]
mod preview;
#[cfg(test)]
mod program;
#[cfg(test)]
mod report;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod source;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod web;
#[cfg(test)]
mod webhook_out;
#[cfg(test)]
mod whatsapp;
