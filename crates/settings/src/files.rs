//! The last reading and the last good version of every file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crypto::secret::{FileText, Places, Secret};
use domain::error_chain::chain;
use domain::ids::{ResortId, SourceId};
use domain::resort::Resort;

use crate::access::Access;
use crate::document::Note;
use crate::finding::{Changes, Finding, Severity};
use crate::folder::{self, Contents, FileName, Kind, UnreadableFolder};
use crate::resolve::{Reference, Resolve};
use crate::source::GoodSource;
use crate::{resort_file, source_file};

pub(crate) struct Files {
    folder: PathBuf,
    resolve: Resolve,
    held: BTreeMap<FileName, Held>,
    folder_problem: Option<Finding>,
}

#[derive(Default)]
pub(crate) struct Held {
    /// The last reading; `None` if the file could not be read.
    file: Option<FileText>,
    secrets: Vec<Secret>,
    pub(crate) good: Option<Good>,
    pub(crate) findings: Vec<Finding>,
    /// The resorts that a source names, with their lines.
    pub(crate) named_resorts: Vec<(usize, ResortId)>,
    /// The ids of the keys that sealed its secrets.
    pub(crate) sealed_under: BTreeSet<String>,
}

pub(crate) enum Good {
    Resort(Arc<Resort>, Access),
    Source(GoodSource),
}

impl Files {
    pub(crate) fn new(folder: PathBuf, resolve: Resolve) -> Self {
        Self {
            folder,
            resolve,
            held: BTreeMap::new(),
            folder_problem: None,
        }
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = (&FileName, &Held)> {
        self.held.iter()
    }

    /// All findings about the files.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let of_files = self.held.values().flat_map(|held| held.findings.iter());
        self.folder_problem.iter().chain(of_files).cloned().collect()
    }

    /// Reads the folder again. If that fails, nothing changes.
    pub(crate) fn read(&mut self, places: &Places<'_>) -> Result<Changes, UnreadableFolder> {
        let found = folder::read(&self.folder, |kind| {
            self.held.keys().any(|name| name.kind == kind)
        })?;
        let mut changes = Changes::default();
        self.folder_problem = None;
        self.held.retain(|name, _| {
            let stays = found.contains_key(name);
            if !stays {
                changes.removed.push(name.to_string());
            }
            stays
        });
        for (name, contents) in found {
            let held = self.held.entry(name.clone()).or_default();
            held.update(&name, contents, self.resolve, places, &mut changes);
        }
        Ok(changes)
    }

    /// Reads the folder again; if that fails, the failure becomes a finding.
    pub(crate) fn read_or_note(&mut self, places: &Places<'_>) -> Changes {
        let had_problem = self.folder_problem.is_some();
        self.read(places).unwrap_or_else(|error| {
            let problem = Finding {
                file: error.path.display().to_string(),
                line: 1,
                severity: Severity::Error,
                text: chain(&error),
            };
            self.folder_problem = Some(problem.clone());
            let refused = if had_problem { Vec::new() } else { vec![problem] };
            Changes {
                refused,
                ..Changes::default()
            }
        })
    }
}

impl Held {
    /// Whether the last reading was rejected.
    pub(crate) fn is_broken(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// The line of a table's header, or of the first of its keys, counted from 1.
    pub(crate) fn line_of(&self, table: &str) -> Option<usize> {
        let text = self.file.as_ref()?.text.reveal();
        let header = [format!("[{table}]"), format!("{table}."), format!("{table} ")];
        let line = text.lines().position(|line| {
            let line = line.trim_start();
            header.iter().any(|header| line.starts_with(header.as_str()))
        });
        line.map(|line| line + 1)
    }

    fn update(
        &mut self,
        name: &FileName,
        contents: Contents,
        resolve: Resolve,
        places: &Places<'_>,
        changes: &mut Changes,
    ) {
        // An unchanged file is interpreted again if a secret is in a file of its own, which may have changed, or if
        // the file was broken: a secret that was missing may exist now.
        let (now, before) = (contents.as_ref().ok(), self.file.as_ref());
        let both = now.zip(before);
        let same_text = both.is_some_and(|(now, before)| now.text.reveal() == before.text.reveal());
        let same_readers =
            both.is_some_and(|(now, before)| now.readable_by_others == before.readable_by_others);
        let names_files = now.is_some_and(|file| file.text.reveal().contains("file:"));
        if same_text && same_readers && !names_files && !self.is_broken() {
            return;
        }
        let reading = Reading::of(name, contents, resolve, places);
        for finding in reading
            .findings
            .iter()
            .filter(|finding| !self.findings.contains(finding))
        {
            match finding.severity {
                Severity::Error => changes.refused.push(finding.clone()),
                Severity::Warning => changes.warnings.push(finding.clone()),
            }
        }
        let was_broken = self.is_broken();
        let same_secrets = self
            .secrets
            .iter()
            .map(Secret::reveal)
            .eq(reading.secrets.iter().map(Secret::reveal));
        self.file = reading.file;
        self.findings = reading.findings;
        if self.is_broken() || (same_text && same_secrets && !was_broken) {
            return;
        }
        self.secrets = reading.secrets;
        self.good = reading.good;
        self.named_resorts = reading.named_resorts;
        self.sealed_under = reading.sealed_under;
        changes.applied.push(name.to_string());
    }
}

/// The result of one reading of one file.
#[derive(Default)]
struct Reading {
    file: Option<FileText>,
    secrets: Vec<Secret>,
    good: Option<Good>,
    findings: Vec<Finding>,
    named_resorts: Vec<(usize, ResortId)>,
    sealed_under: BTreeSet<String>,
}

impl Reading {
    fn of(name: &FileName, contents: Contents, resolve: Resolve, places: &Places<'_>) -> Self {
        let mut reading = Self::default();
        let mut notes = match contents {
            Ok(file) => {
                let notes = reading.interpret(name, &file, resolve, places);
                reading.file = Some(file);
                notes
            }
            Err(error) => vec![whole_file(format!("cannot be read: {error}"))],
        };
        notes.sort_by_key(|note| note.line);
        let file = name.to_string();
        let finding = |note: Note| Finding {
            file: file.clone(),
            line: note.line,
            severity: note.severity,
            text: note.text,
        };
        reading.findings = notes.into_iter().map(finding).collect();
        reading
    }

    fn interpret(
        &mut self,
        name: &FileName,
        contents: &FileText,
        resolve: Resolve,
        places: &Places<'_>,
    ) -> Vec<Note> {
        // The name becomes part of URLs, log lines and command lines.
        let good_name = name
            .stem
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        match (
            name.kind,
            ResortId::parse(&name.stem),
            SourceId::parse(&name.stem),
        ) {
            (Kind::Resort, Ok(id), _) if good_name => self.resort(&id, contents, resolve, places),
            (Kind::Source, _, Ok(id)) if good_name => self.source(&id, contents, resolve, places),
            _ => vec![whole_file(
                "the file's name may hold letters a to z, digits, - _ and . only".to_owned(),
            )],
        }
    }

    fn resort(
        &mut self,
        id: &ResortId,
        contents: &FileText,
        resolve: Resolve,
        places: &Places<'_>,
    ) -> Vec<Note> {
        let (file, mut notes) = resort_file::read(id, contents.text.reveal());
        if let Some(file) = file {
            notes.extend(file.secrets().filter_map(|secret| secret.lies_open(contents)));
            self.sealed_under = file.secrets().filter_map(Reference::key_id).collect();
            let (resort, access, secrets) = file.resolve(resolve, places, &mut notes);
            self.secrets = secrets;
            self.good = Some(Good::Resort(Arc::new(resort), access));
        }
        notes
    }

    fn source(
        &mut self,
        id: &SourceId,
        contents: &FileText,
        resolve: Resolve,
        places: &Places<'_>,
    ) -> Vec<Note> {
        let (file, mut notes) = source_file::read(id, contents.text.reveal());
        if let Some(mut file) = file {
            self.named_resorts = std::mem::take(&mut file.named_resorts);
            notes.extend(file.secrets().filter_map(|secret| secret.lies_open(contents)));
            self.sealed_under = file.sealed_under();
            if let Some((source, secrets)) = file.resolve(resolve, places, &mut notes) {
                self.secrets = secrets;
                self.good = Some(Good::Source(source));
            }
        }
        notes
    }
}

fn whole_file(text: String) -> Note {
    Note {
        line: 1,
        severity: Severity::Error,
        text,
    }
}
