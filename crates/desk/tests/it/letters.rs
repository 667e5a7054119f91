//! `desk letters …`

mod decide;
mod drain;
mod jobs;
mod retry;
mod show;
mod unmappable;

use std::path::Path;

use broker::Address;
use broker::dead_letter::Cause;
use broker::envelope::{Envelope, VERSION};
use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::{self, Depths, Queue};
use crypto::key_ring::KeyRing;
use domain::dead_letter::DeadLetterReason;
use domain::ids::{BookingId, EventId, ResortId, SourceId};
use serde_json::Value;
use store::relay;
use testkit::database::Database;
use testkit::vhost::Vhost;

use crate::bookings::{abandoned, booked};
use crate::program::{CONFIG, Ended, KEYS, desk};

/// A desk with a database and a vhost of its own.
pub(crate) struct Office {
    pub(crate) database: Database,
    pub(crate) vhost: Vhost,
    address: Address,
    publisher: Publisher,
    pub(crate) anna: String,
    ben: String,
}

impl Office {
    /// With one abandoned booking, BK-1001, whose first reminder is queued.
    pub(crate) async fn open() -> Self {
        let (database, vhost) = tokio::join!(booked(), Vhost::create());
        let address = Address::parse(&vhost.url()).unwrap();
        topology::declare(&address).await.unwrap();
        let publisher = Publisher::start(address.clone(), Options::named("test"));
        publisher
            .status()
            .wait_for(broker::Status::is_ready)
            .await
            .unwrap();
        Self {
            anna: database.hire("anna").await,
            ben: database.hire("ben").await,
            database,
            vhost,
            address,
            publisher,
        }
    }

    /// Runs `desk letters …`, by Anna.
    pub(crate) async fn letters(&self, arguments: &str) -> Ended {
        self.letters_by("anna", arguments).await
    }

    pub(crate) async fn letters_by(&self, staff: &str, arguments: &str) -> Ended {
        self.letters_at(&self.vhost.url(), staff, arguments).await
    }

    async fn letters_at(&self, amqp_url: &str, staff: &str, arguments: &str) -> Ended {
        let token = if staff == "ben" { &self.ben } else { &self.anna };
        self.desk(&format!("letters {arguments}"), amqp_url, token, "")
            .await
    }

    /// Runs `desk …`, by Anna.
    pub(crate) async fn by_anna(&self, arguments: &str) -> Ended {
        self.by_anna_saying(arguments, "").await
    }

    /// As above, with this on stdin.
    pub(crate) async fn by_anna_saying(&self, arguments: &str, stdin: &str) -> Ended {
        self.desk(arguments, &self.vhost.url(), &self.anna, stdin).await
    }

    /// As above, without RabbitMQ.
    pub(crate) async fn by_anna_without_broker(&self, arguments: &str) -> Ended {
        self.desk(arguments, "amqp://127.0.0.1:1/%2f", &self.anna, "")
            .await
    }

    /// Runs `desk …`, by Anna, with other files.
    pub(crate) async fn by_anna_with(&self, config: &Path, arguments: &str, stdin: &str) -> Ended {
        let (database_url, amqp_url) = (self.database.url(), self.vhost.url());
        let config = config.display().to_string();
        let environment = [
            ("DATABASE_URL", database_url.as_str()),
            ("AMQP_URL", &amqp_url),
            ("BELLHOP_CONFIG", &config),
            ("BELLHOP_KEYS", KEYS),
            ("BELLHOP_STAFF_TOKEN", &self.anna),
        ];
        let words: Vec<&str> = arguments.split_whitespace().collect();
        desk(&words, &environment, stdin).await
    }

    async fn desk(&self, arguments: &str, amqp_url: &str, token: &str, stdin: &str) -> Ended {
        let database_url = self.database.url();
        let environment = [
            ("DATABASE_URL", database_url.as_str()),
            ("AMQP_URL", amqp_url),
            ("BELLHOP_CONFIG", CONFIG),
            ("BELLHOP_KEYS", KEYS),
            ("BELLHOP_STAFF_TOKEN", token),
        ];
        let words: Vec<&str> = arguments.split_whitespace().collect();
        desk(&words, &environment, stdin).await
    }

    /// The audit trail with its reasons, newest first, without the row that reading it appends.
    pub(crate) async fn trail(&self) -> Vec<Value> {
        let ended = self.by_anna("audit list --json --reveal").await;
        let mut rows = ended.json().as_array().unwrap().clone();
        rows.retain(|row| row["action"] != "audit_revealed");
        rows
    }

    pub(crate) async fn list(&self, arguments: &str) -> Vec<Value> {
        let ended = self.letters(&format!("list --json {arguments}")).await;
        ended.json().as_array().unwrap().clone()
    }

    async fn depths(&self) -> Depths {
        topology::verify(&self.address).await.unwrap()
    }

    /// An event is dead-lettered; its letter is in the dead queue.
    pub(crate) async fn event_is_dead_lettered(&self, id: &str, reason: DeadLetterReason) {
        let cause = Cause {
            reason,
            error: "cannot save bookings".to_owned(),
            attempts: 4,
            dead_lettered_at: Some("2026-11-24T10:00:00Z".parse().unwrap()),
        };
        self.publish(id, Some(cause), envelope(id).encode()).await;
    }

    async fn publish(&self, id: &str, cause: Option<Cause>, body: Vec<u8>) {
        let outgoing = Outgoing {
            queue: Queue::DeadEvents,
            message_id: format!("direct/{id}"),
            kind: "booking_abandoned".to_owned(),
            cause,
            trace: None,
            body,
        };
        self.publisher.publish(outgoing).await.unwrap();
    }

    /// The reminder is dead-lettered after a call, as by the sender and the relay.
    pub(crate) async fn reminder_is_dead_lettered(&self, reason: DeadLetterReason) {
        let dies = format!(
            "UPDATE messages SET state = 'dead', reason = '{reason}', attempts = attempts + 1, letter_due = true, \
             died_at = clock_timestamp(), claimed_at = now() - interval '20 seconds', publish_at = NULL"
        );
        self.database.execute(&dies).await;
        let due = self
            .database
            .store()
            .run(|connection| {
                let due = relay::list_letters(connection, 10)?;
                relay::mark_letters_published(connection, &due)?;
                Ok(due)
            })
            .await
            .unwrap();
        for letter in due {
            let outgoing = Outgoing {
                queue: Queue::DeadMessages,
                message_id: letter.id.to_string(),
                kind: letter.kind,
                cause: Some(Cause {
                    reason,
                    error: letter.error,
                    attempts: u32::try_from(letter.attempts).unwrap(),
                    dead_lettered_at: Some(letter.died_at),
                }),
                trace: None,
                body: letter.id.to_string().into_bytes(),
            };
            self.publisher.publish(outgoing).await.unwrap();
        }
    }

    /// The output of `desk bookings show`.
    async fn booking(&self) -> Value {
        let database_url = self.database.url();
        let environment = [
            ("DATABASE_URL", database_url.as_str()),
            ("BELLHOP_CONFIG", CONFIG),
            ("BELLHOP_KEYS", KEYS),
        ];
        let show = ["bookings", "show", "azure-bay", "BK-1001", "--json"];
        desk(&show, &environment, "").await.json()
    }

    /// State of the booking's only message.
    async fn reminder(&self) -> Value {
        self.booking().await["messages"][0].clone()
    }
}

fn envelope(id: &str) -> Envelope {
    let mut event = abandoned();
    event.key.id = EventId::parse(id).unwrap();
    let mut envelope = Envelope {
        faults: Vec::new(),
        version: VERSION,
        source: SourceId::parse("direct").unwrap(),
        event_id: event.key.id.clone(),
        event_type: event.event_type.to_string(),
        received_at: "2026-11-24T09:00:00Z".parse().unwrap(),
        request_id: "r-7".to_owned(),
        traceparent: None,
        resort: ResortId::parse("azure-bay").ok(),
        booking: BookingId::parse("BK-1001").ok(),
        phone_hash: None,
        name_hashes: Vec::new(),
        sealed: Vec::new(),
    };
    let ring = KeyRing::parse(KEYS).unwrap();
    envelope.sealed = ring.seal(&serde_json::to_vec(&event).unwrap(), &envelope.identity());
    envelope
}
