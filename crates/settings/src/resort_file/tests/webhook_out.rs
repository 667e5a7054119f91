//! `[webhook_out]`: whom the resort's own tools are told by, and of what.

use domain::webhook_out::WebhookEvent;

use super::*;

const SECTION: &str = r#"
[webhook_out]
url = "https://hooks.example/bellhop"
secrets = ["env:OUT_SECRET", "env:NEXT_SECRET"]
events = ["not_delivered", "alert"]
"#;

fn section(text: &str) -> WebhookOutFile {
    let (file, notes) = read(&id(), text);
    let file = file.unwrap_or_else(|| panic!("{notes:?}"));
    file.webhook_out.unwrap()
}

/// Replaces one line of the section and checks the notes.
fn check_section(line: &str, replacement: &str, expected: &[&str]) {
    assert!(SECTION.contains(line), "the section has no {line}");
    let text = format!("{GOOD}{}", SECTION.replace(line, replacement));

    let said: Vec<String> = noted(&text).into_iter().map(|(_, text)| text).collect();

    assert_eq!(said, expected, "{replacement}");
}

#[test]
fn a_file_says_who_is_told_of_what() {
    let found = section(&format!("{GOOD}{SECTION}"));

    assert_eq!(found.url.as_str(), "https://hooks.example/bellhop");
    let events: Vec<_> = found.events.into_iter().collect();
    assert_eq!(events, [WebhookEvent::NotDelivered, WebhookEvent::Alert]);
    assert_eq!(found.secrets.len(), 2);
    assert!(!found.with_guest && !found.is_host_named);
    assert!(section(&format!("{GOOD}{SECTION}include = [\"guest\"]\n")).with_guest);
    let (file, _) = read(&id(), GOOD);
    assert!(file.unwrap().webhook_out.is_none());
}

// shows: T45
#[test]
fn an_address_of_the_own_network_and_plain_http_are_to_be_named() {
    let hidden = "webhook_out.url has an address as its host that is not in hosts";
    let open = "webhook_out.url is not https, and its host is not in hosts";
    for (url, clause) in [
        ("https://10.0.0.7/x", hidden),
        ("https://[::1]/x", hidden),
        ("https://localhost/x", hidden),
        ("http://hooks.example/x", open),
        ("http://127.0.0.1:8080/x", open),
        ("ftp://hooks.example/x", "webhook_out.url is not https"),
        ("hooks.example", "webhook_out.url is no URL"),
        (
            "https://user:hunter2@hooks.example/x",
            "webhook_out.url has credentials in it: the signature shows who calls",
        ),
        (
            "https://hooks.example/x#y",
            "webhook_out.url has a fragment, which is never sent",
        ),
    ] {
        check_section("https://hooks.example/bellhop", url, &[clause]);
    }

    for (host, url) in [
        ("127.0.0.1", "http://127.0.0.1:8080/x"),
        ("[::1]", "https://[::1]/x"),
        ("crm.internal", "http://crm.internal/x"),
    ] {
        let text = SECTION.replace("https://hooks.example/bellhop", url);
        let found = section(&format!("{GOOD}{text}hosts = [\"{host}\"]\n"));
        assert!(found.is_host_named, "{url}");
    }
}

#[test]
fn every_error_is_named_with_its_key() {
    check_section(
        "\"not_delivered\", \"alert\"",
        "\"delivered\"",
        &["webhook_out.events[0] is none of not_delivered, opted_out, answered, dead_letter, alert"],
    );
    check_section(
        "\"not_delivered\", \"alert\"",
        "",
        &["webhook_out.events is empty"],
    );
    check_section(
        "secrets = [\"env:OUT_SECRET\", \"env:NEXT_SECRET\"]",
        "secrets = [\"hunter2\"]\ninclude = [\"stay\"]\nhosts = [\"other.example\"]",
        &[
            "webhook_out.url is on another host than hosts names",
            "webhook_out.secrets[0] is not env:NAME, file:PATH, sealed:BASE64 or plain:VALUE",
            "webhook_out.include[0] is not guest",
        ],
    );
    check_section(
        "url = \"https://hooks.example/bellhop\"",
        "address = \"https://hooks.example/bellhop\"",
        &[
            "webhook_out.url is missing",
            "webhook_out.address is not a known key",
        ],
    );
}
