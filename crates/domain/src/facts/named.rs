//! Facts of which there is one for each of some names: `<prefix><name>`, beside the other facts of a booking.
//!
//! A program that does not know them writes them back as unknown facts. Their values are texts, so that a value of a newer
//! program is kept too.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, Serializer};

use super::{Fact, newer};

/// By what the facts are told apart.
pub(super) type Named<K> = BTreeMap<K, Fact<String>>;

/// Keeps the newer fact of each name.
pub(super) fn merge<K: Ord>(mut known: Named<K>, other: Named<K>) -> Named<K> {
    for (name, fact) in other {
        let merged = newer(known.remove(&name), Some(fact));
        known.extend(merged.map(|fact| (name, fact)));
    }
    known
}

/// Writes them beside the other facts.
pub(super) fn write<K: fmt::Display, S: Serializer>(
    named: &Named<K>,
    prefix: &str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(named.iter().map(|(name, fact)| (format!("{prefix}{name}"), fact)))
}

/// Reads them from among all facts. A name that is none of ours is left out.
pub(super) fn read<'de, K: Ord, D: Deserializer<'de>>(
    deserializer: D,
    prefix: &'static str,
    parse: fn(&str) -> Option<K>,
) -> Result<Named<K>, D::Error> {
    struct Reader<K> {
        prefix: &'static str,
        parse: fn(&str) -> Option<K>,
    }

    impl<'de, K: Ord> Visitor<'de> for Reader<K> {
        type Value = Named<K>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the facts of a booking")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut facts: A) -> Result<Named<K>, A::Error> {
            let mut named = Named::new();
            while let Some(name) = facts.next_key::<String>()? {
                match name.strip_prefix(self.prefix).and_then(self.parse) {
                    Some(name) => {
                        named.insert(name, facts.next_value()?);
                    }
                    None => drop(facts.next_value::<IgnoredAny>()?),
                }
            }
            Ok(named)
        }
    }
    deserializer.deserialize_map(Reader { prefix, parse })
}
