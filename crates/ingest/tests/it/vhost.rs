//! A RabbitMQ vhost of its own for a test, on the server that `AMQP_URL` and `RABBITMQ_API_URL` name.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use broker::envelope::{Envelope, SOURCE_REPORT};
use broker::{Address, topology};
use serde_json::{Value, json};
use service::Environment;
use url::Url;
use uuid::Uuid;

use crate::http::{Answer, exchange, request};

/// It is deleted by [`VHost::drop_now`]; a test that fails leaves it behind.
pub(crate) struct VHost {
    name: String,
    pub(crate) url: String,
    api: Api,
}

struct Api {
    address: SocketAddr,
    authorization: String,
}

impl VHost {
    /// An empty one, without exchanges and queues.
    pub(crate) async fn create_empty() -> Self {
        let environment = Environment::of_process();
        let required = |name: &str| {
            let url = environment.get(name).map(|text| Url::parse(text).unwrap());
            url.unwrap_or_else(|| panic!("{name} is not set; see scripts/services"))
        };
        let (mut url, api) = (required("AMQP_URL"), required("RABBITMQ_API_URL"));
        let name = format!("bellhop_test_{}", Uuid::now_v7().simple());
        let vhost = Self {
            url: {
                url.set_path(&name);
                url.into()
            },
            api: Api::at(&api),
            name,
        };
        vhost
            .api
            .call("PUT", &format!("/api/vhosts/{}", vhost.name), &json!({}))
            .await;
        let permissions = format!("/api/permissions/{}/{}", vhost.name, api.username());
        vhost
            .api
            .call(
                "PUT",
                &permissions,
                &json!({ "configure": ".*", "write": ".*", "read": ".*" }),
            )
            .await;
        vhost
    }

    /// One with everything that `desk migrate` declares.
    pub(crate) async fn create() -> Self {
        let vhost = Self::create_empty().await;
        vhost.declare().await;
        vhost
    }

    pub(crate) async fn declare(&self) {
        topology::declare(&Address::parse(&self.url).unwrap())
            .await
            .unwrap();
    }

    /// Every event in `events`, which is empty afterwards. Reports on sources come on their own.
    pub(crate) async fn take_events(&self) -> Vec<Envelope> {
        let mut taken = self.take_envelopes().await;
        taken.retain(|envelope| envelope.event_type != SOURCE_REPORT);
        taken
    }

    /// The first event in `events`, and its properties in AMQP.
    pub(crate) async fn take_event(&self) -> (Envelope, Value) {
        let taken = self.take_messages().await;
        let mut events = taken
            .into_iter()
            .filter(|(envelope, _)| envelope.event_type != SOURCE_REPORT);
        events.next().unwrap()
    }

    /// The first report on this source. Everything else that was in `events` is gone.
    pub(crate) async fn take_report(&self, source: &str) -> Envelope {
        let is_wanted =
            |envelope: &Envelope| envelope.event_type == SOURCE_REPORT && envelope.source.as_str() == source;
        for _ in 0..200 {
            if let Some(report) = self.take_envelopes().await.into_iter().find(is_wanted) {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no report on {source} in 10 s");
    }

    async fn take_envelopes(&self) -> Vec<Envelope> {
        let taken = self.take_messages().await;
        taken.into_iter().map(|(envelope, _)| envelope).collect()
    }

    async fn take_messages(&self) -> Vec<(Envelope, Value)> {
        let path = format!("/api/queues/{}/events/get", self.name);
        let ask = json!({ "count": 5_000, "ackmode": "ack_requeue_false", "encoding": "base64" });
        let answer = self.api.call("POST", &path, &ask).await;
        let envelope = |message: &Value| {
            let payload = STANDARD.decode(message["payload"].as_str().unwrap()).unwrap();
            (Envelope::decode(&payload).unwrap(), message["properties"].clone())
        };
        answer.json().as_array().unwrap().iter().map(envelope).collect()
    }

    pub(crate) async fn delete_queue(&self, queue: &str) {
        self.api
            .call(
                "DELETE",
                &format!("/api/queues/{}/{queue}", self.name),
                &json!({}),
            )
            .await;
    }

    pub(crate) async fn drop_now(self) {
        self.api
            .call("DELETE", &format!("/api/vhosts/{}", self.name), &json!({}))
            .await;
    }
}

impl Api {
    fn at(url: &Url) -> Self {
        let credentials = format!("{}:{}", url.username(), url.password().unwrap());
        Self {
            address: (url.host_str().unwrap(), url.port().unwrap())
                .to_socket_addrs()
                .unwrap()
                .next()
                .unwrap(),
            authorization: format!("Basic {}", STANDARD.encode(credentials)),
        }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let body = serde_json::to_vec(body).unwrap();
        let answer = exchange(self.address, &request(method, path, &headers, &body)).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.status);
        answer
    }
}
