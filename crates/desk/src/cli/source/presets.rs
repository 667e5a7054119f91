//! `desk source presets`

use clap::Args;

use super::{Answer, output};
use crate::actions::presets::{self, PresetView};

/// List the platforms whose webhooks Bellhop can read, and what each reports
///
/// A source's file names one as platform = "lodgify". "ids only" means that webhooks of the platform name a booking and say
/// little more: the file then needs a fetch section. The page named last says how to connect the platform.
///
/// Needs no settings.
///
/// Examples:
///   desk source presets
///   desk source presets --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let found = presets::list()?;
    output::print_list(&found, arguments.json, "no presets", HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 4] = ["preset", "tells", "page", "events"];

fn row(preset: &PresetView) -> [String; 4] {
    [
        preset.name.to_owned(),
        if preset.ids_only { "ids only" } else { "" }.to_owned(),
        preset.page.clone(),
        preset.event_types.join(", "),
    ]
}
