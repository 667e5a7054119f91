//! The key ring, as every process that touches personal data reads it.

use std::error::Error;
use std::path::Path;

use crypto::key_ring::KeyRing;
use crypto::secret::{FileText, Secret};

use crate::resolve::told;

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
