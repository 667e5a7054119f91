//! `SSL_CERT_FILE` and `SSL_CERT_DIR`.

use std::fs;

use outbound::{Authorities, Problem};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

fn certificate() -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

fn read(variables: &[(&str, String)]) -> (String, Vec<Problem>) {
    let (authorities, problems) = Authorities::read(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.clone())
    });
    (format!("{authorities:?}"), problems)
}

fn folder(files: &[(&str, &str)]) -> (TempDir, impl Fn(&str) -> String + use<>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, move |name: &str| path.join(name).display().to_string())
}

#[test]
fn a_file_and_folders_are_trusted_together_and_the_system_is_not() {
    let (_first, in_first) = folder(&[("bundle.pem", &(certificate() + &certificate()))]);
    let (_second, in_second) = folder(&[("3.pem", &certificate()), ("README", "not a certificate")]);
    let (_third, in_third) = folder(&[("4.pem", &certificate())]);

    let (authorities, problems) = read(&[
        ("SSL_CERT_FILE", in_first("bundle.pem")),
        ("SSL_CERT_DIR", format!("{}:{}:", in_second(""), in_third(""))),
    ]);

    assert_eq!(
        (authorities.as_str(), problems),
        ("Authorities(4 of its own)", vec![])
    );
}

#[test]
fn without_the_variables_the_systems_authorities_are_trusted() {
    assert_eq!(read(&[]), ("Authorities(the system's)".to_owned(), vec![]));
}

#[test]
fn a_missing_file_and_one_without_a_certificate_are_reported() {
    let (_folder, within) = folder(&[("empty.pem", ""), ("text.pem", "hunter2")]);
    let (_empty, in_empty) = folder(&[]);
    for (name, value) in [
        ("SSL_CERT_FILE", within("missing.pem")),
        ("SSL_CERT_FILE", within("empty.pem")),
        ("SSL_CERT_FILE", within("text.pem")),
        ("SSL_CERT_FILE", within("")),
        ("SSL_CERT_DIR", within("missing")),
        ("SSL_CERT_DIR", within("text.pem")),
        ("SSL_CERT_DIR", in_empty("")),
        ("SSL_CERT_DIR", within("")),
    ] {
        let (_, problems) = read(&[(name, value.clone())]);

        assert_eq!(problems.len(), 1, "{name}={value}");
        assert_eq!(problems[0].0, name, "{name}={value}");
    }
}
