//! What every measurement needs.

use std::io::{self, Write as _};

use std::sync::Arc;

use testkit::world::Secrets;

use crate::settings::Settings;
use crate::sink::Sink;
use crate::usage;
use crate::webhook::Platform;

pub(crate) struct Bench {
    pub(crate) settings: Settings,
    pub(crate) platform: Arc<Platform>,
    pub(crate) sink: Sink,
    /// RabbitMQ's process.
    pub(crate) rabbitmq: u32,
}

impl Bench {
    pub(crate) async fn new(settings: Settings) -> anyhow::Result<Self> {
        Ok(Self {
            platform: Arc::new(Platform::new(&Secrets::default().signing)),
            sink: Sink::start()?,
            rabbitmq: usage::rabbitmq(&settings.api).await?,
            settings,
        })
    }

    /// This many, or a fifth of it in a quick run.
    pub(crate) fn amount(&self, full: usize) -> usize {
        if self.settings.quick { full / 5 } else { full }
    }

    /// So many seconds, or a third of that in a quick run.
    pub(crate) fn seconds(&self, full: f64) -> f64 {
        if self.settings.quick { full / 3.0 } else { full }
    }
}

/// Progress, for people. A reader that has gone away is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
