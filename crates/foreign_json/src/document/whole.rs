//! All values of a document, flat.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::Content;

/// All nodes, each container before what it holds; an object holds texts, its keys, and values in turn.
#[derive(Default)]
pub(super) struct Whole {
    nodes: Vec<Node>,
    /// All texts, one behind the other.
    texts: String,
    /// The places of each list's values and of each [large](SEARCHED) object's keys, one container behind the other.
    places: Vec<usize>,
}

enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text {
        from: usize,
        to: usize,
    },
    /// `places[from..to]` are its values; `end` is the place behind the last of them.
    List {
        from: usize,
        to: usize,
        end: usize,
    },
    /// Where it is large, `places[from..from + count]` are its keys, sorted.
    Object {
        count: usize,
        from: usize,
        end: usize,
    },
}

/// An object with more keys than this keeps them sorted too: a body with 100,000 keys must not make each lookup expensive.
const SEARCHED: usize = 32;

impl Whole {
    /// With room for what a webhook usually holds, so that little is moved while it grows.
    pub(super) fn for_a_webhook() -> Self {
        Self {
            nodes: Vec::with_capacity(256),
            texts: String::with_capacity(2_048),
            places: Vec::new(),
        }
    }

    /// How many values a container has.
    pub(super) fn len(&self, at: usize) -> usize {
        match self.nodes.get(at) {
            Some(Node::List { from, to, .. }) => to - from,
            Some(Node::Object { count, .. }) => *count,
            _ => 0,
        }
    }

    pub(super) fn content(&self, at: usize) -> Content<'_> {
        match self.nodes.get(at) {
            None | Some(Node::Null) => Content::Null,
            Some(Node::Bool(flag)) => Content::Bool(*flag),
            Some(Node::Number(number)) => Content::Number(number),
            Some(Node::Text { from, to }) => Content::Text(self.texts.get(*from..*to).unwrap_or_default()),
            Some(Node::List { .. }) => Content::List,
            Some(Node::Object { .. }) => Content::Object,
        }
    }

    /// The place behind a node and all that it holds.
    fn end(&self, at: usize) -> usize {
        match self.nodes.get(at) {
            Some(Node::List { end, .. } | Node::Object { end, .. }) => *end,
            _ => at + 1,
        }
    }

    pub(super) fn items(&self, at: usize) -> &[usize] {
        match self.nodes.get(at) {
            Some(Node::List { from, to, .. }) => self.places.get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The places of an object's keys; each value is behind its key.
    pub(super) fn keys(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let count = match self.nodes.get(at) {
            Some(Node::Object { count, .. }) => *count,
            _ => 0,
        };
        let first = (count > 0).then_some(at + 1);
        std::iter::successors(first, |key| Some(self.end(*key + 1))).take(count)
    }

    pub(super) fn entries(&self, at: usize) -> impl Iterator<Item = (&str, usize)> {
        self.keys(at).map(|key| match self.content(key) {
            Content::Text(text) => (text, key + 1),
            _ => ("", key + 1),
        })
    }

    /// The place of an object's value; of a key that appears twice, the last one's.
    pub(super) fn value_of(&self, at: usize, key: &str) -> Option<usize> {
        let found = match self.nodes.get(at)? {
            Node::Object { count, from, .. } if *count > SEARCHED => {
                let sorted = self.places.get(*from..from + count)?;
                let behind = sorted.partition_point(|at| self.bytes(*at) <= key.as_bytes());
                let last = sorted.get(behind.checked_sub(1)?)?;
                (self.bytes(*last) == key.as_bytes()).then_some(*last)
            }
            _ => {
                let keys = self.keys(at);
                keys.filter(|at| self.bytes(*at) == key.as_bytes()).last()
            }
        };
        found.map(|key| key + 1)
    }

    /// Of a text.
    fn bytes(&self, at: usize) -> &[u8] {
        match self.nodes.get(at) {
            Some(Node::Text { from, to }) => self.texts.as_bytes().get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    fn push_text(&mut self, text: &str) {
        let from = self.texts.len();
        self.texts.push_str(text);
        let to = self.texts.len();
        self.nodes.push(Node::Text { from, to });
    }

    /// Keeps a place for a container.
    fn begin(&mut self) -> usize {
        self.nodes.push(Node::Null);
        self.nodes.len() - 1
    }

    fn finish_list(&mut self, at: usize, items: &[usize]) {
        let from = self.places.len();
        self.places.extend_from_slice(items);
        let to = self.places.len();
        self.finish(at, |end| Node::List { from, to, end });
    }

    fn finish_object(&mut self, at: usize, count: usize) {
        let from = self.places.len();
        self.finish(at, |end| Node::Object { count, from, end });
        if count > SEARCHED {
            let mut keys: Vec<usize> = self.keys(at).collect();
            // It keeps the order of those that are equal.
            keys.sort_by(|one, other| self.bytes(*one).cmp(self.bytes(*other)));
            self.places.extend(keys);
        }
    }

    fn finish(&mut self, at: usize, container: impl FnOnce(usize) -> Node) {
        let end = self.nodes.len();
        if let Some(place) = self.nodes.get_mut(at) {
            *place = container(end);
        }
    }
}

/// Reads one value behind what is there.
pub(super) struct Push<'w>(pub(super) &'w mut Whole);

impl<'de> DeserializeSeed<'de> for Push<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Push<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.nodes.push(Node::Null);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.0.nodes.push(Node::Bool(flag));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.nodes.push(Node::Number(number.into()));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.nodes.push(Node::Number(number.into()));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        // JSON has no other numbers.
        self.0
            .nodes
            .push(Number::from_f64(number).map_or(Node::Null, Node::Number));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (at, mut items) = (self.0.begin(), Vec::new());
        let mut next = self.0.nodes.len();
        while list.next_element_seed(Push(self.0))?.is_some() {
            items.push(next);
            next = self.0.nodes.len();
        }
        self.0.finish_list(at, &items);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let (at, mut count) = (self.0.begin(), 0);
        while object.next_key_seed(Push(self.0))?.is_some() {
            object.next_value_seed(Push(self.0))?;
            count += 1;
        }
        self.0.finish_object(at, count);
        Ok(())
    }
}
