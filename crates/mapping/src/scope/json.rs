//! JSON as expressions see it: read where it lies, not copied.
//!
//! A webhook has some hundred values, of which a mapping looks at twenty. To copy all of them for the engine cost more than the
//! rest of the mapping.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use serde_json::{Number, Value as Json};
use yoke::Yoke;

use crate::request::Kept;

/// A list or an object within JSON that `O` owns. `Debug` shows nothing, since it is a guest's data.
struct Container<O: Clone>(Yoke<&'static Json, O>);

/// The body of a request.
pub(super) fn body_of(kept: Arc<Kept>) -> Value {
    value(Yoke::attach_to_cart(kept, |kept| &kept.body))
}

/// A whole document.
pub(crate) fn value_of(json: Arc<Json>) -> Value {
    value(Yoke::attach_to_cart(json, |json| json))
}

trait Owner: yoke::CloneableCart + Send + Sync + 'static {}

impl<O: yoke::CloneableCart + Send + Sync + 'static> Owner for O {}

fn value<O: Owner>(at: Yoke<&'static Json, O>) -> Value {
    match at.get() {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => of_number(number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(_) | Json::Object(_) => Value::from_object(Container(at)),
    }
}

fn of_number(number: &Number) -> Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => Value::from(whole),
        (None, Some(whole)) => Value::from(whole),
        (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
    }
}

impl<O: Owner> Object for Container<O> {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.0.get() {
            Json::Array(_) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = self.0.clone().try_map_project(|json, _| match json {
            Json::Object(map) => map.get(key.as_str().ok_or(())?).ok_or(()),
            Json::Array(list) => list.get(key.as_usize().ok_or(())?).ok_or(()),
            _ => Err(()),
        });
        found.ok().map(value)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.0.get() {
            Json::Array(list) => Enumerator::Seq(list.len()),
            Json::Object(map) => {
                Enumerator::Values(map.keys().map(|key| Value::from(key.as_str())).collect())
            }
            _ => Enumerator::NonEnumerable,
        }
    }
}

impl<O: Clone> fmt::Debug for Container<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Container")
    }
}
