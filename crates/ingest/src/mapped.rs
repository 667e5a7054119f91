//! What a request in a platform's own words is, and what is published of it.
//!
//! Platforms mend no payload after a 400: they switch their webhook off. So an authentic request is always a 200: events, a
//! dead letter that asks a person, or nothing to act on. A 400 is for what is no JSON.

mod received;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, web};
use crypto::key_ring::KeyRing;
use domain::phone_number::PhoneNumber;
use futures_util::future::try_join_all;
use mapping::{Element, Fault, Ignored, Kept, Mapped, Verdict, own_format};
use serde_json::{Value, json};
use service::crash;
use settings::{Snapshot, Source, SourceRules};

use crate::answer::Answer;
use crate::events::{EventError, Incomplete};
use crate::problem::Problem;
use crate::request_log::Entry;
use crate::state::Ingest;

pub(crate) use received::{Received, read};

/// How long the mapping of one request may take.
const LONGEST: Duration = Duration::from_millis(500);
/// How many events of one request may wait for their confirmation at once; other requests need places too.
const IN_FLIGHT: usize = 100;

/// Maps a request and publishes what came of it. All of it is confirmed before the answer.
pub(crate) async fn take(
    request: &HttpRequest,
    received: Received,
    settings: Arc<Snapshot>,
    source: Arc<Source>,
    is_dry_run: bool,
    ingest: &Ingest,
    entry: &mut Entry,
) -> Result<Answer, Problem> {
    let (kept, is_long) = match received {
        Received::Ping => return Ok(Answer::PING),
        Received::Challenge(challenge) => return Ok(Answer::Challenge(challenge)),
        Received::Request { kept, is_long } => (Arc::new(kept), is_long),
    };
    let ring = Arc::clone(ingest.events.ring());
    let mapped = if is_long {
        let (kept, settings, source) = (Arc::clone(&kept), Arc::clone(&settings), Arc::clone(&source));
        let work = web::block(move || map(&kept, &settings, &source.rules, &ring));
        work.await.map_err(|_| Problem::Internal)?
    } else {
        map(&kept, &settings, &source.rules, &ring)
    };
    let elements = match mapped {
        Mapped::Elements(elements) => elements,
        Mapped::Unmappable(fault) if is_dry_run => return Ok(Answer::DryRun(vec![unmappable(&[fault])])),
        Mapped::Unmappable(fault) => {
            let kept = whole(request, &kept, &source.rules);
            let lost = Incomplete::unmappable(&source.rules.id, &kept, vec![fault.to_string()]);
            publish_incomplete(lost, ingest, entry).await?;
            return Ok(Answer::Unmappable);
        }
    };
    tell(&elements, &source.rules, ingest, entry);
    if elements
        .iter()
        .any(|element| matches!(element.verdict, Verdict::ResortUnavailable))
    {
        return Err(Problem::ResortUnavailable);
    }
    if is_dry_run {
        return Ok(Answer::DryRun(elements.iter().map(as_json).collect()));
    }
    let is_kept =
        |element: &Element| matches!(element.verdict, Verdict::Fetch { .. } | Verdict::Unmappable(_));
    let kept = if elements.iter().any(is_kept) {
        whole(request, &kept, &source.rules)
    } else {
        kept
    };
    crash::point("ingest.event.checked");
    let answer = publish(&elements, &kept, &settings, &source.rules, ingest, entry).await?;
    crash::point("ingest.event.confirmed");
    Ok(answer)
}

/// With the headers too, which a mended mapping may read.
fn whole(request: &HttpRequest, kept: &Arc<Kept>, rules: &SourceRules) -> Arc<Kept> {
    Arc::new(Kept {
        headers: received::headers(request, rules),
        ..Kept::clone(kept)
    })
}

fn map(kept: &Kept, settings: &Snapshot, rules: &SourceRules, ring: &KeyRing) -> Mapped {
    let began_at = Instant::now();
    let mapped = settings.map(rules, kept, None, ring, &|| began_at.elapsed() > LONGEST);
    mapped.unwrap_or_else(|| Mapped::Elements(Vec::new()))
}

/// Notes and counts what was found, for the log line and the metrics.
fn tell(elements: &[Element], rules: &SourceRules, ingest: &Ingest, entry: &mut Entry) {
    let source = rules.id.as_str();
    for element in elements {
        match &element.verdict {
            Verdict::Event(_) => {
                for field in element.missing() {
                    ingest.metrics.count_missing_field(source, field);
                }
            }
            Verdict::Ignored(Ignored::UnknownProperty) => {
                ingest
                    .unknown_properties
                    .tell(&rules.id, element, entry.request_id);
                ingest
                    .metrics
                    .count_ignored(source, Ignored::UnknownProperty.as_str());
            }
            Verdict::Ignored(why) => ingest.metrics.count_ignored(source, why.as_str()),
            Verdict::Fetch { .. } | Verdict::Unmappable(_) | Verdict::ResortUnavailable => {}
        }
    }
    if let [element] = elements {
        entry.seen = element.seen.clone();
    } else {
        entry.elements = Some(elements.len());
    }
}

async fn publish(
    elements: &[Element],
    kept: &Arc<Kept>,
    settings: &Snapshot,
    rules: &SourceRules,
    ingest: &Ingest,
    entry: &mut Entry,
) -> Result<Answer, Problem> {
    let origin = entry.origin();
    let events = elements.iter().filter_map(|element| match &element.verdict {
        Verdict::Event(event) => Some(event),
        _ => None,
    });
    let events: Vec<_> = events.collect();
    let mut event_ids = Vec::with_capacity(events.len());
    for some in events.chunks(IN_FLIGHT) {
        let publishing = some.iter().map(|event| async move {
            let guest = settings.phone_number(event);
            ingest.events.publish_event(event, guest, origin).await?;
            Ok(event.key.id.to_string())
        });
        let published = try_join_all(publishing).await;
        event_ids.extend(published.map_err(|error: EventError| error.into_problem(entry))?);
    }
    for element in elements {
        if let Verdict::Fetch { booking, resort, .. } = &element.verdict {
            let incomplete =
                Incomplete::fetch(&rules.id, kept, element.index, resort.clone(), booking.clone());
            event_ids.push(publish_incomplete(incomplete, ingest, entry).await?);
        }
    }
    let faults: Vec<String> = mapping::faults(elements)
        .iter()
        .map(ToString::to_string)
        .collect();
    if !faults.is_empty() {
        let mut lost = Incomplete::unmappable(&rules.id, kept, faults);
        lost.guest = guest(elements, settings, entry);
        entry.reason = Some(lost.faults.join(", "));
        publish_incomplete(lost, ingest, entry).await?;
        if event_ids.is_empty() {
            return Ok(Answer::Unmappable);
        }
    }
    if event_ids.is_empty() {
        let why = elements.iter().find_map(|element| match &element.verdict {
            Verdict::Ignored(why) => Some(*why),
            _ => None,
        });
        return Ok(Answer::Ignored {
            reason: why.unwrap_or(Ignored::UnmappedType).as_str(),
        });
    }
    Ok(Answer::Accepted { event_ids })
}

async fn publish_incomplete(
    incomplete: Incomplete<'_>,
    ingest: &Ingest,
    entry: &mut Entry,
) -> Result<String, Problem> {
    let published = ingest.events.publish_incomplete(incomplete, entry.origin()).await;
    published.map_err(|error| error.into_problem(entry))
}

/// The number of the guest whom an unmappable request is about, as far as it was read: an erasure finds the dead letter by it.
fn guest(elements: &[Element], settings: &Snapshot, entry: &Entry) -> Option<PhoneNumber> {
    let resort = entry
        .seen
        .resort
        .as_ref()
        .and_then(|resort| settings.resort(resort));
    let country = resort.map(|resort| resort.country);
    let mut numbers = elements.iter().filter_map(Element::phone);
    numbers.find_map(|number| PhoneNumber::parse(number, country).ok())
}

fn as_json(element: &Element) -> Value {
    match &element.verdict {
        Verdict::Event(event) => json!({ "event": own_format::write(event) }),
        Verdict::Ignored(why) => json!({ "ignored": why.as_str() }),
        Verdict::Fetch { booking, .. } => json!({ "fetch": { "booking": booking.as_str() } }),
        Verdict::Unmappable(faults) => unmappable(faults),
        Verdict::ResortUnavailable => Value::Null,
    }
}

fn unmappable(faults: &[Fault]) -> Value {
    json!({ "unmappable": faults.iter().map(ToString::to_string).collect::<Vec<_>>() })
}
