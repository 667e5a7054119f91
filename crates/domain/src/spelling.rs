//! Names that are nearly another one.

use strsim::normalized_damerau_levenshtein;

/// The known names, those that are spelt most like `name` first, each with its likeness: 1 is equal, 0 has nothing in common.
pub fn by_likeness<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<(&'k str, f64)> {
    let likeness = |known: &'k str| (known, normalized_damerau_levenshtein(name, known));
    let mut known: Vec<_> = known.into_iter().map(likeness).collect();
    known.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    known
}
