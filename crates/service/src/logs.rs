//! Log lines: one JSON object each, or text for people.
//!
//! Panics are logged by their place alone, since their text may hold personal data. Of libraries nothing below
//! [`Level::Info`] is logged, whatever `RUST_LOG` says: there they may write down what they carry.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use env_filter::Filter;
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::environment::{Environment, Problems, Reader};
use peers::Peers;

pub mod alerts;
mod json;
mod peers;
mod text;

/// Crates that may log below `info`. Third-party crates may not: their debug output can contain payloads.
pub const OUR_CRATES: &[&str] = &[
    "broker",
    "crypto",
    "desk",
    "domain",
    "foreign_json",
    "ingest",
    "mapping",
    "outbound",
    "processor",
    "sandbox",
    "sender",
    "service",
    "settings",
    "store",
    "traces",
    "whatsapp",
];

static PANICS: AtomicU64 = AtomicU64::new(0);
static PEERS: Peers = Peers::new();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    Text,
}

/// What is logged, and how: `RUST_LOG` and `LOG_FORMAT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub filter: String,
    pub format: Format,
}

impl Settings {
    /// The format defaults to text on a terminal and JSON elsewhere.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let default_format = if io::stderr().is_terminal() {
            Format::Text
        } else {
            Format::Json
        };
        Self {
            filter: reader.optional("RUST_LOG").unwrap_or_else(|| "info".to_owned()),
            format: reader.parsed_or("LOG_FORMAT", parse_format, default_format),
        }
    }
}

/// Sets up the logger (to stderr) and the panic hook of this process; later calls change nothing.
///
/// Logs are written also where `LOG_FORMAT` is wrong: in the default form, for the caller to report the problem.
pub fn init(environment: &Environment) -> Result<(), Problems> {
    let mut reader = environment.reader();
    let settings = Settings::read(&mut reader);
    let logger = Discreet(Lines::new(&settings));
    // Peers are counted also where errors are not logged.
    let most = logger.0.filter.filter().max(LevelFilter::Error);
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(most);
        std::panic::set_hook(Box::new(log_panic));
        log::trace!("everything is logged that this process has to say");
    }
    reader.finish(())
}

/// How many panics this process has had.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// How many connections of this process brought no HTTP that could be read.
pub fn unreadable_connections() -> u64 {
    PEERS.count()
}

fn parse_format(text: &str) -> Result<Format, &'static str> {
    match text {
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        _ => Err("is neither json nor text; give one of them or unset it"),
    }
}

/// A logger that keeps libraries from telling what they carry.
struct Discreet(Lines);

impl Log for Discreet {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        peers::are_meant(metadata) || (is_harmless(metadata) && self.0.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if peers::are_meant(record.metadata()) {
            PEERS.note(record, &self.0);
        } else if is_harmless(record.metadata()) {
            alerts::note(record);
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let owner = metadata.target().split("::").next().unwrap_or_default();
    metadata.level() <= Level::Info || OUR_CRATES.contains(&owner)
}

/// Writes what the filter lets through to stderr.
struct Lines {
    filter: Filter,
    format: Format,
}

impl Lines {
    /// What returned messages and spans would show is never logged: the first holds payloads. What lapin calls errors
    /// (a connection lost, a look refused) `broker` tells in words that an operator can act on; it speaks only when
    /// asked.
    fn new(settings: &Settings) -> Self {
        let filter = env_filter::Builder::new()
            .filter_module("lapin", LevelFilter::Off)
            .filter_module("actix_server", LevelFilter::Warn)
            .parse(&settings.filter)
            .filter_module("lapin::returned_messages", LevelFilter::Off)
            .filter_module("tracing::span", LevelFilter::Off)
            .build();
        Self {
            filter,
            format: settings.format,
        }
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.filter.matches(record) {
            return;
        }
        let mut line = match self.format {
            Format::Json => json::line(&now(), record),
            Format::Text => text::line(&now(), record),
        };
        line.push('\n');
        // In one piece, so that lines of several threads do not mix. Where stderr is gone there is no place to say so.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

fn now() -> String {
    DateTime::<Utc>::from(std::time::SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn log_panic(info: &PanicHookInfo<'_>) {
    PANICS.fetch_add(1, Ordering::Relaxed);
    let location = info
        .location()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    log::error!(location, thread, event = "panicked"; "panicked");
}

/// The message of a record, without the white space around it.
fn message<'r>(record: &Record<'r>) -> Cow<'r, str> {
    match record.args().as_str() {
        Some(text) => text.trim().into(),
        None => record.args().to_string().trim().to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(filter: &str, target: &str, level: log::Level) -> bool {
        let settings = Settings {
            filter: filter.to_owned(),
            format: Format::Json,
        };
        let logger = Discreet(Lines::new(&settings));
        logger.enabled(&Metadata::builder().target(target).level(level).build())
    }

    // shows: T17
    #[test]
    fn returned_messages_and_spans_are_never_logged() {
        for filter in [
            "info",
            "trace",
            "lapin=trace",
            "lapin::returned_messages=trace,tracing::span=info",
        ] {
            assert!(
                !logs(filter, "lapin::returned_messages", log::Level::Error),
                "{filter}"
            );
            assert!(!logs(filter, "tracing::span", log::Level::Error), "{filter}");
        }
    }

    #[test]
    fn lapin_is_heard_only_when_asked() {
        assert!(!logs("info", "lapin::channel", log::Level::Error));
        assert!(logs("info,lapin=info", "lapin::channel", log::Level::Info));
        assert!(logs("info", "sender::call", log::Level::Info));
        assert!(!logs("info", "sender::call", log::Level::Debug));
    }

    // shows: T17
    #[test]
    fn libraries_are_never_heard_below_info_however_loudly_one_asks() {
        for target in [
            "lapin::io_loop",
            "hyper_util::client",
            "actix_http::h1",
            "reqwest::connect",
            "storehouse",
        ] {
            for filter in ["trace", "trace,lapin=trace,hyper_util=debug,actix_http=trace"] {
                assert!(!logs(filter, target, log::Level::Debug), "{filter}: {target}");
                assert!(!logs(filter, target, log::Level::Trace), "{filter}: {target}");
            }
            assert!(logs("trace,lapin=trace", target, log::Level::Warn), "{target}");
        }
        for target in ["sender::call", "store", "ingest::routes::webhook"] {
            assert!(logs("trace", target, log::Level::Trace), "{target}");
        }
    }

    #[test]
    fn an_unknown_format_is_a_problem_of_the_settings() {
        let environment = Environment::from_pairs([("LOG_FORMAT", "xml")]);

        let mut reader = environment.reader();
        Settings::read(&mut reader);
        let problems = reader.finish(()).unwrap_err();

        assert!(problems.to_string().starts_with("LOG_FORMAT: "), "{problems}");
    }
}
