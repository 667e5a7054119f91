//! An event in our own format, while its fields are filled in.

use serde_json::{Map, Value as Json};

use crate::field::Field;

#[derive(Default)]
pub(crate) struct Draft(Map<String, Json>);

impl Draft {
    /// Sets a field by its path: `booking.total.amount`.
    pub(crate) fn put(&mut self, path: &str, value: Json) {
        let mut object = &mut self.0;
        let mut keys = path.split('.').peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_none() {
                object.insert(key.to_owned(), value);
                return;
            }
            let inner = object.entry(key).or_insert_with(|| Json::Object(Map::new()));
            // Our paths name no field within a text.
            let Json::Object(inner) = inner else { return };
            object = inner;
        }
    }

    pub(crate) fn put_some(&mut self, field: Field, value: Option<Json>) {
        if let Some(value) = value {
            self.put(field.path(), value);
        }
    }

    pub(crate) fn into_json(self) -> Json {
        Json::Object(self.0)
    }
}
