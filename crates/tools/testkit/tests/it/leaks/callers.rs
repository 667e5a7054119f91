//! Callers of `ingest`, authentic and not, with the guests that they name.

use chrono::Utc;
use crypto::signature::{sign_github, sign_standard};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::world::{NUMBER, Secrets, World};
use uuid::Uuid;

use super::{Answers, Guest};

/// A caller of `ingest`.
pub(super) struct Platform<'w> {
    pub(super) world: &'w World,
    pub(super) secrets: &'w Secrets,
}

impl Platform<'_> {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let addresses = self.world.addresses();
        let (_, ingest) = addresses.iter().find(|(name, _)| name == "ingest").unwrap();
        Client::new().request(method, format!("http://{ingest}{path}"))
    }

    fn signed(&self, path: &str, body: &[u8]) -> RequestBuilder {
        self.signed_as("application/json", path, body)
    }

    fn signed_as(&self, content_type: &str, path: &str, body: &[u8]) -> RequestBuilder {
        let (id, now) = (Uuid::now_v7().to_string(), Utc::now().timestamp());
        self.ask(Method::POST, path)
            .header("content-type", content_type)
            .header("webhook-id", &id)
            .header("webhook-timestamp", now)
            .header(
                "webhook-signature",
                sign_standard(&self.secrets.signing, &id, now, body),
            )
            .body(body.to_vec())
    }

    /// Everything that can be wrong with a webhook, with a guest in it.
    pub(super) async fn knock_badly(&self, guest: &Guest, answers: &mut Answers) {
        let event = guest.tell("booking_started", "BK-bad");
        let (body, token) = (event.bytes(), guest.link.as_str());
        let with = |pointer: &str, value: Value| event.clone().with(pointer, value).bytes();
        let long = guest.last_name.repeat(30);
        let evil = format!("https://{}.example/{token}", guest.last_name);
        for (expected, wrong) in [
            (400, with("/guest/name", long.into())),
            (400, with("/booking/resume_url", evil.into())),
            (
                400,
                with(
                    "/booking/resume_url",
                    format!("http://book.example/{token}").into(),
                ),
            ),
            (400, with("/guest/phone", json!([guest.phone]))),
            (400, with("/guest/consent", guest.phone.clone().into())),
            (400, with("/type", guest.first_name.clone().into())),
            (400, with("/resort", guest.first_name.clone().into())),
            (400, with("/occurred_at", guest.phone.clone().into())),
            (400, with("/booking/check_in", guest.text.clone().into())),
            (400, body[..body.len() - 1].to_vec()),
            (400, guest.text.clone().into_bytes()),
            (
                400,
                json!([guest.phone, guest.first_name]).to_string().into_bytes(),
            ),
            (413, [body.clone(), vec![b' '; 1 << 20]].concat()),
        ] {
            let status = answers
                .keep("a bad webhook's answer", self.signed("/webhooks/direct", &wrong))
                .await;
            assert_eq!(
                status,
                expected,
                "{}",
                String::from_utf8_lossy(&wrong[..wrong.len().min(400)])
            );
        }
    }

    /// Strangers, who bring a guest along wherever something can be brought.
    pub(super) async fn knock_as_strangers(&self, guest: &Guest, answers: &mut Answers) {
        let (body, token) = (
            guest.tell("booking_started", "BK-bad").bytes(),
            guest.link.as_str(),
        );
        let nobody = format!("/webhooks/{}", guest.first_name);
        let in_url = format!("/webhooks/direct/{token}?phone={}", guest.phone);
        let elsewhere = format!("/{}/{}", guest.first_name, guest.phone);
        let post = |path: &str| self.ask(Method::POST, path).body(body.clone());
        for (expected, request) in [
            (
                401,
                post("/webhooks/direct").header("webhook-signature", &guest.text),
            ),
            (
                401,
                post("/webhooks/direct").header("authorization", format!("Bearer {token}")),
            ),
            (401, post(&in_url).header("x-forwarded-for", &guest.text)),
            (404, post(&nobody).header("cookie", &guest.phone)),
            (404, post(&elsewhere).header("user-agent", &guest.text)),
            (405, self.ask(Method::PUT, &in_url)),
            (405, self.ask(Method::GET, &in_url)),
            (415, self.signed_as(&guest.text, "/webhooks/direct", &body)),
        ] {
            assert_eq!(answers.keep("a stranger's answer", request).await, expected);
        }
    }

    /// Requests that only look like WhatsApp, and notifications that cannot be read.
    pub(super) async fn notify_badly(&self, guest: &Guest, answers: &mut Answers) {
        let body = guest.says("").to_string();
        let forged = self.ask(Method::POST, "/webhooks/whatsapp").body(body.clone());
        let forged = forged.header("x-hub-signature-256", format!("sha256={}", "0".repeat(64)));
        assert_eq!(answers.keep("a forged notification's answer", forged).await, 401);
        let value = json!({ "contacts": [guest.says("")], "messages": [{ "from": guest.phone, "text": guest.text }] });
        let odd = json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }, guest.text] }] });
        for body in [body, odd.to_string(), guest.text.clone()] {
            let signature = sign_github(&self.secrets.app, body.as_bytes());
            let odd = self
                .ask(Method::POST, "/webhooks/whatsapp")
                .header("x-hub-signature-256", signature);
            assert_eq!(
                answers.keep("an odd notification's answer", odd.body(body)).await,
                200
            );
        }
        for (expected, token) in [(200, &self.secrets.verify_token), (403, &guest.text)] {
            let path =
                format!("/webhooks/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}");
            assert_eq!(
                answers
                    .keep("the handshake's answer", self.ask(Method::GET, &path))
                    .await,
                expected
            );
        }
    }

    /// As WhatsApp itself tells that a guest has written.
    pub(super) async fn notify(&self, guest: &Guest, answers: &mut Answers) {
        let digits = guest.phone.trim_start_matches('+');
        let name = format!("{} {}", guest.first_name, guest.last_name);
        let value = json!({
            "messaging_product": "whatsapp", "metadata": { "phone_number_id": NUMBER },
            "contacts": [{ "profile": { "name": name }, "wa_id": digits }],
            "messages": [{ "from": digits, "id": format!("wamid.{}", guest.link), "type": "text",
                           "timestamp": Utc::now().timestamp().to_string(), "text": { "body": guest.text } }],
        });
        let body = json!({ "object": "whatsapp_business_account",
                           "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });
        let body = body.to_string();
        let signature = sign_github(&self.secrets.app, body.as_bytes());
        let asked = self
            .ask(Method::POST, "/webhooks/whatsapp")
            .header("x-hub-signature-256", signature)
            .body(body);
        assert_eq!(answers.keep("a notification's answer", asked).await, 200);
    }
}
