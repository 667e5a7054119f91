//! The programs in a company's network: behind a proxy, behind `PgBouncer`, before servers that refuse them.

use std::net::SocketAddr;
use std::{fs, io};

use testkit::program::{Program, has_line};
use testkit::server::{self, Server};
use testkit::tls::{Authority, Terminator};
use testkit::world::{Event, ResortFile, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::scene::{ADA, BOB, EVE};

/// A name that no name server knows, as in networks where only the proxy knows the names outside.
const GRAPH: &str = "graph.bellhop.test";

/// The proxy behind the company's proxy, which alone knows where that name leads.
async fn outer_proxy(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(connect(connection, target));
        }
    });
    address
}

async fn connect(mut client: TcpStream, target: SocketAddr) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    if !head.starts_with(format!("CONNECT {GRAPH}:443 ").as_bytes()) {
        return Ok(());
    }
    let mut server = TcpStream::connect(target).await?;
    client
        .write_all(b"HTTP/1.0 200 Connection established\r\n\r\n")
        .await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// The company's proxy: it wants to know who calls, and writes down whom they call.
async fn tinyproxy(outer: SocketAddr) -> Server {
    let server = Server::start("tinyproxy", &["-d", "-c", "tinyproxy.conf"], |port, _| {
        let settings = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Info\n\
             BasicAuth bellhop hunter-2\nUpstream http {outer} \"{GRAPH}\"\n"
        );
        vec![("tinyproxy.conf", settings)]
    });
    server.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_work_in_a_companys_network_and_say_what_is_in_their_way() {
    let mut world = World::start(&ResortFile::default()).await;

    what_a_server_says_when_it_refuses_is_in_readyz_and_one_log_line(&world).await;
    a_program_ends_with_code_2_and_says_why_where_pgbouncer_is_in_transaction_mode(&world).await;
    a_loopback_address_is_called_without_the_proxy(&mut world).await;
    a_sender_reaches_whatsapp_through_the_companys_proxy_and_authority(&mut world).await;
    the_programs_work_through_pgbouncer_in_session_mode(&mut world).await;
}

async fn a_sender_reaches_whatsapp_through_the_companys_proxy_and_authority(world: &mut World) {
    let authority = Authority::new().unwrap();
    let front = Terminator::start(&authority, GRAPH, world.sandbox_address())
        .await
        .unwrap();
    let proxy = tinyproxy(outer_proxy(front.address()).await).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    fs::write(&file, authority.pem()).unwrap();
    let through = format!("http://bellhop:hunter%2D2@{}", proxy.address());
    let graph = format!("https://{GRAPH}");

    world.kill_senders();
    let more = [
        ("WHATSAPP_API_URL", graph.as_str()),
        ("HTTPS_PROXY", through.as_str()),
        ("SSL_CERT_FILE", file.to_str().unwrap()),
    ];
    world.start_also("sender", &more).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;

    world.until_received(BOB, 1).await;
    let seen = proxy.written("output");
    assert!(seen.contains(&format!("CONNECT {GRAPH}:443")), "{seen}");
    let logs = world.logs();
    assert!(has_line(&logs, "proxy_used"), "{logs}");
    assert!(!logs.contains("hunter"));
}

async fn a_loopback_address_is_called_without_the_proxy(world: &mut World) {
    world.kill_senders();

    world
        .start_also("sender", &[("HTTP_PROXY", "http://127.0.0.1:1")])
        .await;
    world.post(&Event::confirmed("BK-1", ADA)).await;

    world.until_received(ADA, 1).await;
    assert!(!world.has_logged("proxy_used"));
}

async fn the_programs_work_through_pgbouncer_in_session_mode(world: &mut World) {
    let (_pgbouncer, url) = server::pgbouncer(world.variable("DATABASE_URL"), "session")
        .await
        .unwrap();
    world.kill_senders();
    world.kill_processors();

    for program in ["processor", "sender"] {
        world.start_also(program, &[("DATABASE_URL", &url)]).await;
    }
    world.post(&Event::confirmed("BK-3", EVE)).await;

    world.until_received(EVE, 1).await;
}

async fn a_program_ends_with_code_2_and_says_why_where_pgbouncer_is_in_transaction_mode(world: &World) {
    let (_pgbouncer, url) = server::pgbouncer(world.variable("DATABASE_URL"), "transaction")
        .await
        .unwrap();

    for name in ["processor", "sender"] {
        let mut program: Program = world.started(name, &[("DATABASE_URL", &url)]).await;

        let code = world
            .until("the program has ended", async || program.ended().unwrap())
            .await
            .code();
        assert_eq!(code, Some(2), "{name}");
        let log = program.log();
        let said = log
            .lines()
            .any(|line| line.starts_with("DATABASE_URL: ") && line.contains("pool_mode = session"));
        assert!(said, "{log}");
    }
}

async fn what_a_server_says_when_it_refuses_is_in_readyz_and_one_log_line(world: &World) {
    let database = world.variable("DATABASE_URL").replace("/bellhop_test_", "/nope_");
    let broker = world.variable("AMQP_URL").replace("/bellhop_test_", "/nope_");
    let more = [("DATABASE_URL", database.as_str()), ("AMQP_URL", broker.as_str())];
    let sender = world.started("sender", &more).await;
    let url = format!("http://{}/readyz", sender.address());

    let told = world
        .until("both refusals are told", async || {
            let told = reqwest::get(&url).await.ok()?.text().await.ok()?;
            (told.contains("does not exist") && told.contains("not found")).then_some(told)
        })
        .await;

    assert!(
        told.contains("cannot connect to Postgres: ") && told.contains("NOT_ALLOWED"),
        "{told}"
    );
    // The pool and the connections have tried again meanwhile.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let log = sender.log();
    for said in ["does not exist", "NOT_ALLOWED"] {
        let lines = log.lines().filter(|line| line.contains(said));
        let mut conditions: Vec<&str> = lines
            .map(|line| line.split("condition.name\":\"").nth(1).unwrap_or(line))
            .map(|rest| rest.split('"').next().unwrap_or_default())
            .collect();
        let count = conditions.len();
        conditions.sort_unstable();
        conditions.dedup();
        assert_eq!(conditions.len(), count, "{said}: {log}");
    }
}
