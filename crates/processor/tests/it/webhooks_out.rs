//! Resorts' own tools, here small servers, are told what happened; and what comes of a tool that does not listen.

mod alerts;
mod failures;
mod told;

use std::collections::BTreeSet;

use crypto::secret::Secret;
use crypto::signature::{Request, Scheme, Verifier};
use serde_json::Value;
use testkit::platform::{Asked, Platform, Reply};
use testkit::world::ResortFile;

use crate::logs;
use crate::scene::Scene;

const OLD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const EVERYTHING: &str = r#"["not_delivered", "opted_out", "answered", "dead_letter", "alert"]"#;

/// A resort's file that has this receiver told of some events.
fn file(receiver: &Platform, events: &str, more: &str) -> String {
    let section = format!(
        "[webhook_out]\nurl = \"http://{}/hook\"\nhosts = [\"127.0.0.1\"]\nevents = {events}\n\
         secrets = [\"plain:{OLD_SECRET}\", \"plain:{SECRET}\"]\n{more}\n",
        receiver.address()
    );
    let file = ResortFile {
        sections: section,
        ..ResortFile::patient()
    };
    file.text()
}

/// A resort whose own tool answers so.
async fn scene(receiver: &Platform, events: &str, more: &str) -> Scene {
    logs::begin();
    let scene = Scene::with_queues().await;
    scene.steps.publisher_ready().await;
    scene.write_file(&file(receiver, events, more));
    scene.sends(1).await;
    scene
}

async fn receiver() -> Platform {
    Platform::start(|_| Reply::status(204)).await
}

impl Scene {
    /// Sends what is due, so often; what was put off is due again.
    async fn sends(&self, times: usize) {
        for _ in 0..times {
            self.steps.send_webhooks_once().await.unwrap();
            self.sql("UPDATE webhooks_out SET due_at = now()").await;
        }
    }

    async fn webhooks(&self) -> i64 {
        self.count("webhooks_out").await
    }
}

/// The bodies of what a receiver was sent, each of which has to be signed.
fn told(receiver: &Platform) -> Vec<Value> {
    let asked = receiver.asked();
    asked.iter().map(verified).collect()
}

/// The body of a webhook whose signature fits the second secret.
fn verified(asked: &Asked) -> Value {
    assert_eq!(asked.line, "POST /hook");
    assert_eq!(asked.headers["content-type"], "application/json");
    let verifier = Verifier::new(Scheme::StandardWebhooks, &[Secret::new(SECRET)]).unwrap();
    let headers = |name: &str| -> Vec<&[u8]> {
        let found = asked.headers.get(name);
        found.map(|value| value.as_bytes()).into_iter().collect()
    };
    let request = Request {
        headers: &headers,
        body: asked.body.as_bytes(),
        url_token: None,
        now: chrono::Utc::now().timestamp(),
    };
    let verified = verifier.verify(&request).unwrap();
    assert_eq!(verified.signed_id.as_ref(), asked.headers.get("webhook-id"));
    serde_json::from_str(&asked.body).unwrap()
}

fn ids(receiver: &Platform) -> BTreeSet<String> {
    let asked = receiver.asked();
    asked
        .iter()
        .map(|asked| asked.headers["webhook-id"].clone())
        .collect()
}
