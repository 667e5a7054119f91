//! WhatsApp's reports: each status of an accepted message is posted to `ingest`, signed, as many in one request as have
//! become due meanwhile. Nothing is held back to fill a request.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use crypto::signature::sign_github;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::Accepted;
use crate::bench::Bench;
use crate::connection::Connection;
use crate::stage::Stage;

/// Each status, and how long after the call it comes.
pub(crate) type Statuses = &'static [(&'static str, Duration)];

pub(crate) const NONE: Statuses = &[];
pub(crate) const SENT: Statuses = &[("sent", Duration::ZERO)];
pub(crate) const ALL: Statuses = &[
    ("sent", Duration::ZERO),
    ("delivered", Duration::from_millis(100)),
    ("read", Duration::from_millis(300)),
];

/// Meta puts up to 1,000 updates into one request.
const AT_ONCE: usize = 1_000;

/// It reports until this value is dropped.
#[derive(Debug)]
pub(crate) struct Reports {
    tasks: JoinSet<anyhow::Result<()>>,
    last: Option<&'static str>,
}

impl Reports {
    /// Reports these statuses of all that the sink accepts from now on. The window gets a message's place back when the
    /// last of its statuses is answered.
    pub(crate) fn of(
        bench: &Bench,
        stage: &Stage,
        statuses: Statuses,
        window: Option<&Arc<Semaphore>>,
    ) -> Self {
        let (mut tasks, mut each, to) = (JoinSet::new(), Vec::new(), stage.addresses("ingest"));
        for ((index, (status, after)), to) in statuses.iter().enumerate().zip(to.iter().cycle()) {
            let (give, take) = mpsc::unbounded_channel();
            each.push(give);
            let reporter = Reporter {
                status,
                after: *after,
                connection: Connection::new(*to),
                secret: stage.secrets.app.clone(),
                window: window.filter(|_| index + 1 == statuses.len()).cloned(),
            };
            tasks.spawn(reporter.run(take));
        }
        let last = statuses.last().map(|(status, _)| *status);
        if last.is_some() {
            let mut accepted = bench.sink.accepted();
            tasks.spawn(async move {
                while let Some(one) = accepted.recv().await {
                    let one = Arc::new(one);
                    for give in &each {
                        let _ = give.send(Arc::clone(&one));
                    }
                }
                Ok(())
            });
        }
        Self { tasks, last }
    }

    /// Waits until so many messages bear the last status.
    pub(crate) async fn finish(&mut self, stage: &Stage, messages: usize) -> anyhow::Result<()> {
        let Some(last) = self.last else {
            return Ok(());
        };
        let reported = format!("SELECT count(*) AS count FROM messages WHERE delivery = '{last}'");
        stage.until_counted(&reported, i64::try_from(messages)?).await?;
        while let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        Ok(())
    }
}

struct Reporter {
    status: &'static str,
    after: Duration,
    connection: Connection,
    secret: String,
    window: Option<Arc<Semaphore>>,
}

impl Reporter {
    async fn run(mut self, mut take: mpsc::UnboundedReceiver<Arc<Accepted>>) -> anyhow::Result<()> {
        let mut kept = None;
        loop {
            let first = match kept.take() {
                Some(first) => first,
                None => match take.recv().await {
                    Some(first) => first,
                    None => return Ok(()),
                },
            };
            sleep_until((first.at + self.after).into()).await;
            let mut due = vec![first];
            while due.len() < AT_ONCE
                && let Ok(next) = take.try_recv()
            {
                if next.at.elapsed() < self.after {
                    kept = Some(next);
                    break;
                }
                due.push(next);
            }
            self.post(&due).await?;
            if let Some(window) = &self.window {
                window.add_permits(due.len());
            }
        }
    }

    async fn post(&mut self, due: &[Arc<Accepted>]) -> anyhow::Result<()> {
        let now = Utc::now().timestamp().to_string();
        let changes: Vec<Value> = due.iter().map(|one| change(one, self.status, &now)).collect();
        let body = json!({
            "object": "whatsapp_business_account", "entry": [{ "id": "900800700600500", "changes": changes }],
        });
        let body = Bytes::from(body.to_string());
        let request = Request::post("/webhooks/whatsapp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("x-hub-signature-256", sign_github(&self.secret, &body))
            .body(Full::new(body))?;
        let status = self.connection.send(request).await?;
        anyhow::ensure!(
            status.as_u16() == 200,
            "a report of {} statuses was answered with {status}",
            due.len()
        );
        Ok(())
    }
}

/// As notifications of version 25 are: without a conversation, with the contact.
fn change(of: &Accepted, status: &str, now: &str) -> Value {
    json!({ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550100200", "phone_number_id": of.number },
        "contacts": [{ "profile": { "name": "Guest" }, "wa_id": of.recipient, "user_id": format!("GR.{}", of.recipient) }],
        "statuses": [{
            "id": of.wamid, "status": status, "timestamp": now, "recipient_id": of.recipient,
            "biz_opaque_callback_data": of.callback,
            "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" },
        }],
    }})
}
