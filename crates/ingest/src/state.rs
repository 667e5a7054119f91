//! What every request needs to know.

use std::sync::Arc;

use ipnet::IpNet;
use settings::Watched;

use crate::access::Rates;
use crate::events::Events;
use crate::meta::Meta;
use crate::metrics::IngestMetrics;
use crate::request_log::RequestLog;
use crate::unknown_properties::UnknownProperties;

/// Shared by all workers.
pub(crate) struct Ingest {
    pub(crate) files: Arc<Watched>,
    pub(crate) events: Events,
    pub(crate) meta: Option<Meta>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) rates: Rates,
    pub(crate) metrics: Arc<IngestMetrics>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) unknown_properties: UnknownProperties,
}
