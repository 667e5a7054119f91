//! One connection that publishes, from the moment it can do so to its end.

use std::time::Duration;

use domain::error_chain::chain;
use futures_util::stream::{BoxStream, StreamExt};
use lapin::{Channel, Connection, Event};
use tokio::time::{Instant, MissedTickBehavior};

use super::in_flight::{Health, InFlight};
use super::{Ending, Job, PublishError, TaskEnds};
use crate::liveness::{Liveness, Probe};
use crate::status::Status;
use crate::topology::{self, Depths};

/// How often the session checks whether confirmations are late.
const TICK: Duration = Duration::from_millis(400);

/// A confirmation that is later than this, and than twice the callers' time-out, means that a connection that used to
/// confirm is dead.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(10);

/// How long what is in flight may take once it is time to stop.
const LAST_CONFIRMATIONS: Duration = Duration::from_secs(5);

pub(super) struct Session {
    publishing: Channel,
    liveness: Liveness<Depths>,
    events: BoxStream<'static, Event>,
    in_flight: InFlight,
    /// RabbitMQ has answered a message on this connection.
    has_confirmed: bool,
    /// RabbitMQ accepts no messages now.
    blocked: bool,
    /// Set as soon as no new jobs are accepted.
    stop_by: Option<Instant>,
    /// While blocked no confirmation can arrive, so the time to wait for one starts here.
    unblocked_at: Instant,
}

enum Happening {
    Job(Job),
    NoMoreJobs,
    Settled(Health),
    Event(Event),
    Probe(Probe<Depths>),
    Tick,
}

impl Session {
    pub(super) fn new(connection: &Connection, publishing: Channel, probing: Channel) -> Self {
        Self {
            publishing,
            liveness: Liveness::new(move || {
                let channel = probing.clone();
                async move { topology::depths(&channel).await }
            }),
            events: connection.events_listener().boxed(),
            in_flight: InFlight::new(),
            has_confirmed: false,
            blocked: connection.status().blocked(),
            stop_by: None,
            unblocked_at: Instant::now(),
        }
    }

    /// Publishes until the connection fails or it is time to stop.
    pub(super) async fn run(&mut self, ends: &mut TaskEnds) -> Ending {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = ends.stop.clone();
        loop {
            if self.stop_by.is_none() && stop.is_cancelled() {
                ends.jobs.close();
                self.stop_by = Some(Instant::now() + LAST_CONFIRMATIONS);
            }
            let has_place = self.in_flight.len() < ends.options.in_flight || self.blocked;
            let takes_jobs = has_place && !self.is_finishing(ends);
            let happening = tokio::select! {
                biased;
                Some(event) = self.events.next() => Happening::Event(event),
                health = self.in_flight.settle(), if !self.in_flight.is_empty() => Happening::Settled(health),
                _ = ticks.tick() => Happening::Tick,
                probe = self.liveness.next(), if !self.blocked => Happening::Probe(probe),
                () = stop.cancelled(), if self.stop_by.is_none() => continue,
                job = ends.jobs.recv(), if takes_jobs => match job {
                    Some(job) => Happening::Job(job),
                    None => Happening::NoMoreJobs,
                },
            };
            if let Some(ending) = self.respond(ends, happening) {
                return ending;
            }
        }
    }

    /// Whether no jobs are left, only confirmations.
    fn is_finishing(&self, ends: &TaskEnds) -> bool {
        self.stop_by.is_some() && ends.jobs.is_empty()
    }

    fn respond(&mut self, ends: &TaskEnds, happening: Happening) -> Option<Ending> {
        let ending = match happening {
            Happening::Job(job) => {
                self.take(job);
                None
            }
            Happening::NoMoreJobs => {
                self.stop_by = self.stop_by.or(Some(Instant::now() + LAST_CONFIRMATIONS));
                None
            }
            Happening::Settled(health) => {
                self.has_confirmed |= matches!(health, Health::Well);
                ending_of(health)
            }
            Happening::Event(event) => self.notice(ends, event),
            Happening::Probe(probe) => publish_probe(ends, probe),
            Happening::Tick => self.tick(ends),
        };
        let finished = self
            .stop_by
            .is_some_and(|by| (self.in_flight.is_empty() && ends.jobs.is_empty()) || Instant::now() >= by);
        ending.or(finished.then_some(Ending::Stopped))
    }

    fn take(&mut self, job: Job) {
        if self.blocked {
            job.refuse();
        } else if !job.done.is_closed() {
            self.in_flight.publish(self.publishing.clone(), job);
        }
    }

    fn notice(&mut self, ends: &TaskEnds, event: Event) -> Option<Ending> {
        match event {
            Event::ConnectionBlocked(reason) => {
                log::warn!(event = "publishing_blocked", reason = reason.to_string(); "RabbitMQ blocks publishers");
                self.blocked = true;
                self.liveness.forget();
                Status::Blocked.publish(&ends.status);
                None
            }
            Event::ConnectionUnblocked => {
                log::info!(event = "publishing_unblocked"; "RabbitMQ accepts messages again");
                self.blocked = false;
                self.unblocked_at = Instant::now();
                Status::Connected.publish(&ends.status);
                None
            }
            Event::Error(error) => Some(Ending::Lost(chain(&error))),
            _ => None,
        }
    }

    fn tick(&mut self, ends: &TaskEnds) -> Option<Ending> {
        if self.blocked {
            return None;
        }
        // After the loss of a node another one may take connections while it still waits for the lost one: a new
        // connection that confirms nothing is given up as soon as its callers have given up.
        let too_late = if self.has_confirmed {
            (ends.options.confirm_timeout * 2).max(SHORTEST_PATIENCE)
        } else {
            ends.options.confirm_timeout
        };
        let waiting_since = self.in_flight.oldest().map(|begun| begun.max(self.unblocked_at));
        if waiting_since.is_some_and(|since| since.elapsed() > too_late) {
            return Some(Ending::Lost("RabbitMQ confirms nothing any more".to_owned()));
        }
        None
    }
}

fn ending_of(health: Health) -> Option<Ending> {
    match health {
        Health::Well => None,
        Health::Unroutable => Some(Ending::Lost(PublishError::Unroutable.to_string())),
        Health::Broken(error) => Some(Ending::Lost(chain(&error))),
        Health::NotConfirming => Some(Ending::Lost("RabbitMQ was not asked to confirm".to_owned())),
    }
}

fn publish_probe(ends: &TaskEnds, probe: Probe<Depths>) -> Option<Ending> {
    match probe {
        Probe::Answered(depths) => {
            ends.depths.send_replace(Some(depths));
            Status::Connected.publish(&ends.status);
            None
        }
        Probe::Silent => {
            ends.depths.send_replace(None);
            Status::Silent.publish(&ends.status);
            None
        }
        Probe::Lost(reason) => Some(Ending::Lost(reason)),
    }
}
