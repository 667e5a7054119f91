//! A RabbitMQ vhost of its own for every test, on the server that `AMQP_URL` and `RABBITMQ_API_URL` name.

use std::thread;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use service::Environment;
use url::Url;
use uuid::Uuid;

/// A vhost that is deleted, with everybody who is still connected to it, when this value is.
///
/// It is empty: a test that needs the topology declares it.
#[derive(Debug)]
pub struct Vhost {
    amqp: Url,
    api: Url,
    name: String,
}

impl Vhost {
    /// An empty vhost.
    ///
    /// # Panics
    /// Where `AMQP_URL` or `RABBITMQ_API_URL` is not set or the server does not answer: a test without its broker must
    /// not pass.
    pub async fn create() -> Self {
        match make().await {
            Ok(vhost) => vhost,
            Err(error) => panic!("no vhost for the test: {error:#}"),
        }
    }

    /// How to connect to it.
    pub fn url(&self) -> String {
        let mut url = self.amqp.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Lets a user in, who is made where there is none, with the server's own user's password.
    pub(crate) async fn let_in(&self, user: &str, may: Value) -> anyhow::Result<()> {
        let password = self.amqp.password().unwrap_or_default();
        let new = json!({ "password": password, "tags": "" });
        call(&self.api, Method::PUT, &format!("api/users/{user}"), Some(new)).await?;
        let path = format!("api/permissions/{}/{user}", self.name);
        call(&self.api, Method::PUT, &path, Some(may)).await?;
        Ok(())
    }

    /// Asks RabbitMQ's management API about this vhost: `path` follows its name, as in `queues` + `/…/events`.
    ///
    /// # Panics
    /// Where it answers with anything but success.
    pub async fn api(&self, method: &str, kind: &str, path: &str, body: Option<Value>) -> Value {
        let path = format!("api/{kind}/{}{path}", self.name);
        let answer = match method.parse() {
            Ok(method) => call(&self.api, method, &path, body).await,
            Err(error) => Err(anyhow::Error::new(error)),
        };
        match answer {
            Ok(answer) => answer,
            Err(error) => panic!("RabbitMQ's management API: {error:#}"),
        }
    }

    /// Lays a message into a queue, past every program.
    ///
    /// # Panics
    /// As [`Vhost::api`].
    pub async fn publish(&self, queue: &str, payload: &str) {
        let message = json!({
            "properties": { "delivery_mode": 2 }, "routing_key": queue, "payload": payload, "payload_encoding": "string",
        });
        let path = "/amq.default/publish";
        let answer = self.api("POST", "exchanges", path, Some(message)).await;
        assert_eq!(answer.get("routed"), Some(&Value::Bool(true)), "no queue {queue}");
    }

    /// Deletes a queue, as an operator might by mistake.
    ///
    /// # Panics
    /// As [`Vhost::api`].
    pub async fn delete_queue(&self, name: &str) {
        self.api("DELETE", "queues", &format!("/{name}"), None).await;
    }

    /// Cuts every connection that the server lists by now, as a network does, and returns how many those were. The list
    /// is some seconds old.
    ///
    /// # Panics
    /// As [`Vhost::api`].
    pub async fn cut_connections(&self) -> usize {
        let list = self.api("GET", "vhosts", "/connections", None).await;
        let names = list.as_array().into_iter().flatten();
        let mut cut = 0;
        for name in names.filter_map(|connection| connection["name"].as_str()) {
            let mut url = self.api.clone();
            if let Ok(mut path) = url.path_segments_mut() {
                path.extend(["api", "connections", name]);
            }
            // One that has ended meanwhile is as good as cut.
            let path = url.path().trim_start_matches('/').to_owned();
            cut += usize::from(call(&self.api, Method::DELETE, &path, None).await.is_ok());
        }
        cut
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        let (api, name) = (self.api.clone(), self.name.clone());
        // A runtime cannot be entered twice in one thread.
        let deleting = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(call(&api, Method::DELETE, &format!("api/vhosts/{name}"), None))
        });
        if !matches!(deleting.join(), Ok(Ok(_))) {
            log::error!("cannot delete the vhost {}", self.name);
        }
    }
}

async fn make() -> anyhow::Result<Vhost> {
    // An error says that there is a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (amqp, api) = (server("AMQP_URL")?, server("RABBITMQ_API_URL")?);
    let name = format!("bellhop_test_{}", Uuid::now_v7().simple());
    call(&api, Method::PUT, &format!("api/vhosts/{name}"), Some(json!({}))).await?;
    let vhost = Vhost { amqp, api, name };
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    let path = format!("api/permissions/{}/{}", vhost.name, vhost.amqp.username());
    call(&vhost.api, Method::PUT, &path, Some(all)).await?;
    Ok(vhost)
}

fn server(variable: &str) -> anyhow::Result<Url> {
    let environment = Environment::of_process();
    let text = environment.get(variable).ok_or_else(|| {
        anyhow::anyhow!(
            "{variable} is not set; scripts/services start, then eval \"$(scripts/services env)\""
        )
    })?;
    Ok(Url::parse(text)?)
}

async fn call(api: &Url, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
    let (user, password) = (api.username().to_owned(), api.password().map(str::to_owned));
    let mut url = api.join(path)?;
    // reqwest would take them from the URL too, and print them in its errors.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut request = Client::new().request(method, url).basic_auth(user, password);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let text = request.send().await?.error_for_status()?.text().await?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
