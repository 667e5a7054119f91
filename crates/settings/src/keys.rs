//! The key ring, as every process that touches personal data reads it; and which of its keys files need.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;

use crypto::key_ring::KeyRing;
use crypto::secret::{FileText, Places, Secret};

use crate::files::Files;
use crate::finding::{Finding, Severity};
use crate::folder::UnreadableFolder;
use crate::resolve::{Resolve, told};

/// The variable that holds the ring itself.
pub const VARIABLE: &str = "BELLHOP_KEYS";
/// The variable that names a file with it.
pub const FILE_VARIABLE: &str = "BELLHOP_KEYS_FILE";

// Room for hundreds of keys.
const LONGEST_FILE: usize = 64 * 1024;

/// Why there is no key ring; never holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKeyRing {
    /// The variable to look at.
    pub variable: &'static str,
    /// What is wrong with it, as a clause that follows its name.
    pub problem: String,
}

/// By a file's name, the ids of the keys that its secrets need.
pub type KeysOfFiles = BTreeMap<String, BTreeSet<String>>;

/// Reads the ring from `BELLHOP_KEYS` or from the file that `BELLHOP_KEYS_FILE` names; both at once are an error. That others can
/// read the file is told in the log.
pub fn key_ring(environment: &dyn Fn(&str) -> Option<String>) -> Result<KeyRing, NoKeyRing> {
    let given = (environment(VARIABLE), environment(FILE_VARIABLE));
    let (variable, text) = match given {
        (Some(_), Some(_)) => {
            return no_ring(VARIABLE, "and BELLHOP_KEYS_FILE are both set: keep one of them");
        }
        (Some(text), None) => (VARIABLE, Secret::new(text)),
        (None, Some(path)) => match FileText::read(Path::new(&path), LONGEST_FILE) {
            Ok(file) => {
                if file.readable_by_others {
                    log::warn!(file = path; "the key ring's file can be read by every user");
                }
                (FILE_VARIABLE, file.text)
            }
            Err(error) => {
                return no_ring(
                    FILE_VARIABLE,
                    &format!("names a file that cannot be read: {error}"),
                );
            }
        },
        (None, None) => {
            let remedy = "is not set: give entries ID:BASE64(32 bytes), one of them named lookup";
            return no_ring(VARIABLE, remedy);
        }
    };
    KeyRing::parse(text.reveal()).or_else(|error| no_ring(variable, &told(&error as &dyn Error)))
}

/// The keys under which secrets in files are sealed, by file. Files that are broken are told instead.
pub fn keys_of_files(folder: &Path) -> Result<(KeysOfFiles, Vec<Finding>), UnreadableFolder> {
    let places = Places {
        environment: &|_| None,
        key_ring: None,
        base: folder,
    };
    let mut files = Files::new(folder.to_owned(), Resolve::Nothing);
    files.read(&places)?;
    let sealed = files.held().filter(|(_, held)| !held.sealed_under.is_empty());
    let keys = sealed.map(|(name, held)| (name.to_string(), held.sealed_under.clone()));
    let mut broken = files.findings();
    broken.retain(|finding| finding.severity == Severity::Error);
    Ok((keys.collect(), broken))
}

fn no_ring(variable: &'static str, problem: &str) -> Result<KeyRing, NoKeyRing> {
    Err(NoKeyRing {
        variable,
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_both_variables_and_a_missing_file_are_named() {
        let problem = |pairs: &'static [(&'static str, &'static str)]| {
            let found = move |name: &str| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, v)| (*v).to_owned())
            };
            key_ring(&found).map(|_| ()).unwrap_err()
        };

        assert_eq!(problem(&[]).variable, VARIABLE);
        assert!(
            problem(&[(VARIABLE, "a"), (FILE_VARIABLE, "b")])
                .problem
                .contains("both")
        );
        assert_eq!(problem(&[(FILE_VARIABLE, "/nowhere")]).variable, FILE_VARIABLE);
        assert_eq!(problem(&[(VARIABLE, "k1:c2hvcnQ=")]).variable, VARIABLE);
    }
}
