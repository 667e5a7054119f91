//! What a trial found, as commands show it.

use domain::event::Event;
use domain::ids::SourceId;
use mapping::check::Checked;
use mapping::{Element, Fault, Field, Mapped, Mapping, Reading, ResortOf, Target, Verdict, own_format};
use serde::Serialize;
use serde_json::Value as Json;

/// What a source would make of a request. It holds the sample's values.
#[derive(Debug, Serialize)]
pub(crate) struct Trial {
    pub(crate) source: String,
    /// `false`: the source speaks our own format, and there are no fields.
    pub(crate) is_mapped: bool,
    pub(crate) elements: Vec<ElementView>,
    /// Why the request as a whole cannot be used.
    pub(crate) fault: Option<String>,
}

/// One event of the request.
#[derive(Debug, Serialize)]
pub(crate) struct ElementView {
    /// Counted from 0.
    pub(crate) index: usize,
    /// What the rows of `when` looked at.
    pub(crate) words: Vec<String>,
    /// The row that matched, counted from 1.
    pub(crate) row: Option<usize>,
    /// Its patterns and its type.
    pub(crate) when: Option<Vec<String>>,
    pub(crate) fields: Vec<FieldView>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Serialize)]
pub(crate) struct FieldView {
    pub(crate) field: &'static str,
    pub(crate) expression: Option<String>,
    /// What the expression gave; null also where it failed.
    pub(crate) found: Json,
    pub(crate) cast: Json,
    /// `ok`, `missing`, or what is wrong.
    pub(crate) verdict: String,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Outcome {
    Event {
        event: Json,
        /// The event has an id that Bellhop makes; without keys it is left out.
        id_is_made: bool,
    },
    Ignored {
        reason: &'static str,
    },
    Fetch {
        resort: String,
        booking: String,
    },
    Unmappable {
        faults: Vec<String>,
    },
    /// The file of its resort is broken or missing.
    ResortUnavailable,
}

impl Trial {
    pub(super) fn of_mapped(source: &SourceId, mapping: &Mapping, mapped: &Mapped, has_keys: bool) -> Self {
        let (elements, fault) = match mapped {
            Mapped::Elements(elements) => (elements.as_slice(), None),
            Mapped::Unmappable(fault) => ([].as_slice(), Some(fault.to_string())),
        };
        Self {
            source: source.to_string(),
            is_mapped: true,
            elements: elements
                .iter()
                .map(|element| view(element, mapping, has_keys))
                .collect(),
            fault,
        }
    }

    pub(super) fn of_checked(source: &SourceId, checked: &Checked) -> Self {
        let outcome = match checked {
            Checked::Event(event) => Outcome::Event {
                event: own_format::write(event),
                id_is_made: false,
            },
            Checked::Ignored => Outcome::Ignored {
                reason: "unknown type",
            },
            Checked::Invalid(errors) => Outcome::Unmappable {
                faults: errors
                    .iter()
                    .map(|error| Fault::from(*error).to_string())
                    .collect(),
            },
            Checked::NotAnObject => Outcome::Unmappable {
                faults: vec!["the body is no JSON object".to_owned()],
            },
            Checked::ResortUnavailable => Outcome::ResortUnavailable,
        };
        let element = ElementView {
            index: 0,
            words: Vec::new(),
            row: None,
            when: None,
            fields: Vec::new(),
            outcome,
        };
        Self {
            source: source.to_string(),
            is_mapped: false,
            elements: vec![element],
            fault: None,
        }
    }

    /// Whether any of it would be refused.
    pub(crate) fn is_refused(&self) -> bool {
        let refused = |element: &ElementView| {
            matches!(
                element.outcome,
                Outcome::Unmappable { .. } | Outcome::ResortUnavailable
            )
        };
        self.fault.is_some() || self.elements.iter().any(refused)
    }
}

fn view(element: &Element, mapping: &Mapping, has_keys: bool) -> ElementView {
    let row = element.row.and_then(|row| mapping.definition.when.get(row));
    let when = row.map(|row| {
        let target = std::iter::once(target(row.target).to_owned());
        row.patterns.iter().cloned().chain(target).collect()
    });
    ElementView {
        index: element.index,
        words: element.words.clone(),
        row: element.row.map(|row| row + 1),
        when,
        fields: element
            .readings
            .iter()
            .map(|reading| field(reading, element, mapping))
            .collect(),
        outcome: outcome(element, has_keys),
    }
}

fn target(target: Target) -> &'static str {
    match target {
        Target::Event(event_type) => event_type.as_str(),
        Target::Fetch => "fetch",
        Target::Ignored => "ignored",
        Target::Ping => "ping",
    }
}

fn field(reading: &Reading, element: &Element, mapping: &Mapping) -> FieldView {
    let expression = match (&mapping.resort, reading.field) {
        (ResortOf::Expression(expression), Field::Resort)
        | (ResortOf::Property { expression, .. }, Field::Property) => Some(expression),
        _ => mapping.definition.fields.get(&reading.field),
    };
    let found = reading
        .found
        .as_ref()
        .ok()
        .and_then(|found| serde_json::to_value(found).ok());
    let cast = reading.cast.as_ref().ok().cloned().flatten();
    FieldView {
        field: reading.field.path(),
        expression: expression.map(|expression| expression.text().to_owned()),
        verdict: verdict(reading, cast.as_ref(), element),
        found: found.unwrap_or_default(),
        cast: cast.unwrap_or_default(),
    }
}

fn verdict(reading: &Reading, cast: Option<&Json>, element: &Element) -> String {
    let path = reading.field.path();
    if let Verdict::Unmappable(faults) = &element.verdict
        && let Some(fault) = faults.iter().find(|fault| fault.field == path)
    {
        return format!("refused: {}", fault.cause);
    }
    if let Err(cause) = &reading.cast {
        return format!("missing: {cause}");
    }
    if let Some(dropped) = element.seen.dropped.iter().find(|dropped| dropped.field == path) {
        return format!("missing: {}", dropped.problem.as_str());
    }
    match (cast, reading.field) {
        (Some(_), Field::Property) if matches!(element.verdict, Verdict::Ignored(_)) => {
            "not in [properties]".to_owned()
        }
        (Some(_), _) => "ok".to_owned(),
        (None, Field::Id) => "missing: Bellhop makes one".to_owned(),
        (None, Field::OccurredAt) => "missing: the time of arrival".to_owned(),
        (None, _) => "missing".to_owned(),
    }
}

fn outcome(element: &Element, has_keys: bool) -> Outcome {
    match &element.verdict {
        Verdict::Event(event) => of_event(event, element, has_keys),
        Verdict::Ignored(why) => Outcome::Ignored { reason: why.as_str() },
        Verdict::Fetch { booking, resort, .. } => Outcome::Fetch {
            resort: resort.to_string(),
            booking: booking.to_string(),
        },
        Verdict::Unmappable(faults) => Outcome::Unmappable {
            faults: faults.iter().map(ToString::to_string).collect(),
        },
        Verdict::ResortUnavailable => Outcome::ResortUnavailable,
    }
}

fn of_event(event: &Event, element: &Element, has_keys: bool) -> Outcome {
    let mut written = own_format::write(event);
    let id = element.readings.iter().find(|reading| reading.field == Field::Id);
    let is_given = id.is_some_and(|reading| matches!(reading.cast, Ok(Some(_))));
    if !is_given
        && !has_keys
        && let Some(object) = written.as_object_mut()
    {
        object.remove("id");
    }
    Outcome::Event {
        event: written,
        id_is_made: !is_given,
    }
}
