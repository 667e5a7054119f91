//! The dashboards of `deploy/grafana`, as far as more than Grafana reads them.

use rules::read;
use serde::Deserialize;

/// Their files' names.
pub const NAMES: [&str; 5] = ["events", "people", "sending", "source", "webhooks"];

/// Metrics whose series begin with their first event, which a sound system in our own format does not have.
pub const WITHOUT_SERIES: [&str; 5] = [
    // No source asks its platform, has a mapping, or sends another format.
    "bellhop_fetches_total",
    "bellhop_ignored_events_total",
    "bellhop_map_field_missing_total",
    // No JSON is damaged.
    "bellhop_mended_bodies_total",
    // WhatsApp refuses nothing.
    "bellhop_refusals_total",
];

#[derive(Debug, Deserialize)]
pub struct Dashboard {
    pub title: String,
    pub panels: Vec<Panel>,
}

/// A figure (`stat`) or a chart (`timeseries`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    pub title: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(rename = "gridPos")]
    pub place: Place,
    field_config: FieldConfig,
    #[serde(rename = "targets")]
    pub queries: Vec<Query>,
}

/// In a grid of 24 columns.
#[derive(Debug, Deserialize)]
pub struct Place {
    #[serde(rename = "x")]
    pub column: u32,
    #[serde(rename = "y")]
    pub row: u32,
    #[serde(rename = "w")]
    pub columns: u32,
    #[serde(rename = "h")]
    pub rows: u32,
}

#[derive(Debug, Deserialize)]
struct FieldConfig {
    defaults: Defaults,
}

#[derive(Debug, Deserialize)]
struct Defaults {
    unit: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    expr: String,
    /// With labels in it: `{{source}}`.
    pub legend_format: String,
}

impl Dashboard {
    /// Reads one of [`NAMES`].
    ///
    /// # Panics
    /// Where its file is missing, or no dashboard.
    #[must_use]
    pub fn read(name: &str) -> Self {
        let text = read(format!("deploy/grafana/{name}.json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Panel {
    /// As Grafana names it: `s`, `reqps`, `percentunit`.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.field_config.defaults.unit
    }
}

impl Query {
    /// The expression with values for Grafana's variables: the stretch of a rate, and of the whole.
    #[must_use]
    pub fn asked(&self, rate_over: &str, range: &str) -> String {
        self.expr
            .replace("$__rate_interval", rate_over)
            .replace("$__range", range)
            .replace("$source", ".*")
    }
}
