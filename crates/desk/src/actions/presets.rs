//! The presets of platforms: what each can report.

use domain::event::EventType;
use mapping::presets;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct PresetView {
    pub(crate) name: &'static str,
    pub(crate) event_types: Vec<&'static str>,
    /// Its webhooks name bookings only, at least some of them: `[fetch]` asks the platform for the rest.
    pub(crate) ids_only: bool,
    /// What to read before the platform is connected.
    pub(crate) page: String,
}

/// A preset that ships and cannot be read; a defect.
#[derive(Debug, thiserror::Error)]
#[error("the preset {name} is broken: {problem}")]
pub(crate) struct BrokenPreset {
    pub(crate) name: &'static str,
    pub(crate) problem: String,
}

/// All presets, by name.
pub(crate) fn list() -> Result<Vec<PresetView>, BrokenPreset> {
    presets::ALL.iter().copied().map(view).collect()
}

fn view(preset: presets::Preset) -> Result<PresetView, BrokenPreset> {
    let definition = settings::definition_of(preset).map_err(|problem| BrokenPreset {
        name: preset.name,
        problem,
    })?;
    Ok(PresetView {
        name: preset.name,
        event_types: definition
            .event_types()
            .into_iter()
            .map(EventType::as_str)
            .collect(),
        ids_only: definition.fetches(),
        page: format!("docs/platforms/{}.md", preset.name),
    })
}
