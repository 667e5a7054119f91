//! What the processor is told at start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::Address;
use crypto::key_ring::KeyRing;
use domain::hold;
use outbound::Outbound;
use service::{Environment, Problems};
use store::DatabaseUrl;

#[derive(Clone)]
pub struct Settings {
    /// Where health and metrics are served; port 0 takes a free one.
    pub address: SocketAddr,
    pub database_url: DatabaseUrl,
    pub amqp_address: Address,
    /// The folder of resort and source files.
    pub config: PathBuf,
    /// Opens events, seals facts.
    pub ring: Arc<KeyRing>,
    /// Proxies for the calls of platforms and of resorts' own tools, and the certificate authorities that TLS trusts.
    pub outbound: Outbound,
    /// How long a hold lasts until one message may try again.
    pub probe_after: Duration,
    /// Where spans go; `None`: nowhere.
    pub traces: Option<traces::Settings>,
    /// The environment that files may refer to.
    pub environment: Environment,
}

/// The body of `--help`.
pub(crate) const HELP: &str = "\
Takes events from the queue, merges them into bookings, wakes bookings whose time has come, and hands due messages
to the senders. Any number may run at once.

Environment:
  DATABASE_URL           Postgres (required), for example postgres://bellhop@db/bellhop
  AMQP_URL               RabbitMQ (required), amqp:// or amqps://; a cluster's hosts with commas between them
  SSL_CERT_FILE          certificate authorities that are trusted instead of the system's, a file in PEM form; and
  SSL_CERT_DIR           folders of such files, separated by colons
  HTTPS_PROXY            proxy for calls of platforms ([fetch] of a source) and of resorts' own tools ([webhook_out]),
                         http://user:password@host:port; also in lower case, as the next two; and
  HTTP_PROXY             proxy for http
  NO_PROXY               hosts that are called without one, as curl reads it; loopback addresses always are
  BELLHOP_CONFIG         folder with resorts/*.toml and sources/*.toml (required)
  BELLHOP_KEYS           key ring, entries ID:BASE64(32 bytes), one of them named lookup (required), or
  BELLHOP_KEYS_FILE      a file with it
  SENDER_PROBE_AFTER     as for the senders: what WhatsApp refuses as a whole by reports on messages is held this long
                         before one message tries again [1m]
  PROCESSOR_ADDR         health and metrics [0.0.0.0:8081]
  OTEL_EXPORTER_OTLP_ENDPOINT where traces go, OTLP over HTTP [nowhere]
  RUST_LOG               log filter [info]; libraries never log below info, because their debug output may hold
                         personal data
  LOG_FORMAT             json or text [text on a terminal, else json]

Endpoints: GET /healthz, /readyz, /metrics.
Signals:   SIGTERM and SIGINT finish the work in hand and end (30 s at most); SIGHUP reads the files again.
Exit codes: 0 stopped when asked to, 2 wrong settings, 1 anything else.
Not ready?  GET /readyz names what is missing. A missing schema or queue: run `desk migrate`.";

impl Settings {
    /// Reads the environment and reports every problem at once.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let database_url = read.parsed("DATABASE_URL", DatabaseUrl::parse);
        let outbound = read.together(|look_up| Outbound::read(look_up));
        let amqp_address = read.parsed("AMQP_URL", Address::parse);
        let config = read.folder("BELLHOP_CONFIG");
        let address = read.address_or("PROCESSOR_ADDR", (Ipv4Addr::UNSPECIFIED, 8081).into());
        let ring = settings::keys::key_ring(&environment.look_up())
            .map_err(|missing| read.problem(missing.variable, missing.problem))
            .ok()
            .map(Arc::new);
        let probe_after = read.parsed_or("SENDER_PROBE_AFTER", domain::duration::parse, hold::PROBE_AFTER);
        let environment = environment.clone();
        let traces = read.together(|look_up| traces::Settings::read(look_up));
        read.finish_with(|| {
            Some(Self {
                address,
                database_url: database_url?,
                amqp_address: amqp_address?.trusting(outbound.authorities()),
                config: config?,
                ring: ring?,
                outbound,
                probe_after,
                traces,
                environment,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_value_is_repeated() {
        const VARIABLES: [&str; 4] = ["AMQP_URL", "BELLHOP_CONFIG", "BELLHOP_KEYS", "PROCESSOR_ADDR"];
        let environment = Environment::from_pairs(VARIABLES.map(|name| (name, "http://hunter2/")));

        let problems = Settings::read(&environment).err().unwrap().to_string();

        for name in VARIABLES.iter().chain(&["DATABASE_URL"]) {
            assert!(problems.contains(&format!("{name}: ")), "{name} in {problems}");
        }
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}
