//! When a process should end, and when it should read its files again.

use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use crate::environment::Problems;

/// How long a process may take for the work in hand after it was asked to stop.
pub const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(30);

/// The signal to every part of a process to end; clones share it.
#[derive(Debug, Clone)]
pub struct Stop {
    token: CancellationToken,
    reloads: watch::Sender<u64>,
    wrong_settings: Arc<OnceLock<Problems>>,
}

/// The work in hand was not finished within [`SHUTDOWN_DEADLINE`] of the stop.
#[derive(Debug, thiserror::Error)]
#[error("the work in hand was not finished within {} s of the stop", SHUTDOWN_DEADLINE.as_secs())]
pub struct DeadlinePassed;

impl Stop {
    /// A stop that only [`stop`](Self::stop) triggers, for tests and for parts that end on their own.
    pub fn manual() -> Self {
        Self {
            token: CancellationToken::new(),
            reloads: watch::Sender::new(0),
            wrong_settings: Arc::default(),
        }
    }

    /// A stop on SIGTERM or SIGINT, with reloads on SIGHUP; a second SIGTERM or SIGINT ends the process at once.
    ///
    /// Must be called within a tokio runtime, once per process.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::manual();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hang_up = signal(SignalKind::hangup())?;
        tokio::spawn(stop.clone().follow(terminate, interrupt, hang_up));
        Ok(stop)
    }

    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// As [`stopped`](Self::stopped), for futures that must own what they wait for.
    pub fn stopped_owned(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }

    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Asks every part to end.
    pub fn stop(&self) {
        self.token.cancel();
    }

    /// A guard that asks every part to end when it is dropped, also by a panic.
    pub fn stop_on_drop(&self) -> DropGuard {
        self.token.clone().drop_guard()
    }

    /// Asks every part to end because a setting has turned out to be wrong, such as an address of a server of the wrong
    /// kind. The process then ends as for settings that cannot be read.
    pub fn stop_for(&self, problems: Problems) {
        // The first reason is reported.
        let _ = self.wrong_settings.set(problems);
        self.stop();
    }

    /// The settings that have turned out to be wrong.
    pub(crate) fn wrong_settings(&self) -> Option<Problems> {
        self.wrong_settings.get().cloned()
    }

    /// Changes each time someone asks for the files to be read again.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }

    /// Asks for the files to be read again, as SIGHUP does.
    pub fn reload(&self) {
        self.reloads.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Lets work go on as long as it likes before the stop, and [`SHUTDOWN_DEADLINE`] after it.
    pub async fn within_shutdown_deadline<F: Future>(&self, work: F) -> Result<F::Output, DeadlinePassed> {
        tokio::select! {
            biased;
            output = work => Ok(output),
            () = self.deadline() => Err(DeadlinePassed),
        }
    }

    async fn deadline(&self) {
        self.stopped().await;
        tokio::time::sleep(SHUTDOWN_DEADLINE).await;
    }

    async fn follow(self, mut terminate: Signal, mut interrupt: Signal, mut hang_up: Signal) {
        loop {
            tokio::select! {
                _ = terminate.recv() => self.asked_to_stop("SIGTERM"),
                _ = interrupt.recv() => self.asked_to_stop("SIGINT"),
                _ = hang_up.recv() => {
                    log::info!(signal = "SIGHUP", event = "reload"; "reading the files again");
                    self.reload();
                }
            }
        }
    }

    fn asked_to_stop(&self, signal: &str) {
        if self.is_stopped() {
            log::warn!(signal, event = "stopping_at_once"; "stopping at once: asked a second time");
            std::process::exit(1);
        }
        log::info!(signal, event = "stopping"; "stopping: finishing the work in hand");
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_of_the_stop() {
        let stop = Stop::manual();
        let heard = stop.clone();

        stop.stop();

        heard.stopped().await;
        assert!(heard.is_stopped());
    }

    #[tokio::test]
    async fn a_reload_reaches_those_who_listen() {
        let stop = Stop::manual();
        let mut reloads = stop.reloads();
        assert!(!reloads.has_changed().unwrap());

        stop.clone().reload();

        reloads.changed().await.unwrap();
    }

    #[tokio::test]
    async fn work_that_ends_is_not_disturbed_by_the_deadline() {
        let stop = Stop::manual();
        stop.stop();

        assert_eq!(stop.within_shutdown_deadline(async { 7 }).await.unwrap(), 7);
    }
}
