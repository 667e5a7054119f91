//! An event in our own format, while its fields are filled in.

use serde_json::{Map, Value as Json};

use crate::field::Field;

/// The fields by their paths, such as `booking.total.amount`. There are few, so they are searched one by one.
#[derive(Default)]
pub(crate) struct Draft(Vec<(&'static str, Json)>);

impl Draft {
    pub(crate) fn put(&mut self, path: &'static str, value: Json) {
        self.0.push((path, value));
    }

    pub(crate) fn put_some(&mut self, field: Field, value: Option<Json>) {
        if let Some(value) = value {
            self.put(field.path(), value);
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Json> {
        let found = self.0.iter().find(|(known, _)| *known == path);
        found.map(|(_, value)| value)
    }

    /// Whether it has a field of this object.
    pub(crate) fn has_within(&self, object: &str) -> bool {
        let is_within = |path: &str| {
            path.strip_prefix(object)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        self.0.iter().any(|(path, _)| is_within(path))
    }

    /// With an object for each part of a path.
    pub(crate) fn into_json(self) -> Json {
        let mut whole = Map::new();
        for (path, value) in self.0 {
            insert(&mut whole, path, value);
        }
        Json::Object(whole)
    }
}

fn insert(object: &mut Map<String, Json>, path: &str, value: Json) {
    let Some((key, rest)) = path.split_once('.') else {
        object.insert(path.to_owned(), value);
        return;
    };
    let inner = object.entry(key).or_insert_with(|| Json::Object(Map::new()));
    // Our paths name no field within a text.
    if let Json::Object(inner) = inner {
        insert(inner, rest, value);
    }
}
