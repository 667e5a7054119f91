//! Files that change while a process watches them.

use std::sync::Arc;

use settings::{Resolve, SourceState, Watched};

use crate::{Folder, RESORT, SOURCE, environment, resort, source};

const FILE: &str = "resorts/azure-bay.toml";

fn watched(folder: &Folder) -> Watched {
    Watched::start(folder.path(), Box::new(environment), None, Resolve::Everything).unwrap()
}

fn name_of(watched: &Watched) -> String {
    watched
        .current()
        .resort(&resort("azure-bay"))
        .unwrap()
        .name
        .clone()
}

fn renamed(name: &str) -> String {
    RESORT.replace("Azure Bay Resort", name)
}

#[test]
fn nothing_changes_while_the_files_do_not() {
    let folder = Folder::new();
    let watched = watched(&folder);
    let before = watched.current();

    let changes = watched.refresh();

    assert!(changes.is_empty());
    assert!(Arc::ptr_eq(&before, &watched.current()));
}

#[test]
fn a_changed_file_is_in_force_after_the_next_reading() {
    let folder = Folder::new();
    let watched = watched(&folder);
    let before = watched.current();

    folder.write(FILE, &renamed("Bay"));
    let changes = watched.refresh();

    assert_eq!(changes.applied, [FILE]);
    assert_eq!(name_of(&watched), "Bay");
    assert_eq!(watched.current().generation(), before.generation() + 1);
    assert_eq!(
        before.resort(&resort("azure-bay")).unwrap().name,
        "Azure Bay Resort"
    );
}

#[test]
fn a_file_with_an_error_changes_nothing_is_reported_once_and_stays_listed_until_it_is_corrected() {
    let folder = Folder::new();
    let watched = watched(&folder);

    folder.write(FILE, &renamed("Bay").replace("Europe/Athens", "Athens"));
    let refused = watched.refresh();
    let again = watched.refresh();
    let problems = watched.current().problems().count();

    assert_eq!((refused.refused.len(), refused.applied.len()), (1, 0));
    assert!(again.is_empty());
    assert_eq!(problems, 1);
    assert_eq!(name_of(&watched), "Azure Bay Resort");
    assert!(watched.current().access_token(&resort("azure-bay")).is_some());

    folder.write(FILE, RESORT);
    assert_eq!(watched.refresh().applied, [FILE]);
    assert_eq!(watched.current().problems().count(), 0);
}

#[test]
fn a_new_file_adds_its_source_and_a_deleted_one_removes_it() {
    let folder = Folder::new();
    let watched = watched(&folder);

    folder.write("sources/new.toml", SOURCE);
    folder.remove("sources/direct.toml");
    let changes = watched.refresh();

    assert_eq!(
        (changes.applied, changes.removed),
        (
            vec!["sources/new.toml".into()],
            vec!["sources/direct.toml".into()]
        )
    );
    assert!(matches!(
        watched.current().source(&source("new")),
        SourceState::Good(_)
    ));
    assert!(matches!(
        watched.current().source(&source("direct")),
        SourceState::Unknown
    ));
}

#[test]
fn a_file_that_was_broken_at_the_start_comes_into_force_once_it_is_good() {
    let folder = Folder::new();
    folder.write("sources/direct.toml", "");
    let watched = watched(&folder);
    assert!(matches!(
        watched.current().source(&source("direct")),
        SourceState::Broken
    ));

    folder.write("sources/direct.toml", SOURCE);
    watched.refresh();

    assert!(matches!(
        watched.current().source(&source("direct")),
        SourceState::Good(_)
    ));
}

#[test]
fn a_secret_in_a_file_of_its_own_is_read_again_although_the_settings_file_is_unchanged() {
    let folder = Folder::new();
    folder.write(FILE, &RESORT.replace("env:AZURE_BAY_TOKEN", "file:token"));
    let watched = watched(&folder);
    let token = || {
        watched
            .current()
            .access_token(&resort("azure-bay"))
            .map(|token| token.reveal().to_owned())
    };
    assert_eq!(token(), None);

    folder.write("token", "first");
    let first = watched.refresh().applied;
    assert_eq!(
        (first, token()),
        (vec![FILE.to_owned()], Some("first".to_owned()))
    );
    assert!(watched.refresh().applied.is_empty());

    folder.write("token", "second");
    watched.refresh();
    assert_eq!(token(), Some("second".to_owned()));

    folder.remove("token");
    assert_eq!(watched.refresh().refused.len(), 1);
    assert_eq!(token(), Some("second".to_owned()));
}

#[test]
fn a_folder_that_is_gone_for_a_moment_removes_nothing() {
    let folder = Folder::new();
    let watched = watched(&folder);
    let (there, away) = (folder.path().join("resorts"), folder.path().join("away"));

    std::fs::rename(&there, &away).unwrap();
    let gone = watched.refresh();
    let still_gone = watched.refresh();

    assert_eq!(gone.refused.len(), 1);
    assert!(still_gone.is_empty());
    assert_eq!(watched.current().problems().count(), 1);
    assert_eq!(name_of(&watched), "Azure Bay Resort");

    std::fs::rename(&away, &there).unwrap();
    watched.refresh();
    assert_eq!(watched.current().problems().count(), 0);
}

#[cfg(unix)]
// shows: T16
#[test]
fn a_file_with_a_secret_that_becomes_readable_by_others_is_reported_once() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.path().join(FILE);
    folder.write(FILE, &RESORT.replace("env:AZURE_BAY_TOKEN", "plain:token"));
    let with_mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    with_mode(0o600);
    let watched = watched(&folder);
    assert_eq!(watched.current().warnings().count(), 0);

    with_mode(0o604);
    let opened = watched.refresh();
    let again = watched.refresh();

    assert_eq!((opened.warnings.len(), opened.applied.len()), (1, 0));
    assert!(again.is_empty());
    assert_eq!(watched.current().warnings().count(), 1);

    with_mode(0o600);
    watched.refresh();
    assert_eq!(watched.current().warnings().count(), 0);
}
