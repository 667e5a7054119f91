//! The header `traceparent`: from the caller to the queue.

use crate::vhost::VHost;
use crate::world::{World, bytes, event};

const CALLERS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What is in the queue of an event that came with these headers: by its envelope, and by its header.
async fn published(world: &World, vhost: &VHost, headers: &[(&str, &str)]) -> (String, String) {
    let answer = world.post_bearer("lenient", headers, &bytes(&event())).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let (envelope, properties) = vhost.take_event().await;
    let header = &properties["headers"]["traceparent"];
    (
        envelope.traceparent.unwrap().to_string(),
        header.as_str().unwrap().to_owned(),
    )
}

// shows: B253
#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trace_is_continued_and_where_there_is_none_one_begins() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;

    let (continued, in_header) = published(&world, &vhost, &[("traceparent", CALLERS)]).await;
    let (unsampled, _) = published(&world, &vhost, &[("traceparent", &CALLERS.replace("-01", "-00"))]).await;
    let (begun, _) = published(&world, &vhost, &[("traceparent", &CALLERS.to_uppercase())]).await;
    let (another, _) = published(&world, &vhost, &[]).await;

    let (trace, span) = CALLERS.split_at(35);
    assert!(
        continued.starts_with(trace) && continued.ends_with("-01"),
        "{continued}"
    );
    assert!(!continued.ends_with(span), "a span of its own: {continued}");
    assert_eq!(in_header, continued);
    assert!(
        unsampled.starts_with(trace) && unsampled.ends_with("-00"),
        "{unsampled}"
    );
    assert!(!begun.starts_with(trace) && begun.ends_with("-01"), "{begun}");
    assert_ne!(begun[..35], another[..35]);
    world.finish().await;
    vhost.drop_now().await;
}
