//! What an expression sees: the body's keys, and a few names of ours. A key of the body that has one of these names is read as
//! `root.header`.

pub(crate) mod json;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, Value};

use crate::request::Request;

/// A request as expressions see it. `Debug` shows nothing, since it holds a guest's data.
pub(crate) struct Scope {
    /// The body, or one element of it.
    element: Value,
    root: Value,
    header: Value,
    query: Value,
    source: Value,
    fetched: Option<Value>,
}

impl Scope {
    /// The scope of the whole body.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        let root = json::value_of(request.kept.body.clone());
        Self {
            element: root.clone(),
            root,
            header: texts(&request.kept.headers),
            query: texts(&request.kept.query),
            source: Value::from(request.source.as_str()),
            fetched: request.fetched.cloned().map(json::value_of),
        }
    }

    /// What expressions see of the whole body.
    pub(crate) fn whole(&self) -> Value {
        self.at(self.element.clone())
    }

    /// What they see of one element of it.
    pub(crate) fn at(&self, element: Value) -> Value {
        Value::from_object(Self {
            element,
            root: self.root.clone(),
            header: self.header.clone(),
            query: self.query.clone(),
            source: self.source.clone(),
            fetched: self.fetched.clone(),
        })
    }
}

fn texts(texts: &BTreeMap<String, String>) -> Value {
    Value::from_pairs(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "root" => Some(self.root.clone()),
            "header" => Some(self.header.clone()),
            "query" => Some(self.query.clone()),
            "source" => Some(self.source.clone()),
            "fetched" => self.fetched.clone(),
            _ => self
                .element
                .get_item(key)
                .ok()
                .filter(|found| !found.is_undefined()),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}
