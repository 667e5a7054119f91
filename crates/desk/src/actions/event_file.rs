//! Events in a file: one JSON value a line, in our own format or as a source's platform sends them, checked as `ingest` checks
//! a webhook. A problem names a line and a field, never a value.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::event::Event;
use domain::ids::{ResortId, SourceId};
use foreign_json::{Charset, Document};
use mapping::check::{self, Checked, OptionalFields, Rules, Standing, UnknownTypes};
use mapping::{Fault, Kept, Mapped, Mapping, Request, Tools, Verdict};
use serde::Serialize;
use serde_json::Value as Json;
use settings::{Snapshot, SourceRules, SourceState};

/// Of an id that is made of an event's content.
const ID_BYTES: usize = 16;

/// One thing that is wrong with a line. Nothing of it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Absent where the line as a whole is wrong.
    pub(crate) field: Option<&'static str>,
    pub(crate) problem: String,
}

/// What one value of a file is.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) events: Vec<Event>,
    pub(crate) problems: Vec<Problem>,
    /// Elements of a platform's payload that its mapping leaves out.
    pub(crate) ignored: usize,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("the file of the source {0} is broken: desk config check says where")]
    Broken(SourceId),
    #[error("there is no source {0}")]
    Unknown(SourceId),
}

/// Reads the values of one file.
pub(crate) struct EventReader<'r> {
    files: &'r Snapshot,
    /// Whose payloads they are; `None`: they are in our format, or their source speaks it.
    mapping: Option<&'r Mapping>,
    /// The source that every event gets.
    source: SourceId,
    /// Events of any other resort are refused.
    only: Option<ResortId>,
    /// Without it an event without an id has one made of its line.
    key_ring: Option<&'r KeyRing>,
    now: DateTime<Utc>,
}

impl<'r> EventReader<'r> {
    /// `written_by` is the source whose platform wrote the values, where they are not in our format.
    pub(crate) fn new(
        files: &'r Snapshot,
        written_by: Option<&SourceId>,
        source: SourceId,
        key_ring: Option<&'r KeyRing>,
        now: DateTime<Utc>,
    ) -> Result<Self, SourceError> {
        let rules: Option<&SourceRules> = match written_by {
            None => None,
            Some(id) => match (files.source_rules(id), files.source(id)) {
                (Some(rules), _) => Some(rules),
                (None, SourceState::Broken) => return Err(SourceError::Broken(id.clone())),
                (None, _) => return Err(SourceError::Unknown(id.clone())),
            },
        };
        Ok(Self {
            files,
            mapping: rules.and_then(|rules| rules.mapping.as_ref()),
            source,
            only: None,
            key_ring,
            now,
        })
    }

    /// Refuses events of any other resort.
    pub(crate) fn only(self, resort: &ResortId) -> Self {
        Self {
            only: Some(resort.clone()),
            ..self
        }
    }

    /// Whether a JSON array is one value rather than a list of events.
    pub(crate) fn is_mapped(&self) -> bool {
        self.mapping.is_some()
    }

    pub(crate) fn read_line(&self, line: usize, text: &[u8]) -> Read {
        match foreign_json::read(text, Charset::UTF_8) {
            Ok(read) => self.read(line, read.value),
            Err(error) => Read::refused(line, error.to_string()),
        }
    }

    pub(crate) fn read(&self, line: usize, value: Json) -> Read {
        match self.mapping {
            Some(mapping) => self.map(line, mapping, value),
            None => self.check(line, &value),
        }
    }

    fn check(&self, line: usize, value: &Json) -> Read {
        let id = self.made_id(line, value);
        let rules = Rules {
            source: &self.source,
            signed_id: Some(&id),
            unknown_types: UnknownTypes::Refuse,
            optional_fields: OptionalFields::Refuse,
            standing: &|resort| self.standing(resort),
        };
        match check::check(value, &rules).1 {
            Checked::Event(event) => Read {
                events: vec![*event],
                ..Read::default()
            },
            Checked::Invalid(errors) => {
                let faults = errors.into_iter().map(Fault::from);
                Read {
                    problems: faults.map(|fault| Problem::of(line, fault)).collect(),
                    ..Read::default()
                }
            }
            Checked::NotAnObject => Read::refused(line, "is no JSON object".to_owned()),
            // Unknown types are refused.
            Checked::Ignored => Read::default(),
            Checked::ResortUnavailable => Read::refused(line, UNAVAILABLE.to_owned()),
        }
    }

    fn map(&self, line: usize, mapping: &Mapping, value: Json) -> Read {
        let tools = Tools {
            keyed_hash: &|text| self.hash(text),
            is_late: &|| false,
        };
        let kept = Kept {
            body: Document::from(&value),
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            received_at: self.now,
            body_hash: None,
            element: None,
        };
        let request = Request::new(&self.source, &kept, None, tools);
        let elements = match mapping.map(&request, &|resort| self.standing(resort)) {
            Mapped::Elements(elements) => elements,
            Mapped::Unmappable(fault) => {
                return Read {
                    problems: vec![Problem::of(line, fault)],
                    ..Read::default()
                };
            }
        };
        let mut read = Read::default();
        for element in elements {
            match element.verdict {
                Verdict::Event(event) => read.events.push(*event),
                Verdict::Ignored(_) => read.ignored += 1,
                Verdict::Fetch { .. } => read.problems.push(Problem::whole(line, ASKS)),
                Verdict::Unmappable(faults) => {
                    let problems = faults.into_iter().map(|fault| Problem::of(line, fault));
                    read.problems.extend(problems);
                }
                Verdict::ResortUnavailable => read.problems.push(Problem::whole(line, UNAVAILABLE)),
            }
        }
        read
    }

    /// The same for each copy of a value, however its fields are ordered. Keyed, since it is made of a guest's data.
    fn made_id(&self, line: usize, value: &Json) -> String {
        if self.key_ring.is_none() {
            return format!("line-{line}");
        }
        let hash = self.hash(&value.to_string());
        let half = hash.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}"));
        half.collect()
    }

    fn hash(&self, text: &str) -> [u8; 32] {
        self.key_ring.map_or([0; 32], |ring| ring.lookup(text))
    }

    fn standing(&self, resort: &ResortId) -> Standing<'_> {
        if self.only.as_ref().is_some_and(|only| only != resort) {
            return Standing::NotAllowed;
        }
        self.files.standing_at(resort)
    }
}

const UNAVAILABLE: &str = "the file of its resort is broken";
const ASKS: &str = "the platform would be asked for more, which a file cannot be";

impl Read {
    fn refused(line: usize, problem: String) -> Self {
        Self {
            problems: vec![Problem {
                line,
                field: None,
                problem,
            }],
            ..Self::default()
        }
    }
}

impl Problem {
    pub(crate) fn whole(line: usize, problem: impl Into<String>) -> Self {
        Self {
            line,
            field: None,
            problem: problem.into(),
        }
    }

    fn of(line: usize, fault: Fault) -> Self {
        Self {
            line,
            field: Some(fault.field),
            problem: fault.cause.to_string(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field {
            Some(field) => write!(f, "line {}: {field}: {}", self.line, self.problem),
            None => write!(f, "line {}: {}", self.line, self.problem),
        }
    }
}
