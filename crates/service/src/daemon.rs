//! The skeleton of a daemon: readiness, supervised tasks, a health line each minute, and a stop in order.
//!
//! A program makes a [`Daemon`], hands over its parts (a name, a check, a loop) and its tasks, and ends with
//! [`Daemon::serve_health`] or [`Daemon::serve`]. From then on [`Running`] supervises: where a task panics or ends before
//! the stop, the process stops and exits with a failure that names the task. After the stop the tasks and the HTTP server
//! finish the work in hand first; only then the connections that this work needs are closed.
//!
//! Programs hand over closures, so that this crate knows no database, no broker and no files.

mod alerts;
mod metrics;
mod tasks;

use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use tokio::sync::watch;

use crate::daemon::metrics::{DaemonMetrics, Losses};
use crate::daemon::tasks::Tasks;
use crate::health::Readiness;
use crate::http::{self, Serving};
use crate::metrics::Metrics;
use crate::{About, Failure, Problems, Stop, periodic};

/// The readiness condition of the resort and source files.
const FILES: &str = "settings";
const CHECK_EVERY: Duration = Duration::from_secs(1);
const REFRESH_EVERY: Duration = Duration::from_secs(2);
const HEALTH_LINE_EVERY: Duration = Duration::from_secs(60);
/// After a search for missing keys failed.
const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A daemon that is being put together.
pub struct Daemon {
    pub metrics: Metrics,
    pub readiness: Readiness,
    pub stop: Stop,
    own: DaemonMetrics,
    tasks: Tasks,
    may_work: watch::Sender<bool>,
}

/// Stored values under one key that this process's key ring does not have.
#[derive(Debug)]
pub struct MissingKey {
    pub table: &'static str,
    pub key: String,
    pub values: i64,
}

impl Daemon {
    /// A daemon without parts: ready, and serving nothing yet.
    pub fn new(about: &About, stop: Stop) -> Result<Self, Failure> {
        let (metrics, readiness) = (Metrics::new(about.name, about.version)?, Readiness::new());
        Ok(Self {
            own: DaemonMetrics::new(&metrics, &readiness)?,
            metrics,
            readiness,
            tasks: Tasks::new(stop.clone()),
            stop,
            may_work: watch::Sender::new(true),
        })
    }

    /// Runs a task that lives until the stop.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(name, async {
            work.await;
            Ok(())
        });
    }

    /// Runs `work` at once, then every `period` and on each SIGHUP, until the stop.
    pub fn every<F>(&mut self, name: &'static str, period: Duration, work: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.spawn(name, async move { periodic::run(&stop, period, work).await });
    }

    /// Checks a condition of readiness every second.
    pub fn check<F>(&mut self, condition: &'static str, check: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), String>> + Send,
    {
        self.readiness.expect(condition);
        let (readiness, check) = (self.readiness.clone(), Arc::new(check));
        self.every(condition, CHECK_EVERY, move || {
            let (readiness, check) = (readiness.clone(), Arc::clone(&check));
            async move { readiness.set(condition, check().await) }
        });
    }

    /// Checks a condition of readiness whenever the status of the connection changes that it depends on.
    pub fn follow<T: Clone + Send + Sync + 'static>(
        &mut self,
        condition: &'static str,
        status: watch::Receiver<T>,
        check: impl Fn(&T) -> Result<(), String> + Send + Sync + 'static,
    ) {
        self.readiness.expect(condition);
        let (readiness, stop) = (self.readiness.clone(), self.stop.clone());
        let losses = Losses::new(self.own.connection_losses(condition));
        self.spawn(condition, async move {
            let counted = |status: &T| losses.count(check(status));
            readiness.follow(condition, status, counted, &stop).await;
        });
    }

    /// Reads the program's files again every 2 s and on each SIGHUP, where they may block. `refresh` returns whether the
    /// program can work with what it found, and what is wrong with it nevertheless.
    pub fn refresh_files(
        &mut self,
        refresh: impl Fn() -> Result<Option<String>, String> + Send + Sync + 'static,
    ) {
        self.readiness.expect(FILES);
        let (readiness, refresh) = (self.readiness.clone(), Arc::new(refresh));
        let metrics = self.own.clone();
        self.every(FILES, REFRESH_EVERY, move || {
            let (readiness, refresh, metrics) = (readiness.clone(), Arc::clone(&refresh), metrics.clone());
            async move {
                match tokio::task::spawn_blocking(move || refresh()).await {
                    Ok(usable) => {
                        metrics.note_files_read();
                        match &usable {
                            Ok(Some(reason)) => readiness.warn(FILES, reason),
                            _ => readiness.clear_warning(FILES),
                        }
                        readiness.set(FILES, usable.map(|_| ()));
                    }
                    // What was read before stays in force. The panic itself has a line of its own.
                    Err(_) => log::error!(event = "files_not_read"; "cannot read the files again"),
                }
            }
        });
    }

    /// Searches once for values that this process cannot open: its key ring never changes while it runs. A search that
    /// fails is repeated until one succeeds.
    pub fn search_missing_keys<F, E>(&mut self, search: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Vec<MissingKey>, E>> + Send,
        E: Display + Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn_once("missing keys", async move {
            let searching = async {
                loop {
                    match search().await {
                        Ok(missing) => return missing.iter().for_each(report_missing_key),
                        Err(error) => log::debug!(error:% = error; "cannot search for missing keys"),
                    }
                    tokio::time::sleep(SEARCH_AGAIN_AFTER).await;
                }
            };
            tokio::select! {
                () = stop.stopped() => {}
                () = searching => {}
            }
            Ok(())
        });
    }

    /// Writes the program's health line at once and then every minute; `line` gets whether the process is ready.
    pub fn health_line(&mut self, line: impl Fn(bool) + Send + Sync + 'static) {
        let readiness = self.readiness.clone();
        self.every("health line", HEALTH_LINE_EVERY, move || {
            line(readiness.is_ready());
            std::future::ready(())
        });
    }

    /// Lets the tasks of [`spawn_work`](Self::spawn_work) begin only after this condition holds, such as a schema that is
    /// there. What cannot become true by waiting is a wrong setting and ends the process.
    pub fn work_after(&mut self, condition: impl Future<Output = Result<(), Problems>> + Send + 'static) {
        let (stop, may_work) = (self.stop.clone(), self.may_work.clone());
        may_work.send_replace(false);
        self.tasks.spawn_once("condition of work", async move {
            tokio::select! {
                () = stop.stopped() => {}
                holds = condition => match holds {
                    Ok(()) => drop(may_work.send_replace(true)),
                    Err(problems) => stop.stop_for(problems),
                }
            }
            Ok(())
        });
    }

    /// As [`spawn`](Self::spawn), after the condition of [`work_after`](Self::work_after).
    pub fn spawn_work(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (stop, mut may_work) = (self.stop.clone(), self.may_work.subscribe());
        self.spawn(name, async move {
            tokio::select! {
                () = stop.stopped() => return,
                // An error means that the daemon is gone: it waits for the stop then.
                Ok(_) = may_work.wait_for(|may| *may) => {}
            }
            work.await;
        });
    }

    /// Serves health and metrics alone.
    ///
    /// As the last step: `/readyz` must not answer before all conditions are known. `close` runs after everything else: it
    /// closes what the tasks and the server needed to finish the work in hand.
    pub fn serve_health(
        self,
        address: SocketAddr,
        close: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Running, Failure> {
        let serving = http::serve_health(address, &self.readiness, &self.metrics, &self.stop)?;
        Ok(self.running(serving, close))
    }

    /// As [`serve_health`](Self::serve_health), with the routes that `configure` sets up.
    pub fn serve(
        self,
        options: http::Options,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
        close: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Running, Failure> {
        let serving = http::serve(options, &self.readiness, &self.stop, configure)?;
        Ok(self.running(serving, close))
    }

    fn running(mut self, serving: Serving, close: impl Future<Output = ()> + Send + 'static) -> Running {
        let address = serving.address();
        self.tasks.spawn("http server", serving.finished());
        Running {
            address,
            tasks: self.tasks,
            close: Box::pin(close),
        }
    }
}

fn report_missing_key(missing: &MissingKey) {
    let MissingKey { table, key, values } = missing;
    log::error!(table, key, values, alert = "keys_missing";
        "stored values cannot be opened: their key is not in the key ring");
}

/// A running daemon; it ends when its stop does, or when one of its tasks fails.
pub struct Running {
    address: SocketAddr,
    tasks: Tasks,
    close: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Running {
    /// Where it listens; it has the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Supervises the tasks until the stop, and waits until the work in hand is finished and everything is closed.
    pub async fn finished(mut self) -> Result<(), Failure> {
        let ended = self.tasks.finished().await;
        self.close.await;
        Ok(ended.map_err(anyhow::Error::from)?)
    }
}

#[cfg(test)]
mod tests;
