//! A real ingest on a port of its own, a RabbitMQ vhost of its own, and files of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::Utc;
use ingest::Settings;
use serde_json::{Value, json};
use service::daemon::Running;
use service::{Environment, Stop};
use uuid::Uuid;

use crate::http::{Answer, exchange, request};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw";
pub(crate) const APP_SECRET: &str = "meta-app-secret";
pub(crate) const KEYS: &str =
    "first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

const RESORT: &str = r#"
name = "Azure Bay Resort"
time_zone = "Europe/Athens"
country = "GR"
language = "en"
link_hosts = ["book.example"]
[whatsapp]
phone_number_id = "106540352242922"
access_token = "env:NOT_ASKED_FOR"
[abandonment]
after = "30m"
"#;

/// What every source of a scheme of its own knows.
pub(crate) const SCHEME_SECRET: &str = "platform:secret";

macro_rules! of_scheme {
    ($scheme:literal $(, $more:literal)?) => {
        concat!("resorts = ['azure-bay']\nrate_limit = { per_second = 100000, burst = 100000 }\n[auth]\nscheme = '", $scheme, "'\nsecrets = ['plain:platform:secret']\n" $(, $more)?)
    };
}

/// The sources: each is a case of its own.
const SOURCES: &[(&str, &str)] = &[
    (
        "direct",
        "resorts = ['azure-bay', 'broken-bay']\n[auth]\nscheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n[rate_limit]\nper_second = 100000\nburst = 100000\n",
    ),
    (
        "lenient",
        "resorts = ['azure-bay']\nstrict = false\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:letmein']\n",
    ),
    (
        "elsewhere",
        "resorts = ['azure-bay']\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:letmein']\n[network]\nallow = ['203.0.113.0/24', '2a05:d018::/32']\n",
    ),
    (
        "inside",
        "resorts = ['azure-bay']\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:letmein']\n[network]\nallow = ['::ffff:127.0.0.0/104']\n",
    ),
    (
        "slow",
        "resorts = ['azure-bay']\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:letmein']\n[rate_limit]\nper_second = 1\nburst = 1\n",
    ),
    (
        "tokens",
        "resorts = ['*']\n[auth]\nscheme = 'url-token'\nsecrets = ['plain:t0ken']\n",
    ),
    ("github", of_scheme!("github")),
    ("stripe", of_scheme!("stripe")),
    ("shopify", of_scheme!("shopify")),
    ("slack", of_scheme!("slack")),
    (
        "own",
        of_scheme!(
            "hmac",
            "header = 'x-own'\nsigned = '{timestamp}:{body}'\ntimestamp_header = 'x-time'\n"
        ),
    ),
    ("basic", of_scheme!("basic")),
    ("bearer", of_scheme!("bearer")),
    ("header", of_scheme!("header", "header = 'x-api-key'\n")),
    ("url", of_scheme!("url-token")),
    (
        "lodgify",
        "resorts = ['azure-bay', 'broken-bay']\nplatform = 'lodgify'\n[properties]\n10000 = 'azure-bay'\n10002 = 'broken-bay'\n[auth]\nscheme = 'hmac'\nheader = 'ms-signature'\nprefix = 'sha256='\nsecrets = ['plain:letmein']\n",
    ),
    (
        "apaleo",
        "resorts = ['azure-bay']\nplatform = 'apaleo'\n[fetch]\nauth = { scheme = 'bearer', secret = 'plain:x' }\n[auth]\nscheme = 'url-token'\nsecrets = ['plain:t0ken']\n",
    ),
    (
        "many",
        "resorts = ['azure-bay']\nauth = { scheme = 'bearer', secrets = ['plain:letmein'] }\n[map]\neach = 'list'\nevent = ['kind']\nwhen = [['new', 'reservation_confirmed'], ['cart', 'booking_started']]\noccurred_at = 'at'\n[map.booking]\nid = 'id'\nroom = 'room'\n[map.guest]\nphone = 'phone'\nname = 'name'\n",
    ),
    (
        "hostile",
        "resorts = ['azure-bay']\nauth = { scheme = 'bearer', secrets = ['plain:letmein'] }\nrate_limit = { per_second = 100000, burst = 100000 }\n[map]\nevent = ['kind']\nwhen = [['new', 'reservation_confirmed']]\n[map.booking]\nid = 'id'\nroom = \"range(100000) | list | join(rooms)\"\n[map.guest]\nname = \"names * 100000000\"\nphone = \"phones | sort | unique | join\"\n",
    ),
    (
        "broken",
        "resorts = ['azure-bay']\n[auth]\nscheme = 'no-such-scheme'\nsecrets = []\n",
    ),
];

/// Everything is gone when it is dropped.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) folder: PathBuf,
    pub(crate) stop: Stop,
    running: Option<Running>,
}

impl World {
    /// An ingest that publishes to this broker, with these variables besides.
    pub(crate) async fn start(amqp_url: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_changed(amqp_url, variables, |_| {}).await
    }

    /// As [`World::start`], with settings that no variable changes.
    pub(crate) async fn start_changed(
        amqp_url: &str,
        variables: &[(&str, &str)],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = std::env::temp_dir().join(format!("bellhop_test_{}", Uuid::now_v7()));
        write_files(&folder);
        let mut pairs = vec![
            ("INGEST_ADDR", "127.0.0.1:0"),
            ("INGEST_LINGER", "0s"),
            ("AMQP_URL", amqp_url),
            ("BELLHOP_CONFIG", folder.to_str().unwrap()),
            ("BELLHOP_KEYS", KEYS),
            ("DIRECT_SECRET", SECRET),
            ("WHATSAPP_APP_SECRETS", "another,meta-app-secret"),
            ("WHATSAPP_VERIFY_TOKEN", "verify me"),
            ("INGEST_TRUSTED_PROXIES", "127.0.0.0/8"),
        ];
        pairs.retain(|(name, _)| variables.iter().all(|(other, _)| name != other));
        pairs.extend(variables);
        let mut settings = Settings::read(&Environment::from_pairs(pairs)).unwrap();
        change(&mut settings);
        let stop = Stop::manual();
        let running = ingest::start(settings, stop.clone()).await.unwrap();
        Self {
            address: running.address(),
            folder,
            stop,
            running: Some(running),
        }
    }

    /// Waits until it can publish.
    pub(crate) async fn until_broker_ready(&self) {
        self.until(|report| !report.to_string().contains("rabbitmq"))
            .await;
    }

    /// Asks `/readyz` until its report is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Value) -> bool) {
        let waiting = async {
            while !wanted(&self.get("/readyz").await.json()) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let report = || self.get("/readyz");
        if tokio::time::timeout(std::time::Duration::from_secs(20), waiting)
            .await
            .is_err()
        {
            panic!("never as wanted: {}", report().await.json());
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        exchange(self.address, &request("GET", path, &[], b"")).await
    }

    /// A correctly signed body to the source `direct`.
    pub(crate) async fn post_signed(&self, body: &[u8]) -> Answer {
        exchange(
            self.address,
            &signed("/webhooks/direct", body, "application/json"),
        )
        .await
    }

    /// A correctly signed notification of WhatsApp's.
    pub(crate) async fn notify(&self, body: &[u8]) -> Answer {
        self.notify_at("/webhooks/whatsapp", body, &[]).await
    }

    /// As [`World::notify`], with another path and headers besides.
    pub(crate) async fn notify_at(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let signature = crypto::signature::sign_github(APP_SECRET, body);
        let headers = [&[("x-hub-signature-256", signature.as_str())], headers].concat();
        exchange(self.address, &request("POST", path, &headers, body)).await
    }

    /// A body with the bearer token that most sources here have.
    pub(crate) async fn post_bearer(&self, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut all = vec![
            ("authorization", "Bearer letmein"),
            ("content-type", "application/json"),
        ];
        all.retain(|(name, _)| headers.iter().all(|(other, _)| name != other));
        all.extend(headers);
        exchange(
            self.address,
            &request("POST", &format!("/webhooks/{source}"), &all, body),
        )
        .await
    }

    pub(crate) async fn finish(mut self) {
        self.stop.stop();
        self.running.take().unwrap().finished().await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The bytes of a request as Standard Webhooks signs it.
pub(crate) fn signed(path: &str, body: &[u8], content_type: &str) -> Vec<u8> {
    let now = Utc::now().timestamp();
    let signature = crypto::signature::sign_standard(SECRET, "msg_1", now, body);
    let now = now.to_string();
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", signature.as_str()),
        ("content-type", content_type),
    ];
    request("POST", path, &headers, body)
}

/// Much like the example in openapi.json.
pub(crate) fn event() -> Value {
    json!({
        "id": "evt_5f2c", "type": "booking_started", "occurred_at": "2026-11-23T10:00:00Z", "resort": "azure-bay",
        "booking": { "id": "BK-1001", "resume_url": "https://book.example/r/BK-1001", "guests": 2 },
        "guest": { "name": "Ada Lovelace", "phone": "+306912345678", "consent": true }
    })
}

pub(crate) fn bytes(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).unwrap()
}

pub(crate) fn write_files(folder: &Path) {
    for part in ["resorts", "sources"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    std::fs::write(folder.join("resorts/azure-bay.toml"), RESORT).unwrap();
    std::fs::write(folder.join("resorts/broken-bay.toml"), "name = 7\n").unwrap();
    for (name, text) in SOURCES {
        std::fs::write(folder.join(format!("sources/{name}.toml")), text).unwrap();
    }
}
