//! Where connections lead, which authorities they trust, and the errors of refused ones.

use std::fs;
use std::net::Ipv6Addr;

use broker::publisher::{Options, Publisher};
use broker::{Address, Status};
use outbound::Authorities;
use testkit::tls::{Authority, Terminator};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::harness::{Broker, becomes, in_time};

/// Why a publisher is not connected, once it has tried.
async fn refusal(address: Address) -> String {
    let publisher = Publisher::start(address, Options::named("test"));
    let tried = |status: &Status| matches!(status, Status::Disconnected(reason) if !reason.contains("not connected yet"));
    let mut status = publisher.status();
    in_time(status.wait_for(tried)).await.unwrap().to_string()
}

fn trusting(authority: &Authority) -> Authorities {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    fs::write(&file, authority.pem()).unwrap();
    let (authorities, problems) =
        Authorities::read(|name| (name == "SSL_CERT_FILE").then(|| file.display().to_string()));
    assert!(problems.is_empty(), "{problems:?}");
    authorities
}

#[tokio::test]
async fn an_ipv6_address_is_where_the_connection_goes() {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = Address::parse(&format!("amqp://u:p@[::1]:{port}/v")).unwrap();
    assert_eq!(address.to_string(), format!("[::1]:{port}, vhost v, user u"));

    let publisher = Publisher::start(address, Options::named("test"));

    let (mut connection, _) = in_time(listener.accept()).await.unwrap();
    let mut greeting = [0; 8];
    in_time(connection.read_exact(&mut greeting)).await.unwrap();
    assert_eq!(&greeting, b"AMQP\0\0\x09\x01");
    drop(publisher);
}

#[tokio::test]
async fn of_several_nodes_one_that_answers_is_found() {
    let broker = Broker::start().await;
    let nodes = format!("127.0.0.1:1,{},127.0.0.1:2", broker.server());
    let address = Address::parse(&broker.url_at("amqp", &nodes)).unwrap();

    // Which one is tried first is drawn.
    for _ in 0..8 {
        let publisher = Publisher::start(address.clone(), Options::named("test"));
        let mut status = publisher.status();
        in_time(status.wait_for(|status| matches!(status, Status::Connected)))
            .await
            .unwrap();
    }
}

// shows: T19
#[tokio::test]
async fn rabbitmqs_refusal_is_reported_without_the_password() {
    let broker = Broker::start().await;
    let url = broker.vhost.url();
    let (before, place) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let wrong = format!("{user}:hush%21hush@{place}");
    let (server, _) = url.rsplit_once('/').unwrap();
    for (url, said) in [
        (wrong, "ACCESS_REFUSED"),
        (
            format!("{server}/bellhop_test_nowhere"),
            "vhost bellhop_test_nowhere not found",
        ),
        (broker.url_at("amqp", "127.0.0.1:1"), "Connection refused"),
        (broker.url_at("amqp", "mq.invalid"), "mq.invalid"),
    ] {
        let told = refusal(Address::parse(&url).unwrap()).await;

        assert!(told.contains(said), "{said}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
}

// shows: T20
#[tokio::test]
async fn tls_trusts_the_authorities_that_are_given_and_no_others() {
    let broker = Broker::start().await;
    let (ours, theirs) = (Authority::new().unwrap(), Authority::new().unwrap());
    let front = Terminator::start(&ours, "127.0.0.1", broker.server())
        .await
        .unwrap();
    let misnamed = Terminator::start(&ours, "mq.example", broker.server())
        .await
        .unwrap();
    let address =
        |front: &Terminator| Address::parse(&broker.url_at("amqps", &front.address().to_string())).unwrap();

    let publisher = Publisher::start(address(&front).trusting(&trusting(&ours)), Options::named("test"));
    becomes(publisher.status(), Status::is_ready).await;
    let of_the_system = refusal(address(&front)).await;
    let of_others = refusal(address(&front).trusting(&trusting(&theirs))).await;
    let of_another_name = refusal(address(&misnamed).trusting(&trusting(&ours))).await;

    assert!(of_the_system.contains("UnknownIssuer"), "{of_the_system}");
    assert!(
        of_others.contains("UnknownIssuer") || of_others.contains("BadSignature"),
        "{of_others}"
    );
    assert!(
        of_another_name.contains("certificate not valid for name"),
        "{of_another_name}"
    );
}
