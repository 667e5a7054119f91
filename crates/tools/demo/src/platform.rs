//! The booking platform: sends signed webhooks to ingest, in our format or in its own.

use anyhow::{Context, ensure};
use chrono::{Days, NaiveDate, Utc};
use crypto::signature::{sign_github, sign_standard};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};

/// What Lodgify published; see `crates/mapping/samples`.
const LODGIFY_REQUEST: &str = include_str!("../../../mapping/samples/lodgify/request.json");
const LODGIFY_BOOKED: &str = include_str!("../../../mapping/samples/lodgify/booking_new_status_booked.json");

/// What is booked, and by whom.
pub(crate) struct Booking {
    /// Digits only: some platforms number their bookings.
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) phone: String,
    /// The total.
    pub(crate) cents: u64,
    pub(crate) check_in: NaiveDate,
    pub(crate) check_out: NaiveDate,
}

/// The platform, and its secret.
pub(crate) struct Platform {
    http: Client,
    ingest: Url,
    speaks: Speaks,
    secret: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// A website that sends our format, signed by Standard Webhooks, as the source `direct`.
    OurFormat,
    /// Lodgify's payloads and signature, as the source `lodgify`.
    Lodgify,
}

impl Booking {
    pub(crate) fn new(number: i64, name: &'static str, phone: &'static str) -> Self {
        let today = Utc::now().date_naive();
        Self {
            number,
            name,
            phone: phone.to_owned(),
            cents: 124_000,
            check_in: today,
            check_out: today + Days::new(7),
        }
    }
}

impl Speaks {
    pub(crate) fn named(platform: &str) -> Result<Self, &'static str> {
        match platform {
            "json" => Ok(Self::OurFormat),
            "lodgify" => Ok(Self::Lodgify),
            _ => Err("is neither json nor lodgify"),
        }
    }

    /// The variable with its secret.
    pub(crate) fn secret(self) -> &'static str {
        match self {
            Self::OurFormat => "DIRECT_SECRET",
            Self::Lodgify => "LODGIFY_SECRET",
        }
    }
}

impl Platform {
    pub(crate) fn new(http: Client, ingest: Url, speaks: Speaks, secret: String) -> Self {
        Self {
            http,
            ingest,
            speaks,
            secret,
        }
    }

    /// The booking's id, as the platform's webhooks name it.
    pub(crate) fn booking_id(&self, booking: &Booking) -> String {
        match self.speaks {
            Speaks::OurFormat => format!("BK-{}", booking.number),
            Speaks::Lodgify => booking.number.to_string(),
        }
    }

    /// Whether its webhooks can report this. Lodgify reports neither arrivals nor departures.
    pub(crate) fn can_report(&self, event: &str) -> bool {
        self.speaks == Speaks::OurFormat || matches!(event, "booking_started" | "reservation_confirmed")
    }

    /// Sends one event; anything but 200 is a failure. Returns what the webhook is called there.
    pub(crate) async fn report(&self, event: &'static str, booking: &Booking) -> anyhow::Result<String> {
        match self.speaks {
            Speaks::OurFormat => {
                self.send_ours(event, booking).await?;
                Ok(event.to_owned())
            }
            Speaks::Lodgify => self.send_lodgifys(event, booking).await,
        }
    }

    async fn send_ours(&self, event: &str, booking: &Booking) -> anyhow::Result<()> {
        let booking_id = self.booking_id(booking);
        let id = format!("evt_{booking_id}_{event}");
        let body = json!({
            "id": id,
            "type": event,
            "occurred_at": Utc::now(),
            "resort": "azure-bay",
            "booking": {
                "id": booking_id,
                "resume_url": format!("https://book.example/r/{booking_id}"),
                "check_in": booking.check_in,
                "check_out": booking.check_out,
                "guests": 2,
                "room": "Sea view",
                "total": { "amount": format!("{}.{:02}", booking.cents / 100, booking.cents % 100), "currency": "EUR" },
            },
            "guest": { "name": booking.name, "phone": booking.phone, "language": "en", "consent": true },
        });
        let body = serde_json::to_vec(&body).context("cannot write the event")?;
        let now = Utc::now().timestamp();
        let signature = sign_standard(&self.secret, &id, now, &body);
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", now.to_string()),
            ("webhook-signature", signature),
        ];
        self.post("/webhooks/direct", &headers, body).await
    }

    async fn send_lodgifys(&self, event: &str, booking: &Booking) -> anyhow::Result<String> {
        let sample = match event {
            "booking_started" => LODGIFY_REQUEST,
            _ => LODGIFY_BOOKED,
        };
        let mut body: Value = serde_json::from_str(sample).context("the sample is no JSON")?;
        let now = json!(Utc::now());
        for (pointer, value) in [
            ("/booking/id", json!(booking.number)),
            ("/booking/date_created", now.clone()),
            ("/current_order/date_agreed", now),
            (
                "/booking/date_arrival",
                json!(format!("{}T00:00:00", booking.check_in)),
            ),
            (
                "/booking/date_departure",
                json!(format!("{}T00:00:00", booking.check_out)),
            ),
            ("/booking/source", json!("Manual")),
            ("/guest/name", json!(booking.name)),
            ("/guest/phone_number", json!(booking.phone)),
        ] {
            if let Some(field) = body.pointer_mut(pointer) {
                *field = value;
            }
        }
        let action = body
            .get("action")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let body = serde_json::to_vec(&body).context("cannot write the payload")?;
        let headers = [("ms-signature", sign_github(&self.secret, &body))];
        self.post("/webhooks/lodgify", &headers, body).await?;
        Ok(action)
    }

    async fn post(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> anyhow::Result<()> {
        let url = self.ingest.join(path).context("DEMO_INGEST_URL takes no path")?;
        let mut request = self.http.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.body(body).send().await.context("cannot reach ingest")?;
        let status = response.status();
        let answer = response.text().await.unwrap_or_default();
        ensure!(status == StatusCode::OK, "ingest answered {status}: {answer}");
        ensure!(answer.contains("accepted"), "ingest answered {answer}");
        Ok(())
    }
}
