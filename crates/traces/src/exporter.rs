//! The queue of finished spans, and the task that sends them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::trace::TraceContext;
use outbound::HttpClientError;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, redirect, retry};
use service::metrics::{IntCounter, MetricError, Metrics};
use service::{About, Failure, Problems};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::encoding;
use crate::settings::Settings;
use crate::span::Span;

/// Spans that wait; further ones are dropped.
const WAITING: usize = 8_192;
/// In one request.
const AT_ONCE: usize = 512;
/// How often what waits is sent.
const SEND_EVERY: Duration = Duration::from_millis(500);
/// How long the end of the process waits for the last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);
/// Between two log lines of a collector that takes nothing.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Where a program leaves its finished spans; clones share it. Without a collector it costs a comparison.
#[derive(Clone, Default)]
pub struct Spans(Option<Arc<Queue>>);

struct Queue {
    spans: mpsc::Sender<Span>,
    dropped: IntCounter,
    stop: CancellationToken,
    task: TaskTracker,
}

/// The collector cannot be called with these settings.
#[derive(Debug, thiserror::Error)]
enum NoClient {
    /// The proxy cannot be used, or no certificate authority is trusted.
    #[error("cannot set up the proxy or the certificate authorities for traces")]
    Outbound(#[source] HttpClientError),
    #[error("cannot set up the HTTP client for traces")]
    Setup(#[source] reqwest::Error),
}

impl Spans {
    /// Starts to send where there are settings; the counters are there in any case.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(settings: Option<&Settings>, about: &About, metrics: &Metrics) -> Result<Self, Failure> {
        let counters = Counters::new(metrics)?;
        let Some(settings) = settings else {
            return Ok(Self(None));
        };
        let client = client(settings)
            .map_err(|error| Problems::one("OTEL_EXPORTER_OTLP_ENDPOINT", service::chain(&error)))?;
        let (spans, waiting) = mpsc::channel(WAITING);
        let queue = Queue {
            spans,
            dropped: counters.dropped.clone(),
            stop: CancellationToken::new(),
            task: TaskTracker::new(),
        };
        let exporter = Exporter {
            client,
            settings: settings.clone(),
            resource: resource(settings, about),
            version: about.version,
            counters,
            told_at: None,
        };
        queue.task.spawn(exporter.run(waiting, queue.stop.clone()));
        queue.task.close();
        log::info!(event = "traces_exported"; "spans are sent to a collector");
        Ok(Self(Some(Arc::new(queue))))
    }

    /// Whether there is a collector.
    pub fn are_sent(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves a span, which is made only where it is sent and its trace is recorded.
    pub fn record(&self, context: TraceContext, span: impl FnOnce() -> Span) {
        let Some(queue) = &self.0 else { return };
        if context.is_sampled() && queue.spans.try_send(span()).is_err() {
            queue.dropped.inc();
        }
    }

    /// Sends what waits, for at most two seconds. Later spans are dropped.
    pub async fn stop(&self) {
        let Some(queue) = &self.0 else { return };
        queue.stop.cancel();
        // What is late then is lost with the process.
        let _ = tokio::time::timeout(LAST_SPANS, queue.task.wait()).await;
    }
}

struct Counters {
    exported: IntCounter,
    dropped: IntCounter,
}

impl Counters {
    fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            exported: metrics.counter(
                "bellhop_spans_exported_total",
                "Spans that the collector of traces has taken.",
            )?,
            dropped: metrics.counter(
                "bellhop_spans_dropped_total",
                "Spans that the collector of traces did not take, or for which there was no room.",
            )?,
        })
    }
}

fn client(settings: &Settings) -> Result<Client, NoClient> {
    let builder = settings.outbound.http_client(&settings.endpoint);
    let builder = builder.map_err(NoClient::Outbound)?;
    builder
        .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .timeout(settings.timeout)
        .build()
        .map_err(|error| NoClient::Setup(error.without_url()))
}

/// What all spans of this process have in common. What the operator says wins.
fn resource(settings: &Settings, about: &About) -> Vec<(String, String)> {
    let name = settings.service_name.clone();
    let own = [
        ("service.name", name.unwrap_or_else(|| about.name.to_owned())),
        ("service.namespace", "bellhop".to_owned()),
        ("service.version", about.version.to_owned()),
        ("service.instance.id", service::process_name()),
    ];
    let is_own = |key: &str| settings.attributes.iter().all(|(said, _)| said != key);
    let own = own
        .into_iter()
        .filter(|(key, _)| is_own(key) || (*key == "service.name" && settings.service_name.is_some()));
    let said = settings
        .attributes
        .iter()
        .filter(|(key, _)| key != "service.name" || settings.service_name.is_none());
    own.map(|(key, value)| (key.to_owned(), value))
        .chain(said.cloned())
        .collect()
}

/// The task that sends.
struct Exporter {
    client: Client,
    settings: Settings,
    resource: Vec<(String, String)>,
    version: &'static str,
    counters: Counters,
    told_at: Option<Instant>,
}

impl Exporter {
    async fn run(mut self, mut waiting: mpsc::Receiver<Span>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(SEND_EVERY) => {}
            }
            let is_last = stop.is_cancelled();
            if is_last {
                waiting.close();
            }
            let mut batch = Vec::new();
            while let Ok(span) = waiting.try_recv() {
                batch.push(span);
                if batch.len() == AT_ONCE {
                    self.send(std::mem::take(&mut batch)).await;
                }
            }
            if !batch.is_empty() {
                self.send(batch).await;
            }
            if is_last {
                return;
            }
        }
    }

    async fn send(&mut self, batch: Vec<Span>) {
        let body = encoding::body(&self.resource, self.version, &batch);
        let request = self
            .client
            .post(self.settings.endpoint.clone())
            .headers(self.settings.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let spans = u64::try_from(batch.len()).unwrap_or_default();
        let why = match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                self.counters.exported.inc_by(spans);
                return;
            }
            Ok(answer) => format!("the collector answers {}", answer.status()),
            Err(error) => service::chain(&error.without_url()),
        };
        self.counters.dropped.inc_by(spans);
        if self.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            self.told_at = Some(Instant::now());
            log::warn!(spans, error = why, event = "traces_not_exported";
                "spans were dropped: the collector did not take them");
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::platform::{Platform, Reply};

    use super::*;
    use crate::span::Kind;

    const ABOUT: About = About {
        name: "ingest",
        version: "0.1.0",
        about: "",
        help: "",
    };

    fn start(endpoint: &str) -> (Spans, Metrics) {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
        let look_up = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let metrics = Metrics::new("ingest", "0.1.0").unwrap();
        let (settings, problems) = Settings::read(look_up);
        assert_eq!(problems, []);
        let spans = Spans::start(settings.as_ref(), &ABOUT, &metrics).unwrap_or_else(|_| panic!());
        (spans, metrics)
    }

    fn span(context: TraceContext) -> Span {
        let now = chrono::Utc::now();
        Span {
            name: "test".to_owned(),
            kind: Kind::Internal,
            context,
            parent: None,
            link: None,
            began_at: now,
            ended_at: now,
            has_failed: false,
            attributes: Vec::new(),
        }
    }

    #[track_caller]
    fn check(metrics: &Metrics, exported: u32, dropped: u32) {
        let text = metrics.render();
        for (name, count) in [("exported", exported), ("dropped", dropped)] {
            let line = format!("\nbellhop_spans_{name}_total {count}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    #[tokio::test]
    async fn what_waits_is_sent_before_the_end_and_nothing_of_a_trace_that_nobody_records() {
        let collector = Platform::start(|_| Reply::json("{}")).await;
        let (spans, metrics) = start(&format!("http://{}", collector.address()));
        let sampled = TraceContext::begin(7, 8);
        let unsampled: TraceContext = sampled.to_string().replace("-01", "-00").parse().unwrap();

        spans.record(sampled, || span(sampled));
        spans.record(unsampled, || unreachable!("it is not even made"));
        spans.stop().await;

        assert_eq!(collector.lines(), ["POST /v1/traces"]);
        check(&metrics, 1, 0);
    }

    #[tokio::test]
    async fn what_the_collector_does_not_take_or_what_is_too_much_is_dropped_and_counted() {
        let collector = Platform::start(|_| Reply::status(503)).await;
        let (spans, metrics) = start(&format!("http://{}", collector.address()));
        let context = TraceContext::begin(7, 8);

        // The task does not run before the test waits.
        for _ in 0..=WAITING {
            spans.record(context, || span(context));
        }
        check(&metrics, 0, 1);
        spans.stop().await;

        check(&metrics, 0, 1 + u32::try_from(WAITING).unwrap());
    }

    #[tokio::test]
    async fn without_an_endpoint_no_span_is_made() {
        let metrics = Metrics::new("ingest", "0.1.0").unwrap();

        let spans = Spans::start(None, &ABOUT, &metrics).unwrap_or_else(|_| panic!());

        assert!(!spans.are_sent());
        spans.record(TraceContext::begin(7, 8), || unreachable!("it is not made"));
        spans.stop().await;
        check(&metrics, 0, 0);
    }
}
