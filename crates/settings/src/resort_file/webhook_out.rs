//! Reads `[webhook_out]`.

use std::collections::BTreeSet;

use domain::webhook_out::WebhookEvent;
use url::{Host, Url};

use crate::document::Entry;
use crate::resolve::Reference;
use crate::webhook_out::WebhookOutFile;

pub(super) fn read(entry: &Entry<'_>) -> Option<WebhookOutFile> {
    let line = entry.line();
    entry.table(|section| {
        let hosts = section
            .optional("hosts", |entry| {
                entry.each(|host| host.filled_text().map(str::to_ascii_lowercase))
            })
            .unwrap_or_default();
        let address = section.required("url", |entry| address(entry, &hosts));
        let secrets = section.required("secrets", secrets);
        let events = section.required("events", |entry| some(entry, entry.each(event)?));
        let include = section.optional("include", |entry| entry.each(part));
        let (url, is_host_named) = address?;
        Some(WebhookOutFile {
            url,
            is_host_named,
            secrets: secrets?,
            events: events?.into_iter().collect::<BTreeSet<_>>(),
            with_guest: include.is_some_and(|parts| !parts.is_empty()),
            line,
        })
    })
}

/// The receiver's address, and whether `hosts` names its host. What leads into the own network, or is not encrypted, has to be
/// named there.
fn address(entry: &Entry<'_>, hosts: &[String]) -> Option<(Url, bool)> {
    let Ok(url) = Url::parse(entry.filled_text()?) else {
        return entry.refuse("is no URL");
    };
    let host = url.host_str().unwrap_or_default();
    let is_named = hosts.iter().any(|named| named == host);
    let is_name = matches!(url.host(), Some(Host::Domain(name)) if name != "localhost");
    let refusal = match url.scheme() {
        "https" | "http" if !url.username().is_empty() || url.password().is_some() => {
            "has credentials in it: the signature shows who calls"
        }
        "https" | "http" if url.fragment().is_some() => "has a fragment, which is never sent",
        "http" if !is_named => "is not https, and its host is not in hosts",
        "https" if !is_named && !is_name => "has an address as its host that is not in hosts",
        "https" | "http" if !is_named && !hosts.is_empty() => "is on another host than hosts names",
        "https" | "http" => return Some((url, is_named)),
        _ => "is not https",
    };
    entry.refuse(refusal)
}

fn secrets(entry: &Entry<'_>) -> Option<Vec<Reference>> {
    some(entry, entry.each(Reference::read)?)
}

fn some<T>(entry: &Entry<'_>, items: Vec<T>) -> Option<Vec<T>> {
    if items.is_empty() {
        return entry.refuse("is empty");
    }
    Some(items)
}

fn event(entry: &Entry<'_>) -> Option<WebhookEvent> {
    let text = entry.text()?;
    let found = WebhookEvent::in_files().find(|event| event.as_str() == text);
    found.or_else(|| {
        let known: Vec<&str> = WebhookEvent::in_files().map(WebhookEvent::as_str).collect();
        entry.refuse(format_args!("is none of {}", known.join(", ")))
    })
}

/// The only personal part.
fn part(entry: &Entry<'_>) -> Option<()> {
    match entry.text()? {
        "guest" => Some(()),
        _ => entry.refuse("is not guest"),
    }
}
