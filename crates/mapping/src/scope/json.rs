//! JSON as expressions see it: read where it lies, not copied.
//!
//! A webhook has some hundred values, of which a mapping looks at twenty. To copy all of them for the engine cost more than the
//! rest of the mapping.

use std::sync::Arc;

use foreign_json::{Content, Document};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use serde_json::Number;

/// A list or an object.
#[derive(Debug)]
struct Container(Document);

/// One step of a path.
pub(crate) enum Key {
    Name(String),
    Index(usize),
}

/// A value of a document.
pub(crate) fn value_of(document: Document) -> Value {
    match document.content() {
        Content::Null => Value::from(()),
        Content::Bool(flag) => Value::from(flag),
        Content::Number(number) => of_number(number),
        Content::Text(text) => Value::from(text),
        Content::List | Content::Object => Value::from_object(Container(document)),
    }
}

/// The value of a path's last key, where it leads through a document alone. What is missing has no keys, and what has none by
/// that name is missing.
pub(crate) fn look_up(at: &Value, keys: &[Key]) -> Option<Value> {
    let mut at = at.downcast_object_ref::<Container>()?.0.clone();
    for key in keys {
        let found = match (key, at.content()) {
            (Key::Name(name), _) => at.get(name),
            (Key::Index(index), Content::List) => at.at(*index),
            // The engine may find more in a text.
            (Key::Index(_), _) => return None,
        };
        match found {
            Some(found) => at = found,
            None => return Some(Value::UNDEFINED),
        }
    }
    Some(value_of(at))
}

fn of_number(number: &Number) -> Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => Value::from(whole),
        (None, Some(whole)) => Value::from(whole),
        (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
    }
}

impl Object for Container {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.0.content() {
            Content::List => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = match (self.0.content(), key.as_str()) {
            (Content::List, _) => self.0.at(key.as_usize()?),
            (_, Some(key)) => self.0.get(key),
            (_, None) => None,
        };
        found.map(value_of)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.0.content() {
            Content::List => Enumerator::Seq(self.0.len()),
            Content::Object => Enumerator::Values(self.0.keys().map(Value::from).collect()),
            _ => Enumerator::NonEnumerable,
        }
    }
}
