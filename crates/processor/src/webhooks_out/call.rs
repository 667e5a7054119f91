//! One call of a receiver: a POST with the headers of Standard Webhooks, signed at the time of the call.

use std::time::Duration;

use chrono::Utc;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use settings::webhook_out::WebhookOut;
use uuid::Uuid;

use crate::http_clients::{Clients, Reach, not_public, why_no_answer};
use crate::retry_after::retry_after;

/// From the connection to the status of the answer, as Standard Webhooks recommends it. The answer's body is not read.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a receiver did not take a webhook. The texts name neither addresses nor anything personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) why: String,
    /// The receiver says that it is gone (410): another attempt would come to the same.
    pub(super) is_final: bool,
    /// The receiver says when to come again.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: false,
            retry_after: None,
        }
    }
}

pub(super) async fn send(
    clients: &Clients,
    receiver: &WebhookOut,
    id: Uuid,
    body: String,
) -> Result<(), Failure> {
    let (id, timestamp) = (id.to_string(), Utc::now().timestamp());
    let signature = receiver.signer.sign(&id, timestamp, body.as_bytes());
    let reach = match receiver.is_host_named {
        true => Reach::Anywhere,
        false => Reach::Public,
    };
    let client = clients.get(&receiver.url, reach).map_err(Failure::passing)?;
    let request = client
        .post(receiver.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(body);
    match tokio::time::timeout(TIMEOUT, request.send()).await {
        Err(_) => Err(Failure::passing("no answer in time")),
        Ok(Err(error)) => Err(failure_of(&error)),
        Ok(Ok(response)) => judge(&response),
    }
}

fn judge(response: &Response) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let why = match status.is_redirection() {
        true => format!(
            "the receiver answered {}: no redirect is followed",
            status.as_u16()
        ),
        false => format!("the receiver answered {}", status.as_u16()),
    };
    Err(Failure {
        why,
        is_final: status == StatusCode::GONE,
        retry_after: retry_after(response.headers(), Utc::now()),
    })
}

fn failure_of(error: &reqwest::Error) -> Failure {
    let why = not_public(error);
    Failure::passing(why.unwrap_or_else(|| why_no_answer(error, "the receiver")))
}

#[cfg(test)]
mod tests {
    use crypto::secret::Secret;
    use crypto::signature::Signer;
    use outbound::Outbound;
    use tokio::net::TcpListener;

    use super::*;

    // shows: T45
    #[tokio::test]
    async fn a_name_that_leads_into_the_own_network_is_called_only_where_the_file_names_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://hooks.example:{}/x", listener.local_addr().unwrap().port());
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let receiver = WebhookOut {
            url: url.parse().unwrap(),
            events: Default::default(),
            with_guest: false,
            is_host_named: false,
            signer: Signer::new(&[secret]).unwrap(),
        };
        let clients = Clients::with_names_of_this_machine(Outbound::default());

        let refused = send(&clients, &receiver, Uuid::nil(), "{}".to_owned()).await;

        let why = "its name leads to an address that is not public";
        assert_eq!(refused, Err(Failure::passing(why)));
        let accepted = tokio::time::timeout(Duration::ZERO, listener.accept());
        assert!(accepted.await.is_err());
    }
}
