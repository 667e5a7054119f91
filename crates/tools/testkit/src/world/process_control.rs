//! Kills, stalls, stops and restarts programs in the course of a test.

use std::net::SocketAddr;

use reqwest::StatusCode;

use super::{Event, Program, World, must};

impl World {
    /// Kills every program of this name and starts one instead, with these variables more. `ingest` listens where it did.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn replace(&mut self, name: &str, more: &[(&str, &str)]) {
        self.programs_named(name).iter_mut().for_each(|one| one.end());
        if name != "ingest" {
            self.list(name).clear();
            return self.start_also(name, more).await;
        }
        let address = self.ingest.address().to_string();
        let more: Vec<_> = more.iter().copied().chain([("INGEST_ADDR", &*address)]).collect();
        self.ingest = self.started(name, &more).await;
        self.ready_or_dead().await;
    }

    /// Starts one more program of this name, a processor or a sender, with these variables more.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_also(&mut self, name: &str, more: &[(&str, &str)]) {
        let started = self.started(name, more).await;
        self.list(name).push(started);
        self.ready_or_dead().await;
    }

    /// One that finds work at once may be dead, or stand still, before it is ready.
    async fn ready_or_dead(&self) {
        for program in self.programs() {
            self.until("every program is ready or dead", async || {
                (matches!(program.state(), Some('T' | 'Z')) || self.is_ready(program.address()).await)
                    .then_some(())
            })
            .await;
        }
    }

    /// Starts a program of this name, with these variables more, that belongs to the test.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn started(&self, name: &str, more: &[(&str, &str)]) -> Program {
        let mut variables = self.variables_of(name);
        variables.retain(|(set, _)| more.iter().all(|(other, _)| set != other));
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        variables.extend(more);
        must(name, Program::start(name, &variables, self.folder.path()).await)
    }

    /// Waits until the newest program of this name has ended at its crash point.
    ///
    /// # Panics
    /// Where it still runs, or ended elsewhere.
    pub async fn until_dead(&mut self, name: &str, point: &str) {
        self.until_process_is(name, 'Z', point).await;
        let told = format!(r#""point":"{point}""#);
        let log = self.newest(name).log();
        let died = log.lines().rev().find(|line| line.contains("dying as told"));
        assert!(
            died.is_some_and(|line| line.contains(&told)),
            "{name} died elsewhere than at {point}"
        );
    }

    /// Whether the newest program of this name has ended.
    pub fn is_dead(&self, name: &str) -> bool {
        self.newest(name).state() == Some('Z')
    }

    /// Waits until the newest program of this name is stopped, at its stall point or by a signal.
    ///
    /// # Panics
    /// Where it goes on.
    pub async fn until_still(&self, name: &str) {
        self.until_process_is(name, 'T', "its stall point").await;
    }

    async fn until_process_is(&self, name: &str, state: char, place: &str) {
        let program = self.newest(name);
        self.until(&format!("{name} is at {place}"), async || {
            (program.state() == Some(state)).then_some(())
        })
        .await;
    }

    /// Sends a signal, such as `STOP`, to every program of this name.
    ///
    /// # Panics
    /// Where there is no such program.
    pub fn signal(&self, name: &str, signal: &str) {
        for program in self.programs().filter(|one| one.name() == name) {
            must(name, program.signal(signal));
        }
    }

    /// Sends a webhook, correctly signed, and returns the status of the answer, where there is one.
    pub async fn try_to_send(&self, event: &Event) -> Option<StatusCode> {
        self.send_to(self.ingest.address(), event).await
    }

    /// As [`World::try_to_send`], to another ingest.
    pub async fn send_to(&self, ingest: SocketAddr, event: &Event) -> Option<StatusCode> {
        let answer = self.webhook(ingest, event.bytes()).send().await;
        answer.ok().map(|answer| answer.status())
    }

    fn newest(&self, name: &str) -> &Program {
        let found = self.programs().filter(|one| one.name() == name).last();
        let Some(program) = found else { panic!("no {name}") };
        program
    }

    fn programs_named(&mut self, name: &str) -> &mut [Program] {
        match name {
            "ingest" => std::slice::from_mut(&mut self.ingest),
            _ => self.list(name),
        }
    }

    fn list(&mut self, name: &str) -> &mut Vec<Program> {
        match name {
            "processor" => &mut self.processors,
            "sender" => &mut self.senders,
            _ => panic!("there is one {name}"),
        }
    }
}
