//! References to secrets, and what they resolve to.

use super::*;

const KEYS: &str =
    "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,lookup:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

fn resolve(reference: &str, base: &Path) -> Result<Resolved, SecretError> {
    let environment = |name: &str| match name {
        "TOKEN" => Some("from the environment".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let key_ring = KeyRing::parse(KEYS).unwrap();
    let places = Places {
        environment: &environment,
        key_ring: Some(&key_ring),
        base,
    };
    SecretReference::parse(reference).unwrap().resolve(&places)
}

#[test]
fn each_kind_of_reference_leads_to_its_secret() {
    let base = std::env::temp_dir().join(format!("bellhop-secret-{}", std::process::id()));
    std::fs::create_dir_all(&base).unwrap();
    std::fs::write(base.join("token"), "from a file\n\n").unwrap();
    let sealed = seal(&Secret::new("from a seal"), &KeyRing::parse(KEYS).unwrap());

    let found = ["env:TOKEN", "file:token", sealed.as_str(), "plain:a:b"]
        .map(|reference| resolve(reference, &base).unwrap());

    let texts = found.each_ref().map(|resolved| resolved.secret.reveal());
    assert_eq!(
        texts,
        ["from the environment", "from a file", "from a seal", "a:b"]
    );
    std::fs::remove_dir_all(&base).unwrap();
}

#[cfg(unix)]
// shows: T16
#[test]
fn a_file_that_every_user_can_read_is_used_with_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("bellhop-open-secret-{}", std::process::id()));
    let reference = format!("file:{}", path.display());
    std::fs::write(&path, "secret").unwrap();

    let warnings = [0o644, 0o640].map(|mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        resolve(&reference, Path::new("")).unwrap().warnings
    });

    assert_eq!(
        warnings,
        [
            vec![SecretWarning::ReadableByOthers { path: path.clone() }],
            vec![]
        ]
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let path = std::env::temp_dir().join(format!("bellhop-long-secret-{}", std::process::id()));
    let read = |length: usize| {
        std::fs::write(&path, "x".repeat(length)).unwrap();
        FileText::read(&path, 100)
    };

    assert_eq!(read(100).unwrap().text.reveal().len(), 100);
    assert_eq!(read(101).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    std::fs::write(&path, b"\xff").unwrap();
    assert_eq!(
        FileText::read(&path, 100).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_secret_that_cannot_be_found_is_named_by_its_reference() {
    let base = Path::new("/nowhere");
    assert_eq!(
        resolve("env:MISSING", base).unwrap_err().to_string(),
        "the variable MISSING is not set"
    );
    assert_eq!(
        resolve("file:token", base).unwrap_err().to_string(),
        "cannot read the secret's file /nowhere/token"
    );
    assert!(matches!(
        resolve("sealed:AAAA", base),
        Err(SecretError::Sealed { .. })
    ));
    assert!(matches!(resolve("env:EMPTY", base), Err(SecretError::Empty)));
    assert!(matches!(resolve("plain:", base), Err(SecretError::Empty)));
}

#[test]
fn anything_else_is_refused_without_being_repeated() {
    for text in [
        "",
        "hunter2",
        "ENV:TOKEN",
        "env:",
        "env:hunter-2",
        "env:2",
        "file:",
        "sealed:%%",
        "vault:hunter2",
    ] {
        let error = SecretReference::parse(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter"), "{text}");
    }
}

#[test]
fn neither_debug_nor_display_shows_a_secret() {
    let reference = SecretReference::parse("plain:hunter2").unwrap();
    let secret = Secret::new("hunter2");

    assert_eq!(
        format!("{reference:?} {secret:?} {secret}"),
        "Plain([secret]) [secret] [secret]"
    );
}

// shows: B11
#[test]
fn line_ends_and_marks_of_editors_do_not_belong_to_a_secret() {
    let path = std::env::temp_dir().join(format!("bellhop-edited-secret-{}", std::process::id()));
    let found = |contents: &[u8]| {
        std::fs::write(&path, contents).unwrap();
        let mut resolved = resolve(&format!("file:{}", path.display()), Path::new("")).unwrap();
        resolved
            .warnings
            .retain(|warning| !matches!(warning, SecretWarning::ReadableByOthers { .. }));
        (resolved.secret.reveal().to_owned(), resolved.warnings)
    };

    for contents in [
        &b"s3cret"[..],
        b"s3cret\n",
        b"s3cret\r\n",
        b"\xef\xbb\xbfs3cret",
        b"\xef\xbb\xbfs3cret\r\n\r\n",
    ] {
        assert_eq!(found(contents), ("s3cret".to_owned(), vec![]), "{contents:?}");
    }
    for (contents, kept) in [
        (&b" s3cret\n"[..], " s3cret"),
        (b"s3cret \n", "s3cret "),
        (b"\ts3cret", "\ts3cret"),
        (b"\ns3cret", "\ns3cret"),
    ] {
        assert_eq!(
            found(contents),
            (kept.to_owned(), vec![SecretWarning::SurroundingBlanks]),
            "{contents:?}"
        );
    }
    std::fs::write(&path, b"\xef\xbb\xbf\r\n").unwrap();
    let empty = resolve(&format!("file:{}", path.display()), Path::new(""));
    assert!(matches!(empty, Err(SecretError::Empty)));
    let wide: Vec<u8> = "\u{FEFF}s3cret"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(&path, wide).unwrap();
    let not_text = resolve(&format!("file:{}", path.display()), Path::new(""));
    assert!(matches!(not_text, Err(SecretError::NotText)));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn blanks_and_marks_that_are_part_of_a_secret_cause_warnings() {
    let warnings = |reference: &str| resolve(reference, Path::new("")).unwrap().warnings;

    assert_eq!(warnings("plain:s3cret"), []);
    assert_eq!(warnings("plain: s3cret"), [SecretWarning::SurroundingBlanks]);
    assert_eq!(warnings("plain:s3 cret"), []);
    assert_eq!(warnings("plain:\u{FEFF}s3cret"), [SecretWarning::ByteOrderMark]);
    let sealed = seal(&Secret::new("s3cret\n"), &KeyRing::parse(KEYS).unwrap());
    assert_eq!(warnings(&sealed), [SecretWarning::SurroundingBlanks]);
}
