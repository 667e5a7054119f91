//! The program itself: its exit codes, its words, and what it never writes.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::http::{exchange, request};
use crate::world::{KEYS, bytes, event, write_files};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingest"));
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A program that logs as much as it can.
fn start(folder: &Path) -> Child {
    with_settings(folder).spawn().unwrap()
}

fn with_settings(folder: &Path) -> Command {
    let mut command = program();
    command
        .env("INGEST_ADDR", "127.0.0.1:0")
        .env("INGEST_LINGER", "0s")
        .env("AMQP_URL", "amqp://guest:brokerpassword@127.0.0.1:1/%2f")
        .env("BELLHOP_CONFIG", folder)
        .env("BELLHOP_KEYS", KEYS)
        .env("DIRECT_SECRET", "whsec_c2VjcmV0c2VjcmV0")
        .env("LOG_FORMAT", "json")
        .env("RUST_LOG", "debug");
    command
}

/// Reads lines until it listens.
fn wait_for_address(lines: &mut impl BufRead, log: &mut String) -> SocketAddr {
    loop {
        let begin = log.len();
        assert!(lines.read_line(log).unwrap() > 0, "ended early: {log}");
        let line: Value = serde_json::from_str(&log[begin..]).unwrap();
        if line["message"] == "listening" {
            return line["address"].as_str().unwrap().parse().unwrap();
        }
    }
}

fn terminate(child: &Child) {
    let sent = Command::new("kill")
        .arg("-TERM")
        .arg(child.id().to_string())
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn help_names_every_variable_that_is_asked_for() {
    let (code, help, _) = told(program().arg("--help").output().unwrap());

    assert_eq!(code, Some(0));
    for name in [
        "AMQP_URL",
        "BELLHOP_CONFIG",
        "BELLHOP_KEYS",
        "BELLHOP_KEYS_FILE",
        "INGEST_ADDR",
        "INGEST_CONFIRM_TIMEOUT",
        "INGEST_LINGER",
        "INGEST_TRUSTED_PROXIES",
        "WHATSAPP_APP_SECRETS",
        "WHATSAPP_VERIFY_TOKEN",
        "RUST_LOG",
        "LOG_FORMAT",
    ] {
        assert!(help.contains(name), "{name}");
    }
}

#[test]
fn wrong_settings_are_all_named_on_stderr_and_end_the_program_with_2() {
    let wrong = program()
        .env("INGEST_ADDR", "x")
        .env("BELLHOP_CONFIG", "/no/such/folder")
        .output();
    let (code, _, errors) = told(wrong.unwrap());

    assert_eq!(code, Some(2));
    for name in [
        "INGEST_ADDR: ",
        "AMQP_URL: ",
        "BELLHOP_CONFIG: ",
        "BELLHOP_KEYS: ",
    ] {
        assert!(errors.contains(name), "{name} in {errors}");
    }
}

#[test]
fn systemd_is_told_that_the_program_listens_that_it_runs_and_that_it_stops() {
    let folder = std::env::temp_dir().join(format!("bellhop_test_{}", uuid::Uuid::now_v7()));
    write_files(&folder);
    let systemd = UnixDatagram::bind(folder.join("notify")).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let next = || {
        let mut bytes = [0; 500];
        let length = systemd.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };

    let mut child = with_settings(&folder)
        .env("NOTIFY_SOCKET", folder.join("notify"))
        .env("WATCHDOG_USEC", "100000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = next();
    let begun = [next(), next(), next()];
    terminate(&child);
    let is_report = |told: &String| told == "WATCHDOG=1\n" || told.starts_with("STATUS=");
    let after_reports = std::iter::repeat_with(next).find(|told| !is_report(told));

    assert_eq!(first, "READY=1\n");
    let (statuses, watchdogs): (Vec<_>, Vec<_>) = begun.iter().partition(|told| told.starts_with("STATUS="));
    assert_eq!(watchdogs, ["WATCHDOG=1\n", "WATCHDOG=1\n"]);
    assert!(
        statuses[0].starts_with("STATUS=not ready: rabbitmq: "),
        "{statuses:?}"
    );
    assert_eq!(after_reports.as_deref(), Some("STOPPING=1\n"));
    assert!(child.wait().unwrap().success());
    std::fs::remove_dir_all(&folder).unwrap();
}

// shows: T18
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_each_request_and_neither_tokens_nor_personal_data() {
    let folder = std::env::temp_dir().join(format!("bellhop_test_{}", uuid::Uuid::now_v7()));
    write_files(&folder);
    let mut child = start(&folder);
    let (mut log, mut lines) = (String::new(), BufReader::new(child.stderr.take().unwrap()));
    let address = wait_for_address(&mut lines, &mut log);

    let headers = [("content-type", "application/json")];
    let path = "/webhooks/tokens/t0ken";
    let answer = exchange(address, &request("POST", path, &headers, &bytes(&event()))).await;
    let mut wrong = event();
    wrong["guest"]["name"] = serde_json::json!("Ada Lovelace".repeat(99));
    exchange(address, &request("POST", path, &headers, &bytes(&wrong))).await;
    exchange(
        address,
        &request("POST", "/webhooks/tokens/wr0ng", &headers, b"{}"),
    )
    .await;
    terminate(&child);
    lines.read_to_string(&mut log).unwrap();
    let status = child.wait().unwrap();

    assert_eq!(status.code(), Some(0), "{log}");
    let entries: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let entries: Vec<_> = entries
        .iter()
        .filter(|line| line["message"] == "webhook")
        .collect();
    let answers: Vec<_> = entries
        .iter()
        .map(|line| line["answer"].as_str().unwrap())
        .collect();
    assert_eq!(answers, ["broker-unavailable", "invalid-event", "unauthorized"]);
    let first = entries[0];
    assert_eq!(first["request.id"], answer.headers["x-request-id"]);
    assert_eq!(
        (&first["source"], &first["address"]),
        (&"tokens".into(), &"127.0.0.1".into())
    );
    assert_eq!(
        (&first["event.type"], &first["event.id"]),
        (&"booking_started".into(), &"evt_5f2c".into())
    );
    assert_eq!(first["booking.id"], "BK-1001");
    assert!(first["duration_ms"].is_number() && first["reason"].is_string());
    assert_eq!(entries[1]["reason"], "guest.name");
    for private in [
        "t0ken",
        "wr0ng",
        "Lovelace",
        "6912345678",
        "book.example",
        "brokerpassword",
        "c2VjcmV0",
    ] {
        assert!(!log.contains(private), "{private} in {log}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// One request for each way of being refused, with what it is answered.
fn refusals() -> Vec<(u16, &'static str, Vec<u8>)> {
    let large = vec![b' '; (1 << 20) + 1];
    let elsewhere = [
        ("x-forwarded-for", "203.0.113.9"),
        ("user-agent", "strange-words"),
    ];
    vec![
        (
            404,
            "not-found",
            request("GET", "/strange-words?strange-words", &elsewhere, b""),
        ),
        (
            405,
            "method-not-allowed",
            request("POST", "/metrics", &elsewhere, b""),
        ),
        (
            404,
            "unknown-source",
            request("POST", "/webhooks/strange-words", &elsewhere, b""),
        ),
        (
            405,
            "method-not-allowed",
            request("PUT", "/webhooks/direct/strange-words", &elsewhere, b""),
        ),
        (
            413,
            "body-too-large",
            request("POST", "/webhooks/direct", &elsewhere, &large),
        ),
        (
            403,
            "address-not-allowed",
            request("POST", "/webhooks/elsewhere", &elsewhere, b""),
        ),
        (
            401,
            "unauthorized",
            request("POST", "/webhooks/tokens/strange-words", &elsewhere, b""),
        ),
        (
            404,
            "unknown-source",
            request("GET", "/webhooks/whatsapp?strange-words", &elsewhere, b""),
        ),
    ]
}

// shows: T18
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_line_and_no_line_holds_what_a_stranger_wrote() {
    let folder = std::env::temp_dir().join(format!("bellhop_test_{}", uuid::Uuid::now_v7()));
    write_files(&folder);
    let mut child = start(&folder);
    let (mut log, mut lines) = (String::new(), BufReader::new(child.stderr.take().unwrap()));
    let address = wait_for_address(&mut lines, &mut log);
    let refused = refusals();

    let mut told = Vec::new();
    for (status, problem, bytes) in &refused {
        let answer = exchange(address, bytes).await;
        assert_eq!((answer.status, answer.problem().as_str()), (*status, *problem));
        told.push(answer.headers["x-request-id"].clone());
    }
    terminate(&child);
    lines.read_to_string(&mut log).unwrap();
    child.wait().unwrap();

    for ((status, problem, _), id) in refused.iter().zip(&told) {
        let mut of_request = log.lines().filter(|line| line.contains(id.as_str()));
        let line: Value = serde_json::from_str(of_request.next().unwrap()).unwrap();
        assert_eq!(of_request.next(), None, "one line for one request");
        assert_eq!(
            (&line["answer"], &line["status"]),
            (&(*problem).into(), &(*status).into())
        );
        // No proxy is trusted here.
        assert_eq!(line["address"], "127.0.0.1");
        assert!(line["duration_ms"].is_number() && line["time"].is_string() && line["source"].is_string());
    }
    assert!(!log.contains("strange-words"), "{log}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The program's log from the moment when it listens until it ends, and its metrics before.
async fn log_and_metrics(disturb: impl AsyncFnOnce(SocketAddr)) -> (Vec<Value>, String) {
    let folder = std::env::temp_dir().join(format!("bellhop_test_{}", uuid::Uuid::now_v7()));
    write_files(&folder);
    let mut child = start(&folder);
    let (mut log, mut lines) = (String::new(), BufReader::new(child.stderr.take().unwrap()));
    let address = wait_for_address(&mut lines, &mut log);
    log.clear();
    // A pipe that nobody reads would stop the program.
    let reading = std::thread::spawn(move || {
        lines.read_to_string(&mut log).unwrap();
        log
    });

    disturb(address).await;
    let metrics = exchange(address, &request("GET", "/metrics", &[], b"")).await;
    terminate(&child);
    child.wait().unwrap();

    std::fs::remove_dir_all(&folder).unwrap();
    let log = reading.join().unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), String::from_utf8(metrics.body).unwrap())
}

/// What a counter shows.
fn counted(metrics: &str, name: &str) -> u64 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {metrics}"))
        .parse()
        .unwrap()
}

fn errors(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|line| line["level"] == "ERROR").collect()
}

// shows: T10
#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_no_http_is_counted_and_fills_no_log() {
    let client_hello = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03";
    let long_header = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "strange-words".repeat(20_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "strange-words: y\r\n".repeat(1_000));
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "strange-words".repeat(8_000));
    let garbage: [&[u8]; 12] = [
        b"strange-words\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        client_hello,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-strange-words\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nstrange words\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: strange-words\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nstrange-words\r\n",
        long_header.as_bytes(),
        many_headers.as_bytes(),
        long_path.as_bytes(),
    ];

    let (log, metrics) = log_and_metrics(async |address| {
        for bytes in garbage.iter().cycle().take(40 * garbage.len()) {
            crate::http::send_and_leave(address, bytes).await;
        }
    })
    .await;

    assert_eq!(errors(&log), Vec::<&Value>::new());
    assert!(log.len() < 250, "{} lines", log.len());
    let all = format!("{log:?}");
    assert!(!all.contains("strange"), "{all}");
    let summaries = log.iter().filter(|line| line["connections"].is_number()).count();
    assert!((1..=2).contains(&summaries), "{summaries} lines, one a minute");
    assert!(
        counted(&metrics, "bellhop_unreadable_connections_total") >= 40,
        "{metrics}"
    );
}

// shows: T10
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refused_requests_is_a_bounded_number_of_lines_and_the_rest_is_counted() {
    let floods: [(&str, &str, Vec<u8>); 4] = [
        ("not-found", "unknown", request("GET", "/strange-words", &[], b"")),
        (
            "unknown-source",
            "unknown",
            request("POST", "/webhooks/strange-words", &[], b""),
        ),
        (
            "source-unavailable",
            "broken",
            request("POST", "/webhooks/broken", &[], b""),
        ),
        (
            "rate-limited",
            "slow",
            request("POST", "/webhooks/slow", &[], b""),
        ),
    ];
    const EACH: u64 = 400;

    let (log, metrics) = log_and_metrics(async |address| {
        for (_, _, request) in &floods {
            for _ in 0..EACH {
                exchange(address, request).await;
            }
        }
    })
    .await;

    assert_eq!(errors(&log), Vec::<&Value>::new());
    let mut left_out = 0;
    for (answer, source, _) in &floods {
        let of_kind = |line: &&Value| line["answer"] == *answer && line["source"] == *source;
        let (summaries, written): (Vec<&Value>, Vec<&Value>) = log
            .iter()
            .filter(of_kind)
            .partition(|line| line["lines"].is_number());
        let counted: u64 = summaries.iter().map(|line| line["lines"].as_u64().unwrap()).sum();
        let written = u64::try_from(written.len()).unwrap();
        assert!((100..EACH).contains(&written), "{answer}: {written} lines");
        // A few of a rate that is used up get through and are refused for another reason.
        let all = written + counted;
        assert!(
            all == EACH || (*answer == "rate-limited" && (EACH / 2..EACH).contains(&all)),
            "{answer}: {all}"
        );
        left_out += counted;
    }
    assert_eq!(counted(&metrics, "bellhop_log_lines_left_out_total"), left_out);
}
