//! Reads a resort's file, key by key.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveTime;
use chrono_tz::Tz;
use crypto::secret::SecretReference;
use domain::country::Country;
use domain::hold_out::HoldOut;
use domain::ids::{NO_RESORT, NumberId, ResortId};
use domain::phone_number::PhoneNumber;
use domain::resort::{Abandonment, Language, Limits, Mode, QuietHours, Resort, Retention};

mod messages;
mod moments;
mod templates;
mod webhook_out;

pub use messages::templates_table;

use crate::document::{self, Entry, Note, Table};
use crate::finding::Severity;
use crate::resolve::Reference;
use crate::webhook_out::WebhookOutFile;

pub(crate) struct ResortFile {
    pub(crate) resort: Resort,
    pub(crate) access_token: Reference,
    /// Meta's id of the business account that owns the number.
    pub(crate) business_account: Option<String>,
    /// Whatever the mode is.
    pub(crate) test_numbers: Vec<PhoneNumber>,
    pub(crate) webhook_out: Option<WebhookOutFile>,
}

/// Reads a file; returns nothing if it has an error.
pub(crate) fn read(id: &ResortId, text: &str) -> (Option<ResortFile>, Vec<Note>) {
    document::read(text, |file| {
        if id.as_str() == NO_RESORT {
            file.note(
                Severity::Error,
                "the name none is reserved for what belongs to no resort",
            );
        }
        let found = resort_file(id, file);
        if let Some(found) = found.as_ref().filter(|_| !file.has_errors()) {
            warn_about(&found.resort, file);
        }
        found
    })
}

// All keys are read before the first `?`, so that every error is noted.
fn resort_file(id: &ResortId, file: &Table<'_>) -> Option<ResortFile> {
    let name = file.required("name", Entry::filled_text);
    let time_zone = file.required("time_zone", time_zone);
    let country = file.required("country", |entry| entry.parsed(Country::parse));
    let language = file.required("language", |entry| language_of(entry, entry.text()?));
    let link_hosts = file.optional("link_hosts", |entry| entry.each(host));
    let (mode, test_numbers) = mode(file, country);
    let values = file.optional("values", values).unwrap_or_default();
    let whatsapp = file.required("whatsapp", |entry| entry.table(whatsapp));
    let abandonment = file.required("abandonment", |entry| entry.table(abandonment));
    let no_show_after = delay(file, "check_in", "no_show_after");
    let quiet_hours = file.optional("quiet_hours", |entry| entry.table(quiet_hours));
    let limits = table_or_default(file, "limits", limits);
    let hold_out = table_or_default(file, "proof", |section| {
        Some(section.optional("hold_out", |entry| entry.parsed(HoldOut::parse)))
    });
    let retention = table_or_default(file, "retention", retention);
    let pause_on_reply = file.optional("replies", |entry| {
        entry.table(|section| Some(section.optional("pause_reminders", Entry::flag).unwrap_or(true)))
    });
    let webhook_out = file.optional("webhook_out", webhook_out::read);
    let reminder_2 = abandonment.and_then(|(_, reminder_2)| reminder_2);
    let messages = messages::read(file, &values, reminder_2);
    let WhatsApp {
        number,
        access_token,
        business_account,
    } = whatsapp?;
    let resort = Resort {
        id: id.clone(),
        name: name?.to_owned(),
        time_zone: time_zone?,
        country: country?,
        language: language?,
        link_hosts,
        mode,
        values,
        number,
        abandonment: abandonment?.0,
        no_show_after,
        moments: messages.moments,
        quiet_hours,
        limits,
        hold_out: hold_out.unwrap_or_default(),
        pause_on_reply: pause_on_reply.unwrap_or(true),
        retention,
        templates: messages.templates,
        fallback_templates: messages.fallback.templates,
        fallback_texts: messages.fallback.texts,
        stop_texts: messages.stop_texts,
    };
    Some(ResortFile {
        resort,
        access_token,
        business_account,
        test_numbers,
        webhook_out,
    })
}

fn mode(file: &Table<'_>, country: Option<Country>) -> (Mode, Vec<PhoneNumber>) {
    let is_test = file.optional("mode", is_test);
    let number = |entry: &Entry<'_>| entry.parsed(|text| PhoneNumber::parse(text, country));
    let numbers = file.optional("test_numbers", |entry| entry.each(number));
    let numbers = numbers.unwrap_or_default();
    let mode = match is_test {
        Some(true) => Mode::Test(numbers.clone()),
        _ => Mode::Live,
    };
    (mode, numbers)
}

/// Reads a section whose only key is a duration.
fn delay(file: &Table<'_>, section: &'static str, key: &'static str) -> Option<Duration> {
    file.optional(section, |entry| {
        entry.table(|section| section.required(key, Entry::duration))
    })
}

/// Reads a section that may be missing.
fn table_or_default<'d, T: Default>(
    file: &Table<'d>,
    key: &'static str,
    read: impl FnOnce(&Table<'d>) -> Option<T>,
) -> T {
    file.optional(key, |entry| entry.table(read)).unwrap_or_default()
}

fn time_zone(entry: &Entry<'_>) -> Option<Tz> {
    entry.parsed(|text| {
        text.parse()
            .map_err(|_| "is not an IANA time zone such as Europe/Athens")
    })
}

fn is_test(entry: &Entry<'_>) -> Option<bool> {
    entry.parsed(|text| match text {
        "live" => Ok(false),
        "test" => Ok(true),
        _ => Err("must be \"live\" or \"test\""),
    })
}

fn language_of(entry: &Entry<'_>, text: &str) -> Option<Language> {
    Language::parse(text).or_else(|| entry.refuse("is not a language such as en or pt-BR"))
}

// A host in the form of links: lower case, ASCII, without scheme, port and path.
fn host(entry: &Entry<'_>) -> Option<String> {
    let host = entry.text()?.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if host.is_empty() || !host.bytes().all(allowed) {
        return entry.refuse("is not a host's name such as book.example, without https:// and path");
    }
    Some(host)
}

fn values(entry: &Entry<'_>) -> Option<BTreeMap<String, String>> {
    let table = entry.open_table()?;
    let read = |(key, entry): (&str, Entry<'_>)| Some((key.to_owned(), entry.text()?.to_owned()));
    Some(table.entries().into_iter().filter_map(read).collect())
}

/// `[whatsapp]`
struct WhatsApp {
    number: NumberId,
    access_token: Reference,
    business_account: Option<String>,
}

fn whatsapp(section: &Table<'_>) -> Option<WhatsApp> {
    // Each id becomes part of a URL's path.
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let number = section.required("phone_number_id", |entry| {
        let number = |text: &str| NumberId::parse(text).ok().filter(|_| is_plain(text));
        entry.parsed(|text| number(text).ok_or("is not the id of a WhatsApp number"))
    });
    let access_token = section.required("access_token", Reference::read);
    let business_account = section.optional("business_account_id", |entry| {
        let account = |text: &str| (!text.is_empty() && is_plain(text)).then(|| text.to_owned());
        entry.parsed(|text| account(text).ok_or("is not the id of a WhatsApp Business account"))
    });
    Some(WhatsApp {
        number: number?,
        access_token: access_token?,
        business_account,
    })
}

fn abandonment(section: &Table<'_>) -> Option<(Abandonment, Option<Duration>)> {
    let after = section.required("after", Entry::duration);
    let reminder_2 = section.optional("reminder_2", Entry::duration);
    Some((Abandonment { after: after? }, reminder_2))
}

fn quiet_hours(section: &Table<'_>) -> Option<QuietHours> {
    let time = |entry: &Entry<'_>| {
        let time = |text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M")
                .ok()
                .filter(|_| text.len() == 5)
        };
        entry.parsed(|text| time(text).ok_or("is not a time of day such as 21:00"))
    };
    let (from, to) = (section.required("from", time), section.required("to", time));
    Some(QuietHours { from: from?, to: to? })
}

fn limits(section: &Table<'_>) -> Option<Limits> {
    let default = Limits::default();
    let reminders_per_day = section
        .optional("reminders_per_day", Entry::count)
        .unwrap_or(default.reminders_per_day);
    let rest_after_confirmation = section
        .optional("rest_after_confirmation", Entry::duration)
        .unwrap_or(default.rest_after_confirmation);
    let us_marketing = section
        .optional("us_marketing", Entry::flag)
        .unwrap_or(default.us_marketing);
    Some(Limits {
        reminders_per_day,
        rest_after_confirmation,
        us_marketing,
    })
}

fn retention(section: &Table<'_>) -> Option<Retention> {
    let default = Retention::default();
    let raw_events = section
        .optional("raw_events", Entry::duration)
        .unwrap_or(default.raw_events);
    let guests = section
        .optional("guests", Entry::duration)
        .unwrap_or(default.guests);
    let conversations = section
        .optional("conversations", Entry::duration)
        .unwrap_or(default.conversations);
    Some(Retention {
        raw_events,
        conversations,
        guests,
    })
}

/// Warns about settings that are allowed, but probably not meant.
fn warn_about(resort: &Resort, file: &Table<'_>) {
    let warn = |text: String| file.note(Severity::Warning, text);
    let language = resort.language.as_str();
    if resort.fallback_template(None).is_none() {
        warn(format!(
            "fallback.template.{language} is missing: a message without a template would be held"
        ));
    }
    for kind in resort.moments.keys() {
        let table = templates_table(*kind);
        if resort.template(*kind, None).is_none() {
            warn(format!(
                "{table}.{language} is missing: guests who speak it, or no other, get the fallback"
            ));
        }
    }
    if resort.hold_out.is_everybody() {
        warn("proof.hold_out is 100%: no guest gets a reminder".to_owned());
    }
    if matches!(&resort.mode, Mode::Test(numbers) if numbers.is_empty()) {
        warn("mode is \"test\" and test_numbers is empty: nothing is sent".to_owned());
    }
}

impl Reference {
    pub(crate) fn read(entry: &Entry<'_>) -> Option<Self> {
        let reference = entry.parsed(SecretReference::parse)?;
        Some(Self {
            reference,
            line: entry.line(),
            path: entry.path().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
