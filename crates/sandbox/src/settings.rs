//! The sandbox's settings.

use std::collections::HashSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use service::{Environment, Problems};

use crate::notification::Status;
use crate::templates::Templates;

/// Tests build it with [`Settings::for_tests`] and change what they need.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// Without it no notifications are sent.
    pub callback: Option<Callback>,
    pub templates: Templates,
    /// The accepted bearer tokens; without a list any token is accepted.
    pub tokens: Option<HashSet<String>>,
    /// The ids of the business numbers that exist; without a list any number exists.
    pub numbers: Option<HashSet<String>>,
    pub status_times: StatusTimes,
}

/// `Debug` does not show the secret.
#[derive(Clone)]
pub struct Callback {
    pub(crate) url: Url,
    pub(crate) app_secret: String,
}

/// The statuses of a message, each with its delay after the message's answer; one that is left out is never sent.
#[derive(Debug, Clone)]
pub struct StatusTimes(pub(crate) Vec<(Status, Duration)>);

impl Settings {
    /// A free port on the loopback, any template, any token, no notifications.
    pub fn for_tests() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            callback: None,
            templates: Templates::any(),
            tokens: None,
            numbers: None,
            status_times: StatusTimes(Vec::from(
                [Status::Sent, Status::Delivered, Status::Read].map(|s| (s, Duration::ZERO)),
            )),
        }
    }

    /// Reads the variables that `--help` lists, and reports every problem at once.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let address = read.parsed_or("SANDBOX_ADDR", address, (Ipv4Addr::LOCALHOST, 8090).into());
        let url = read.optional_parsed("SANDBOX_CALLBACK_URL", callback_url);
        let secret = read.optional("SANDBOX_APP_SECRET");
        if url.is_some() && secret.is_none() {
            read.problem(
                "SANDBOX_APP_SECRET",
                "is not set; notifications are signed with it",
            );
        }
        let templates = read.parsed_or("SANDBOX_TEMPLATES", templates, Templates::any());
        let list = |text: Option<String>| {
            text.map(|text| text.split(',').map(|item| item.trim().to_owned()).collect())
        };
        let tokens = list(read.optional("SANDBOX_TOKENS"));
        let numbers = list(read.optional("SANDBOX_NUMBERS"));
        let default_times = StatusTimes(vec![
            (Status::Sent, Duration::from_millis(20)),
            (Status::Delivered, Duration::from_millis(100)),
            (Status::Read, Duration::from_millis(300)),
        ]);
        let status_times = read.parsed_or("SANDBOX_STATUSES", status_times, default_times);
        let callback = url
            .zip(secret)
            .map(|(url, app_secret)| Callback { url, app_secret });
        read.finish(Self {
            address,
            callback,
            templates,
            tokens,
            numbers,
            status_times,
        })
    }
}

impl Callback {
    /// Notifications go to this `http` URL, signed with the app's secret.
    pub fn new(url: &str, app_secret: &str) -> Result<Self, &'static str> {
        Ok(Self {
            url: callback_url(url)?,
            app_secret: app_secret.to_owned(),
        })
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Callback")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl StatusTimes {
    /// Reads the form of `SANDBOX_STATUSES`: `sent=0ms,delivered=2s,read=1m`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        status_times(text)
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "is not an address with a port; write it as 127.0.0.1:8090")
}

fn callback_url(text: &str) -> Result<Url, &'static str> {
    let url =
        Url::parse(text).map_err(|_| "is not a URL; write it as http://127.0.0.1:8080/webhooks/whatsapp")?;
    if url.scheme() == "http" {
        Ok(url)
    } else {
        Err("is not an http URL; the sandbox speaks no TLS")
    }
}

fn templates(text: &str) -> Result<Templates, String> {
    if text.trim_start().starts_with('[') {
        return Templates::parse(text).map_err(|error| error.to_string());
    }
    let json = std::fs::read_to_string(text).map_err(|error| format!("cannot read the file: {error}"))?;
    let json = json.strip_prefix('\u{FEFF}').unwrap_or(&json);
    Templates::parse(json).map_err(|error| error.to_string())
}

fn status_times(text: &str) -> Result<StatusTimes, &'static str> {
    const EXPECTED: &str = "is not a list such as sent=20ms,delivered=2s,read=1m";
    let entry = |entry: &str| {
        let (status, time) = entry.split_once('=')?;
        Some((
            Status::parse(status.trim())?,
            domain::duration::parse(time.trim()).ok()?,
        ))
    };
    let mut times: Vec<_> = text
        .split(',')
        .map(entry)
        .collect::<Option<_>>()
        .ok_or(EXPECTED)?;
    times.sort_by_key(|(_, after)| *after);
    Ok(StatusTimes(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_setting_is_named_at_once() {
        let environment = Environment::from_pairs([
            ("SANDBOX_ADDR", "here"),
            ("SANDBOX_CALLBACK_URL", "http://127.0.0.1:1/"),
            ("SANDBOX_TEMPLATES", "/nowhere/templates.json"),
            ("SANDBOX_STATUSES", "sent"),
        ]);

        let problems = Settings::read(&environment).unwrap_err().to_string();

        for name in [
            "SANDBOX_ADDR",
            "SANDBOX_APP_SECRET",
            "SANDBOX_TEMPLATES",
            "SANDBOX_STATUSES",
        ] {
            assert!(problems.contains(name), "{name} is missing in: {problems}");
        }
    }

    #[test]
    fn it_runs_without_any_setting() {
        let settings = Settings::read(&Environment::default()).unwrap();

        assert_eq!(settings.address.port(), 8090);
        assert!(settings.callback.is_none());
    }

    #[test]
    fn a_file_of_templates_may_begin_with_a_byte_order_mark() {
        let path = std::env::temp_dir().join(format!("bellhop-templates-{}.json", std::process::id()));
        std::fs::write(&path, "\u{FEFF}[]\r\n").unwrap();

        let read = templates(path.to_str().unwrap());

        assert!(read.is_ok(), "{:?}", read.err());
        std::fs::remove_file(&path).unwrap();
    }
}
