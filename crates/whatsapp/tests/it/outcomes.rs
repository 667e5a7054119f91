//! The classes of outcomes: refused, not reached, unknown.

use std::time::Duration;

use domain::after_call::{Advice, CallOutcome, Scope};
use domain::ids::NumberId;
use domain::render::Content;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use url::Url;
use whatsapp::answer::Answer;
use whatsapp::client::{Client, DEFAULT_TIMEOUT};

use crate::fixtures::{MESSAGE, message};
use crate::server::{Reply, Server};

const LONG: Duration = Duration::from_secs(20);
const ACCEPTED: &str = r#"{"messages":[{"id":"wamid.A"}]}"#;

/// One call to a server, with a client of its own.
pub(crate) async fn call(url: &Url, timeout: Duration) -> Answer {
    send(&Client::new(url, "v25.0", timeout).unwrap(), "token").await
}

async fn send(client: &Client, token: &str) -> Answer {
    let number = NumberId::parse("106540352242922").unwrap();
    client
        .send(&number, token, &message(Content::Text("Hello".to_owned())))
        .await
}

/// The outcome of one call, after checking that it was one call.
async fn outcome_of(reply: Reply, timeout: Duration) -> CallOutcome {
    let server = Server::start(reply).await;
    let outcome = call(&server.url, timeout).await.outcome;
    assert_eq!(
        server.seen().requests.len(),
        1,
        "the request must be written once"
    );
    outcome
}

// shows: G24
#[tokio::test]
async fn a_call_without_an_answer_ends_within_15_s_by_default() {
    let server = Server::start(Reply::Silence).await;

    let within = Duration::from_secs(15);
    let answer = tokio::time::timeout(within, call(&server.url, DEFAULT_TIMEOUT)).await;

    assert_eq!(answer.unwrap().outcome, CallOutcome::Unknown);
}

#[tokio::test]
async fn an_accepted_message_brings_its_id_and_was_asked_for_as_documented() {
    let server = Server::start(Reply::http(200, "", ACCEPTED)).await;

    let answer = call(&server.url, LONG).await;

    assert!(matches!(&answer.outcome, CallOutcome::Accepted { id, .. } if id.reveal() == "wamid.A"));
    assert_eq!((answer.http_status, answer.note), (Some(200), None));
    let seen = server.seen();
    let (head, body) = seen.requests[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /v25.0/106540352242922/messages http/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nauthorization: bearer token\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    assert!(body.contains(&format!("{MESSAGE}.2")), "{body}");
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let server = Server::start(Reply::http(200, "", ACCEPTED)).await;
    let client = Client::new(&server.url, "v25.0", LONG).unwrap();

    send(&client, "token").await;
    send(&client, "token").await;

    let seen = server.seen();
    assert_eq!((seen.connections, seen.requests.len()), (1, 2));
}

// Servers close a connection that is idle for 5 s; a call that begins just then has no known outcome.
#[tokio::test]
async fn a_connection_that_was_idle_for_four_seconds_is_not_used_again() {
    let server = Server::start(Reply::http(200, "", ACCEPTED)).await;
    let client = Client::new(&server.url, "v25.0", LONG).unwrap();

    send(&client, "token").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    send(&client, "token").await;

    let seen = server.seen();
    assert_eq!((seen.connections, seen.requests.len()), (2, 2));
}

/// A port without a server.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A port whose server writes at once, and not in TLS.
async fn without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
        }
    });
    port
}

#[tokio::test]
async fn a_failed_connection_is_unreachable_and_has_a_reason() {
    let closed = closed_port().await;
    let plain = without_tls().await;
    // The name is too long, so no resolver is asked.
    let no_name = "a".repeat(64);
    let cases = [
        (format!("http://127.0.0.1:{closed}"), "the connection is refused"),
        (format!("http://{no_name}.example"), "its name is not known"),
        (
            format!("https://127.0.0.1:{plain}"),
            "TLS could not be agreed on, or the certificate is not trusted",
        ),
    ];
    for (url, reason) in cases {
        let url: Url = url.parse().unwrap();

        let answer = call(&url, LONG).await;
        let reach = Client::new(&url, "v25.0", LONG).unwrap().reach().await;

        assert_eq!(
            (answer.outcome, answer.note, answer.foreign),
            (CallOutcome::Unreachable, Some(reason), None),
            "{url}"
        );
        assert_eq!(reach, Err(reason), "{url}");
    }
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_unreachable_since_nothing_was_written() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("https://{}", silent.local_addr().unwrap())
        .parse()
        .unwrap();

    let answer = call(&url, LONG).await;

    assert_eq!(
        (answer.outcome, answer.note),
        (CallOutcome::Unreachable, Some("no connection in time"))
    );
    assert!(
        answer.duration < DEFAULT_TIMEOUT,
        "connecting has a limit of its own"
    );
}

#[tokio::test]
async fn any_answer_shows_that_whatsapp_can_be_reached() {
    for reply in [
        Reply::http(200, "", ACCEPTED),
        Reply::http(404, "", "<html>"),
        Reply::BytesAndClose(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
    ] {
        let server = Server::start(reply).await;
        let client = Client::new(&server.url, "v25.0", LONG).unwrap();

        assert_eq!(client.reach().await, Ok(()));
        let seen = server.seen();
        assert!(
            seen.requests[0].starts_with("HEAD /v25.0 HTTP/1.1\r\n"),
            "{}",
            seen.requests[0]
        );
        assert!(!seen.requests[0].to_ascii_lowercase().contains("authorization"));
    }
}

#[tokio::test]
async fn a_connection_that_closes_after_the_request_leaves_the_outcome_unknown_and_is_not_retried() {
    assert_eq!(
        outcome_of(Reply::BytesAndClose(Vec::new()), LONG).await,
        CallOutcome::Unknown
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_the_outcome_unknown() {
    let half = format!("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{ACCEPTED}");

    assert_eq!(
        outcome_of(Reply::BytesAndClose(half.into_bytes()), LONG).await,
        CallOutcome::Unknown
    );
}

#[tokio::test]
async fn no_answer_in_time_leaves_the_outcome_unknown() {
    let server = Server::start(Reply::Silence).await;

    let answer = call(&server.url, Duration::from_millis(300)).await;

    assert_eq!(
        (answer.outcome, answer.note),
        (CallOutcome::Unknown, Some("no answer in time"))
    );
    assert!(answer.duration >= Duration::from_millis(300));
}

#[tokio::test]
async fn an_answer_that_stalls_halfway_leaves_the_outcome_unknown() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{".to_vec();

    let outcome = outcome_of(Reply::Bytes(half), Duration::from_millis(500)).await;

    assert_eq!(outcome, CallOutcome::Unknown);
}

#[tokio::test]
async fn garbage_leaves_the_outcome_unknown() {
    for reply in [
        Reply::BytesAndClose(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        Reply::http(502, "Content-Type: text/html\r\n", "<html>Bad Gateway</html>"),
        Reply::http(
            200,
            "Content-Type: text/html\r\n",
            "<html>Sign in to this network</html>",
        ),
        Reply::http(200, "", ""),
        Reply::http(200, "", r#"{"success":true}"#),
    ] {
        assert_eq!(outcome_of(reply, LONG).await, CallOutcome::Unknown);
    }
}

#[tokio::test]
async fn a_foreign_refusal_never_reached_whatsapp_and_is_described() {
    let headers = "Content-Type: text/html; charset=utf-8\r\nServer: squid/5.7\r\n";
    for status in [403, 404, 407] {
        let server = Server::start(Reply::http(status, headers, "<html>No</html>")).await;

        let answer = call(&server.url, LONG).await;

        assert_eq!(
            (answer.outcome, answer.foreign),
            (
                CallOutcome::Intercepted,
                Some(format!("HTTP {status}, text/html, squid/5.7"))
            )
        );
    }
}

#[tokio::test]
async fn an_answer_beyond_a_mebibyte_is_not_read_to_its_end() {
    let body = format!("{ACCEPTED}{}", " ".repeat(1 << 20));

    assert_eq!(
        outcome_of(Reply::http(200, "", &body), LONG).await,
        CallOutcome::Unknown
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(Reply::http(200, "", ACCEPTED)).await;

    let reply = Reply::http(307, &format!("Location: {}\r\n", elsewhere.url), "");

    assert_eq!(outcome_of(reply, LONG).await, CallOutcome::Unknown);
    assert_eq!(elsewhere.seen().connections, 0);
}

#[tokio::test]
async fn the_pause_that_an_answer_asks_for_is_passed_on() {
    let reply = Reply::http(429, "Retry-After: 12\r\n", r#"{"error":{"code":130429}}"#);

    match outcome_of(reply, LONG).await {
        CallOutcome::Refused(refusal) => assert_eq!(refusal.retry_after, Some(Duration::from_secs(12))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_a_refused_token_and_nothing_is_sent() {
    let server = Server::start(Reply::http(200, "", ACCEPTED)).await;
    let client = Client::new(&server.url, "v25.0", LONG).unwrap();

    for token in ["", "two\nlines", "a\u{0}b"] {
        match send(&client, token).await.outcome {
            CallOutcome::Refused(refusal) => {
                assert_eq!((refusal.scope, refusal.advice), (Scope::Token, Advice::Hold));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.seen().connections, 0);
}

#[tokio::test]
async fn debug_of_an_answer_shows_no_token_no_number_and_no_id() {
    let server = Server::start(Reply::http(200, "", ACCEPTED)).await;
    let client = Client::new(&server.url, "v25.0", LONG).unwrap();

    let shown = format!("{client:?} {:?}", send(&client, "s3cret").await);

    assert!(!shown.contains("s3cret") && !shown.contains("wamid") && !shown.contains("4915550001111"));
}
