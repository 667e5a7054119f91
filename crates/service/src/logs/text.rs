//! A log record as text for people.

use std::fmt::Write;

use log::Record;
use log::kv::{Error, Key, Value, VisitSource};

use super::message;

/// `time LEVEL target: message name=value …`; control characters are escaped, so that a line stays one.
pub(super) fn line(time: &str, record: &Record<'_>) -> String {
    let mut line = format!(
        "{time} {:<5} {}: {}",
        record.level(),
        record.target(),
        escaped(&message(record))
    );
    let _ = record.key_values().visit(&mut Fields(&mut line));
    line
}

struct Fields<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let text = escaped(&match value.to_borrowed_error() {
            Some(error) => crate::chain(error),
            None => value.to_string(),
        });
        let quoted = text.is_empty() || text.contains([' ', '"', '=']);
        let text = if quoted {
            format!("\"{}\"", text.replace('"', "\\\""))
        } else {
            text
        };
        write!(self.0, " {key}={text}").map_err(Error::from)
    }
}

fn escaped(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    #[test]
    fn a_line_is_readable_and_stays_one_line() {
        let fields = [
            ("address", Value::from("127.0.0.1:80")),
            ("reason", Value::from("no\nroute")),
        ];
        let mut builder = Record::builder();
        builder.level(Level::Info).target("ingest").key_values(&fields);

        let line = line(
            "2026-11-23T10:00:00.123Z",
            &builder.args(format_args!("up\nand running")).build(),
        );

        assert_eq!(
            line,
            r"2026-11-23T10:00:00.123Z INFO  ingest: up\nand running address=127.0.0.1:80 reason=no\nroute"
        );
    }
}
