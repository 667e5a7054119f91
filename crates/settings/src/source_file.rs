//! Reads a source's file, key by key.

use std::collections::BTreeSet;
use std::sync::Arc;

use crypto::secret::{Places, Secret};
use crypto::signature::{HeaderName, HmacScheme, Scheme, SignedText, Verifier};
use domain::ids::{ResortId, SourceId};
use ipnet::IpNet;
use mapping::Mapping;

use crate::document::{self, Entry, Note, Table};
use crate::fetch::FetchFile;
use crate::finding::Severity;
use crate::mapping_file;
use crate::network;
use crate::resolve::{Reference, Resolve};
use crate::source::{GoodSource, RateLimit, Source, SourceRules, Speaks};

const SCHEMES: &str =
    "standard-webhooks, github, stripe, shopify, slack, hmac, basic, bearer, header, url-token";

pub(crate) struct SourceFile {
    id: SourceId,
    strict: bool,
    auth: Auth,
    networks: Option<Vec<IpNet>>,
    rate_limit: RateLimit,
    resorts: Speaks,
    pub(crate) mapping: Option<Mapping>,
    fetch: Option<FetchFile>,
    /// The resorts that it names, with their lines.
    pub(crate) named_resorts: Vec<(usize, ResortId)>,
}

struct Auth {
    scheme: Scheme,
    secrets: Vec<Reference>,
    line: usize,
}

/// Reads a file; returns nothing if it has an error.
pub(crate) fn read(id: &SourceId, text: &str) -> (Option<SourceFile>, Vec<Note>) {
    document::read(text, |file| {
        if *id == SourceId::whatsapp() {
            file.note(
                Severity::Error,
                "the name whatsapp is reserved for WhatsApp's own notifications",
            );
        }
        if *id == SourceId::import() {
            file.note(
                Severity::Error,
                "the name import is reserved for what staff import",
            );
        }
        if *id == SourceId::bellhop() {
            file.note(
                Severity::Error,
                "the name bellhop is reserved for what our own programs say",
            );
        }
        let named = file.required("resorts", resorts);
        let strict = file.optional("strict", |entry| Some((entry.clone(), entry.flag()?)));
        let auth = file.required("auth", |entry| entry.table(|section| auth(section, entry.line())));
        let networks = file
            .optional("network", |entry| {
                entry.table(|section| Some(section.optional("allow", networks)))
            })
            .flatten();
        let rate_limit = file
            .optional("rate_limit", |entry| entry.table(rate_limit))
            .unwrap_or_default();
        let mapped = mapping_file::read(file, named.as_ref().and_then(Option::as_deref));
        if let (Some((entry, _)), true) = (&strict, mapped.mapping.is_some()) {
            entry.refuse::<()>(
                "has no meaning with platform or [map]: what no row of when matches is ignored",
            );
        }
        let named = named?;
        let resorts = match &named {
            None => Speaks::ForAll,
            Some(named) => Speaks::For(named.iter().map(|(_, id)| id.clone()).collect()),
        };
        let mut named_resorts = named.unwrap_or_default();
        named_resorts.extend(mapped.properties);
        Some(SourceFile {
            id: id.clone(),
            strict: strict.is_none_or(|(_, strict)| strict),
            auth: auth?,
            networks,
            rate_limit,
            resorts,
            mapping: mapped.mapping,
            fetch: mapped.fetch,
            named_resorts,
        })
    })
}

impl SourceFile {
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Reference> {
        let of_fetch = self.fetch.iter().flat_map(FetchFile::secrets);
        self.auth.secrets.iter().chain(of_fetch)
    }

    /// The ids of the keys that sealed its secrets.
    pub(crate) fn sealed_under(&self) -> BTreeSet<String> {
        self.secrets().filter_map(Reference::key_id).collect()
    }

    /// What its webhooks mean, and, in a process that verifies them, the source. Finds the secrets that this process uses;
    /// returns nothing if that fails.
    pub(crate) fn resolve(
        self,
        resolve: Resolve,
        places: &Places<'_>,
        notes: &mut Vec<Note>,
    ) -> Option<(GoodSource, Vec<Secret>)> {
        let mut secrets = Vec::new();
        let fetch = match self.fetch {
            Some(fetch) if resolve.call_secrets() => {
                let found: Vec<_> = fetch
                    .secrets()
                    .map(|secret| secret.resolve(places, notes))
                    .collect();
                let found = found.into_iter().collect::<Option<Vec<Secret>>>()?;
                secrets.extend(found.iter().cloned());
                fetch.with(&found)
            }
            _ => None,
        };
        let secret_headers = self.auth.scheme.secret_headers();
        let verifier = if resolve.source_secrets() {
            let (verifier, of_auth) = self.auth.resolve(places, notes)?;
            secrets.extend(of_auth);
            Some(verifier)
        } else {
            None
        };
        let rules = Arc::new(SourceRules {
            id: self.id,
            strict: self.strict,
            mapping: self.mapping,
            fetch,
            resorts: self.resorts,
            secret_headers,
        });
        let source = verifier.map(|verifier| {
            Arc::new(Source {
                rules: Arc::clone(&rules),
                verifier,
                rate_limit: self.rate_limit,
                networks: self.networks,
            })
        });
        Some((GoodSource { rules, source }, secrets))
    }
}

impl Auth {
    fn resolve(self, places: &Places<'_>, notes: &mut Vec<Note>) -> Option<(Verifier, Vec<Secret>)> {
        let secrets: Vec<_> = self
            .secrets
            .iter()
            .map(|secret| secret.resolve(places, notes))
            .collect();
        let secrets = secrets.into_iter().collect::<Option<Vec<Secret>>>()?;
        let mut refuse = |error: &dyn std::fmt::Display| {
            let text = format!("auth.secrets: {error}");
            notes.push(Note {
                line: self.line,
                severity: Severity::Error,
                text,
            });
        };
        let verifier = Verifier::new(self.scheme, &secrets)
            .map_err(|error| refuse(&error))
            .ok()?;
        Some((verifier, secrets))
    }
}

// `Some(None)` means all resorts.
fn resorts(entry: &Entry<'_>) -> Option<Option<Vec<(usize, ResortId)>>> {
    let items = entry.items()?;
    let everyone = items.iter().filter(|item| item.text() == Some("*")).count();
    match (items.len(), everyone) {
        (0, _) => entry.refuse("names no resort"),
        (1, 1) => Some(None),
        (_, 0) => entry
            .each(|item| Some((item.line(), item.parsed(ResortId::parse)?)))
            .map(Some),
        _ => entry.refuse("holds \"*\" beside resorts"),
    }
}

fn auth(section: &Table<'_>, line: usize) -> Option<Auth> {
    let secrets = section.required("secrets", |entry| {
        let secrets = entry.each(Reference::read)?;
        if secrets.is_empty() {
            entry.refuse("is empty")
        } else {
            Some(secrets)
        }
    });
    let scheme = section.required("scheme", |entry| match entry.text()? {
        "standard-webhooks" => Some(Scheme::StandardWebhooks),
        "github" => Some(Scheme::GitHub),
        "stripe" => Some(Scheme::Stripe),
        "shopify" => Some(Scheme::Shopify),
        "slack" => Some(Scheme::Slack),
        "hmac" => hmac(section).map(Scheme::Hmac),
        "basic" => Some(Scheme::Basic),
        "bearer" => Some(Scheme::Bearer),
        "header" => section.required("header", header_name).map(Scheme::Header),
        "url-token" => Some(Scheme::UrlToken),
        _ => entry.refuse(format_args!("is none of {SCHEMES}")),
    });
    Some(Auth {
        scheme: scheme?,
        secrets: secrets?,
        line,
    })
}

fn hmac(section: &Table<'_>) -> Option<HmacScheme> {
    let header = section.required("header", header_name);
    let prefix = section.optional("prefix", Entry::text);
    let encoding = section.optional("encoding", |entry| entry.parsed(str::parse));
    let signed = section.optional("signed", |entry| entry.parsed(SignedText::parse));
    let key = section.optional("key", |entry| entry.parsed(str::parse));
    let signs_time = signed.as_ref().is_some_and(SignedText::has_timestamp);
    let tolerance = section.optional("tolerance", |entry| {
        if !signs_time {
            entry.warn("has no effect: auth.signed holds no {timestamp}");
        }
        entry.duration()
    });
    let id_header = section.optional("id_header", header_name);
    let timestamp_header = section.optional("timestamp_header", header_name);
    let default = HmacScheme::new(header?);
    Some(HmacScheme {
        prefix: prefix.map_or(default.prefix, str::to_owned),
        encoding: encoding.unwrap_or(default.encoding),
        signed: signed.unwrap_or(default.signed),
        key: key.unwrap_or(default.key),
        tolerance: tolerance.unwrap_or(default.tolerance),
        id_header,
        timestamp_header,
        header: default.header,
    })
}

fn header_name(entry: &Entry<'_>) -> Option<HeaderName> {
    entry.parsed(HeaderName::parse)
}

fn networks(entry: &Entry<'_>) -> Option<Vec<IpNet>> {
    let network = |text: &str| network::parse(text).ok_or("is not a network such as 203.0.113.0/24");
    let networks = entry.each(|item| item.parsed(network))?;
    if networks.is_empty() {
        return entry.refuse("is empty: leave it out to let any address in");
    }
    Some(networks)
}

fn rate_limit(section: &Table<'_>) -> Option<RateLimit> {
    let default = RateLimit::default();
    Some(RateLimit {
        per_second: section
            .optional("per_second", Entry::count)
            .unwrap_or(default.per_second),
        burst: section.optional("burst", Entry::count).unwrap_or(default.burst),
    })
}

#[cfg(test)]
mod tests;
