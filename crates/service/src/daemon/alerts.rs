//! Passing alerts on: to Postgres, or to the queue.

use std::error::Error;
use std::time::Duration;

use domain::raised_alert::RaisedAlert;

use super::Daemon;
use crate::logs::alerts;

const EVERY: Duration = Duration::from_secs(1);

impl Daemon {
    /// Gives `pass_on` the alerts of this process, every second; those that it could not pass on wait.
    pub fn pass_on_alerts<F, E>(
        &mut self,
        program: &'static str,
        pass_on: impl Fn(Vec<RaisedAlert>) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send,
        E: Error,
    {
        let (pass_on, own) = (std::sync::Arc::new(pass_on), self.own.clone());
        self.every("alerts", EVERY, move || {
            let (pass_on, own) = (std::sync::Arc::clone(&pass_on), own.clone());
            async move {
                own.note_dropped_alerts(alerts::dropped());
                let mut raised = alerts::take();
                if raised.is_empty() {
                    return;
                }
                for one in raised.iter_mut().filter(|one| one.program.is_empty()) {
                    program.clone_into(&mut one.program);
                }
                if let Err(error) = pass_on(raised.clone()).await {
                    log::debug!(alerts = raised.len(), error = crate::chain(&error); "alerts are not passed on yet");
                    raised.into_iter().for_each(alerts::put);
                }
            }
        });
    }
}
