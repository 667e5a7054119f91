//! Setting the stage: files, variables, servers, lines, and then the processes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use broker::Address;
use reqwest::Client;
use service::Stop;
use testkit::database::Database;
use testkit::program::binary;
use testkit::prometheus::Prometheus;
use testkit::proxy::Proxy;
use testkit::rights::Rights;
use testkit::vhost::Vhost;
use testkit::world::{ResortFile, Secrets};
use url::Url;

use super::Stage;
use crate::bookings::SOURCES;
use crate::desk::Desk;
use crate::disk::Disk;
use crate::fault::{Link, Player};
use crate::load_balancer::LoadBalancer;
use crate::postgres::Postgres;
use crate::processes::{Processes, Variables};
use crate::servers::{self, Servers};
use crate::settings::Settings;
use crate::whatsapp::WhatsApp;

/// How long what has to wait waits, so that a run does not.
const WAITING_TIMES: [(&str, &str); 5] = [
    ("SENDER_PROBE_AFTER", "1s"),
    ("SENDER_MESSAGES_PER_SECOND", "1000"),
    // Longer than a call may take.
    ("SENDER_UNKNOWN_AFTER", "18s"),
    ("SENDER_SILENCE_AFTER", "30s"),
    ("RUST_LOG", "info"),
];

/// A database and a vhost of our own, with a user for each program.
struct Home {
    database: Database,
    vhost: Vhost,
    rights: Rights,
    to_database: Url,
    to_vhost: Url,
}

impl Home {
    async fn make(settings: &Settings) -> anyhow::Result<Self> {
        let admin = Postgres::new(settings.database.clone());
        // Those of a cluster keep them from the first.
        if settings.cluster.is_none() {
            // Restarted at once: that is when it begins to keep the times of commits.
            admin.keep_commit_times().await?;
            for word in ["stop", "start"] {
                servers::control(&settings.services, &[word, "postgres"]).await?;
            }
        }
        let (database, vhost) = (Database::create().await, Vhost::create().await);
        let rights = Rights::arrange(&vhost).await?;
        let (to_database, to_vhost) = (Url::parse(&database.url())?, Url::parse(&vhost.url())?);
        if let Some(disk) = &settings.disk {
            admin.move_to(name(&to_database), disk).await?;
        }
        broker::topology::declare(&Address::parse(to_vhost.as_str())?).await?;
        Ok(Self {
            database,
            vhost,
            rights,
            to_database,
            to_vhost,
        })
    }

    /// The environment of each program: the servers through what is before them, as its own user, with no other rights than
    /// in production.
    fn variables(&self, common: &[(String, String)], ways: &Ways) -> anyhow::Result<Variables> {
        let database = at(&self.to_database, ways.database)?;
        let of_program = |program: &'static str| {
            let own = |url: &Url| self.rights.url(program, url.as_str());
            let amqp = with_hosts(&own(&self.to_vhost), &ways.nodes);
            (program, with_servers(common, &own(&database), &amqp))
        };
        Ok(["ingest", "processor", "sender"].map(of_program).into())
    }
}

/// The ports on which the programs find the servers.
struct Ways {
    database: u16,
    /// Of each node of RabbitMQ.
    nodes: Vec<u16>,
}

/// What is before the servers.
struct Front {
    lines: Vec<(Link, Proxy)>,
    nodes: Vec<Proxy>,
}

impl Front {
    /// A line to each server, or in a cluster to each node of RabbitMQ: to Postgres leads `PgBouncer` there.
    async fn open(settings: &Settings, home: &Home, ports: [u16; 3]) -> anyhow::Result<(Self, Ways)> {
        let [first, second, _] = ports;
        let Some(members) = &settings.cluster else {
            let to_postgres = Proxy::start(first, vec![place(&home.to_database)?]).await?;
            let to_broker = Proxy::start(second, vec![place(&home.to_vhost)?]).await?;
            let ways = Ways {
                database: first,
                nodes: vec![second],
            };
            let lines = vec![(Link::Postgres, to_postgres), (Link::Broker, to_broker)];
            let nodes = Vec::new();
            return Ok((Self { lines, nodes }, ways));
        };
        let mut nodes = Vec::new();
        for (port, node) in ports.into_iter().zip(members.amqp) {
            nodes.push(Proxy::start(port, vec![SocketAddr::from(([127, 0, 0, 1], node))]).await?);
        }
        let ways = Ways {
            database: members.pooler,
            nodes: ports.to_vec(),
        };
        let lines = Vec::new();
        Ok((Self { lines, nodes }, ways))
    }
}

impl Stage {
    /// Sets everything up, until all six processes run.
    pub(crate) async fn set(settings: &Settings, stop: &Stop) -> anyhow::Result<Arc<Self>> {
        let (http, secrets) = (client()?, Secrets::fresh());
        let folder = settings.logs.join("config");
        write_files(&folder)?;
        let home = Home::make(settings).await?;

        let [ports @ .., to_whatsapp, reports, first, second, third] = settings.ports;
        let to_servers = [first, second, third];
        let [one, other, ..] = ports;
        let ingests = [one, other].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let reports = Proxy::start(reports, ingests.to_vec()).await?;
        let whatsapp = WhatsApp::start(&secrets, reports.address(), http.clone(), stop)?;
        let (mut front, ways) = Front::open(settings, &home, to_servers).await?;
        let to_whatsapp = Proxy::start(to_whatsapp, vec![whatsapp.address()]).await?;

        let mut common = variables(settings, &secrets, &folder);
        let api = format!("http://{}", to_whatsapp.address());
        common.push(("WHATSAPP_API_URL".to_owned(), api));
        let (database, amqp) = past_the_lines(settings, &home);
        let of_desk = with_servers(&common, &database, &amqp);
        let programs = home.variables(&common, &ways)?;
        let others = [(Link::WhatsApp, to_whatsapp), (Link::Reports, reports)];
        front.lines.extend(others);
        let (services, api) = (settings.services.clone(), settings.api.clone());
        let vhost = name(&home.to_vhost).to_owned();
        let ports = Player::ALL.into_iter().zip(ports).collect();
        let processes = Processes::start(programs, ports, settings.logs.clone()).await?;
        Ok(Arc::new(Self {
            prometheus: Prometheus::start(&processes.addresses())?,
            processes,
            servers: Servers::new(services, api, vhost.clone(), http.clone()),
            broker: Address::parse(&amqp)?,
            postgres: Postgres::new(home.to_database),
            whatsapp,
            disk: settings.disk.clone().map(Disk),
            desk: Desk::new(binary("desk")?, of_desk),
            secrets,
            load_balancer: LoadBalancer::new(ingests, http.clone()),
            http,
            vhost,
            lines: front.lines,
            nodes: front.nodes,
            _vhost: home.vhost,
            _database: home.database,
        }))
    }
}

/// All that it talks to is on this machine, and plain http.
fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_secs(12))
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

/// The part of the environment that all programs and the desk share.
fn variables(settings: &Settings, secrets: &Secrets, folder: &Path) -> Vec<(String, String)> {
    let pairs = [
        ("BELLHOP_STAGE", settings.stage.as_str()),
        ("BELLHOP_KEYS", &secrets.keys),
        ("WHATSAPP_APP_SECRETS", &secrets.app),
        ("WHATSAPP_VERIFY_TOKEN", &secrets.verify_token),
        ("DIRECT_SECRET", &secrets.signing),
        ("AZURE_BAY_TOKEN", &secrets.access_token),
        ("LOG_FORMAT", "json"),
    ];
    let mut all: Vec<(String, String)> = pairs
        .into_iter()
        .chain(WAITING_TIMES)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let letter = format!("{}s", settings.letters_after().as_secs());
    all.push(("SENDER_SILENCE_LETTER".to_owned(), letter));
    all.push(("BELLHOP_CONFIG".to_owned(), folder.display().to_string()));
    all
}

fn with_servers(common: &[(String, String)], database: &str, amqp: &str) -> Vec<(String, String)> {
    let mut all = common.to_vec();
    all.push(("DATABASE_URL".to_owned(), database.to_owned()));
    all.push(("AMQP_URL".to_owned(), amqp.to_owned()));
    all
}

fn place(url: &Url) -> anyhow::Result<SocketAddr> {
    let addresses = url.socket_addrs(|| None)?;
    addresses
        .first()
        .copied()
        .context("a server's URL names no address")
}

/// The URL with this port, and nothing that leads elsewhere.
fn at(url: &Url, port: u16) -> anyhow::Result<Url> {
    let mut url = url.clone();
    url.set_query(None);
    url.set_port(Some(port))
        .map_err(|()| anyhow::anyhow!("a server's URL takes no port"))?;
    Ok(url)
}

/// The same with several hosts, which no parser of URLs takes: all of the loopback, with these ports.
fn with_hosts(url: &str, ports: &[u16]) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let (before, after) = url.split_once("@").unwrap_or(("", url));
    let after = after
        .find('/')
        .and_then(|path| after.get(path..))
        .unwrap_or_default();
    format!("{before}@{}{after}", hosts.join(","))
}

/// Postgres and RabbitMQ as the desk finds them. In a cluster those are several hosts, as an operator would write them who
/// has no `PgBouncer`.
fn past_the_lines(settings: &Settings, home: &Home) -> (String, String) {
    let (mut database, amqp) = (home.to_database.clone(), home.to_vhost.as_str());
    match &settings.cluster {
        None => (database.into(), amqp.to_owned()),
        Some(members) => {
            database.set_query(Some("target_session_attrs=read-write"));
            let database = with_hosts(database.as_str(), &members.postgres);
            (database, with_hosts(amqp, &members.amqp))
        }
    }
}

/// The name of the database or the vhost.
fn name(url: &Url) -> &str {
    url.path().trim_start_matches('/')
}
