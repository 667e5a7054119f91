//! The settings of a measurement, read from the environment.

use std::path::PathBuf;

use service::{Environment, Problems};

/// The body of `--help`.
pub(crate) const HELP: &str = "\
Measures ingest beside a yardstick. Started by scripts/bench, which starts the servers and says more.

  BENCH_ROUNDS, BENCH_REQUESTS, BENCH_AT_ONCE  how much: pairs of rounds, webhooks in each, how many at a time
  BENCH_RESULTS                                the folder for checks.json
  BELLHOP_STAGE                                the mark that all programs bear
  BENCH_YARDSTICK                              set: be the yardstick, and listen on BENCH_ADDR
  DATABASE_URL, AMQP_URL, RABBITMQ_API_URL     the private servers

Exit code 0 when it was measured, 1 when something failed, 2 for wrong settings.";

/// Everything that is set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Pairs of rounds: one of the yardstick, one of `ingest`.
    pub(crate) rounds: usize,
    /// Webhooks in each round.
    pub(crate) requests: usize,
    /// How many wait for their answer at a time.
    pub(crate) at_once: usize,
    pub(crate) results: PathBuf,
    /// The value of `BELLHOP_STAGE` in every program's environment: by it the script finds leftovers.
    pub(crate) stage: String,
}

impl Settings {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let rounds = read.parsed("BENCH_ROUNDS", number);
        let requests = read.parsed("BENCH_REQUESTS", number);
        let at_once = read.parsed("BENCH_AT_ONCE", number);
        let stage = read.required("BELLHOP_STAGE");
        let results = PathBuf::from(read.required("BENCH_RESULTS"));
        read.finish_with(|| {
            Some(Self {
                rounds: rounds?,
                requests: requests?,
                at_once: at_once?,
                results,
                stage,
            })
        })
    }
}

/// Whether this process is the yardstick itself.
pub(crate) fn is_yardstick(environment: &Environment) -> bool {
    environment.get("BENCH_YARDSTICK").is_some()
}

fn number(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("is not a number above 0"),
    }
}
