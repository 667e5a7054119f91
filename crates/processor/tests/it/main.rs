//! The processor, one step at a time, against a real database and, where a queue matters, a real vhost.
//!
//! No loop runs: a [`scene::Scene`] applies events, plays the senders' part, and takes the steps of `processor::steps`. What
//! needs real processes (kills, stalls, whole journeys) is in `testkit/tests`.

#[cfg(test)]
mod breaches;
#[cfg(test)]
mod disorder;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fetches;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod files;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod notification;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod report_months;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod source_reports;
#[cfg(test)]
mod statuses;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod webhook;
#[cfg(test)]
mod webhooks_out;
#[cfg(test)]
mod withdrawal;
