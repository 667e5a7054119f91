//! What the processor logs: its own lines, by their ids. nextest runs each test in a process of its own, so the lines of one
//! test are not mixed with those of another.

use std::collections::BTreeMap;
use std::sync::{Mutex, Once};

use log::kv::{self, Key, Value, VisitSource};
use log::{Log, Metadata, Record};

/// The fields of a line, with `message`.
pub(crate) type Line = BTreeMap<String, String>;

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());
static BEGUN: Once = Once::new();

struct Capture;

struct Fields<'a>(&'a mut Line);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.insert(key.to_string(), value.to_string());
        Ok(())
    }
}

impl Log for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("processor")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut line = Line::from([("message".to_owned(), record.args().to_string())]);
        record.key_values().visit(&mut Fields(&mut line)).unwrap();
        LINES.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

/// Begins to keep lines.
pub(crate) fn begin() {
    BEGUN.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}

fn with(field: &str, id: &str) -> Vec<Line> {
    let lines = LINES.lock().unwrap();
    let has_id = |line: &&Line| line.get(field).is_some_and(|found| found == id);
    lines.iter().filter(has_id).cloned().collect()
}

/// The alerts with this id so far.
pub(crate) fn alerts(id: &str) -> Vec<Line> {
    with("alert", id)
}

/// The lines of this event so far.
pub(crate) fn events(id: &str) -> Vec<Line> {
    with("event", id)
}

/// How many lines are alerts so far.
pub(crate) fn count_alerts() -> usize {
    let lines = LINES.lock().unwrap();
    lines.iter().filter(|line| line.contains_key("alert")).count()
}

/// Everything so far, to be searched for what must not be there.
pub(crate) fn all() -> String {
    format!("{:?}", LINES.lock().unwrap())
}
