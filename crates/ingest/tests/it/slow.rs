//! Connections that cost more than they bring are cut off.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::request;
use crate::world::World;

const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";
/// The server's own patience is 10 s for a head, as much for a body, and as much again for what follows.
const LONGEST: Duration = Duration::from_secs(40);

/// Writes the beginning, then a byte now and then, and says how long the server looked on.
async fn trickle(address: SocketAddr, beginning: &[u8], drop: &[u8]) -> Duration {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let began = Instant::now();
    writer.write_all(beginning).await.unwrap();
    let drop = drop.to_vec();
    let dripping = tokio::spawn(async move {
        while !drop.is_empty() && writer.write_all(&drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    });
    let mut answer = Vec::new();
    let reading = reader.read_to_end(&mut answer);
    let ended = tokio::time::timeout(LONGEST, reading).await;
    dripping.abort();
    assert!(
        ended.is_ok(),
        "never cut off: {:?}",
        String::from_utf8_lossy(beginning)
    );
    began.elapsed()
}

// shows: T8
#[tokio::test(flavor = "multi_thread")]
async fn who_sends_nothing_or_next_to_nothing_is_cut_off() {
    let world = World::start(NO_BROKER, &[]).await;
    let body = request("POST", "/webhooks/lenient", &[("content-length", "100000")], b"");
    let chunked = b"POST /webhooks/lenient HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";

    let took = tokio::join!(
        trickle(world.address, b"", b""),
        trickle(world.address, b"POST /webhooks/lenient HTTP/1.1\r\nx: ", b"x"),
        trickle(world.address, b"POST /webhooks/lenient HTTP/1.1\r\n", b"a: b\r\n"),
        trickle(world.address, &body, b"x"),
        trickle(world.address, chunked, b"1\r\nx\r\n"),
    );

    assert!(
        took.0 >= Duration::from_secs(5),
        "{took:?}: an honest client may be slow"
    );
    assert_eq!(world.get("/healthz").await.status, 200);
    world.finish().await;
}

// shows: T8
#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_far_too_large_are_not_read_to_their_end() {
    let world = World::start(NO_BROKER, &[]).await;
    let long_header = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    let many_headers = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1_000));
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));

    for head in [long_header, many_headers, long_path] {
        let mut connection = TcpStream::connect(world.address).await.unwrap();
        let _ = connection.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(LONGEST, connection.read_to_end(&mut answer)).await;
        // A reset is as good an answer as a refusal.
        assert!(read.is_ok());
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert_eq!(world.get("/healthz").await.status, 200);
    world.finish().await;
}
