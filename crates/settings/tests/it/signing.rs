//! The secrets that sign webhooks out.

use crypto::signature::sign_standard;
use settings::{Resolve, Snapshot, check, load};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn written(secret: &str) -> Folder {
    let folder = Folder::new();
    let section = format!(
        "[webhook_out]\nurl = \"https://hooks.example/x\"\nsecrets = [\"{secret}\"]\nevents = [\"alert\"]\n"
    );
    folder.write("resorts/azure-bay.toml", &format!("{RESORT}\n{section}"));
    folder
}

fn read(folder: &Folder, resolve: Resolve) -> Snapshot {
    load(folder.path(), resolve, &folder.places()).unwrap()
}

#[test]
fn only_a_process_that_calls_resolves_the_secrets() {
    let folder = written("env:MISSING");

    let of_sender = read(&folder, Resolve::AccessTokens);
    let of_processor = read(&folder, Resolve::CallSecrets);

    assert!(of_sender.problems().next().is_none());
    assert!(of_sender.resort(&resort("azure-bay")).is_some());
    assert!(of_processor.resort(&resort("azure-bay")).is_none());
    let problem = of_processor.problems().next().unwrap().to_string();
    assert!(problem.contains("webhook_out.secrets[0]: "), "{problem}");
    let lines = RESORT.lines().count();
    assert_eq!(of_processor.problems().next().unwrap().line, lines + 4);
}

#[test]
fn the_secret_signs_and_is_never_shown() {
    let folder = written(&format!("plain:{SECRET}"));

    let found = read(&folder, Resolve::CallSecrets);

    let webhook_out = found.webhook_out(&resort("azure-bay")).unwrap();
    let signature = webhook_out.signer.sign("id-1", 5, b"{}");
    assert_eq!(signature, sign_standard(SECRET, "id-1", 5, b"{}"));
    assert!(!format!("{found:?}").contains("MfKQ9r8G"));
    let of_sender = read(&folder, Resolve::AccessTokens);
    assert!(of_sender.webhook_out(&resort("azure-bay")).is_none());
}

#[test]
fn a_secret_that_cannot_sign_is_an_error_that_does_not_repeat_it() {
    let folder = written("plain:hunter2");

    let findings = check(folder.path(), Resolve::Everything, &folder.places()).unwrap();

    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let wanted = "webhook_out.secrets: secret 1 is not whsec_ and 24 to 64 bytes in base64";
    assert!(texts.iter().any(|text| text.contains(wanted)), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("hunter2")), "{texts:?}");
}
