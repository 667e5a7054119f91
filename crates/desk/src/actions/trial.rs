//! What a source would make of a request, field by field. The request is the person's own sample, so its values are shown.
//!
//! The source is one of the files or, where none has that name, a preset. A source without a mapping is tried too: its
//! requests are checked as they are.

mod view;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::Utc;
use chrono_tz::Tz;
use crypto::key_ring::KeyRing;
use domain::country::Country;
use domain::ids::{ResortId, SourceId};
use foreign_json::Document;
use mapping::check::{self, Checked, Locale, OptionalFields, Rules, Standing, UnknownTypes};
use mapping::{Kept, Mapping, Request, ResortOf, Tools, presets};
use serde_json::Value as Json;
use settings::{ResortState, Snapshot, SourceRules, SourceState};

use super::names;
use super::presets::BrokenPreset;
pub(crate) use view::{ElementView, FieldView, Outcome, Trial};

/// As long as `ingest` maps one request.
const LONGEST: Duration = Duration::from_millis(500);
/// Where a preset is tried without any resort.
const NO_RESORT: &str = "my-resort";
const NO_COUNTRY: &str = "GB";

/// A request that a person has.
pub(crate) struct Sample {
    pub(crate) body: Json,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, String>,
    /// What the platform answered when it was asked for more.
    pub(crate) fetched: Option<Json>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error("the file of the source {0} is broken: desk config check says where")]
    Broken(SourceId),
    #[error("there is neither a source nor a preset {name}; the nearest: {}", .nearest.join(", "))]
    Unknown { name: SourceId, nearest: Vec<String> },
    #[error("{0} is a source, whose file names its resorts: --resort is for a preset")]
    ResortOfSource(SourceId),
    #[error("the resort {0} has no file that can be read")]
    ResortUnknown(ResortId),
    #[error(transparent)]
    Preset(#[from] BrokenPreset),
    /// A defect of ours.
    #[error("cannot name what stands for a resort")]
    Placeholder,
}

/// What is needed beside the sample.
pub(crate) struct Bench<'b> {
    /// Without them only presets can be tried.
    pub(crate) files: Option<&'b Snapshot>,
    /// Without it an event has no id where the platform gives none.
    pub(crate) key_ring: Option<&'b KeyRing>,
}

impl Bench<'_> {
    /// Tries a sample. For a preset, `resort` says where it is read; by default at the first resort.
    pub(crate) fn run(
        &self,
        source: &SourceId,
        resort: Option<&ResortId>,
        sample: Sample,
    ) -> Result<Trial, TrialError> {
        if let Some(files) = self.files {
            match (files.source_rules(source), resort) {
                (Some(rules), None) => return Ok(self.of_source(files, rules, sample)),
                (Some(_), Some(_)) => return Err(TrialError::ResortOfSource(source.clone())),
                (None, _) => {}
            }
            if matches!(files.source(source), SourceState::Broken) {
                return Err(TrialError::Broken(source.clone()));
            }
        }
        self.of_preset(source, resort, sample)
    }

    fn of_source(&self, files: &Snapshot, rules: &SourceRules, mut sample: Sample) -> Trial {
        let standing = |resort: &ResortId| files.standing(rules, resort);
        let Some(mapping) = &rules.mapping else {
            return own_format(rules, &sample, &standing);
        };
        // As in ingest: what may hold a credential is not there for expressions.
        sample.headers.retain(|name, _| rules.may_read(name));
        sample
            .query
            .retain(|name, _| rules.may_read(&name.to_ascii_lowercase()));
        self.map(mapping, &rules.id, sample, &standing)
    }

    fn of_preset(
        &self,
        source: &SourceId,
        resort: Option<&ResortId>,
        sample: Sample,
    ) -> Result<Trial, TrialError> {
        let preset = presets::find(source.as_str()).ok_or_else(|| self.unknown(source))?;
        let (resort, locale) = self.place(resort)?;
        let definition = settings::definition_of(preset).map_err(|problem| BrokenPreset {
            name: preset.name,
            problem,
        })?;
        let mapping = Mapping {
            can_fetch: definition.fetches(),
            definition,
            resort: ResortOf::One(resort),
        };
        let standing = |_: &ResortId| Standing::Allowed {
            link_hosts: None,
            locale,
        };
        Ok(self.map(&mapping, source, sample, &standing))
    }

    fn unknown(&self, name: &SourceId) -> TrialError {
        let presets = presets::ALL.iter().map(|preset| preset.name.to_owned());
        let sources = self.files.into_iter().flat_map(Snapshot::all_source_rules);
        let known = presets.chain(sources.map(|rules| rules.id.to_string()));
        TrialError::Unknown {
            nearest: names::nearest(name.as_str(), known),
            name: name.clone(),
        }
    }

    fn place(&self, resort: Option<&ResortId>) -> Result<(ResortId, Locale), TrialError> {
        let found = match (self.files, resort) {
            (Some(files), Some(id)) => match files.resort_state(id) {
                ResortState::Good(resort) => Some(resort),
                ResortState::Broken | ResortState::Unknown => {
                    return Err(TrialError::ResortUnknown(id.clone()));
                }
            },
            (Some(files), None) => files.resorts().next().cloned(),
            (None, _) => None,
        };
        if let Some(found) = found {
            let locale = Locale {
                time_zone: found.time_zone,
                country: found.country,
            };
            return Ok((found.id.clone(), locale));
        }
        let country = Country::parse(NO_COUNTRY).map_err(|_| TrialError::Placeholder)?;
        let id = match resort {
            Some(resort) => resort.clone(),
            None => ResortId::parse(NO_RESORT).map_err(|_| TrialError::Placeholder)?,
        };
        let locale = Locale {
            time_zone: Tz::UTC,
            country,
        };
        Ok((id, locale))
    }

    fn map<'a>(
        &self,
        mapping: &Mapping,
        source: &SourceId,
        sample: Sample,
        standing: &dyn Fn(&ResortId) -> Standing<'a>,
    ) -> Trial {
        let began_at = Instant::now();
        let tools = Tools {
            keyed_hash: &|text| self.key_ring.map_or([0; 32], |ring| ring.lookup(text)),
            is_late: &|| began_at.elapsed() > LONGEST,
        };
        let kept = Kept {
            body: Document::from(&sample.body),
            headers: sample.headers,
            query: sample.query,
            received_at: Utc::now(),
            body_hash: None,
            element: None,
        };
        let fetched = sample.fetched.as_ref().map(Document::from);
        let request = Request::new(source, &kept, fetched.as_ref(), tools);
        let mapped = mapping.map(&request, standing);
        Trial::of_mapped(source, mapping, &mapped, self.key_ring.is_some())
    }
}

/// The check of a source that speaks our format.
fn own_format<'a>(
    rules: &SourceRules,
    sample: &Sample,
    standing: &dyn Fn(&ResortId) -> Standing<'a>,
) -> Trial {
    let unknown_types = if rules.strict {
        UnknownTypes::Refuse
    } else {
        UnknownTypes::Ignore
    };
    let (_, checked): (_, Checked) = check::check(
        &sample.body,
        &Rules {
            source: &rules.id,
            signed_id: sample.headers.get("webhook-id").map(String::as_str),
            unknown_types,
            optional_fields: OptionalFields::Refuse,
            standing,
        },
    );
    Trial::of_checked(&rules.id, &checked)
}
