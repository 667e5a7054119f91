//! Which version this is, and of which commit it was built.

/// The commit, where the build knew it: see `build.rs`.
const COMMIT: Option<&str> = option_env!("BELLHOP_COMMIT");

/// The version, with the commit where it is known: `0.1.0 (3f2a9c01d7e5)`.
pub fn full(version: &str) -> String {
    with_commit(version, COMMIT.filter(|commit| !commit.is_empty()))
}

fn with_commit(version: &str, commit: Option<&str>) -> String {
    match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_follows_the_version_where_it_is_known() {
        assert_eq!(with_commit("0.1.0", Some("3f2a9c01d7e5")), "0.1.0 (3f2a9c01d7e5)");
        assert_eq!(with_commit("0.1.0", None), "0.1.0");
    }
}
