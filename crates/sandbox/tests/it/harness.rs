//! A sandbox on a free port, a client, and a callback that remembers what it got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use sandbox::{Callback, Settings, Templates};
use serde_json::{Value, json};
use service::Stop;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const SECRET: &str = "app-secret";
pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const GUEST: &str = "+306912345678";

pub(crate) const TEMPLATES: &str = r#"[
  { "name": "booking_reminder_1", "language": "en_US", "category": "MARKETING", "header": "{{1}}",
    "body": "Hi {{1}}, your stay at {{2}} waits.", "footer": "Reply STOP to opt out",
    "buttons": [{ "type": "url", "text": "Continue", "url": "https://book.example/{{1}}" }, { "type": "quick_reply", "text": "Stop" }] },
  { "name": "named", "language": "de", "category": "UTILITY", "body": "Hallo {{first_name}}!" },
  { "name": "hello", "language": "en", "category": "UTILITY", "body": "Hello." }
]"#;

/// A request as the callback saw it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Stops the sandbox when a test ends.
pub(crate) struct World {
    url: String,
    client: Client,
    stop: Stop,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl World {
    pub(crate) fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::for_tests();
        settings.templates = Templates::parse(TEMPLATES).unwrap();
        change(&mut settings);
        let stop = Stop::manual();
        let url = sandbox::start(settings, &stop).unwrap().url();
        Self {
            url,
            client: client(),
            stop,
        }
    }

    /// A sandbox that notifies the callback.
    pub(crate) fn notifying(callback: &CallbackServer) -> Self {
        Self::start(|settings| settings.callback = Some(Callback::new(&callback.url, SECRET).unwrap()))
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth("token");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        (
            status,
            serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
        )
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, &body).await
    }

    pub(crate) async fn send(&self, body: Value) -> (StatusCode, Value) {
        self.post(&format!("/v25.0/{NUMBER}/messages"), body).await
    }

    /// Sends, and gives reqwest's own result.
    pub(crate) async fn try_send(
        &self,
        body: Value,
        timeout: Duration,
    ) -> reqwest::Result<reqwest::Response> {
        let request = self
            .client
            .post(format!("{}/v25.0/{NUMBER}/messages", self.url))
            .bearer_auth("token");
        request.timeout(timeout).body(body.to_string()).send().await
    }

    /// The code with which a message is refused.
    pub(crate) async fn refusal(&self, body: Value) -> (u16, i64) {
        let (status, answer) = self.send(body).await;
        (
            status.as_u16(),
            answer["error"]["code"].as_i64().unwrap_or_default(),
        )
    }

    pub(crate) async fn script(&self, rule: Value) {
        let (status, answer) = self.post("/sandbox/failures", rule).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }

    pub(crate) async fn messages(&self) -> Vec<Value> {
        let (_, list) = self.call(Method::GET, "/sandbox/messages", &Value::Null).await;
        list.as_array().unwrap().clone()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

pub(crate) fn reminder() -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": GUEST, "type": "template",
        "biz_opaque_callback_data": "m1.1",
        "template": { "name": "booking_reminder_1", "language": { "code": "en_US" }, "components": [
            { "type": "header", "parameters": [{ "type": "text", "text": "Azure Bay" }] },
            { "type": "body", "parameters": [{ "type": "text", "text": "Ada" }, { "type": "text", "text": "Azure Bay" }] },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "r/BK-1001?k=1" }] },
        ] },
    })
}

pub(crate) fn hello(to: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "template",
            "template": { "name": "hello", "language": { "code": "en" } } })
}

pub(crate) fn text(body: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": GUEST, "type": "text", "text": { "body": body } })
}

/// A callback that answers with the given statuses, then with 200.
pub(crate) struct CallbackServer {
    pub(crate) url: String,
    received: watch::Receiver<Vec<Received>>,
}

impl CallbackServer {
    pub(crate) async fn start(first_answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/whatsapp", listener.local_addr().unwrap());
        let (sender, received) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let answers = Arc::new(Mutex::new(first_answers.to_vec()));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, sender.clone(), answers.clone()));
            }
        });
        Self { url, received }
    }

    /// Waits until what was received satisfies the condition.
    pub(crate) async fn received(&self, enough: impl FnMut(&Vec<Received>) -> bool) -> Vec<Received> {
        self.received.clone().wait_for(enough).await.unwrap().clone()
    }

    /// The statuses of everything received, once there are so many.
    pub(crate) async fn statuses(&self, count: usize) -> Vec<Value> {
        let all = self.received(|list| all("statuses", list).len() >= count).await;
        self::all("statuses", &all)
    }

    /// The values of everything received, once there are so many changes.
    pub(crate) async fn changes(&self, count: usize) -> Vec<Value> {
        let all = self
            .received(|list| list.iter().flat_map(Received::changes).count() >= count)
            .await;
        all.iter().flat_map(Received::changes).collect()
    }
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn changes(&self) -> Vec<Value> {
        self.json()["entry"][0]["changes"].as_array().unwrap().clone()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.find_header(name).unwrap()
    }

    fn find_header(&self, name: &str) -> Option<String> {
        let line = self
            .head
            .lines()
            .find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        Some(line?.split_once(':')?.1.trim().to_owned())
    }
}

fn all(field: &str, received: &[Received]) -> Vec<Value> {
    let changes = received.iter().flat_map(Received::changes);
    changes
        .flat_map(|change| change["value"][field].as_array().cloned().unwrap_or_default())
        .collect()
}

/// Reads requests of one connection.
async fn answer(
    mut connection: TcpStream,
    received: Arc<watch::Sender<Vec<Received>>>,
    answers: Arc<Mutex<Vec<u16>>>,
) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            if connection.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
        let request = Received {
            head,
            body: Vec::new(),
        };
        let length = request
            .find_header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while bytes.len() < length {
            connection.read_buf(&mut bytes).await.unwrap();
        }
        let body = bytes.drain(..length).collect();
        let status = {
            let mut answers = answers.lock().unwrap();
            if answers.is_empty() {
                200
            } else {
                answers.remove(0)
            }
        };
        received.send_modify(|list| list.push(Received { body, ..request }));
        let answer = format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n");
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// The client wants a TLS set-up even though nothing here speaks TLS.
fn client() -> Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .retry(reqwest::retry::never())
        .build()
        .unwrap()
}
