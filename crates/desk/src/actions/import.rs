//! Importing bookings: each line of a file becomes an event of the source `import`, which sends nothing for the past.
//!
//! Nothing is kept of how far it came: the ids say so. What is stored already is passed over without being published, and a
//! copy that is published all the same is a duplicate. Live webhooks go first: it is paced, and waits while the queue is deep.

mod lines;

use std::io;
use std::num::NonZeroU32;
use std::time::Duration;

use broker::publisher::{Options, Outgoing, PublishError, Publisher};
use broker::sealing::{self, Head};
use broker::{Address, Status};
use chrono::Utc;
use domain::audit::Action;
use serde::Serialize;
use service::{chain, crash};
use store::audit::{self, Actor, Subject};
use store::{StoreError, events};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::context::Context;
use super::event_file::Problem;
pub(crate) use lines::{Line, Lines};

/// Events that are looked up, published and paced together.
const CHUNK: usize = 100;
/// More events than this in the queue would delay a webhook by more than about a second.
const DEEP: u32 = 1_000;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(5);
const CONNECTING: Duration = Duration::from_secs(5);
/// How often a chunk is published before the import ends.
const TRIES: u32 = 60;

/// How far an import has come. Nothing in it is personal.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tally {
    /// Lines that were read, blank ones aside.
    pub(crate) lines: usize,
    /// Events in them.
    pub(crate) events: usize,
    pub(crate) imported: usize,
    /// Events that were stored already, or that an earlier line has.
    pub(crate) known: usize,
    /// Parts of a platform's payloads that its mapping leaves out.
    pub(crate) ignored: usize,
    /// Lines with a problem.
    pub(crate) bad: usize,
}

/// What happens on the way.
pub(crate) enum Tale<'t> {
    Problem(Problem),
    /// With the events a minute since the beginning.
    Progress(&'t Tally, u64),
    /// So many events are in the queue.
    Waiting(u32),
    Unconfirmed(PublishError),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("cannot read the file")]
    File(#[from] io::Error),
    #[error("cannot look up what is there")]
    Store(#[from] StoreError),
    #[error("cannot publish the events")]
    Publish(#[source] PublishError),
    /// A defect of ours.
    #[error("cannot write an event as JSON")]
    Encode(#[from] serde_json::Error),
}

/// Checks every line and imports nothing.
pub(crate) fn check<L: Iterator<Item = io::Result<Vec<u8>>>>(
    mut lines: Lines<'_, L>,
    problem: &mut dyn FnMut(Problem),
) -> Result<Tally, ImportError> {
    let mut tally = Tally::default();
    while let Some(line) = lines.next_line()? {
        tally.count(line, &mut |told| problem(told));
    }
    Ok(tally)
}

impl Tally {
    /// Counts a line, tells its problems, and returns its events.
    fn count(&mut self, line: Line, problem: &mut dyn FnMut(Problem)) -> Vec<domain::event::Event> {
        self.lines += 1;
        self.events += line.read.events.len() + line.repeated;
        self.known += line.repeated;
        self.ignored += line.read.ignored;
        self.bad += usize::from(!line.read.problems.is_empty());
        line.read.problems.into_iter().for_each(problem);
        line.read.events
    }
}

pub(crate) struct Importer<'c> {
    context: &'c Context,
    publisher: Publisher,
    /// For one chunk.
    pause: Duration,
}

/// An event that is sealed for the queue.
struct Sealed {
    key: String,
    message: Outgoing,
}

impl<'c> Importer<'c> {
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn new(context: &'c Context, broker: Address, per_minute: NonZeroU32) -> Self {
        let chunk = u32::try_from(CHUNK).unwrap_or(u32::MAX);
        Self {
            context,
            publisher: Publisher::start(broker, Options::named("bellhop desk import")),
            pause: Duration::from_secs(60) * chunk / per_minute.get(),
        }
    }

    /// Imports every line. The audit trail records the beginning and the end.
    pub(crate) async fn run<L: Iterator<Item = io::Result<Vec<u8>>>>(
        self,
        by: &Actor,
        lines: Lines<'_, L>,
        tell: &mut dyn FnMut(Tale<'_>),
    ) -> Result<Tally, ImportError> {
        self.record(by, Action::ImportBegun, String::new()).await?;
        self.until_known().await;
        let imported = self.import(lines, tell).await;
        self.publisher.stop().await;
        let tally = imported?;
        let counts = format!(
            "{} imported, {} there already, {} lines wrong",
            tally.imported, tally.known, tally.bad
        );
        self.record(by, Action::ImportEnded, counts).await?;
        log::info!(event = "import_ended", imported = tally.imported, known = tally.known, bad = tally.bad; "bookings imported");
        Ok(tally)
    }

    async fn record(&self, by: &Actor, action: Action, details: String) -> Result<(), StoreError> {
        let by = by.clone();
        let recording = self.context.transaction(move |connection, _| {
            audit::append(connection, &by, action, &Subject::of(details.clone()))
        });
        recording.await
    }

    async fn import<L: Iterator<Item = io::Result<Vec<u8>>>>(
        &self,
        mut lines: Lines<'_, L>,
        tell: &mut dyn FnMut(Tale<'_>),
    ) -> Result<Tally, ImportError> {
        let mut tally = Tally::default();
        let (began_at, mut told_at) = (Instant::now(), Instant::now());
        let mut chunk: Vec<Sealed> = Vec::new();
        loop {
            let line = lines.next_line()?;
            let is_end = line.is_none();
            if let Some(line) = line {
                let number = line.number;
                for event in tally.count(line, &mut |problem| tell(Tale::Problem(problem))) {
                    chunk.push(self.seal(&event, number)?);
                }
            }
            if chunk.len() >= CHUNK || is_end {
                self.publish_new(std::mem::take(&mut chunk), &mut tally, tell)
                    .await?;
            }
            if is_end {
                return Ok(tally);
            }
            if told_at.elapsed() >= TELL_EVERY {
                told_at = Instant::now();
                let seconds = began_at.elapsed().as_secs().max(1);
                let rate = u64::try_from(tally.imported).unwrap_or_default() * 60 / seconds;
                tell(Tale::Progress(&tally, rate));
            }
        }
    }

    fn seal(&self, event: &domain::event::Event, line: usize) -> Result<Sealed, serde_json::Error> {
        let guest = self.context.files().phone_number(event);
        // The line takes the place of a request.
        let head = Head::of_event(event, guest, Utc::now(), format!("import-line-{line}"));
        let message = sealing::seal(&self.context.key_ring, head, event)?;
        Ok(Sealed {
            key: event.key.to_string(),
            message,
        })
    }

    /// Publishes the events that are not stored yet, and waits as long as so many may take.
    async fn publish_new(
        &self,
        chunk: Vec<Sealed>,
        tally: &mut Tally,
        tell: &mut dyn FnMut(Tale<'_>),
    ) -> Result<(), ImportError> {
        let keys: Vec<String> = chunk.iter().map(|sealed| sealed.key.clone()).collect();
        let looking = self
            .context
            .store
            .run(move |connection| events::known(connection, &keys));
        let known = looking.await?;
        let new: Vec<Outgoing> = chunk
            .into_iter()
            .filter(|sealed| !known.contains(&sealed.key))
            .map(|sealed| sealed.message)
            .collect();
        tally.known += known.len();
        if new.is_empty() {
            return Ok(());
        }
        self.until_shallow(tell).await;
        let (began_at, count) = (Instant::now(), new.len());
        self.publish(new, tell).await?;
        tally.imported += count;
        tokio::time::sleep_until(began_at + self.pause).await;
        Ok(())
    }

    /// Waits for the connection, and for the first depth of the queue. Without a connection publishing fails, and is tried again.
    async fn until_known(&self) {
        let (mut status, mut depths) = (self.publisher.status(), self.publisher.depths());
        let _ = tokio::time::timeout(CONNECTING, async {
            let _ = status.wait_for(Status::is_ready).await;
            let _ = depths.wait_for(Option::is_some).await;
        })
        .await;
    }

    /// Waits while live webhooks would wait behind the import.
    async fn until_shallow(&self, tell: &mut dyn FnMut(Tale<'_>)) {
        let depths = self.publisher.depths();
        loop {
            let events = depths.borrow().as_ref().map_or(0, |depths| depths.events);
            if events <= DEEP {
                return;
            }
            tell(Tale::Waiting(events));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Publishes all together, and again what was not confirmed.
    async fn publish(
        &self,
        mut waiting: Vec<Outgoing>,
        tell: &mut dyn FnMut(Tale<'_>),
    ) -> Result<(), ImportError> {
        crash::point("desk.import.read");
        for tried in 1.. {
            let mut calls = JoinSet::new();
            for message in waiting {
                let publisher = self.publisher.clone();
                let copy = message.clone();
                calls.spawn(async move { publisher.publish(message).await.map_err(|error| (copy, error)) });
            }
            let failed: Vec<(Outgoing, PublishError)> = calls
                .join_all()
                .await
                .into_iter()
                .filter_map(Result::err)
                .collect();
            let Some((_, error)) = failed.first() else {
                break;
            };
            if tried >= TRIES {
                return Err(ImportError::Publish(*error));
            }
            log::debug!(error = chain(error); "events were not confirmed; they are published again");
            tell(Tale::Unconfirmed(*error));
            waiting = failed.into_iter().map(|(message, _)| message).collect();
            tokio::time::sleep(LOOK_EVERY).await;
        }
        crash::point("desk.import.confirmed");
        Ok(())
    }
}
