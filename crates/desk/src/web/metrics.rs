//! Every metric of `desk serve`; docs/metrics.md describes them. Series with known labels exist from the start.

use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use service::metrics::{Histogram, IntCounterVec, LATENCY_BUCKETS, MetricError, Metrics};

use super::desk::Desk;
use super::guard;

/// By their first digit, so that no address can add series.
const ANSWERS: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// What became of an attempt to sign in.
#[derive(Debug, Clone, Copy)]
pub(super) enum SignIn {
    Done,
    /// An unknown or used token or link.
    Refused,
    Throttled,
}

impl SignIn {
    const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Throttled];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
        }
    }
}

pub(super) struct DeskMetrics {
    pages: IntCounterVec,
    duration: Histogram,
    sign_ins: IntCounterVec,
}

impl DeskMetrics {
    pub(super) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        let pages = metrics.counters(
            "bellhop_pages_total",
            "Requests to the desk's page, by the class of the answer's status.",
            &["status"],
        )?;
        for answer in ANSWERS {
            pages.with_label_values(&[answer]);
        }
        let sign_ins = metrics.counters(
            "bellhop_sign_ins_total",
            "Attempts to sign in at the desk's page, by outcome.",
            &["outcome"],
        )?;
        for outcome in SignIn::ALL {
            sign_ins.with_label_values(&[outcome.as_str()]);
        }
        Ok(Self {
            pages,
            duration: metrics.histogram(
                "bellhop_page_seconds",
                "From a request to the desk's page to its answer.",
                LATENCY_BUCKETS,
            )?,
            sign_ins,
        })
    }

    pub(super) fn count_sign_in(&self, outcome: SignIn) {
        self.sign_ins.with_label_values(&[outcome.as_str()]).inc();
    }

    fn count_page(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).checked_sub(2);
        if let Some(class) = class.and_then(|class| ANSWERS.get(class)) {
            self.pages.with_label_values(&[class]).inc();
        }
        self.duration.observe(took.as_secs_f64());
    }
}

/// Counts each page; what machines ask for is no page.
pub(super) async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_page = !matches!(guard::asked(&request), "/metrics" | "/readyz" | "/healthz");
    let desk = request.app_data::<Data<Desk>>().cloned().filter(|_| is_page);
    let began_at = Instant::now();
    let response = next.call(request).await;
    if let Some(desk) = desk {
        let status = match &response {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        desk.metrics.count_page(status.as_u16(), began_at.elapsed());
    }
    response
}
