//! Reads the key ring, for all processes that use personal data; and finds out which of its keys the files need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crypto::key_ring::KeyRing;
use crypto::secret::{FileText, Places, Secret};
use domain::error_chain::chain;

use crate::files::Files;
use crate::finding::{Finding, Severity};
use crate::folder::UnreadableFolder;
use crate::resolve::Resolve;

/// Holds the ring itself.
pub const VARIABLE: &str = "BELLHOP_KEYS";
/// Names a file that holds the ring.
pub const FILE_VARIABLE: &str = "BELLHOP_KEYS_FILE";

// Enough for hundreds of keys.
const LONGEST_FILE: usize = 64 * 1024;

/// Why there is no key ring; never holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKeyRing {
    pub variable: &'static str,
    /// A clause that follows the variable's name.
    pub problem: String,
}

/// The ids of the keys that the secrets of each file need, by the file's name.
pub type KeysOfFiles = BTreeMap<String, BTreeSet<String>>;

/// Reads the ring from `BELLHOP_KEYS`, or from the file that `BELLHOP_KEYS_FILE` names; to set both is an error. If
/// every user can read the file, that is a warning in the log.
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
                    log::warn!(event = "key_file_readable_by_all", file = path; "every user can read the key ring's file");
                }
                (FILE_VARIABLE, file.text)
            }
            Err(error) => {
                return no_ring(
                    FILE_VARIABLE,
                    &format!("names a file that cannot be read: {}{error}", shown(&path)),
                );
            }
        },
        (None, None) => {
            let remedy = "is not set: give entries ID:BASE64(32 bytes), one of them named lookup; `head -c 32 /dev/urandom | base64` makes one";
            return no_ring(VARIABLE, remedy);
        }
    };
    KeyRing::parse(text.reveal()).or_else(|error| no_ring(variable, &chain(&error)))
}

/// The path, where it can be nothing else: who wrote the keys themselves there shall not find them in a log.
fn shown(path: &str) -> String {
    match path.starts_with('/') && !path.contains(['=', ':']) {
        true => format!("{path}: "),
        false => String::new(),
    }
}

/// The keys that sealed the secrets in files, by file; and the errors of broken files.
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
    fn the_error_names_the_variable_without_a_key_with_both_and_with_a_missing_file() {
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
