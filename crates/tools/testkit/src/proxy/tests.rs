//! Lines to an echo, and what becomes of words said over them.

use std::time::Instant;

use super::*;

/// A server that says everything twice, and a line to it.
async fn line_to_an_echo() -> Proxy {
    let listener = listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut from, mut to) = stream.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
        }
    });
    Proxy::start(0, vec![address]).await.unwrap()
}

/// What comes back, within a fifth of a second; an error where the conversation was broken off.
async fn say(stream: &mut TcpStream, word: &[u8; 4]) -> Option<io::Result<[u8; 4]>> {
    let mut heard = [0; 4];
    let talking = async {
        stream.write_all(word).await?;
        stream.read_exact(&mut heard).await?;
        Ok(heard)
    };
    tokio::time::timeout(Duration::from_millis(200), talking)
        .await
        .ok()
}

#[tokio::test]
async fn what_is_said_comes_through_and_later_where_the_line_is_slow() {
    let proxy = line_to_an_echo().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();

    assert_eq!(say(&mut stream, b"once").await.unwrap().unwrap(), *b"once");
    proxy.set(Line::Slow(Duration::from_millis(40)));
    let begun = Instant::now();
    assert_eq!(say(&mut stream, b"slow").await.unwrap().unwrap(), *b"slow");

    assert!(begun.elapsed() >= Duration::from_millis(80), "both ways");
}

#[tokio::test]
async fn a_line_that_is_cut_breaks_off_and_refuses_until_it_is_restored() {
    let proxy = line_to_an_echo().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut stream, b"once").await.unwrap().unwrap();

    proxy.set(Line::Cut);

    let mut rest = Vec::new();
    assert!(stream.read_to_end(&mut rest).await.is_err(), "reset");
    let again = TcpStream::connect(proxy.address()).await;
    assert_eq!(again.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    proxy.set(Line::Open);
    let connected = async {
        loop {
            if let Ok(stream) = TcpStream::connect(proxy.address()).await {
                return stream;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(
        say(&mut connected.await, b"back").await.unwrap().unwrap(),
        *b"back"
    );
}

#[tokio::test]
async fn a_mute_line_swallows_and_then_breaks_off_what_has_lost_something() {
    let proxy = line_to_an_echo().await;
    let mut talks = TcpStream::connect(proxy.address()).await.unwrap();
    let mut waits = TcpStream::connect(proxy.address()).await.unwrap();
    for stream in [&mut talks, &mut waits] {
        say(stream, b"once").await.unwrap().unwrap();
    }

    proxy.set(Line::Mute);

    assert!(say(&mut talks, b"lost").await.is_none());
    let mut begins = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(say(&mut begins, b"lost").await.is_none());
    proxy.set(Line::Open);
    assert!(say(&mut talks, b"gone").await.unwrap().is_err());
    assert!(say(&mut begins, b"gone").await.unwrap().is_err());
    assert_eq!(say(&mut waits, b"well").await.unwrap().unwrap(), *b"well");
}

#[tokio::test]
async fn a_target_that_is_away_is_passed_over() {
    let echo = line_to_an_echo().await;
    let away = listen(0).await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(0, vec![away, echo.address()]).await.unwrap();

    for _ in 0..2 {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"hear").await.unwrap().unwrap(), *b"hear");
    }
}

/// Notices like Postgres' client: by packets without an acknowledgement.
fn notice_within(stream: &TcpStream, patience: Duration) {
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(patience)).unwrap();
}

#[tokio::test]
async fn conversations_that_were_let_die_hear_nothing_for_ever_and_new_ones_are_well() {
    let proxy = line_to_an_echo().await;
    let mut waits = TcpStream::connect(proxy.address()).await.unwrap();
    let mut notices = TcpStream::connect(proxy.address()).await.unwrap();
    for stream in [&mut waits, &mut notices] {
        say(stream, b"once").await.unwrap().unwrap();
    }
    notice_within(&notices, Duration::from_millis(300));

    proxy.let_die();

    assert!(
        say(&mut waits, b"lost").await.is_none(),
        "neither heard nor broken off"
    );
    let mut begins = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(say(&mut begins, b"well").await.unwrap().unwrap(), *b"well");
    notices.write_all(b"lost").await.unwrap();
    let noticed = notices.read_exact(&mut [0; 4]).await.unwrap_err();
    assert_eq!(noticed.kind(), io::ErrorKind::TimedOut, "nobody acknowledged");
    proxy.set(Line::Open);
    assert!(say(&mut waits, b"lost").await.is_none(), "not even then");
}
