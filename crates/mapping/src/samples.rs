//! What platforms published of their own payloads, with what each is read as. The presets are tested with them, and a resort's own
//! expressions are tried on them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::country::Country;
use foreign_json::Document;
use serde::Deserialize;

use crate::check::Locale;
use crate::request::Kept;

/// When the samples count as received: after each moment that one of them names.
pub const RECEIVED_AT: DateTime<Utc> = DateTime::from_timestamp(1_796_000_000, 0).unwrap();

/// A payload that a platform published.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub name: &'static str,
    /// The body, as JSON.
    pub body: &'static str,
    /// JSON: where it was published (`source`), what came with it (`headers`, `query`, `fetched`), and what the preset makes of it
    /// (`outcome`).
    pub expected: &'static str,
}

macro_rules! samples {
    ($($platform:literal: [$($name:literal),+ $(,)?],)+) => {
        /// The samples of a platform, by name; none of one without a preset.
        pub fn of(platform: &str) -> &'static [Sample] {
            match platform {
                $($platform => &[$(Sample {
                    name: $name,
                    body: include_str!(concat!("../samples/", $platform, "/", $name, ".json")),
                    expected: include_str!(concat!("../samples/", $platform, "/", $name, ".expected.json")),
                }),+],)+
                _ => &[],
            }
        }
    };
}

samples! {
    "apaleo": [
        "healthcheck",
        "reservation_canceled",
        "reservation_changed_with_its_reservation",
        "reservation_checked_in",
        "reservation_created",
        "reservation_created_with_its_reservation",
        "reservation_set_to_no_show",
    ],
    "beds24": [
        "booking_cancelled",
        "booking_confirmed",
        "inquiry",
        "inquiry_without_phone",
        "inventory_sync_room",
    ],
    "checkfront": [
        "hold",
        "hold_in_athens",
        "hold_without_phone",
        "paid",
        "void",
    ],
    "cloudbeds": [
        "not_confirmed_with_its_answer",
        "not_confirmed_without_phone",
        "reservation_created",
        "reservation_created_with_its_answer",
        "reservation_dates_changed",
        "reservation_deleted",
        "reservation_status_changed_canceled",
        "reservation_status_changed_checked_in",
    ],
    "fareharbor": [
        "booked",
        "booked_and_checked_in",
        "cancelled",
        "item",
        "placeholders",
        "rebooked",
    ],
    "guesty": [
        "guest_created",
        "reservation_created_v2",
        "reservation_created_v2_with_its_reservation",
        "reservation_new",
        "reservation_new_with_its_guest",
        "reservation_updated_v2_canceled",
    ],
    "hospitable": [
        "cancelled",
        "historic_reservation",
        "message_created",
        "reservation_created",
        "test",
    ],
    "hostaway": [
        "inquiry_without_phone",
        "message",
        "reservation_created_inquiry",
        "reservation_created_new",
        "reservation_updated_cancelled",
        "reservation_updated_modified",
        "test",
        "without_data",
    ],
    "lodgify": [
        "booking_change",
        "booking_new_status_booked",
        "booking_status_change_declined",
        "request",
        "request_without_phone",
    ],
    "mews": [
        "confirmed",
        "general",
        "general_with_its_reservation",
        "optional_without_phone",
    ],
    "ownerrez": [
        "canceled",
        "entity_create_block",
        "entity_update_booking",
        "entity_update_booking_with_its_guest",
        "pending_with_its_guest",
    ],
    "shopify": [
        "checkouts_create",
        "checkouts_create_2024",
        "checkouts_create_without_phone",
        "checkouts_update_completed",
        "checkouts_update_of_a_stay",
        "orders_cancelled",
        "orders_create",
    ],
    "sirvoy": [
        "cancelled",
        "modified_2_0",
        "new",
    ],
    "smoobu": [
        "block",
        "cancel_reservation",
        "new_reservation",
        "update_reservation",
    ],
    "stripe": [
        "payment_completed",
        "payment_expired",
        "payment_expired_without_phone",
        "subscription_completed",
    ],
    "woocommerce": [
        "order_cancelled",
        "order_completed",
        "order_pending",
        "order_pending_without_phone",
    ],
}

/// A sample, ready to be mapped.
pub struct Sent {
    pub kept: Kept,
    /// What the platform answered when it was asked for more.
    pub fetched: Option<Document>,
    /// Where the resort is.
    pub locale: Locale,
}

/// What a file of expectations says beside the outcome.
#[derive(Deserialize)]
struct Beside {
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    fetched: Option<Document>,
    resort: Place,
}

#[derive(Deserialize)]
struct Place {
    time_zone: String,
    country: String,
}

impl Sample {
    /// `None`: a file of ours is broken.
    pub fn sent(&self) -> Option<Sent> {
        let beside: Beside = serde_json::from_str(self.expected).ok()?;
        Some(Sent {
            kept: Kept {
                body: serde_json::from_str(self.body).ok()?,
                headers: beside.headers,
                query: beside.query,
                received_at: RECEIVED_AT,
                body_hash: None,
                element: None,
            },
            fetched: beside.fetched,
            locale: Locale {
                time_zone: beside.resort.time_zone.parse().ok()?,
                country: Country::parse(&beside.resort.country).ok()?,
            },
        })
    }
}
