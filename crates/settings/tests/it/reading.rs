//! One reading of a folder.

use std::collections::{BTreeMap, BTreeSet};

use crypto::secret::{Places, Secret, seal};
use settings::keys::keys_of_files;
use settings::{Needs, Resolve, ResortState, Severity, SourceState, check, load};

use crate::{Folder, RESORT, SOURCE, environment, key_ring, resort, source};

fn broken(name: &str) -> String {
    RESORT.replace("Europe/Athens", name)
}

#[test]
fn a_broken_file_is_rejected_as_a_whole_and_the_others_work() {
    let folder = Folder::new();
    folder.write("resorts/broken.toml", &broken("Athens"));
    folder.write("sources/broken.toml", "resorts = 1");

    let snapshot = load(folder.path(), Resolve::Everything, &folder.places()).unwrap();

    assert!(matches!(
        snapshot.resort_state(&resort("azure-bay")),
        ResortState::Good(_)
    ));
    assert!(matches!(
        snapshot.resort_state(&resort("broken")),
        ResortState::Broken
    ));
    assert!(matches!(
        snapshot.resort_state(&resort("nowhere")),
        ResortState::Unknown
    ));
    assert!(matches!(snapshot.source(&source("direct")), SourceState::Good(_)));
    assert!(matches!(snapshot.source(&source("broken")), SourceState::Broken));
    assert!(matches!(
        snapshot.source(&source("nowhere")),
        SourceState::Unknown
    ));
    let problems: Vec<String> = snapshot.problems().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "resorts/broken.toml:2: error: time_zone is not an IANA time zone such as Europe/Athens",
            "sources/broken.toml:1: error: resorts must be a list in brackets",
            "sources/broken.toml:1: error: auth is missing",
        ]
    );
    assert_eq!(snapshot.resorts().count(), 1);
    assert_eq!(snapshot.sources().count(), 1);
}

// shows: B264
#[test]
fn a_process_is_taken_away_only_where_no_file_at_all_can_be_used() {
    let folder = Folder::new();
    let usable = |needs| {
        load(folder.path(), Resolve::Everything, &folder.places())
            .unwrap()
            .usable(needs)
    };
    assert_eq!(
        (usable(Needs::Resorts), usable(Needs::Sources)),
        (Ok(None), Ok(None))
    );

    folder.write("resorts/sea-view.toml", "time_zone = \"Athens\"\n");
    for needs in [Needs::Resorts, Needs::Sources] {
        let told = usable(needs).unwrap().unwrap();
        assert!(
            told.contains("resorts/sea-view.toml:1: error: time_zone "),
            "{told}"
        );
    }

    folder.remove("resorts/azure-bay.toml");
    assert!(usable(Needs::Resorts).is_err() && usable(Needs::Sources).is_err());
    folder.remove("resorts/sea-view.toml");
    assert_eq!(
        usable(Needs::Resorts),
        Ok(Some("resorts: there is no file".to_owned()))
    );
}

#[test]
fn a_process_resolves_only_the_secrets_that_it_uses() {
    let folder = Folder::new();
    folder.write(
        "resorts/azure-bay.toml",
        &RESORT.replace("AZURE_BAY_TOKEN", "MISSING"),
    );
    let of = |resolve| load(folder.path(), resolve, &folder.places()).unwrap();

    let ingest = of(Resolve::SourceSecrets);
    let sender = of(Resolve::AccessTokens);

    assert!(ingest.resort(&resort("azure-bay")).is_some());
    assert!(ingest.access_token(&resort("azure-bay")).is_none());
    assert!(matches!(ingest.source(&source("direct")), SourceState::Good(_)));
    assert_eq!(ingest.problems().count(), 0);
    assert!(matches!(
        sender.resort_state(&resort("azure-bay")),
        ResortState::Broken
    ));
    assert!(matches!(sender.source(&source("direct")), SourceState::Unknown));
    assert_eq!(
        sender.problems().next().unwrap().text,
        "whatsapp.access_token: the variable MISSING is not set"
    );
}

#[test]
fn a_token_is_found_wherever_the_file_says() {
    let folder = Folder::new();
    let key_ring = key_ring();
    let sealed = seal(&Secret::new("sealed token"), &key_ring);
    folder.write("token", "token in a file\n");
    let mut found = Vec::new();
    for reference in ["env:AZURE_BAY_TOKEN", "file:token", &sealed, "plain:plain token"] {
        folder.write(
            "resorts/azure-bay.toml",
            &RESORT.replace("env:AZURE_BAY_TOKEN", reference),
        );
        let places = Places {
            environment: &environment,
            key_ring: Some(&key_ring),
            base: folder.path(),
        };

        let snapshot = load(folder.path(), Resolve::AccessTokens, &places).unwrap();

        found.push(
            snapshot
                .access_token(&resort("azure-bay"))
                .unwrap()
                .reveal()
                .to_owned(),
        );
    }

    assert_eq!(
        found,
        [
            "token of azure bay",
            "token in a file",
            "sealed token",
            "plain token"
        ]
    );
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error_and_one_without_files_is_not() {
    let empty = tempfile::TempDir::new().unwrap();
    let folder = Folder::new();

    let missing = load(&empty.path().join("nowhere"), Resolve::Nothing, &folder.places()).unwrap_err();
    let snapshot = load(empty.path(), Resolve::Nothing, &folder.places()).unwrap();

    assert!(missing.to_string().starts_with("cannot read the folder "));
    assert_eq!((snapshot.resorts().count(), snapshot.problems().count()), (0, 0));
}

#[test]
fn other_files_are_ignored_and_odd_names_are_refused() {
    let folder = Folder::new();
    folder.write("resorts/.azure-bay.toml", "not ours");
    folder.write("resorts/azure-bay.toml~", "not ours");
    folder.write("sources/README.md", "not ours");
    folder.write("resorts/azure bay.toml", RESORT);
    folder.write("sources/whatsapp.toml", SOURCE);

    let findings = check(folder.path(), Resolve::Nothing, &folder.places()).unwrap();

    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "resorts/azure bay.toml:1: error: the file's name may hold letters a to z, digits, - _ and . only",
            "sources/whatsapp.toml:1: error: the name whatsapp is reserved for WhatsApp's own notifications",
        ]
    );
}

#[test]
fn a_check_reports_errors_warnings_and_files_that_do_not_fit_together() {
    let folder = Folder::new();
    folder.write(
        "resorts/azure-bay.toml",
        &RESORT.replace("template.en =", "template.de ="),
    );
    folder.write(
        "sources/direct.toml",
        &SOURCE.replace("[\"azure-bay\"]", "[\n\"azure-bay\",\n\"azur-bay\"]"),
    );
    folder.write(
        "sources/other.toml",
        &SOURCE.replace("env:DIRECT_SECRET", "env:MISSING"),
    );
    let of = |resolve| {
        let findings = check(folder.path(), resolve, &folder.places()).unwrap();
        findings
            .into_iter()
            .map(|found| (found.file, found.line, found.severity))
            .collect::<Vec<_>>()
    };
    let warnings = vec![
        ("resorts/azure-bay.toml".to_owned(), 1, Severity::Warning),
        ("sources/direct.toml".to_owned(), 3, Severity::Warning),
    ];

    assert_eq!(of(Resolve::Nothing), warnings);
    let missing = ("sources/other.toml".to_owned(), 5, Severity::Error);
    assert_eq!(of(Resolve::Everything), [warnings, vec![missing]].concat());
}

#[test]
fn no_finding_and_no_debug_repeats_a_secret_or_a_number() {
    let folder = Folder::new();
    let secrets = RESORT
        .replace(
            "test_numbers = []",
            "test_numbers = [\"+30691234567899\", \"6912345678\"]",
        )
        .replace("env:AZURE_BAY_TOKEN", "plain:hunter2");
    folder.write("resorts/azure-bay.toml", &secrets);
    folder.write(
        "resorts/b.toml",
        &secrets.replace("\"plain:hunter2\"", "plain:hunter2"),
    );
    folder.write(
        "resorts/c.toml",
        &secrets
            .replace("plain:hunter2", "hunter2")
            .replace("\"+306", "\"6"),
    );
    folder.write(
        "resorts/d.toml",
        &secrets.replace("+30691234567899", "6912345677"),
    );
    folder.write(
        "sources/direct.toml",
        &SOURCE.replace("env:DIRECT_SECRET", "plain:hunter2!"),
    );

    let snapshot = load(folder.path(), Resolve::Everything, &folder.places()).unwrap();

    let shown = format!("{snapshot:?}");
    assert_eq!(snapshot.resorts().count(), 1);
    assert_eq!(
        snapshot
            .problems()
            .map(|problem| &problem.file)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4
    );
    for private in ["hunter", "6912345", "69123456"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

#[test]
fn the_keys_that_files_need_are_listed_and_broken_files_are_reported() {
    let folder = Folder::new();
    let sealed = seal(&Secret::new("token of azure bay"), &key_ring());
    folder.write(
        "resorts/azure-bay.toml",
        &RESORT.replace("env:AZURE_BAY_TOKEN", &sealed),
    );
    folder.write(
        "resorts/broken.toml",
        &broken("Athens").replace("env:AZURE_BAY_TOKEN", &sealed),
    );

    let (keys, broken) = keys_of_files(folder.path()).unwrap();

    let expected = (
        "resorts/azure-bay.toml".to_owned(),
        BTreeSet::from(["a".to_owned()]),
    );
    assert_eq!(keys, BTreeMap::from([expected]));
    let files: Vec<_> = broken.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(files, ["resorts/broken.toml"]);
    assert!(keys_of_files(&folder.path().join("nowhere")).is_err());
}

// shows: B11
#[test]
fn files_and_a_key_ring_with_a_byte_order_mark_and_windows_line_ends_read_the_same() {
    let windows = |text: &str| format!("\u{FEFF}{}", text.replace('\n', "\r\n"));
    let folder = Folder::new();
    folder.write("resorts/azure-bay.toml", &windows(RESORT));
    folder.write(
        "sources/direct.toml",
        &windows(&SOURCE.replace("env:DIRECT_SECRET", "file:secret")),
    );
    folder.write("secret", "\u{FEFF}whsec_AAAA\r\n");
    folder.write("keys", &windows("a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\nlookup:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n"));
    let keys = folder.path().join("keys").display().to_string();

    let findings = check(folder.path(), Resolve::Everything, &folder.places()).unwrap();
    let ring =
        settings::keys::key_ring(&|name| (name == settings::keys::FILE_VARIABLE).then(|| keys.clone()));

    let errors: Vec<_> = findings
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let sealed = key_ring().seal(b"text", "of this");
    assert_eq!(ring.unwrap().open(&sealed, "of this").unwrap(), b"text");
}

#[test]
fn the_line_of_an_error_does_not_depend_on_a_byte_order_mark() {
    let folder = Folder::new();
    for mark in ["", "\u{FEFF}"] {
        folder.write("resorts/azure-bay.toml", &format!("{mark}{}", broken("Athens")));

        let findings = check(folder.path(), Resolve::Nothing, &folder.places()).unwrap();

        let errors: Vec<_> = findings
            .iter()
            .filter(|one| one.severity == Severity::Error)
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            errors,
            ["resorts/azure-bay.toml:2: error: time_zone is not an IANA time zone such as Europe/Athens"]
        );
    }
}

// shows: B11
#[test]
fn a_secret_with_blanks_around_it_is_reported_and_not_repeated() {
    let folder = Folder::new();
    folder.write(
        "sources/direct.toml",
        &SOURCE.replace("env:DIRECT_SECRET", "file:secret"),
    );
    folder.write("secret", "whsec_AAAA \n");

    let findings = check(folder.path(), Resolve::Everything, &folder.places()).unwrap();

    let about_blanks: Vec<_> = findings.iter().filter(|one| one.text.contains("blank")).collect();
    assert_eq!(about_blanks.len(), 1, "{findings:?}");
    assert_eq!(about_blanks[0].file, "sources/direct.toml");
    assert!(!about_blanks[0].text.contains("AAAA"));
}
