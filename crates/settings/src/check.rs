//! What a person is told who asks whether the files are good.

use std::collections::BTreeSet;
use std::path::Path;

use crypto::secret::Places;

use crate::files::Files;
use crate::finding::{Finding, Severity};
use crate::folder::{Kind, UnreadableFolder};
use crate::resolve::Resolve;

/// Reads every file and tells everything that is wrong or unwise, in the order of files and lines.
///
/// With [`Resolve::Nothing`] references to secrets are read, but not followed.
pub fn check(folder: &Path, resolve: Resolve, places: &Places<'_>) -> Result<Vec<Finding>, UnreadableFolder> {
    let mut files = Files::new(folder.to_owned(), resolve);
    files.read(places)?;
    let mut findings = files.findings();
    let resorts: BTreeSet<&str> = files
        .held()
        .filter(|(name, _)| name.kind == Kind::Resort)
        .map(|(name, _)| name.stem.as_str())
        .collect();
    for (name, held) in files.held() {
        let unknown = held
            .named_resorts
            .iter()
            .filter(|(_, resort)| !resorts.contains(resort.as_str()));
        findings.extend(unknown.map(|(line, resort)| Finding {
            file: name.to_string(),
            line: *line,
            severity: Severity::Warning,
            text: format!("resorts names {resort}, which has no file"),
        }));
    }
    findings.sort();
    Ok(findings)
}
