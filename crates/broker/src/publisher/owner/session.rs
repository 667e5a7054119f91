//! One connection's life, from the moment it can publish to its end.

use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use lapin::{Channel, Connection, Event};
use tokio::time::{Instant, MissedTickBehavior};

use super::super::in_flight::{Health, InFlight};
use super::super::{Job, PublishError};
use super::{Ending, Owner, refuse};
use crate::connection::chain;
use crate::pulse::{Beat, Pulse};
use crate::status::Status;

/// How often it is asked whether confirmations are late.
const TICK: Duration = Duration::from_millis(400);

/// How long what is in flight may take once it is time to stop.
const LAST_CONFIRMATIONS: Duration = Duration::from_secs(5);

pub(super) struct Session {
    publishing: Channel,
    pulse: Pulse,
    events: BoxStream<'static, Event>,
    in_flight: InFlight,
    /// RabbitMQ said that it takes nothing now.
    blocked: bool,
    /// Set as soon as nothing new is taken.
    stop_by: Option<Instant>,
    /// While blocked no confirmation can come; waiting begins anew afterwards.
    unblocked_at: Instant,
}

/// What just happened.
enum Happening {
    Job(Job),
    NoMoreJobs,
    Settled(Health),
    Event(Event),
    Beat(Beat),
    Tick,
}

impl Session {
    pub(super) fn new(connection: &Connection, publishing: Channel, looking: Channel) -> Self {
        Self {
            publishing,
            pulse: Pulse::new(looking),
            events: connection.events_listener().boxed(),
            in_flight: InFlight::new(),
            blocked: connection.status().blocked(),
            stop_by: None,
            unblocked_at: Instant::now(),
        }
    }

    /// Publishes until the connection fails or it is time to stop.
    pub(super) async fn run(&mut self, owner: &mut Owner) -> Ending {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = owner.stop.clone();
        loop {
            if self.stop_by.is_none() && stop.is_cancelled() {
                owner.jobs.close();
                self.stop_by = Some(Instant::now() + LAST_CONFIRMATIONS);
            }
            let has_place = self.in_flight.len() < owner.options.in_flight || self.blocked;
            let takes_jobs = has_place && !self.is_finishing(owner);
            let happening = tokio::select! {
                biased;
                Some(event) = self.events.next() => Happening::Event(event),
                health = self.in_flight.settle(), if !self.in_flight.is_empty() => Happening::Settled(health),
                _ = ticks.tick() => Happening::Tick,
                beat = self.pulse.next(), if !self.blocked => Happening::Beat(beat),
                () = stop.cancelled(), if self.stop_by.is_none() => continue,
                job = owner.jobs.recv(), if takes_jobs => match job {
                    Some(job) => Happening::Job(job),
                    None => Happening::NoMoreJobs,
                },
            };
            if let Some(ending) = self.respond(owner, happening) {
                return ending;
            }
        }
    }

    /// All jobs were taken; what is in flight is awaited.
    fn is_finishing(&self, owner: &Owner) -> bool {
        self.stop_by.is_some() && owner.jobs.is_empty()
    }

    fn respond(&mut self, owner: &Owner, happening: Happening) -> Option<Ending> {
        let ending = match happening {
            Happening::Job(job) => {
                self.take(job);
                None
            }
            Happening::NoMoreJobs => {
                self.stop_by = self.stop_by.or(Some(Instant::now() + LAST_CONFIRMATIONS));
                None
            }
            Happening::Settled(health) => ending_of(health),
            Happening::Event(event) => self.notice(owner, event),
            Happening::Beat(beat) => believe(owner, beat),
            Happening::Tick => self.tick(owner),
        };
        let finished = self
            .stop_by
            .is_some_and(|by| (self.in_flight.is_empty() && owner.jobs.is_empty()) || Instant::now() >= by);
        ending.or(finished.then_some(Ending::Stopped))
    }

    fn take(&mut self, job: Job) {
        if self.blocked {
            refuse(job);
        } else if !job.done.is_closed() {
            self.in_flight.publish(self.publishing.clone(), job);
        }
    }

    fn notice(&mut self, owner: &Owner, event: Event) -> Option<Ending> {
        match event {
            Event::ConnectionBlocked(reason) => {
                log::warn!(reason = reason.to_string(); "RabbitMQ blocks publishers");
                self.blocked = true;
                self.pulse.forget();
                owner.tell(Status::Blocked);
                None
            }
            Event::ConnectionUnblocked => {
                log::info!("RabbitMQ takes messages again");
                self.blocked = false;
                self.unblocked_at = Instant::now();
                owner.tell(Status::Connected);
                None
            }
            Event::Error(error) => Some(Ending::Lost(chain(&error))),
            _ => None,
        }
    }

    /// Notices what takes too long.
    fn tick(&mut self, owner: &Owner) -> Option<Ending> {
        if self.blocked {
            return None;
        }
        let waiting_since = self.in_flight.oldest().map(|begun| begun.max(self.unblocked_at));
        if waiting_since.is_some_and(|since| since.elapsed() > owner.too_late()) {
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

fn believe(owner: &Owner, beat: Beat) -> Option<Ending> {
    match beat {
        Beat::Well(depths) => {
            owner.depths.send_replace(Some(depths));
            owner.tell(Status::Connected);
            None
        }
        Beat::Silent => {
            owner.depths.send_replace(None);
            owner.tell(Status::Silent);
            None
        }
        Beat::Lost(reason) => Some(Ending::Lost(reason)),
    }
}
