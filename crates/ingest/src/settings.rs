//! The settings of this binary: the only place that names its environment variables.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::settings::{RateLimit, keys, network};
use broker::Address;
use crypto::key_ring::KeyRing;
use crypto::secret::Secret;
use ipnet::IpNet;
use outbound::Authorities;
use service::environment::Reader;
use service::http::LONGEST_LINGER;
use service::{Environment, Problems};

const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 8080);
/// Far more than Meta sends from one address, far less than would hurt.
pub(crate) const WHATSAPP_RATE: RateLimit = RateLimit {
    per_second: NonZeroU32::new(1_000).unwrap(),
    burst: NonZeroU32::new(2_000).unwrap(),
};
const DEFAULT_CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_LINGER: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct Settings {
    pub address: SocketAddr,
    pub amqp_address: Address,
    pub config: PathBuf,
    pub ring: Arc<KeyRing>,
    /// What Meta's apps know; `None`: no notifications are taken.
    pub whatsapp: Option<WhatsApp>,
    /// How much one address may send as WhatsApp. No variable says otherwise.
    pub whatsapp_rate: RateLimit,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long the broker may take to confirm.
    pub confirm_timeout: Duration,
    /// How long webhooks are still taken after a stop.
    pub linger: Duration,
    /// Where spans go; `None`: nowhere.
    pub traces: Option<traces::Settings>,
    /// For the secrets that files name by variable.
    pub environment: Environment,
}

/// What Meta's apps and we both know.
#[derive(Debug, Clone)]
pub struct WhatsApp {
    /// Any may sign.
    pub app_secrets: Vec<Secret>,
    /// Agreed on for the handshake; `None`: no handshake succeeds.
    pub verify_token: Option<Secret>,
}

/// The body of `--help`.
pub(crate) const HELP: &str = "\
Takes webhooks of booking platforms and notifications of WhatsApp, checks who sent them and what they say, seals them and
publishes them to RabbitMQ. It answers 200 only after RabbitMQ has confirmed, and needs no database. Any number may run at
once.

Environment:
  AMQP_URL               RabbitMQ (required), amqp:// or amqps://; a cluster's hosts with commas between them
  SSL_CERT_FILE          certificate authorities that are trusted instead of the system's, a file in PEM form; and
  SSL_CERT_DIR           folders of such files, separated by colons
  BELLHOP_CONFIG         folder with resorts/*.toml and sources/*.toml (required)
  BELLHOP_KEYS           key ring, entries ID:BASE64(32 bytes), one of them named lookup (required), or
  BELLHOP_KEYS_FILE      a file with it
  WHATSAPP_APP_SECRETS   of Meta's apps that notify us, separated by commas; any may sign [no notifications are taken]
  WHATSAPP_VERIFY_TOKEN  what Meta's handshake must bring [no handshake succeeds]
  INGEST_ADDR            where to listen [0.0.0.0:8080]
  INGEST_CONFIRM_TIMEOUT how long RabbitMQ may take to confirm before ingest answers 503 [5s]
  INGEST_LINGER          how long webhooks are still taken after SIGTERM, while /readyz says no and every answer closes
                         its connection: as long as your balancer needs to notice, 10s at most [5s]
  INGEST_TRUSTED_PROXIES networks whose X-Forwarded-For is believed, 10.0.0.0/8,fd00::/8 [none]; set it when a proxy is
                         in front of this program, else all callers share the proxy's address
  OTEL_EXPORTER_OTLP_ENDPOINT where traces go, OTLP over HTTP [nowhere]
  RUST_LOG               log filter [info]; libraries never log below info, because their debug output may hold
                         personal data
  LOG_FORMAT             json or text [text on a terminal, else json]

Endpoints:
  POST /webhooks/{source}           one event as JSON; sources are files in BELLHOP_CONFIG/sources
  POST /webhooks/{source}/{token}   the same, for sources of the scheme url-token
  GET, POST /webhooks/whatsapp      Meta's handshake and notifications
  GET /openapi.json                 the interface, for machines
  GET /healthz, /readyz, /metrics

Signals:    SIGTERM and SIGINT finish the work in hand and end (30 s at most); SIGHUP reads the files again.
Exit codes: 0 stopped when asked to, 2 wrong settings, 1 anything else.
Not ready?  GET /readyz names what is missing. A missing queue: run `desk migrate`.";

impl Settings {
    /// Reads all settings and reports every missing or malformed one at once.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let address = read.address_or("INGEST_ADDR", DEFAULT_ADDRESS);
        let authorities = read.together(|look_up| Authorities::read(look_up));
        let amqp_address = read.parsed("AMQP_URL", Address::parse);
        let config = read.folder("BELLHOP_CONFIG");
        let ring = keys::key_ring(&environment.look_up())
            .map_err(|missing| read.problem(missing.variable, missing.problem))
            .ok();
        let whatsapp = read_whatsapp(&mut read);
        let trusted_proxies = read.parsed_or("INGEST_TRUSTED_PROXIES", network::parse_list, Vec::new());
        let confirm_timeout =
            read.parsed_or("INGEST_CONFIRM_TIMEOUT", parse_timeout, DEFAULT_CONFIRM_TIMEOUT);
        let linger = read.parsed_or("INGEST_LINGER", parse_linger, DEFAULT_LINGER);
        let traces = read.together(|look_up| traces::Settings::read(look_up));
        read.finish_with(|| {
            Some(Self {
                address,
                amqp_address: amqp_address?.trusting(&authorities),
                config: config?,
                ring: Arc::new(ring?),
                whatsapp,
                whatsapp_rate: WHATSAPP_RATE,
                trusted_proxies,
                confirm_timeout,
                linger,
                traces,
                environment: environment.clone(),
            })
        })
    }
}

fn read_whatsapp(read: &mut Reader<'_>) -> Option<WhatsApp> {
    let app_secrets = read.optional_parsed("WHATSAPP_APP_SECRETS", parse_app_secrets);
    let verify_token = read.optional("WHATSAPP_VERIFY_TOKEN").map(Secret::new);
    app_secrets.map(|app_secrets| WhatsApp {
        app_secrets,
        verify_token,
    })
}

fn parse_app_secrets(text: &str) -> Result<Vec<Secret>, &'static str> {
    let secrets: Vec<_> = text.split(',').map(str::trim).collect();
    if secrets.iter().any(|secret| secret.is_empty()) {
        return Err("holds an empty secret; separate secrets by one comma");
    }
    Ok(secrets.into_iter().map(Secret::new).collect())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = domain::duration::parse(text).map_err(|error| error.to_string())?;
    if timeout.is_zero() || timeout > Duration::from_secs(15) {
        return Err(
            "is not between 1ms and 15s, the time in which a stopped process still answers".to_owned(),
        );
    }
    Ok(timeout)
}

fn parse_linger(text: &str) -> Result<Duration, String> {
    let linger = domain::duration::parse(text).map_err(|error| error.to_string())?;
    if linger > LONGEST_LINGER {
        return Err("is longer than 10s; a stopped process needs the rest of its 30s to answer".to_owned());
    }
    Ok(linger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_value_is_repeated() {
        let environment = Environment::from_pairs([
            ("INGEST_ADDR", "hunter2"),
            ("AMQP_URL", "http://user:hunter2@host/"),
            ("BELLHOP_CONFIG", "/nonexistent/hunter2"),
            ("BELLHOP_KEYS", "hunter2"),
            ("WHATSAPP_APP_SECRETS", "hunter2,,"),
            ("INGEST_TRUSTED_PROXIES", "hunter2"),
            ("INGEST_CONFIRM_TIMEOUT", "0s"),
            ("INGEST_LINGER", "11s"),
        ]);

        let problems = Settings::read(&environment).unwrap_err().to_string();

        for name in [
            "INGEST_ADDR",
            "AMQP_URL",
            "BELLHOP_CONFIG",
            "BELLHOP_KEYS",
            "WHATSAPP_APP_SECRETS",
            "INGEST_TRUSTED_PROXIES",
            "INGEST_CONFIRM_TIMEOUT",
            "INGEST_LINGER",
        ] {
            assert!(problems.contains(&format!("{name}: ")), "{name} in {problems}");
        }
        assert!(!problems.contains("hunter2"), "{problems}");
    }

    #[test]
    fn what_is_required_is_named_when_nothing_is_set() {
        let problems = Settings::read(&Environment::default()).unwrap_err().to_string();

        let names: Vec<_> = problems
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(names, ["AMQP_URL", "BELLHOP_CONFIG", "BELLHOP_KEYS"]);
    }

    #[test]
    fn both_variables_of_the_key_ring_at_once_are_an_error() {
        let both = Environment::from_pairs([("BELLHOP_KEYS", "x"), ("BELLHOP_KEYS_FILE", "y")]);

        let problems = Settings::read(&both).unwrap_err().to_string();

        assert!(
            problems.contains("BELLHOP_KEYS: and BELLHOP_KEYS_FILE are both set"),
            "{problems}"
        );
    }
}
