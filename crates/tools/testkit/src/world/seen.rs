//! What a test can see of the world: messages and bookings in the database, and what WhatsApp was asked to send.

use std::net::SocketAddr;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use domain::ids::{BookingId, BookingKey, ResortId};
use domain::message::{MessageKind, MessageState};
use domain::plan::Status;
use serde::Deserialize;
use store::bookings::{self, Booking};
use store::messages;

use super::{RESORT, World, must};

const COUNT: &str = "SELECT count(*) AS count FROM events WHERE source = 'whatsapp' AND event_type = ANY($1)";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A message's row.
pub type Message = messages::Message;

/// One call as the sandbox saw it.
#[derive(Debug, Clone, Deserialize)]
pub struct WhatsAppMessage {
    /// Where it was sent to.
    pub path: String,
    /// The guest's number.
    pub to: Option<String>,
    /// The template's name.
    pub template: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// The header, filled in.
    pub header: Option<String>,
    /// The body, filled in.
    pub body: Option<String>,
    /// The link of the button.
    pub button_url: Option<String>,
    /// The buttons that the guest can press.
    pub replies: Vec<QuickReply>,
    /// The span of the call.
    pub traceparent: Option<String>,
    /// WhatsApp's id of it, where it was taken.
    pub wamid: Option<String>,
    /// Whether it was taken.
    pub accepted: bool,
}

/// A button that the guest can press.
#[derive(Debug, Clone, Deserialize)]
pub struct QuickReply {
    /// The label.
    pub text: String,
    /// What WhatsApp sends back.
    pub payload: String,
}

impl WhatsAppMessage {
    /// The last part of the path.
    pub fn endpoint(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The template's name, or `text`.
    pub fn name(&self) -> &str {
        self.template.as_deref().unwrap_or("text")
    }
}

impl World {
    /// Every call that WhatsApp got, taken or refused, oldest first.
    pub async fn calls(&self) -> Vec<WhatsAppMessage> {
        let url = format!("{}/sandbox/messages", self.sandbox.url());
        let answer = must("the sandbox's messages", self.http.get(url).send().await);
        must("the sandbox's messages", answer.json().await)
    }

    /// Every message that WhatsApp took, oldest first.
    pub async fn received_by_anyone(&self) -> Vec<WhatsAppMessage> {
        let mut all = self.calls().await;
        all.retain(|message| message.accepted);
        all
    }

    /// Every message that WhatsApp took for a number, oldest first.
    pub async fn received_by(&self, phone: &str) -> Vec<WhatsAppMessage> {
        let mut received = self.received_by_anyone().await;
        received.retain(|message| message.to.as_deref() == Some(phone));
        received
    }

    /// Waits until a guest has so many messages, and returns them.
    pub async fn until_received(&self, phone: &str, count: usize) -> Vec<WhatsAppMessage> {
        self.until(&format!("{count} messages to the guest"), async || {
            let received = self.received_by(phone).await;
            (received.len() >= count).then_some(received)
        })
        .await
    }

    /// The names of what a guest got.
    pub async fn names_received_by(&self, phone: &str) -> Vec<String> {
        let received = self.received_by(phone).await;
        received.iter().map(|message| message.name().to_owned()).collect()
    }

    /// The messages of a booking.
    pub async fn messages(&self, booking: &str) -> Vec<Message> {
        let key = key(booking);
        let found = self
            .store
            .run(move |connection| messages::list_of_booking(connection, &key))
            .await;
        must("messages", found)
    }

    /// The newest message of a kind.
    pub async fn message(&self, booking: &str, kind: MessageKind) -> Option<Message> {
        let messages = self.messages(booking).await;
        messages
            .into_iter()
            .rfind(|message| message.existing.kind == kind)
    }

    /// Waits until so many messages of all bookings are in a state.
    pub async fn until_in_state(&self, state: MessageState, count: usize) {
        self.until(&format!("{count} messages are {}", state.as_str()), async || {
            let most = i64::try_from(count).unwrap_or(i64::MAX);
            let found = self
                .store
                .run(move |connection| messages::list_latest(connection, Some(state), most))
                .await;
            (must("messages", found).len() >= count).then_some(())
        })
        .await;
    }

    /// Waits until the newest message of a kind is in a state, and returns it.
    pub async fn until_state(&self, booking: &str, kind: MessageKind, state: MessageState) -> Message {
        let what = format!("{} of {booking} is {}", kind.as_str(), state.as_str());
        self.until(&what, async || {
            self.message(booking, kind)
                .await
                .filter(|message| message.existing.state == state)
        })
        .await
    }

    /// A booking.
    pub async fn booking(&self, booking: &str) -> Option<Booking> {
        let (key, ring) = (key(booking), self.ring.clone());
        let found = self
            .store
            .run(move |connection| bookings::find(connection, &ring, &key))
            .await;
        must("a booking", found)
    }

    /// Waits until a booking has a status.
    pub async fn until_status(&self, booking: &str, status: Status) -> Booking {
        self.until(&format!("{booking} is {}", status.as_str()), async || {
            self.booking(booking).await.filter(|found| found.status == status)
        })
        .await
    }

    /// Waits until so many events of a booking are applied, and returns how many there are.
    pub async fn until_events(&self, booking: &str, count: usize) -> usize {
        self.until(&format!("{count} events of {booking}"), async || {
            let key = key(booking);
            let found = self
                .store
                .run(move |connection| store::events::list_of_booking(connection, &key))
                .await;
            let found = must("events", found).len();
            (found >= count).then_some(found)
        })
        .await
    }

    /// Waits until so many messages and preferences of guests are applied.
    pub async fn until_guests_heard(&self, count: i64) {
        self.until_updates(&["whatsapp_message", "whatsapp_preference"], count)
            .await;
    }

    /// Waits until so many of WhatsApp's reports on messages are applied.
    pub async fn until_reports(&self, count: i64) {
        self.until_updates(&["whatsapp_status"], count).await;
    }

    async fn until_updates(&self, kinds: &'static [&'static str], count: i64) {
        self.until(&format!("{count} updates of {kinds:?}"), async || {
            let found = self
                .store
                .run(move |connection| {
                    let counted = sql_query(COUNT)
                        .bind::<Array<Text>, _>(kinds)
                        .get_result::<Count>(connection);
                    Ok(counted.map_or(0, |row| row.count))
                })
                .await;
            (must("updates", found) >= count).then_some(())
        })
        .await;
    }

    /// Waits until every program says that it can work.
    pub(super) async fn ready(&self) {
        for program in self.programs() {
            self.until("every program is ready", async || {
                self.is_ready(program.address()).await.then_some(())
            })
            .await;
        }
    }

    /// Whether the program that listens there says that it can work.
    pub async fn is_ready(&self, address: SocketAddr) -> bool {
        let asked = self.http.get(format!("http://{address}/readyz")).send();
        asked.await.is_ok_and(|answer| answer.status().is_success())
    }
}

fn key(booking: &str) -> BookingKey {
    BookingKey {
        resort: must("the resort's id", ResortId::parse(RESORT)),
        booking: must("a booking's id", BookingId::parse(booking)),
    }
}
