//! The sender's settings, read from the environment once at start.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::Address;
use crypto::key_ring::KeyRing;
use domain::hold;
use domain::silence_policy::SilencePolicy;
use outbound::Outbound;
use service::environment::Reader;
use service::{Environment, Problems};
use store::DatabaseUrl;
use url::Url;

#[derive(Clone)]
pub struct Settings {
    /// Where health and metrics are served; port 0 takes a free one.
    pub address: SocketAddr,
    pub database_url: DatabaseUrl,
    pub amqp_address: Address,
    /// The folder of resort and source files.
    pub config: PathBuf,
    pub ring: Arc<KeyRing>,
    /// Proxies for HTTP, and the certificate authorities that TLS trusts.
    pub outbound: Outbound,
    /// Base of the Graph API.
    pub whatsapp_url: Url,
    pub whatsapp_version: String,
    /// Messages per second from one business number, by all senders together.
    pub per_second: NonZeroU32,
    /// How long a hold lasts until one message may try again.
    pub probe_after: Duration,
    pub silence_policy: SilencePolicy,
    /// Where spans go; `None`: nowhere.
    pub traces: Option<traces::Settings>,
    /// The environment that files may refer to.
    pub environment: Environment,
}

/// The body of `--help`.
pub(crate) const HELP: &str = "\
Claims due messages, sends them over the WhatsApp Cloud API, and records the result of each call. Any number may run at
once: only the sender that claimed a message in Postgres sends it.

Environment:
  DATABASE_URL               Postgres (required), for example postgres://bellhop@db/bellhop
  AMQP_URL                   RabbitMQ (required), amqp:// or amqps://; a cluster's hosts with commas between them
  SSL_CERT_FILE              certificate authorities that are trusted instead of the system's, a file in PEM form; and
  SSL_CERT_DIR               folders of such files, separated by colons
  HTTPS_PROXY                proxy for https, http://user:password@host:port; also in lower case, as the next two; and
  HTTP_PROXY                 proxy for http
  NO_PROXY                   hosts that are called without one, as curl reads it; loopback addresses always are
  BELLHOP_CONFIG             folder with resorts/*.toml and sources/*.toml (required)
  BELLHOP_KEYS               key ring, entries ID:BASE64(32 bytes), one of them named lookup (required), or
  BELLHOP_KEYS_FILE          a file with it
  WHATSAPP_API_URL           base of the Graph API [https://graph.facebook.com]
  WHATSAPP_API_VERSION       its pinned version [v25.0]
  SENDER_MESSAGES_PER_SECOND from one business number, shared by all senders that run [80]
  SENDER_PROBE_AFTER         what WhatsApp refuses as a whole (token, number, account, country, template) is held; after
                             this long one message tries again, then after twice as long, up to 30m [1m]
  SENDER_UNKNOWN_AFTER       a call still unfinished this long after its claim counts as lost: its sender probably died;
                             must be longer than the 17s that a call may take [1m]
  SENDER_ADDR                health and metrics [0.0.0.0:8082]
  OTEL_EXPORTER_OTLP_ENDPOINT where traces go, OTLP over HTTP [nowhere]
  RUST_LOG                   log filter [info]; libraries never log below info, because their debug output may hold
                             personal data
  LOG_FORMAT                 json or text [text on a terminal, else json]

A message whose outcome is unknown is sent once more, and only once, if all of these hold:
  SENDER_SILENCE_AFTER       WhatsApp has not reported on it for this long [2m]; meanwhile it accepted at least 5 other
                             messages from the same number, claimed within a minute after it, and reported on every one;
                             the queue of events has been empty for 2 s; no message of the template was held back for 1 h
If not, a person is asked by a dead letter, outcome_unknown:
  SENDER_SILENCE_LETTER      this long after the claim [30m]

The access token of each resort is named in its file; env: secrets are read from this process's environment.

Endpoints: GET /healthz, /readyz, /metrics.
Signals:   SIGTERM and SIGINT finish the calls in hand and end (30 s at most); SIGHUP reads the files again.
Exit codes: 0 stopped when asked to, 2 wrong settings, 1 anything else.
Not ready?  GET /readyz names what is missing. A missing schema or queue: run `desk migrate`.";

const GRAPH_API: &str = "https://graph.facebook.com";
const EIGHTY: NonZeroU32 = NonZeroU32::MIN.saturating_add(79);

impl Settings {
    /// Reads the environment and reports every problem at once.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let database_url = read.parsed("DATABASE_URL", DatabaseUrl::parse);
        let outbound = read.together(|look_up| Outbound::read(look_up));
        let amqp_address = read.parsed("AMQP_URL", Address::parse);
        let config = read.folder("BELLHOP_CONFIG");
        let address = read.address_or("SENDER_ADDR", (Ipv4Addr::UNSPECIFIED, 8082).into());
        let ring = settings::keys::key_ring(&environment.look_up())
            .map_err(|missing| read.problem(missing.variable, missing.problem))
            .ok()
            .map(Arc::new);
        let whatsapp_url = read
            .optional_parsed("WHATSAPP_API_URL", Url::parse)
            .or_else(|| Url::parse(GRAPH_API).ok());
        let whatsapp_version = read
            .optional("WHATSAPP_API_VERSION")
            .unwrap_or_else(|| "v25.0".to_owned());
        let per_second = read.parsed_or(
            "SENDER_MESSAGES_PER_SECOND",
            |text| text.parse::<NonZeroU32>(),
            EIGHTY,
        );
        let probe_after = read.parsed_or("SENDER_PROBE_AFTER", domain::duration::parse, hold::PROBE_AFTER);
        let silence_policy = silence_policy(&mut read);
        let environment = environment.clone();
        let traces = read.together(|look_up| traces::Settings::read(look_up));
        read.finish_with(|| {
            let (ring, whatsapp_url) = (ring?, whatsapp_url?);
            Some(Self {
                address,
                database_url: database_url?,
                amqp_address: amqp_address?.trusting(outbound.authorities()),
                outbound,
                config: config?,
                ring,
                whatsapp_url,
                whatsapp_version,
                per_second,
                probe_after,
                silence_policy,
                traces,
                environment,
            })
        })
    }
}

fn silence_policy(read: &mut Reader<'_>) -> SilencePolicy {
    let (policy, problems) = settings::silence_policy::read(|name| read.optional(name));
    for (name, problem) in problems {
        read.problem(name, problem);
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_value_is_repeated() {
        const VARIABLES: [&str; 4] = ["AMQP_URL", "BELLHOP_CONFIG", "BELLHOP_KEYS", "SENDER_ADDR"];
        let environment = Environment::from_pairs(VARIABLES.map(|name| (name, "http://hunter2/")));

        let problems = Settings::read(&environment).err().unwrap().to_string();

        for name in VARIABLES.iter().chain(&["DATABASE_URL"]) {
            assert!(problems.contains(&format!("{name}: ")), "{name} in {problems}");
        }
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}
