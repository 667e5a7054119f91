//! Traces of whole journeys, as a collector sees them.

use serde_json::Value;
use testkit::platform::{Platform, Reply};
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB};

/// A span as the collector got it, with the program that it is of.
#[derive(Debug)]
struct Seen {
    program: String,
    span: Value,
}

impl Seen {
    fn text(&self, field: &str) -> &str {
        self.span[field].as_str().unwrap_or_default()
    }

    /// As the next one would get it.
    fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.text("traceId"), self.text("spanId"))
    }
}

fn seen(collector: &Platform) -> Vec<Seen> {
    let mut spans = Vec::new();
    for asked in collector.asked() {
        assert_eq!(asked.line, "POST /v1/traces");
        assert_eq!(asked.headers["content-type"], "application/json");
        assert_eq!(asked.headers["authorization"], "Basic QWRh");
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let of_program = &body["resourceSpans"][0];
        let attributes = of_program["resource"]["attributes"].as_array().unwrap();
        let name = attributes.iter().find(|one| one["key"] == "service.name");
        let program = name.unwrap()["value"]["stringValue"].as_str().unwrap();
        let all = of_program["scopeSpans"][0]["spans"].as_array().unwrap();
        spans.extend(all.iter().map(|span| Seen {
            program: program.to_owned(),
            span: span.clone(),
        }));
    }
    spans
}

/// The one span of a program that was caused by this one.
#[track_caller]
fn caused<'s>(spans: &'s [Seen], program: &str, by: &str) -> &'s Seen {
    let (trace, parent) = (&by[3..35], &by[36..52]);
    let of_parent = |one: &&Seen| {
        one.program == program && one.text("traceId") == trace && one.text("parentSpanId") == parent
    };
    let found: Vec<&Seen> = spans.iter().filter(of_parent).collect();
    assert_eq!(found.len(), 1, "{program} by {by} in {spans:#?}");
    found[0]
}

// shows: B257, B258
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_sees_a_webhook_and_its_call_in_one_trace_and_a_timer_linked_to_its_event() {
    let collector = Platform::start(|_| Reply::json("{}")).await;
    let endpoint = format!("http://{}", collector.address());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20QWRh"),
    ];
    let world = World::start_with(&ResortFile::default(), &variables).await;
    let (booked, left) = (
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );

    world.post_in(booked, &Event::confirmed("BK-1", ADA)).await;
    world.post_in(left, &Event::started("BK-2", BOB)).await;
    let confirmation = world.until_received(ADA, 1).await.remove(0);
    let reminder = world.until_received(BOB, 1).await.remove(0);
    for (program, code) in world.stop_everything().await {
        assert_eq!(code, Some(0), "{program}");
    }

    let spans = seen(&collector);
    let webhook = caused(&spans, "ingest", booked);
    let applied = caused(&spans, "processor", &webhook.traceparent());
    let call = caused(&spans, "sender", &applied.traceparent());
    assert_eq!(confirmation.traceparent, Some(call.traceparent()));
    assert_eq!(call.span["kind"], 3);
    let webhook = caused(&spans, "ingest", left);
    let started = caused(&spans, "processor", &webhook.traceparent());
    let timer = spans.iter().find(|one| {
        let links = one.span["links"].as_array().unwrap();
        links.iter().any(|link| link["spanId"] == started.span["spanId"])
    });
    let timer = timer.unwrap_or_else(|| panic!("no link in {spans:#?}"));
    assert_eq!(timer.program, "processor");
    assert_eq!(timer.span["links"][0]["traceId"], started.span["traceId"]);
    assert_ne!(timer.span["traceId"], started.span["traceId"]);
    let call = caused(&spans, "sender", &timer.traceparent());
    assert_eq!(reminder.traceparent, Some(call.traceparent()));
}
