//! JSON that is only read: a handful of allocations for a whole body, where [`Value`] makes one for each key, text and
//! container.

mod whole;

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed as _, Deserializer};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Number, Value};

use whole::{Push, Whole};

/// A JSON value, or one within another: clones share the whole. `Debug` shows nothing, since it is a guest's data.
///
/// If a key appears twice, the last value counts, as in [`Value`].
#[derive(Clone, Default)]
pub struct Document {
    whole: Arc<Whole>,
    /// The node's place in the whole.
    at: usize,
}

/// What a [`Document`] is. A container's values are asked of the document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content<'d> {
    Null,
    Bool(bool),
    Number(&'d Number),
    Text(&'d str),
    List,
    Object,
}

impl Document {
    pub fn content(&self) -> Content<'_> {
        self.whole.content(self.at)
    }

    /// How many values a container has; 0 for everything else.
    pub fn len(&self) -> usize {
        self.whole.len(self.at)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of an object's key.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.whole.value_of(self.at, key).map(|at| self.place(at))
    }

    /// A list's value at this index.
    pub fn at(&self, index: usize) -> Option<Self> {
        let at = self.whole.items(self.at).get(index)?;
        Some(self.place(*at))
    }

    /// A list's values, in their order.
    pub fn items(&self) -> impl Iterator<Item = Self> + '_ {
        self.whole.items(self.at).iter().map(|at| self.place(*at))
    }

    /// An object's keys, as they came.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries().map(|(key, _)| key)
    }

    fn entries(&self) -> impl Iterator<Item = (&str, Self)> {
        let entries = self.whole.entries(self.at);
        entries.map(|(key, at)| (key, self.place(at)))
    }

    fn place(&self, at: usize) -> Self {
        Self {
            whole: Arc::clone(&self.whole),
            at,
        }
    }
}

impl From<&Value> for Document {
    fn from(value: &Value) -> Self {
        // It cannot fail: a value is JSON already.
        Self::deserialize(value).unwrap_or_default()
    }
}

impl PartialEq for Document {
    /// As it was written: the order of keys counts, and so do those that appear twice.
    fn eq(&self, other: &Self) -> bool {
        match (self.content(), other.content()) {
            (Content::List, Content::List) => self.items().eq(other.items()),
            (Content::Object, Content::Object) => self.entries().eq(other.entries()),
            (one, another) => one == another,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document")
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.content() {
            Content::Null => serializer.serialize_unit(),
            Content::Bool(flag) => serializer.serialize_bool(flag),
            Content::Number(number) => number.serialize(serializer),
            Content::Text(text) => serializer.serialize_str(text),
            Content::List => {
                let mut list = serializer.serialize_seq(Some(self.len()))?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            Content::Object => {
                let mut object = serializer.serialize_map(Some(self.len()))?;
                for (key, value) in self.entries() {
                    object.serialize_entry(key, &value)?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut whole = Whole::for_a_webhook();
        Push(&mut whole).deserialize(deserializer)?;
        Ok(Self {
            whole: Arc::new(whole),
            at: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Document {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn values_are_found_by_key_and_index_and_the_last_of_two_keys_counts() {
        let document =
            read(r#"{"a": {"b": [1, [2, 3], {"c": "x"}]}, "d": true, "a": {"b": [null, 5.5]}, "": -1}"#);

        let list = document.get("a").and_then(|a| a.get("b")).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list.at(0).unwrap().content(), Content::Null);
        assert_eq!(
            list.at(1).unwrap().content(),
            Content::Number(&Number::from_f64(5.5).unwrap())
        );
        assert_eq!(document.get("d").unwrap().content(), Content::Bool(true));
        assert_eq!(document.get("").unwrap().content(), Content::Number(&(-1).into()));
        assert_eq!(document.keys().collect::<Vec<_>>(), ["a", "d", "a", ""]);
        assert!(document.get("b").is_none() && list.at(2).is_none() && list.get("0").is_none());
        assert!(document.at(0).is_none() && document.get("d").unwrap().is_empty());
    }

    #[test]
    fn each_of_many_keys_is_found_at_once_and_the_last_of_two_counts() {
        let entries = (0..100_000).map(|number| format!("\"k{number}\": {number}"));
        let mut entries: Vec<String> = entries.collect();
        entries.extend(["\"k7\": [8]".to_owned(), "\"\": {}".to_owned()]);
        let document = read(&format!("[{{{}}}, 1]", entries.join(",")));
        let object = document.at(0).unwrap();

        let began_at = std::time::Instant::now();
        for number in (0..100_000_u64).filter(|number| *number != 7) {
            let found = object.get(&format!("k{number}")).unwrap();
            assert_eq!(found.content(), Content::Number(&number.into()));
        }

        // One by one it took minutes.
        assert!(began_at.elapsed().as_secs() < 10, "{:?}", began_at.elapsed());
        assert_eq!(
            object.get("k7").unwrap().at(0).unwrap().content(),
            Content::Number(&8.into())
        );
        assert_eq!(object.get("").unwrap().content(), Content::Object);
        assert!(object.get("k").is_none() && object.get("zzz").is_none() && object.get("\u{0}").is_none());
        assert_eq!(document.at(1).unwrap().content(), Content::Number(&1.into()));
    }

    #[test]
    fn a_place_within_a_document_is_a_document() {
        let document = read(r#"{"guests": [{"name": "Ada"}, {"name": "Zoë"}], "rest": []}"#);

        let guest = document.get("guests").and_then(|guests| guests.at(1)).unwrap();
        assert_eq!(serde_json::to_string(&guest).unwrap(), r#"{"name":"Zoë"}"#);
        assert_eq!(guest, read(r#"{"name": "Zo\u00eb"}"#));
        assert_ne!(guest, document);
        assert_eq!(format!("{guest:?}"), "Document");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..50)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_holds_what_a_value_holds(value in any_json()) {
            let text = value.to_string();
            let document = read(&text);

            // Read alike: the last digit of a fraction may be lost.
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&document).unwrap(), read.to_string());
            prop_assert_eq!(&Document::from(&read), &document);
        }
    }
}
