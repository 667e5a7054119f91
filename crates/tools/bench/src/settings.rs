//! The settings of a run, read from the environment.

use std::path::PathBuf;

use service::{Environment, Problems};
use url::Url;

use crate::measure::Measurement;

/// The body of `--help`.
pub(crate) const HELP: &str = "\
Measures Bellhop beside yardsticks. Started by scripts/bench, which starts the servers and says more.

  BENCH_MEASUREMENTS  which, separated by blanks; none: all
  BENCH_ROUNDS        rounds of each
  BENCH_QUICK         set: fewer, smaller rounds
  BENCH_LARGE         set: 10,000,000 bookings in the tables instead of 2,000,000
  BENCH_RESULTS       the folder for *.json and *.svg
  BENCH_PGBENCH       the path of pgbench
  BENCH_OLD_RELEASE   the folder of 0.1.0's programs, for upgrade
  BENCH_ROWS          how many rows upgrade has in each table
  BENCH_SERVICES      the path of scripts/services
  BELLHOP_STAGE       the mark that all programs bear
  BENCH_FLOOR         set: be what ingest is compared with
  DATABASE_URL, AMQP_URL, RABBITMQ_API_URL, BELLHOP_SERVERS  the private servers

Exit code 0 when it was measured, 1 when something failed, 2 for wrong settings.";

/// Everything that is set.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) large: bool,
    pub(crate) results: PathBuf,
    pub(crate) pgbench: PathBuf,
    pub(crate) services: PathBuf,
    pub(crate) old_release: Option<PathBuf>,
    pub(crate) upgrade_rows: usize,
    pub(crate) api: Url,
    /// The value of `BELLHOP_STAGE` in every program's environment: by it the script finds leftovers.
    pub(crate) stage: String,
}

impl Settings {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let measurements = read.parsed_or("BENCH_MEASUREMENTS", measurements, Measurement::ALL.to_vec());
        let rounds = read.parsed("BENCH_ROUNDS", number);
        let rows = read.parsed_or("BENCH_ROWS", number, 2_000_000);
        let api = read.parsed("RABBITMQ_API_URL", Url::parse);
        let (results, pgbench) = (read.required("BENCH_RESULTS"), read.required("BENCH_PGBENCH"));
        let (services, stage) = (read.required("BENCH_SERVICES"), read.required("BELLHOP_STAGE"));
        let is_set = |name: &str| environment.get(name).is_some();
        read.finish_with(|| {
            Some(Self {
                measurements,
                rounds: rounds?,
                quick: is_set("BENCH_QUICK"),
                large: is_set("BENCH_LARGE"),
                results: results.into(),
                pgbench: pgbench.into(),
                services: services.into(),
                old_release: environment.get("BENCH_OLD_RELEASE").map(PathBuf::from),
                upgrade_rows: rows,
                api: api?,
                stage,
            })
        })
    }
}

fn measurements(text: &str) -> Result<Vec<Measurement>, String> {
    let parse = |name| Measurement::parse(name).ok_or_else(|| format!("there is no measurement {name}"));
    text.split_whitespace().map(parse).collect()
}

fn number(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("is not a number above 0"),
    }
}
