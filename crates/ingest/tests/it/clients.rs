//! Clients that others wrote, as users call them: curl and Python's urllib.

use std::process::{Command, Output};

use crate::world::{APP_SECRET, World, bytes, event};

const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";
/// An authentic event that passes every check is answered so where there is no broker.
const PASSED: &str = "503 broker-unavailable";

/// One event whose body is larger than what curl sends unasked.
fn large_event() -> Vec<u8> {
    let mut body = event();
    body["note"] = "x".repeat(900_000).into();
    bytes(&body)
}

async fn world() -> World {
    World::start(NO_BROKER, &[("INGEST_CONFIRM_TIMEOUT", "100ms")]).await
}

/// What a command prints; it must succeed.
pub(crate) async fn run(mut command: Command) -> String {
    let name = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = output.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(status.success(), "{name}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// What curl is answered in the end: the status and the problem.
async fn curl(world: &World, path: &str, body: &[u8], arguments: &[&str]) -> String {
    let file = world.folder.join(format!("{}.body", uuid::Uuid::now_v7()));
    std::fs::write(&file, body).unwrap();
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--write-out",
            "\n%{http_code}",
        ])
        .arg("--data-binary")
        .arg(format!("@{}", file.display()))
        .args(arguments)
        .arg(format!("http://{}{path}", world.address));
    let told = run(command).await;
    let (body, status) = told.rsplit_once('\n').unwrap();
    format!("{status} {}", problem(body))
}

fn problem(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let name = body["type"].as_str().unwrap_or_default();
    name.trim_start_matches("urn:bellhop:problem:").to_owned()
}

// shows: B9
#[tokio::test(flavor = "multi_thread")]
async fn curl_that_waits_for_the_challenge_delivers() {
    let world = world().await;
    let json = ["--header", "content-type: application/json"];
    let body = bytes(&event());

    let check = async |path: &str, arguments: &[&str], expected: &str| {
        let arguments = [&json[..], arguments].concat();
        assert_eq!(
            curl(&world, path, &body, &arguments).await,
            expected,
            "{arguments:?}"
        );
    };

    check(
        "/webhooks/basic",
        &["--anyauth", "--user", "platform:secret"],
        PASSED,
    )
    .await;
    check(
        "/webhooks/basic",
        &["--basic", "--user", "platform:secret"],
        PASSED,
    )
    .await;
    check(
        "/webhooks/basic",
        &["--anyauth", "--user", "platform:wrong"],
        "401 unauthorized",
    )
    .await;
    check(
        "/webhooks/basic/?a=b",
        &["--anyauth", "--user", "platform:secret"],
        PASSED,
    )
    .await;
    check(
        "/webhooks/bearer",
        &["--oauth2-bearer", "platform:secret"],
        PASSED,
    )
    .await;
    check(
        "/webhooks/bearer",
        &["--anyauth", "--user", "x:", "--oauth2-bearer", "platform:secret"],
        PASSED,
    )
    .await;
    check(
        "/webhooks/bearer",
        &["--oauth2-bearer", "wrong"],
        "401 unauthorized",
    )
    .await;
    check(
        "/webhooks/header",
        &["--header", "X-API-Key: platform:secret"],
        PASSED,
    )
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_sends_large_chunked_and_expected_bodies() {
    let world = world().await;
    let to_source = [
        "--oauth2-bearer",
        "platform:secret",
        "--header",
        "content-type: application/json",
    ];
    let check = async |body: &[u8], arguments: &[&str], expected: &str| {
        let arguments = [&to_source[..], arguments].concat();
        assert_eq!(
            curl(&world, "/webhooks/bearer", body, &arguments).await,
            expected,
            "{arguments:?}"
        );
    };

    check(&large_event(), &[], PASSED).await;
    check(&large_event(), &["--header", "Expect: 100-continue"], PASSED).await;
    check(
        &large_event(),
        &["--header", "Transfer-Encoding: chunked"],
        PASSED,
    )
    .await;
    check(&vec![b' '; 5 << 20], &[], "413 body-too-large").await;
    check(
        &vec![b' '; 5 << 20],
        &["--header", "Expect: 100-continue"],
        "413 body-too-large",
    )
    .await;
    check(b"", &[], "400 invalid-json").await;
    check(&bytes(&event()), &["--http2"], PASSED).await;
    world.finish().await;
}

/// Sends the body that it reads, in several ways, and prints each answer.
const URLLIB: &str = r#"
import gzip, hashlib, hmac, json, sys, urllib.error, urllib.request
base, app_secret = sys.argv[1:]
body = sys.stdin.buffer.read()
event = json.loads(body)
plain = urllib.request.build_opener()
passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password(None, base, "platform", "secret")
waiting = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))

def send(name, opener, path, body, headers):
    request = urllib.request.Request(base + path, data=body, headers=headers, method="POST")
    try:
        answer = opener.open(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    told = json.loads(answer.read())
    print(name, answer.status, told.get("type", told.get("status")).rpartition(":")[2])

JSON = {"Content-Type": "application/json"}
BEARER = JSON | {"Authorization": "Bearer platform:secret"}
PACKED = BEARER | {"Content-Encoding": "gzip"}
send("basic", waiting, "/webhooks/basic", body, JSON)
send("gzip", plain, "/webhooks/bearer", gzip.compress(body), PACKED)
send("members", plain, "/webhooks/bearer", gzip.compress(body[:9]) + gzip.compress(body[9:]), PACKED)
send("cut", plain, "/webhooks/bearer", gzip.compress(body)[:-3], PACKED)
send("empty", plain, "/webhooks/bearer", gzip.compress(b""), PACKED)
for number in ("9" * 15, "-7"):
    send("integer", plain, "/webhooks/bearer", json.dumps(event | {"id": int(number)}).encode(), BEARER)
send("surrogate", plain, "/webhooks/bearer", json.dumps(event | {"x": "\ud83d"}).encode(), BEARER)
send("nan", plain, "/webhooks/bearer", json.dumps(event | {"x": [float("nan"), -float("inf")]}).encode(), BEARER)
for charset in ("utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1", "cp1252", "shift_jis"):
    text = json.dumps(event | {"x": "naïve" if "1" in charset else ""}, ensure_ascii=False).encode(charset)
    label = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16le", "cp1252": "windows-1252"}.get(charset, charset)
    send(charset, plain, "/webhooks/bearer", text, BEARER | {"Content-Type": f"application/json; charset={label}"})
packed = gzip.compress(json.dumps({"entry": []}).encode())
signature = "sha256=" + hmac.new(app_secret.encode(), packed, hashlib.sha256).hexdigest()
send("whatsapp", plain, "/webhooks/whatsapp/", packed, {"Content-Encoding": "gzip", "X-Hub-Signature-256": signature})
"#;

// shows: B9
#[tokio::test(flavor = "multi_thread")]
async fn pythons_urllib_delivers_whatever_its_modules_make_of_an_event() {
    let world = world().await;
    let body = world.folder.join("event.json");
    std::fs::write(&body, bytes(&event())).unwrap();
    let mut command = Command::new("python3");
    command
        .args([
            "-I",
            "-c",
            URLLIB,
            &format!("http://{}", world.address),
            APP_SECRET,
        ])
        .stdin(std::fs::File::open(&body).unwrap());

    let told = run(command).await;

    let expected = [
        ("basic", PASSED),
        ("gzip", PASSED),
        ("members", PASSED),
        ("cut", "400 invalid-encoding"),
        ("empty", "400 invalid-json"),
        ("integer", PASSED),
        ("integer", PASSED),
        ("surrogate", PASSED),
        ("nan", PASSED),
        ("utf-8-sig", PASSED),
        ("utf-16", PASSED),
        ("utf-16-le", PASSED),
        ("iso-8859-1", PASSED),
        ("cp1252", PASSED),
        ("shift_jis", PASSED),
        ("whatsapp", "200 accepted"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, answer)| format!("{name} {answer}"))
        .collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    world.finish().await;
}
