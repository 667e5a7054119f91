//! The store against a real Postgres.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod breaches;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fetches;
#[cfg(test)]
mod guest_data;
#[cfg(test)]
mod guest_limits;
#[cfg(test)]
mod hold_out;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod late;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod names;
mod overview;
#[cfg(test)]
mod pgbouncer;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod report;
#[cfg(test)]
mod report_gaps;
#[cfg(test)]
mod reseal;
#[cfg(test)]
mod results;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod senders;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod stays;
#[cfg(test)]
mod template_categories;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod unprepared;
#[cfg(test)]
mod webhooks_out;
