//! Named tasks under supervision: none may end before the stop.

use std::collections::HashMap;
use std::io;

use tokio::task::{Id, JoinError, JoinSet};

use crate::Stop;

/// Why a process could not go on. A panic's text is left out: it may hold personal data.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskError {
    #[error("the task `{0}` panicked")]
    Panicked(&'static str),
    #[error("the task `{0}` ended before the stop")]
    EndedEarly(&'static str),
    #[error("the task `{name}` failed")]
    Failed {
        name: &'static str,
        #[source]
        cause: io::Error,
    },
}

pub(super) struct Tasks {
    running: JoinSet<io::Result<()>>,
    known: HashMap<Id, Task>,
    stop: Stop,
}

struct Task {
    name: &'static str,
    may_end_early: bool,
}

impl Tasks {
    pub(super) fn new(stop: Stop) -> Self {
        Self {
            running: JoinSet::new(),
            known: HashMap::new(),
            stop,
        }
    }

    /// Runs a task that must live until the stop.
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        work: impl Future<Output = io::Result<()>> + Send + 'static,
    ) {
        self.add(name, false, work);
    }

    /// Runs a task that may end at any time.
    pub(super) fn spawn_once(
        &mut self,
        name: &'static str,
        work: impl Future<Output = io::Result<()>> + Send + 'static,
    ) {
        self.add(name, true, work);
    }

    fn add(
        &mut self,
        name: &'static str,
        may_end_early: bool,
        work: impl Future<Output = io::Result<()>> + Send + 'static,
    ) {
        let id = self.running.spawn(work).id();
        self.known.insert(id, Task { name, may_end_early });
    }

    /// Waits until every task has ended. The first failure stops the process and is returned.
    pub(super) async fn finished(&mut self) -> Result<(), TaskError> {
        let mut failure = None;
        while let Some(ended) = self.running.join_next_with_id().await {
            let Err(error) = self.judge(ended) else { continue };
            log::error!(error = crate::chain(&error), alert = "task_failed"; "a task failed; the process stops");
            self.stop.stop();
            failure.get_or_insert(error);
        }
        failure.map_or(Ok(()), Err)
    }

    fn judge(&mut self, ended: Result<(Id, io::Result<()>), JoinError>) -> Result<(), TaskError> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(Task { name, may_end_early }) = self.known.remove(&id) else {
            return Ok(());
        };
        match ended {
            Err(_) => Err(TaskError::Panicked(name)),
            Ok((_, Err(cause))) => Err(TaskError::Failed { name, cause }),
            Ok((_, Ok(()))) if may_end_early || self.stop.is_stopped() => Ok(()),
            Ok((_, Ok(()))) => Err(TaskError::EndedEarly(name)),
        }
    }
}
