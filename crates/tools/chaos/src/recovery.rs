//! How soon the programs notice that a server went away, work again once it is back, and let go of what is dead: measured,
//! and judged.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use service::lock;
use tokio::time::{Instant, sleep, timeout};

use crate::fault::{Link, Player, Victim};
use crate::stage::Stage;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Who has not answered by then is asked again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// The consumers' own connection, as `/readyz` names it.
const QUEUE: &str = "queue";
/// What has not happened by then is counted with this.
const PATIENCE: Duration = Duration::from_secs(60);
/// None may take longer than so many times what most may.
const AT_MOST: u32 = 3;
/// `/proc/net/tcp`'s word for a connection that both sides hold.
const ESTABLISHED: &str = "01";

/// A server of ours, by its name in `scripts/services` and in `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    RabbitMq,
    Postgres,
}

impl Server {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RabbitMq => "rabbitmq",
            Self::Postgres => "postgres",
        }
    }

    /// At the other end of this line.
    pub(crate) const fn behind(link: Link) -> Option<Self> {
        match link {
            Link::Postgres => Some(Self::Postgres),
            Link::Broker => Some(Self::RabbitMq),
            Link::WhatsApp | Link::Reports => None,
        }
    }

    const fn struck_as(victim: Victim) -> Option<Self> {
        match victim {
            Victim::Broker => Some(Self::RabbitMq),
            Victim::Postgres => Some(Self::Postgres),
            Victim::Player(_) | Victim::WhatsApp | Victim::Reports => None,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::RabbitMq => Self::Postgres,
            Self::Postgres => Self::RabbitMq,
        }
    }

    const fn is_needed_by(self, player: Player) -> bool {
        matches!(
            (self, player),
            (Self::RabbitMq, _) | (_, Player::Processor(_) | Player::Sender(_))
        )
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// A program says that the server is away.
    Noticed(Server),
    /// A program says that it is there.
    Back(Server),
    /// The last of the half-open connections is closed.
    LetGo(Server),
}

impl Sign {
    /// How soon it should be seen.
    const fn aim(self) -> Duration {
        Duration::from_secs(match self {
            Self::Noticed(_) => 2,
            Self::Back(_) => 5,
            Self::LetGo(Server::RabbitMq) => 10,
            // What waits for an answer is probed after 10 s, and every 5 s from there on.
            Self::LetGo(Server::Postgres) => 25,
        })
    }

    /// Other servers may be away at the same time.
    fn is_shown(self, missing: &[String]) -> bool {
        let is_missed = |server: Server| {
            let of_server =
                |name: &String| name == server.as_str() || (server == Server::RabbitMq && name == QUEUE);
            missing.iter().any(of_server)
        };
        match self {
            Self::Noticed(server) => is_missed(server),
            Self::Back(server) => !is_missed(server),
            Self::LetGo(_) => false,
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noticed(server) => write!(f, "{} gone: not ready within", server.as_str()),
            Self::Back(server) => write!(f, "{} back: ready again within", server.as_str()),
            Self::LetGo(server) => write!(f, "{} half-open: let go within", server.as_str()),
        }
    }
}

/// All times so far.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    times: Mutex<BTreeMap<Sign, Vec<Duration>>>,
    /// How often a fault of RabbitMQ, and one of Postgres, has begun or ended.
    turns: [AtomicUsize; 2],
}

impl Recovery {
    /// A fault of this victim begins or ends.
    pub(crate) fn turns(&self, victim: Victim) {
        if let Some(server) = Server::struck_as(victim) {
            self.turns_of(server).fetch_add(1, Ordering::Relaxed);
        }
    }

    fn turns_of(&self, server: Server) -> &AtomicUsize {
        let [broker, postgres] = &self.turns;
        match server {
            Server::RabbitMq => broker,
            Server::Postgres => postgres,
        }
    }

    /// The other server's turns, where it is well now: a program whose work waits for the one takes its time with the other.
    fn calm_beside(&self, server: Server) -> Option<usize> {
        let turns = self.turns_of(server.other()).load(Ordering::Relaxed);
        turns.is_multiple_of(2).then_some(turns)
    }

    /// Waits until every program that needs the server, and is not struck meanwhile, gives this sign. What it takes counts
    /// where the other server was well all the while; that a server is away is to be noticed in any case.
    pub(crate) async fn measure(&self, stage: &Stage, server: Server, sign: Sign) {
        let (begun_at, calm) = (Instant::now(), self.calm_beside(server));
        let players = Player::ALL
            .into_iter()
            .filter(|player| server.is_needed_by(*player));
        let waiting = players.map(|player| async move {
            let before = stage.processes.state(player)?;
            loop {
                let missing = timeout(ANSWERS_WITHIN, stage.missing(before.0)).await;
                // One that was struck itself meanwhile says nothing about this.
                if stage.processes.state(player) != Some(before) {
                    return None;
                }
                let is_shown = missing
                    .ok()
                    .flatten()
                    .is_some_and(|missing| sign.is_shown(&missing));
                if is_shown || begun_at.elapsed() > PATIENCE {
                    let counts = calm.is_some() && calm == self.calm_beside(server);
                    return (counts || sign == Sign::Noticed(server)).then(|| begun_at.elapsed());
                }
                sleep(LOOK_EVERY).await;
            }
        });
        let times = futures_util::future::join_all(waiting).await;
        self.note(sign, times.into_iter().flatten());
    }

    /// Lets what is said on a line die, and waits until the programs have let go of it.
    pub(crate) async fn let_go(&self, stage: &Stage, link: Link, server: Server) -> anyhow::Result<()> {
        let port = stage.port(link);
        let dead = held_with(port)?;
        let (begun_at, calm) = (Instant::now(), self.calm_beside(server));
        stage.let_die(link);
        while !held_with(port)?.is_disjoint(&dead) && begun_at.elapsed() < PATIENCE {
            sleep(LOOK_EVERY).await;
        }
        if calm.is_some() && calm == self.calm_beside(server) {
            self.note(Sign::LetGo(server), [begun_at.elapsed()]);
        }
        Ok(())
    }

    fn note(&self, sign: Sign, times: impl IntoIterator<Item = Duration>) {
        let mut all = lock(&self.times);
        all.entry(sign).or_default().extend(times);
    }

    pub(crate) fn measured(&self) -> Vec<Measured> {
        let all = lock(&self.times);
        let measured = all.iter().map(|(sign, times)| Measured::of(*sign, times.clone()));
        measured.collect()
    }
}

/// The local ports of everybody who holds a connection to a port of this machine.
fn held_with(port: u16) -> anyhow::Result<HashSet<String>> {
    let table = fs::read_to_string("/proc/net/tcp").context("cannot read /proc/net/tcp")?;
    let there = format!(":{port:04X}");
    let held = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (here, other, state) = (words.next()?, words.next()?, words.next()?);
        (other.ends_with(&there) && state == ESTABLISHED).then(|| here.to_owned())
    });
    Ok(held.collect())
}

/// How often something was measured, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) sign: Sign,
    /// The shortest first.
    times: Vec<Duration>,
}

impl Measured {
    fn of(sign: Sign, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { sign, times }
    }

    fn median(&self) -> Duration {
        self.times.get(self.times.len() / 2).copied().unwrap_or_default()
    }

    fn longest(&self) -> Duration {
        self.times.last().copied().unwrap_or_default()
    }

    /// How it is shown.
    pub(crate) fn summary(&self) -> String {
        let (median, longest) = (self.median().as_secs_f32(), self.longest().as_secs_f32());
        format!("{median:.1} s, {longest:.1} s at most (of {})", self.times.len())
    }

    /// What is wrong with it: half of all must be as soon as is aimed at, and none much later. The machine has other work
    /// to do, too.
    pub(crate) fn too_slow(&self) -> Vec<String> {
        let aim = self.sign.aim();
        let mut found = Vec::new();
        if self.median() > aim {
            found.push(format!(
                "{} {aim:?}: half took longer: {}",
                self.sign,
                self.summary()
            ));
        }
        let late = self.times.iter().filter(|time| **time > aim * AT_MOST);
        found.extend(late.map(|time| format!("{} {aim:?}: {:.1} s", self.sign, time.as_secs_f32())));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn findings(seconds: &[u64]) -> usize {
        let times = seconds.iter().map(|seconds| Duration::from_secs(*seconds));
        Measured::of(Sign::Back(Server::Postgres), times.collect())
            .too_slow()
            .len()
    }

    // shows: G34
    #[test]
    fn half_of_all_must_be_as_soon_as_is_aimed_at_and_none_three_times_later() {
        assert_eq!(findings(&[1, 5, 15]), 0);
        assert_eq!(findings(&[]), 0);
        assert_eq!(findings(&[1, 6, 6]), 1, "most are late");
        assert_eq!(findings(&[1, 2, 3, 16]), 1, "one is far too late");
        assert_eq!(findings(&[16, 16]), 3);
    }

    #[test]
    fn other_servers_that_are_missing_say_nothing_about_this_one() {
        let missing = ["postgres".to_owned(), QUEUE.to_owned()];

        assert!(Sign::Noticed(Server::RabbitMq).is_shown(&missing));
        assert!(!Sign::Noticed(Server::RabbitMq).is_shown(&missing[..1]));
        assert!(Sign::Back(Server::RabbitMq).is_shown(&missing[..1]));
        assert!(!Sign::Back(Server::Postgres).is_shown(&missing[..1]));
    }

    #[test]
    fn a_connection_is_held_until_it_is_closed() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert_eq!(held_with(port).unwrap().len(), 1);

        drop(client);

        assert!(held_with(port).unwrap().is_empty());
    }
}
