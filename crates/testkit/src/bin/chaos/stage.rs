//! The stage of a run: files, lines, WhatsApp, the servers and the cast, put together.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use broker::Address;
use reqwest::Client;
use service::Stop;
use testkit::program::binary;
use testkit::proxy::{Line, Proxy};
use testkit::world::{ResortFile, Secrets};
use url::Url;

use crate::bookings::SOURCES;
use crate::cast::Cast;
use crate::desk::Desk;
use crate::fault::Link;
use crate::postgres::Postgres;
use crate::servers::Servers;
use crate::settings::Settings;
use crate::whatsapp::WhatsApp;

/// How long what has to wait waits, so that a run does not.
const WAITING_TIMES: [(&str, &str); 7] = [
    ("SENDER_PROBE_AFTER", "1s"),
    ("SENDER_MESSAGES_PER_SECOND", "1000"),
    // Longer than a call may take.
    ("SENDER_UNKNOWN_AFTER", "18s"),
    ("SENDER_SILENCE_AFTER", "20s"),
    ("SENDER_SILENCE_WITHIN", "20s"),
    ("SENDER_SILENCE_LETTER", "45s"),
    ("RUST_LOG", "info"),
];

/// Everything that a run needs.
pub(crate) struct Stage {
    pub(crate) cast: Cast,
    pub(crate) servers: Servers,
    pub(crate) postgres: Postgres,
    pub(crate) broker: Address,
    pub(crate) whatsapp: WhatsApp,
    pub(crate) desk: Desk,
    pub(crate) secrets: Secrets,
    pub(crate) http: Client,
    lines: Vec<(Link, Proxy)>,
}

impl Stage {
    /// Sets everything up, until all six processes run.
    pub(crate) async fn set(settings: &Settings, stop: &Stop) -> anyhow::Result<Arc<Self>> {
        let http = client()?;
        let secrets = Secrets::fresh();
        let folder = settings.logs.join("config");
        write_files(&folder)?;
        let [first, second, to_postgres, to_broker, to_whatsapp, reports] = settings.ports;
        let doors = [first, second].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));

        let postgres = Postgres::new(settings.database.clone());
        let servers = Servers::new(settings.services.clone(), settings.api.clone(), http.clone());
        postgres.keep_commit_times().await?;
        servers.tell(&["stop", "postgres"]).await?;
        servers.tell(&["start", "postgres"]).await?;

        let reports = Proxy::start(reports, doors.to_vec()).await?;
        let whatsapp = WhatsApp::start(&secrets, reports.address(), http.clone(), stop)?;
        let to_postgres = Proxy::start(to_postgres, vec![place(&settings.database)?]).await?;
        let to_broker = Proxy::start(to_broker, vec![place(&settings.amqp)?]).await?;
        let to_whatsapp = Proxy::start(to_whatsapp, vec![whatsapp.address()]).await?;

        let common = variables(settings, &secrets, &folder);
        let desk = Desk::new(
            binary("desk")?,
            with_servers(&common, &settings.database, &settings.amqp),
        );
        desk.migrate().await?;
        let mut programs = with_servers(
            &common,
            &through(&settings.database, &to_postgres)?,
            &through(&settings.amqp, &to_broker)?,
        );
        let api = format!("http://{}", to_whatsapp.address());
        programs.push(("WHATSAPP_API_URL".to_owned(), api));
        Ok(Arc::new(Self {
            cast: Cast::start(programs, [first, second], settings.logs.clone()).await?,
            servers,
            postgres,
            broker: Address::parse(settings.amqp.as_str())?,
            whatsapp,
            desk,
            secrets,
            http,
            lines: vec![
                (Link::Postgres, to_postgres),
                (Link::Broker, to_broker),
                (Link::WhatsApp, to_whatsapp),
                (Link::Reports, reports),
            ],
        }))
    }

    /// Makes a line so.
    pub(crate) fn set_line(&self, link: Link, line: Line) {
        let of_link = self.lines.iter().filter(|(one, _)| *one == link);
        of_link.for_each(|(_, proxy)| proxy.set(line));
    }

    /// Whether the program that listens there says that it can work.
    pub(crate) async fn is_ready(&self, address: SocketAddr) -> bool {
        let asked = self.http.get(format!("http://{address}/readyz")).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// Whether all six run and say so.
    pub(crate) async fn all_are_ready(&self) -> bool {
        let at_work = self.cast.at_work();
        let asking = at_work.iter().map(|(_, address)| self.is_ready(*address));
        let ready = futures_util::future::join_all(asking).await;
        ready.len() == crate::fault::Player::ALL.len() && ready.into_iter().all(|one| one)
    }
}

/// All that it talks to is on this machine, and plain http.
fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(std::time::Duration::from_secs(12))
        .build();
    client.context("cannot make an HTTP client")
}

fn write_files(folder: &Path) -> anyhow::Result<()> {
    for part in ["resorts", "sources"] {
        fs::create_dir_all(folder.join(part))?;
    }
    let resort = ResortFile {
        abandoned_after: "3s".to_owned(),
        reminder_2: Some("3s".to_owned()),
        review_after: Some("3s".to_owned()),
        ..ResortFile::default()
    };
    fs::write(folder.join("resorts/azure-bay.toml"), resort.text())?;
    for source in SOURCES {
        let text = "resorts = ['azure-bay']\n[auth]\nscheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n\
                    [rate_limit]\nper_second = 10000\nburst = 10000\n";
        fs::write(folder.join(format!("sources/{source}.toml")), text)?;
    }
    Ok(())
}

/// What all programs and the desk are told alike.
fn variables(settings: &Settings, secrets: &Secrets, folder: &Path) -> Vec<(String, String)> {
    let local = "127.0.0.1:0";
    let pairs = [
        ("BELLHOP_STAGE", settings.stage.as_str()),
        ("BELLHOP_KEYS", &secrets.keys),
        ("PROCESSOR_ADDR", local),
        ("SENDER_ADDR", local),
        ("WHATSAPP_APP_SECRETS", &secrets.app),
        ("WHATSAPP_VERIFY_TOKEN", &secrets.verify_token),
        ("DIRECT_SECRET", &secrets.signing),
        ("AZURE_BAY_TOKEN", &secrets.access_token),
        ("BELLHOP_STAFF", "chaos"),
        ("LOG_FORMAT", "json"),
    ];
    let mut all: Vec<(String, String)> = pairs
        .into_iter()
        .chain(WAITING_TIMES)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.push(("BELLHOP_CONFIG".to_owned(), folder.display().to_string()));
    all
}

fn with_servers(common: &[(String, String)], database: &Url, amqp: &Url) -> Vec<(String, String)> {
    let mut all = common.to_vec();
    all.push(("DATABASE_URL".to_owned(), database.to_string()));
    all.push(("AMQP_URL".to_owned(), amqp.to_string()));
    all
}

fn place(url: &Url) -> anyhow::Result<SocketAddr> {
    let addresses = url.socket_addrs(|| None)?;
    addresses
        .first()
        .copied()
        .context("a server's URL names no address")
}

fn through(url: &Url, proxy: &Proxy) -> anyhow::Result<Url> {
    let mut url = url.clone();
    url.set_port(Some(proxy.address().port()))
        .map_err(|()| anyhow::anyhow!("a server's URL takes no port"))?;
    Ok(url)
}
