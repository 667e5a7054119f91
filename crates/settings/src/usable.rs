//! Whether a process can work with its files.

use crate::snapshot::Snapshot;

/// Which files a process cannot work without.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    Resorts,
    /// Those of resorts too.
    Sources,
}

impl Snapshot {
    /// What a process that needs these files says of itself: an error where not one of a kind can be used and some are wrong; else what
    /// is wrong with single ones. One resort's mistake must not take a process away from all others.
    pub fn usable(&self, needs: Needs) -> Result<Option<String>, String> {
        let (resorts, sources) = (
            ("resorts", self.resorts().next().is_some()),
            ("sources", self.sources().next().is_some()),
        );
        let kinds = match needs {
            Needs::Resorts => vec![resorts],
            Needs::Sources => vec![sources, resorts],
        };
        let concerns = |file: &str| matches!(needs, Needs::Sources) || !file.starts_with("sources/");
        let problems = self.problems().filter(|problem| concerns(&problem.file));
        let problems: Vec<String> = problems.map(ToString::to_string).collect();
        let lacking = kinds.iter().find(|(_, are_there)| !are_there);
        match (problems.is_empty(), lacking) {
            (true, None) => Ok(None),
            (true, Some((kind, _))) => Ok(Some(format!("{kind}: there is no file"))),
            (false, None) => Ok(Some(problems.join("; "))),
            (false, Some(_)) => Err(problems.join("; ")),
        }
    }
}
