//! A log record as one JSON object.

use std::borrow::Cow;
use std::fmt::Display;

use log::Record;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::message;

/// Names that a field may not take over; such a field gets the prefix `field.`.
const OWN_NAMES: [&str; 4] = ["time", "level", "target", "message"];

/// One line without its end: every control character in it is escaped.
pub(super) fn line(time: &str, record: &Record<'_>) -> String {
    let mut bytes = Vec::with_capacity(640);
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    match write(&mut serializer, time, record) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(_) => {
            r#"{"level":"ERROR","target":"service::logs","message":"a log record could not be written"}"#
                .to_owned()
        }
    }
}

fn write<S: Serializer>(serializer: S, time: &str, record: &Record<'_>) -> Result<(), S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("time", time)?;
    map.serialize_entry("level", record.level().as_str())?;
    map.serialize_entry("target", record.target())?;
    map.serialize_entry("message", &message(record))?;
    let mut fields = Fields { map, failed: None };
    let _ = record.key_values().visit(&mut fields);
    match fields.failed {
        Some(error) => Err(error),
        None => fields.map.end().map(drop),
    }
}

struct Fields<M: SerializeMap> {
    map: M,
    failed: Option<M::Error>,
}

impl<'kvs, M: SerializeMap> VisitSource<'kvs> for Fields<M> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut name = Cow::Borrowed(key.as_str());
        if OWN_NAMES.contains(&&*name) {
            name = format!("field.{name}").into();
        }
        value.visit(Field {
            fields: self,
            name: &name,
        })
    }
}

struct Field<'a, M: SerializeMap> {
    fields: &'a mut Fields<M>,
    name: &'a str,
}

impl<M: SerializeMap> Field<'_, M> {
    fn put(&mut self, value: &(impl serde::Serialize + ?Sized)) -> Result<(), Error> {
        match self.fields.map.serialize_entry(self.name, value) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.fields.failed = Some(error);
                Err(Error::msg("cannot write a field"))
            }
        }
    }

    fn put_text(&mut self, value: impl Display) -> Result<(), Error> {
        self.put(&Shown(value))
    }
}

/// A value as its text, written without a copy.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'v, M: SerializeMap> VisitValue<'v> for Field<'_, M> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.put_text(value)
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.put(&())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.put(&value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.put(&value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.put(&value)
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.put(&value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.put(value)
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), Error> {
        self.put_text(crate::chain(error))
    }
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    fn written(text: &str, fields: &[(&str, Value<'_>)]) -> String {
        let mut builder = Record::builder();
        builder
            .level(Level::Info)
            .target("sender::call")
            .key_values(&fields);
        line(
            "2026-11-23T10:00:00.123Z",
            &builder.args(format_args!("{text}")).build(),
        )
    }

    #[test]
    fn a_line_is_one_object_whose_numbers_stay_numbers() {
        let fields = [
            ("attempt.number", Value::from(2_u64)),
            ("held", true.into()),
            ("scope", "pair".into()),
        ];

        let line = written("sent", &fields);

        assert_eq!(
            line,
            r#"{"time":"2026-11-23T10:00:00.123Z","level":"INFO","target":"sender::call","message":"sent","attempt.number":2,"held":true,"scope":"pair"}"#
        );
    }

    // shows: T21
    #[test]
    fn line_breaks_and_quotes_cannot_forge_a_line() {
        let line = written(
            "first\n{\"level\":\"ERROR\"}",
            &[("reason", Value::from("a\r\n\"b\""))],
        );

        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(!line.contains('\n') && !line.contains('\r'));
        assert_eq!(parsed["message"], "first\n{\"level\":\"ERROR\"}");
        assert_eq!(parsed["reason"], "a\r\n\"b\"");
    }

    // shows: T21
    #[test]
    fn a_text_that_is_written_without_a_copy_is_escaped_as_any_other() {
        let text = (0..=0x1F_u8)
            .map(char::from)
            .chain("\"\\\u{7F}\u{2028}é🛎".chars())
            .collect::<String>();

        let line = written(
            &text,
            &[
                ("shown", Value::from_display(&text)),
                ("text", Value::from(&*text)),
            ],
        );

        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(
            !line.contains(|c: char| c.is_ascii_control() && c != '\u{7F}'),
            "{line}"
        );
        assert_eq!(parsed["message"], text.trim());
        assert_eq!(parsed["shown"], text);
        assert_eq!(parsed["text"], text);
    }

    #[test]
    fn a_value_of_any_kind_leaves_the_line_one_object() {
        let error = std::io::Error::other("no \"route\"");
        let fields = [
            ("below", Value::from(-1_i64)),
            ("share", 0.5_f64.into()),
            ("unknown", f64::NAN.into()),
            ("nothing", Value::null()),
            ("huge", u128::MAX.into()),
            ("letter", '"'.into()),
            ("debugged", Value::from_debug(&"a")),
            ("error", Value::from_dyn_error(&error)),
        ];

        let line = written("sent", &fields);

        let (_, values) = line.split_once(r#""message":"sent","#).unwrap();
        assert_eq!(
            values,
            r#""below":-1,"share":0.5,"unknown":null,"nothing":null,"huge":"340282366920938463463374607431768211455","letter":"\"","debugged":"\"a\"","error":"no \"route\""}"#
        );
    }

    #[test]
    fn a_field_cannot_take_over_a_name_of_the_line() {
        let parsed: serde_json::Value =
            serde_json::from_str(&written("sent", &[("level", Value::from("x"))])).unwrap();

        assert_eq!(parsed["level"], "INFO");
        assert_eq!(parsed["field.level"], "x");
    }
}
