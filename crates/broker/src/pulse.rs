//! Whether RabbitMQ still answers on a connection: it is asked again and again for exchanges and queues, on a channel of
//! its own. A host that vanished without a word closes no connection.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lapin::Channel;
use tokio::time::{Instant, sleep_until};

use crate::connection::chain;
use crate::topology::{self, Depths, TopologyError};

/// The topology is looked at as often as this.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// A look that takes longer says that RabbitMQ is silent; with the pause before it, known within 2 s.
const SILENT_AFTER: Duration = Duration::from_millis(1_100);
/// How long silence lasts before another connection is tried; with the above, within 5 s.
const GONE_AFTER: Duration = Duration::from_millis(3_400);

type Look = Pin<Box<dyn Future<Output = Result<Depths, TopologyError>> + Send + Sync>>;

/// Looks at the topology while it is asked for the next beat.
pub(crate) struct Pulse {
    channel: Channel,
    look: Option<Look>,
    look_begun: Instant,
    silent_since: Option<Instant>,
}

/// What the last look came to.
pub(crate) enum Beat {
    /// All is there.
    Well(Depths),
    /// There is no answer yet, and there should be.
    Silent,
    /// Something is missing, or there will be no answer.
    Lost(String),
}

impl Pulse {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            channel,
            look: None,
            look_begun: Instant::now(),
            silent_since: None,
        }
    }

    /// Forgets the look that was begun: its answer cannot come in time, and says nothing.
    pub(crate) fn forget(&mut self) {
        (self.look, self.silent_since) = (None, None);
        self.look_begun = Instant::now();
    }

    /// Waits for the next beat. May be dropped at any time, and asked seldom: what has come meanwhile counts.
    pub(crate) async fn next(&mut self) -> Beat {
        if self.look.is_none() {
            sleep_until(self.look_begun + LOOK_EVERY).await;
            self.look_begun = Instant::now();
        }
        let channel = &self.channel;
        let look = self.look.get_or_insert_with(|| {
            let channel = channel.clone();
            Box::pin(async move { topology::look(&channel).await })
        });
        // Silence counts from when it was noticed: whoever stood still hears now what was said meanwhile.
        let late_at = match self.silent_since {
            None => self.look_begun + SILENT_AFTER,
            Some(since) => since + GONE_AFTER,
        };
        tokio::select! {
            biased;
            looked = look => {
                (self.look, self.silent_since) = (None, None);
                looked.map_or_else(|error| Beat::Lost(chain(&error)), Beat::Well)
            }
            () = sleep_until(late_at) => match self.silent_since {
                None => {
                    self.silent_since = Some(Instant::now());
                    Beat::Silent
                }
                Some(_) => Beat::Lost("RabbitMQ does not answer any more".to_owned()),
            },
        }
    }
}
