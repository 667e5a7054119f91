//! What a guest wants of messages, as an export shows it.

use chrono::{DateTime, Utc};
use domain::guest::MarketingConsent;
use serde::Serialize;
use store::guest_data::export::{NumberWishRow, WishRow};

#[derive(Debug, Serialize)]
pub(crate) struct WishView {
    resort: String,
    #[serde(flatten)]
    consent: ConsentView,
}

#[derive(Debug, Serialize)]
pub(crate) struct NumberWishView {
    number: String,
    #[serde(flatten)]
    consent: ConsentView,
}

#[derive(Debug, Serialize)]
struct ConsentView {
    opted_out: bool,
    opted_out_at: Option<DateTime<Utc>>,
    opted_in_at: Option<DateTime<Utc>>,
}

impl ConsentView {
    fn of(opted_out_at: Option<DateTime<Utc>>, opted_in_at: Option<DateTime<Utc>>) -> Self {
        let consent = MarketingConsent {
            opted_out_at,
            opted_in_at,
        };
        Self {
            opted_out: consent.is_opted_out(),
            opted_out_at,
            opted_in_at,
        }
    }
}

impl From<WishRow> for WishView {
    fn from(row: WishRow) -> Self {
        Self {
            resort: row.resort,
            consent: ConsentView::of(row.opted_out_at, row.opted_in_at),
        }
    }
}

impl From<NumberWishRow> for NumberWishView {
    fn from(row: NumberWishRow) -> Self {
        Self {
            number: row.number,
            consent: ConsentView::of(row.opted_out_at, row.opted_in_at),
        }
    }
}
