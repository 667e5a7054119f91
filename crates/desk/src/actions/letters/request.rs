//! A platform's request that could not be mapped when it came, mapped again with the files of this moment.
//!
//! What can be mapped is sealed as `ingest` would have sealed it, with the time at which the request came, so that facts and
//! tombstones judge it as of then. Elements that became events at once become the same events again: their ids make them
//! duplicates.

use std::fmt;
use std::time::{Duration, Instant};

use broker::envelope::{Envelope, FETCH};
use broker::publisher::Outgoing;
use broker::sealing::{self, Head};
use crypto::key_ring::KeyRing;
use domain::event::{Event, EventKey, Family};
use domain::ids::{BookingId, EventId, ResortId};
use mapping::{Element, ElementFault, Kept, Mapped, Request, Tools, Verdict};
use serde::Serialize;
use settings::{Snapshot, SourceRules, SourceState};

use crate::actions::context::Context;

/// `ingest` takes at most a tenth of it, since requests wait behind each other there.
const LONGEST: Duration = Duration::from_secs(5);

/// What a request becomes now.
#[derive(Debug, Default)]
pub(super) struct Remapped {
    pub(super) messages: Vec<Outgoing>,
    pub(super) becomes: Vec<Becomes>,
    /// Whether it says something of a cart, and so may bring a reminder.
    pub(super) has_cart: bool,
    /// Why the letter stays open, though other elements of the request may be published.
    pub(super) left: Option<Unmapped>,
}

/// What one element of a request becomes. Nothing of it is personal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Becomes {
    /// An event type, `fetch`, or why it is ignored: `ignored (unmapped_type)`.
    pub(crate) outcome: String,
    pub(crate) resort: Option<String>,
    pub(crate) booking: Option<String>,
}

/// Why a request still is no event.
#[derive(Debug, Clone)]
pub(crate) enum Unmapped {
    Faults(Vec<ElementFault>),
    ResortBroken,
    SourceBroken,
    SourceGone,
    /// Its file has neither `platform` nor `[map]` any more.
    SourceWithoutMapping,
    /// The letter's body cannot be opened or read.
    Unreadable(String),
}

impl Unmapped {
    /// As counts and JSON name it.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Faults(_) => "unmappable",
            Self::ResortBroken => "resort_without_file",
            Self::SourceBroken => "source_broken",
            Self::SourceGone => "source_gone",
            Self::SourceWithoutMapping => "source_without_mapping",
            Self::Unreadable(_) => "unreadable",
        }
    }

    pub(crate) fn faults(&self) -> &[ElementFault] {
        match self {
            Self::Faults(faults) => faults,
            _ => &[],
        }
    }
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                f.write_str(&faults.join(", "))
            }
            Self::ResortBroken => f.write_str("the file of its resort is broken or missing"),
            Self::SourceBroken => f.write_str("the file of its source is broken"),
            Self::SourceGone => f.write_str("its source has no file"),
            Self::SourceWithoutMapping => {
                f.write_str("the file of its source has neither platform nor [map]")
            }
            Self::Unreadable(why) => f.write_str(why),
        }
    }
}

/// Maps the request of an envelope again. What is wrong with it is found in the result.
pub(super) fn remap(context: &Context, envelope: &Envelope) -> Remapped {
    let remapped = open(&context.key_ring, envelope).and_then(|kept| {
        let rules = rules(context.files(), envelope)?;
        map(
            &Work {
                context,
                envelope,
                kept: &kept,
            },
            rules,
        )
    });
    remapped.unwrap_or_else(|left| Remapped {
        left: Some(left),
        ..Remapped::default()
    })
}

fn open(ring: &KeyRing, envelope: &Envelope) -> Result<Kept, Unmapped> {
    let opened = ring.open(&envelope.sealed, &envelope.identity());
    let opened = opened.map_err(|error| Unmapped::Unreadable(error.to_string()))?;
    // The parser's error is dropped: it may quote personal data.
    serde_json::from_slice(&opened)
        .map_err(|_| Unmapped::Unreadable("the sealed body is not a request".to_owned()))
}

fn rules<'f>(files: &'f Snapshot, envelope: &Envelope) -> Result<&'f SourceRules, Unmapped> {
    match (
        files.source_rules(&envelope.source),
        files.source(&envelope.source),
    ) {
        (Some(rules), _) => Ok(rules),
        (None, SourceState::Broken) => Err(Unmapped::SourceBroken),
        (None, _) => Err(Unmapped::SourceGone),
    }
}

struct Work<'w> {
    context: &'w Context,
    envelope: &'w Envelope,
    kept: &'w Kept,
}

fn map(work: &Work<'_>, rules: &SourceRules) -> Result<Remapped, Unmapped> {
    let mapping = rules.mapping.as_ref().ok_or(Unmapped::SourceWithoutMapping)?;
    let (ring, files) = (&*work.context.key_ring, work.context.files());
    let began_at = Instant::now();
    let tools = Tools {
        keyed_hash: &|text| ring.lookup(text),
        is_late: &|| began_at.elapsed() > LONGEST,
    };
    let request = Request::new(&rules.id, work.kept, None, tools);
    let elements = match mapping.map(&request, &|resort| files.standing(rules, resort)) {
        Mapped::Elements(elements) => elements,
        Mapped::Unmappable(fault) => {
            let fault = ElementFault { element: None, fault };
            return Err(Unmapped::Faults(vec![fault]));
        }
    };
    if elements
        .iter()
        .any(|element| matches!(element.verdict, Verdict::ResortUnavailable))
    {
        return Err(Unmapped::ResortBroken);
    }
    let mut remapped = Remapped::default();
    for element in &elements {
        work.add(element, &request, &mut remapped)?;
    }
    let faults = mapping::faults(&elements);
    remapped.left = (!faults.is_empty()).then_some(Unmapped::Faults(faults));
    Ok(remapped)
}

impl Work<'_> {
    fn add(&self, element: &Element, request: &Request<'_>, to: &mut Remapped) -> Result<(), Unmapped> {
        match &element.verdict {
            Verdict::Event(event) => {
                to.messages.push(self.seal(self.head_of(event), &**event)?);
                to.has_cart |= event.event_type.family() == Family::Cart;
                let (kind, booking) = (event.event_type.as_str(), event.booking.as_ref());
                to.becomes.push(Becomes::new(kind, Some(&event.resort), booking));
            }
            Verdict::Fetch { booking, resort, .. } => {
                let kept = Kept {
                    element: Some(element.index),
                    ..self.kept.clone()
                };
                let id = EventId::parse(&request.fetch_id(element.index));
                let key = EventKey {
                    source: self.envelope.source.clone(),
                    id: id.map_err(|error| Unmapped::Unreadable(error.to_string()))?,
                };
                let head = Head {
                    resort: Some(resort.clone()),
                    booking: Some(booking.clone()),
                    ..Head::new(
                        key,
                        FETCH,
                        self.kept.received_at,
                        self.envelope.request_id.clone(),
                    )
                };
                to.messages.push(self.seal(head, &kept)?);
                to.becomes.push(Becomes::new(FETCH, Some(resort), Some(booking)));
            }
            Verdict::Ignored(why) => {
                let outcome = format!("ignored ({})", why.as_str());
                to.becomes
                    .push(Becomes::new(&outcome, element.seen.resort.as_ref(), None));
            }
            Verdict::Unmappable(_) | Verdict::ResortUnavailable => {}
        }
        Ok(())
    }

    fn head_of(&self, event: &Event) -> Head {
        let guest = self.context.files().phone_number(event);
        Head::of_event(
            event,
            guest,
            self.kept.received_at,
            self.envelope.request_id.clone(),
        )
    }

    fn seal(&self, head: Head, body: &impl Serialize) -> Result<Outgoing, Unmapped> {
        sealing::seal(&self.context.key_ring, head, body)
            .map_err(|_| Unmapped::Unreadable("it has no JSON form".to_owned()))
    }
}

impl Becomes {
    fn new(outcome: &str, resort: Option<&ResortId>, booking: Option<&BookingId>) -> Self {
        Self {
            outcome: outcome.to_owned(),
            resort: resort.map(ToString::to_string),
            booking: booking.map(ToString::to_string),
        }
    }
}

impl fmt::Display for Becomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outcome)?;
        match (&self.resort, &self.booking) {
            (Some(resort), Some(booking)) => write!(f, " {resort}/{booking}"),
            (Some(resort), None) => write!(f, " {resort}"),
            _ => Ok(()),
        }
    }
}
