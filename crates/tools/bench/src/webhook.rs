//! The webhooks of the booking platform, signed. Every one has a guest of its own, whose number tells in WhatsApp's sink
//! which webhook a call belongs to.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Utc;
use crypto::signature::sign_standard;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use testkit::world::Event;
use uuid::Uuid;

use crate::stage::files::{RESORTS, resort};

/// About how long an event of ours is, in bytes.
const LENGTH_OF_OURS: usize = 330;

/// Guests bear the eight digits of their numbers after 69: those of the run begin with 4, those of old with 3.
const NEW: u32 = 40_000_000;
const OLD: u32 = 30_000_000;

/// What the guest did.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Starts,
    Abandons,
    Confirms,
    /// Confirms, in 2 KiB.
    Books,
    /// The same, in Lodgify's own words.
    BooksAtLodgify,
}

/// What Lodgify published; see `crates/mapping/samples`.
const LODGIFY: &str = include_str!("../../../mapping/samples/lodgify/booking_new_status_booked.json");

/// Makes webhooks; the guests are numbered over the whole run.
#[derive(Debug)]
pub(crate) struct Platform {
    secret: String,
    next: AtomicU32,
}

/// A webhook that is ready to go.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) guest: u32,
    path: &'static str,
    id: String,
    timestamp: i64,
    signature: String,
    body: Bytes,
}

impl Platform {
    pub(crate) fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            next: AtomicU32::new(NEW),
        }
    }

    /// A new guest, at the next resort in turn.
    pub(crate) fn webhook(&self, deed: Deed) -> Webhook {
        let guest = self.next.fetch_add(1, Ordering::Relaxed);
        self.of(guest, deed, guest as usize % RESORTS)
    }

    /// A new guest at this resort.
    pub(crate) fn webhook_at(&self, deed: Deed, at: usize) -> Webhook {
        self.of(self.next.fetch_add(1, Ordering::Relaxed), deed, at)
    }

    pub(crate) fn webhooks(&self, deed: Deed, count: usize) -> Vec<Webhook> {
        (0..count).map(|_| self.webhook(deed)).collect()
    }

    /// The guest of a booking that [`crate::stage::old`] has laid into the tables.
    pub(crate) fn webhook_of_old(&self, deed: Deed, index: usize) -> Webhook {
        self.of(old(index), deed, index % RESORTS)
    }

    fn of(&self, guest: u32, deed: Deed, at: usize) -> Webhook {
        let (booking, phone) = (booking(guest), phone(guest));
        let event = match deed {
            Deed::BooksAtLodgify => return self.signed(guest, "/webhooks/lodgify", lodgifys(guest)),
            Deed::Books => {
                let padding = lodgifys(guest).len().saturating_sub(LENGTH_OF_OURS);
                Event::confirmed(&booking, &phone)
                    .with("/guest/name", "Ada Lovelace")
                    .with("/note", "x".repeat(padding))
            }
            Deed::Starts => Event::started(&booking, &phone),
            Deed::Abandons => Event::abandoned(&booking, &phone).with("/guest/name", "Ada Lovelace"),
            Deed::Confirms => Event::confirmed(&booking, &phone).with("/guest/name", "Ada Lovelace"),
        };
        let event = event
            .with("/resort", resort(at))
            .staying("2027-12-20", "2027-12-27")
            .with("/booking/room", "Sea view");
        self.signed(guest, "/webhooks/direct", event.bytes())
    }

    fn signed(&self, guest: u32, path: &'static str, body: Vec<u8>) -> Webhook {
        let (id, timestamp) = (Uuid::now_v7().to_string(), Utc::now().timestamp());
        let body = Bytes::from(body);
        let signature = sign_standard(&self.secret, &id, timestamp, &body);
        Webhook {
            guest,
            path,
            id,
            timestamp,
            signature,
            body,
        }
    }
}

impl Webhook {
    pub(crate) fn request(self) -> anyhow::Result<Request<Full<Bytes>>> {
        Ok(Request::post(self.path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("webhook-id", self.id)
            .header("webhook-timestamp", self.timestamp)
            .header("webhook-signature", self.signature)
            .body(Full::new(self.body))?)
    }
}

/// Lodgify's webhook of a booking, one line as it comes.
fn lodgifys(guest: u32) -> Vec<u8> {
    let one_line: String = LODGIFY.lines().map(str::trim_start).collect();
    let body = one_line
        .replace("123456", &guest.to_string())
        .replace("667675867768", &phone(guest));
    body.into_bytes()
}

/// The booking of a guest, by which errors name it.
pub(crate) fn booking(guest: u32) -> String {
    match guest.checked_sub(NEW) {
        Some(number) => format!("BK-{number}"),
        None => format!("OLD-{}", guest.saturating_sub(OLD)),
    }
}

/// A mobile number of Greece.
pub(crate) fn phone(guest: u32) -> String {
    format!("+3069{guest}")
}

/// The guest whose phone number this is.
pub(crate) fn guest_of(phone: &str) -> Option<u32> {
    phone.get(phone.len().checked_sub(8)?..)?.parse().ok()
}

/// The guest of a booking of old.
pub(crate) fn old(index: usize) -> u32 {
    OLD.saturating_add(u32::try_from(index).unwrap_or_default())
}
