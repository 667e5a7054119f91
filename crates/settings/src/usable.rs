//! Whether a process can work with its files.

use crate::snapshot::Snapshot;

/// Which files a process cannot work without.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    Resorts,
    /// Those of resorts too.
    Sources,
}

impl Needs {
    const fn folder(self) -> &'static str {
        match self {
            Self::Resorts => "resorts",
            Self::Sources => "sources",
        }
    }
}

impl Snapshot {
    /// What a process that needs these files says of itself: an error where it has none that it can work with; else what is wrong with
    /// single ones. One resort's mistake must not take a process away from all others.
    pub fn usable(&self, needs: Needs) -> Result<Option<String>, String> {
        let (folder, are_there) = match needs {
            Needs::Resorts => ("resorts/", self.resorts().next().is_some()),
            Needs::Sources => ("", self.sources().next().is_some()),
        };
        let problems = self.problems().filter(|problem| problem.file.starts_with(folder));
        let problems: Vec<String> = problems.map(ToString::to_string).collect();
        match (problems.is_empty(), are_there) {
            (true, true) => Ok(None),
            (true, false) => Ok(Some(format!("{}: there is no file", needs.folder()))),
            (false, true) => Ok(Some(problems.join("; "))),
            (false, false) => Err(problems.join("; ")),
        }
    }
}
