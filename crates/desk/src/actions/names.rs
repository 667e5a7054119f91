//! Checks the names that staff type: with a typing error, a pause or a filter would match nothing and report success.
//!
//! A resort is known by its file, a booking or a dead letter; a source by its file or a dead letter; a number by a resort's file, a message or a guest's
//! conversation; a kind of message is built-in, or a moment of a resort's file. Holds and the audit trail do not count: they may repeat an earlier typing error.

use std::collections::BTreeSet;

use domain::ids::{NumberId, ResortId, SourceId, StaffName};
use domain::message::MessageKind;
use domain::resort::Resort;
use domain::spelling;
use settings::{ResortState, Snapshot};
use store::{Store, StoreError, names, staff};

const PROPOSALS: usize = 3;

#[derive(Debug, thiserror::Error)]
pub(crate) enum NameError {
    #[error(transparent)]
    Unknown(UnknownName),
    #[error("cannot look up what the name may mean")]
    Store(#[from] StoreError),
}

/// A name that does not exist, with the existing ones that are spelt most like it.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} {name}{}{hint}", proposal(.nearest))]
pub(crate) struct UnknownName {
    what: &'static str,
    name: String,
    nearest: Vec<String>,
    hint: &'static str,
}

fn proposal(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!("; the nearest that are known: {}", nearest.join(", "))
}

/// Refuses an unknown resort. `files` is `None` where `BELLHOP_CONFIG` is optional and not set.
pub(crate) async fn check_resort(
    store: &Store,
    files: Option<&Snapshot>,
    resort: &ResortId,
) -> Result<(), NameError> {
    let of_file = files.map(|files| files.resort_state(resort));
    if matches!(of_file, Some(ResortState::Good(_) | ResortState::Broken)) {
        return Ok(());
    }
    let mut known = store.run(names::list_resorts).await?;
    known.extend(
        files
            .into_iter()
            .flat_map(Snapshot::resort_ids)
            .map(ToString::to_string),
    );
    check("resort", resort.as_str(), &known, files)
}

/// As [`check_resort`], by the files alone.
pub(crate) fn check_resort_file(files: &Snapshot, resort: &ResortId) -> Result<(), NameError> {
    let known = files.resort_ids().map(ToString::to_string).collect();
    check("resort", resort.as_str(), &known, Some(files))
}

/// Refuses a source that has neither a file nor a letter. WhatsApp's notifications are a source without a file.
pub(crate) async fn check_source(
    store: &Store,
    files: Option<&Snapshot>,
    source: &SourceId,
) -> Result<(), NameError> {
    let of_file = files.map(|files| files.has_source(source));
    if of_file == Some(true) || *source == SourceId::whatsapp() {
        return Ok(());
    }
    let mut known = store.run(names::list_sources).await?;
    let rules = files.into_iter().flat_map(Snapshot::all_source_rules);
    known.extend(rules.map(|rules| rules.id.to_string()));
    check("source", source.as_str(), &known, files)
}

/// Refuses a business number that no resort sends, or ever sent, from.
pub(crate) async fn check_number(
    store: &Store,
    files: Option<&Snapshot>,
    number: &NumberId,
) -> Result<(), NameError> {
    let of_files = || files.into_iter().flat_map(Snapshot::resorts);
    if of_files().any(|resort| resort.number == *number) {
        return Ok(());
    }
    let mut known = store.run(names::list_numbers).await?;
    known.extend(of_files().map(|resort| resort.number.to_string()));
    check("number", number.as_str(), &known, files)
}

/// Refuses a kind of message that is neither built-in nor a moment of a resort.
pub(crate) async fn check_kind(
    store: &Store,
    files: Option<&Snapshot>,
    kind: MessageKind,
) -> Result<(), NameError> {
    let of_files = || files.into_iter().flat_map(Snapshot::resorts);
    let is_of_file = || of_files().any(|resort| resort.moments.contains_key(&kind));
    if MessageKind::BUILT_IN.contains(&kind) || is_of_file() {
        return Ok(());
    }
    let mut known = store.run(names::list_moments).await?;
    let of_files = of_files().flat_map(|resort| resort.moments.keys());
    let kinds = MessageKind::BUILT_IN.iter().chain(of_files);
    known.extend(kinds.map(ToString::to_string));
    check("kind", kind.as_str(), &known, files)
}

/// As [`check_kind`], by the file of one resort: the moments of other resorts do not count.
pub(crate) fn check_kind_of(files: &Snapshot, resort: &Resort, kind: MessageKind) -> Result<(), NameError> {
    let kinds = MessageKind::BUILT_IN.iter().chain(resort.moments.keys());
    // What staff answer is written by them, not by the file.
    let of_file = kinds.filter(|kind| **kind != MessageKind::StaffAnswer);
    let known = of_file.map(ToString::to_string).collect();
    check("kind", kind.as_str(), &known, Some(files))
}

/// Refuses a name that no present or former member of the staff has.
pub(crate) async fn check_member(store: &Store, name: &StaffName) -> Result<(), NameError> {
    let members = store.run(staff::list).await?;
    let known: BTreeSet<String> = members.into_iter().map(|member| member.name).collect();
    if known.contains(name.as_str()) {
        return Ok(());
    }
    Err(NameError::Unknown(UnknownName {
        what: "member of the staff",
        nearest: nearest(name.as_str(), known),
        name: name.to_string(),
        hint: "",
    }))
}

fn check(
    what: &'static str,
    name: &str,
    known: &BTreeSet<String>,
    files: Option<&Snapshot>,
) -> Result<(), NameError> {
    if known.contains(name) {
        return Ok(());
    }
    Err(NameError::Unknown(UnknownName {
        what,
        name: name.to_owned(),
        nearest: nearest(name, known.iter().map(String::as_str)),
        hint: match files {
            Some(_) => "",
            None => "; set BELLHOP_CONFIG to have the files count too",
        },
    }))
}

/// The three names that are spelt most like `name`, the closest first.
pub(crate) fn nearest(name: &str, known: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let known: Vec<String> = known.into_iter().map(Into::into).collect();
    let nearest = spelling::by_likeness(name, known.iter().map(String::as_str)).into_iter();
    nearest
        .take(PROPOSALS)
        .map(|(known, _)| known.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_names_are_proposed_first() {
        let known = ["harbour-inn", "azure-bay", "azure-hill", "alpine-lodge"];

        assert_eq!(
            nearest("azure-bai", known),
            ["azure-bay", "azure-hill", "harbour-inn"]
        );
        assert_eq!(nearest("azrue-bay", known)[0], "azure-bay");
        assert_eq!(nearest("x", [""; 0]), [""; 0]);
    }
}
