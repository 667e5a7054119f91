//! The settings of a run, read from the environment.

use std::path::PathBuf;
use std::time::Duration;

use service::environment::Reader;
use service::{Environment, Problems};
use url::Url;

use crate::plan;

/// Traffic after the last fault, so that there is evidence about the calls that it hit.
const TAIL: Duration = Duration::from_secs(22);
/// Before the first fault.
const QUIET: Duration = Duration::from_secs(3);

/// Longer than calls of one minute need to be judged.
const SHORTEST_SILENCE: Duration = Duration::from_secs(90);

/// The ports of what must be found again after its restart: six programs, and the lines: to WhatsApp and from it, and to the
/// servers, up to three.
pub(crate) const PORTS: usize = 11;

const SILENCE_OF_A_NIGHT: Duration = Duration::from_secs(180);

/// RabbitMQ's in a cluster.
pub(crate) const NODES: usize = 3;

/// The body of `--help`.
pub(crate) const HELP: &str = "\
Plays faults against two of each program while bookings are reported to them, and then checks the results. Started by
scripts/chaos, which starts the servers and says more.

  CHAOS_SEED, CHAOS_EVENTS, CHAOS_RATE  what is played: the seed, how many events, how many a second
  CHAOS_SERVICES                        scripts/services, which stops, kills and starts the servers
  CHAOS_LOGS                            the folder for the programs' logs, and for what was found
  CHAOS_PORTS                           eleven free ports, separated by blanks
  CHAOS_DISK                            a tmpfs for the tables, which can be full; left out: never full
  CHAOS_CLUSTER                         scripts/cluster: a night in a cluster is played instead; left out: single servers
  CHAOS_SHORT                           yes: the shorter night
  CLUSTER_AMQP_PORTS, CLUSTER_API_PORTS, CLUSTER_POSTGRES_PORTS, CLUSTER_POOLER_PORT  the cluster, as scripts/cluster env says
  BELLHOP_RUN_DIR, BELLHOP_STAGE        the servers' folder, and the mark that all programs bear
  DATABASE_URL, AMQP_URL, RABBITMQ_API_URL, BELLHOP_SERVERS=private  the private servers

Exit code 0 when all bad numbers are 0, 1 when one is not, 2 for wrong settings.";

/// Everything that is set.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) database: Url,
    pub(crate) api: Url,
    pub(crate) services: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) disk: Option<PathBuf>,
    pub(crate) stage: String,
    pub(crate) ports: [u16; PORTS],
    pub(crate) seed: u64,
    pub(crate) events: usize,
    pub(crate) rate: u32,
    /// Where the servers are those of a cluster.
    pub(crate) cluster: Option<Members>,
}

/// The servers of a cluster, all on the loopback.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    /// `scripts/cluster`.
    pub(crate) script: PathBuf,
    pub(crate) amqp: [u16; NODES],
    pub(crate) api: [u16; NODES],
    /// Of the primary and of its standby.
    pub(crate) postgres: [u16; 2],
    pub(crate) pooler: u16,
    pub(crate) is_short: bool,
}

impl Members {
    fn read(read: &mut Reader<'_>) -> Option<Self> {
        let script = PathBuf::from(read.optional("CHAOS_CLUSTER")?);
        Some(Self {
            script,
            amqp: read.parsed("CLUSTER_AMQP_PORTS", ports)?,
            api: read.parsed("CLUSTER_API_PORTS", ports)?,
            postgres: read.parsed("CLUSTER_POSTGRES_PORTS", ports)?,
            pooler: read.parsed("CLUSTER_POOLER_PORT", str::parse::<u16>)?,
            is_short: read.optional("CHAOS_SHORT").is_some(),
        })
    }
}

impl Settings {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let database = read.parsed("DATABASE_URL", Url::parse);
        let api = read.parsed("RABBITMQ_API_URL", Url::parse);
        let services = PathBuf::from(read.required("CHAOS_SERVICES"));
        let logs = PathBuf::from(read.required("CHAOS_LOGS"));
        let disk = read.optional("CHAOS_DISK").map(PathBuf::from);
        let stage = read.required("BELLHOP_STAGE");
        let ports = read.parsed("CHAOS_PORTS", ports);
        let seed = read.parsed("CHAOS_SEED", str::parse::<u64>);
        let events = read.parsed("CHAOS_EVENTS", str::parse::<usize>);
        let rate = read.parsed("CHAOS_RATE", |text| text.parse::<u32>().map(|rate| rate.max(1)));
        let cluster = Members::read(&mut read);
        read.finish_with(|| {
            Some(Self {
                database: database?,
                api: api?,
                services,
                logs,
                disk,
                stage,
                ports: ports?,
                seed: seed?,
                events: events?,
                rate: rate?,
                cluster,
            })
        })
    }

    /// How long bookings begin.
    pub(crate) fn traffic(&self) -> Duration {
        let events = u32::try_from(self.events).unwrap_or(u32::MAX);
        Duration::from_secs_f64(f64::from(events) / f64::from(self.rate))
    }

    /// When the first fault may begin, and when the last one must be over.
    pub(crate) fn faults(&self) -> (Duration, Duration) {
        time_for_faults(self.traffic())
    }

    /// After how much silence a person is asked. A report that waits behind everything else must not come too late: then the
    /// dead letter would report that a guest got nothing who got it.
    pub(crate) fn letters_after(&self) -> Duration {
        match self.cluster {
            // Its load is light, and longer than the night.
            Some(_) => SILENCE_OF_A_NIGHT,
            None => self.traffic().max(SHORTEST_SILENCE),
        }
    }

    /// Longer than anything may wait without a sign.
    pub(crate) fn patience(&self) -> Duration {
        self.letters_after() + Duration::from_secs(60)
    }

    /// Whether the run has time for everything.
    pub(crate) fn is_long(&self) -> bool {
        let (first, last) = self.faults();
        plan::is_long(first, last)
    }
}

/// The first and the last moment of the faults in so much traffic.
pub(crate) fn time_for_faults(traffic: Duration) -> (Duration, Duration) {
    (QUIET, traffic.saturating_sub(TAIL))
}

fn ports<const COUNT: usize>(text: &str) -> Result<[u16; COUNT], &'static str> {
    let ports: Result<Vec<u16>, _> = text.split_whitespace().map(str::parse).collect();
    ports
        .ok()
        .and_then(|ports| ports.try_into().ok())
        .ok_or("are not so many numbers of ports as are needed")
}
