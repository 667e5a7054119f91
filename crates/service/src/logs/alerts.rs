//! Log lines with a field `alert`, kept until the program passes them on ([`Daemon::pass_on_alerts`]).
//!
//! [`Daemon::pass_on_alerts`]: crate::daemon::Daemon::pass_on_alerts

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Utc;
use domain::raised_alert::RaisedAlert;
use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, Record};

use crate::lock;

/// How many wait while they cannot be passed on. Each is about something else.
const MOST: usize = 200;

static WAITING: Mutex<Vec<RaisedAlert>> = Mutex::new(Vec::new());
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Keeps the line if it is an alert.
pub(super) fn note(record: &Record<'_>) {
    if record.level() > Level::Warn {
        return;
    }
    let Some(alert) = record.key_values().get(Key::from("alert")) else {
        return;
    };
    let mut fields = Fields(BTreeMap::new());
    let _ = record.key_values().visit(&mut fields);
    put(RaisedAlert {
        alert: alert.to_string(),
        program: String::new(),
        sentence: super::message(record).into_owned(),
        raised_at: Utc::now(),
        fields: fields.0,
    });
}

struct Fields(BTreeMap<String, String>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        if RaisedAlert::may_hold(key.as_str()) {
            self.0.insert(key.to_string(), value.to_string());
        }
        Ok(())
    }
}

/// Keeps an alert until it is passed on, unless one of the same id about the same subject waits.
pub fn put(raised: RaisedAlert) {
    let mut waiting = lock(&WAITING);
    let is_known = |known: &RaisedAlert| known.alert == raised.alert && known.subject() == raised.subject();
    if waiting.iter().any(is_known) {
        return;
    }
    if waiting.len() == MOST {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    waiting.push(raised);
}

/// Takes what waits to be passed on.
pub fn take() -> Vec<RaisedAlert> {
    std::mem::take(&mut *lock(&WAITING))
}

/// How many alerts were dropped because too many waited.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(level: Level, fields: &[(&str, Value<'_>)]) {
        let mut builder = Record::builder();
        builder
            .level(level)
            .target("sender::telemetry")
            .key_values(&fields);
        note(&builder.args(format_args!("sending is on hold")).build());
    }

    // shows: T49
    #[test]
    fn an_alert_is_kept_once_for_its_subject_and_without_what_errors_say() {
        let of = |number: &'static str| {
            [
                ("alert", Value::from("hold_laid")),
                ("number", number.into()),
                ("error", "host db.internal".into()),
            ]
        };
        logged(Level::Error, &of("106"));
        logged(Level::Warn, &of("106"));
        logged(Level::Error, &of("107"));
        logged(Level::Info, &of("108"));
        logged(Level::Error, &[("event", "hold_lifted".into())]);

        let taken = take();

        let numbers: Vec<&str> = taken.iter().map(|one| one.fields["number"].as_str()).collect();
        assert_eq!(numbers, ["106", "107"]);
        assert_eq!(taken[0].sentence, "sending is on hold");
        assert!(!taken[0].fields.contains_key("error"));
        assert!(take().is_empty());

        for number in 0..=MOST {
            let number = number.to_string();
            logged(
                Level::Error,
                &[("alert", "hold_laid".into()), ("number", number.as_str().into())],
            );
        }
        assert_eq!((take().len(), dropped()), (MOST, 1));
    }
}
