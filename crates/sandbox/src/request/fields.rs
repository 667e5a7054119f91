//! Reading the members of a JSON object with the Cloud API's complaints.

use serde_json::{Map, Value};

use crate::graph::GraphError;

/// A JSON object of the request, and its name for complaints.
pub(super) struct Fields<'v> {
    members: &'v Map<String, Value>,
    name: String,
}

impl<'v> Fields<'v> {
    pub(super) fn of(value: &'v Value, name: &str) -> Result<Self, GraphError> {
        let members = value
            .as_object()
            .ok_or_else(|| GraphError::because(100, format!("Param {name} must be a JSON object.")))?;
        Ok(Self {
            members,
            name: name.to_owned(),
        })
    }

    pub(super) fn allow_only(&self, names: &[&str]) -> Result<(), GraphError> {
        match self.members.keys().find(|key| !names.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(GraphError::because(
                100,
                format!("Unexpected key \"{key}\" on param \"{}\".", self.name),
            )),
        }
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'v str>, GraphError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(GraphError::because(
                100,
                format!("Param {} must be a string.", self.path(name)),
            )),
        }
    }

    /// A text that must be there and not empty.
    pub(super) fn text(&self, name: &str) -> Result<&'v str, GraphError> {
        self.optional_text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.missing(name))
    }

    pub(super) fn object(&self, name: &str) -> Result<Fields<'v>, GraphError> {
        let value = self.members.get(name).ok_or_else(|| self.missing(name))?;
        Fields::of(value, name)
    }

    /// A list, which may be left out.
    pub(super) fn list(&self, name: &str) -> Result<&'v [Value], GraphError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(GraphError::because(
                100,
                format!("Param {} must be an array.", self.path(name)),
            )),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.members.get(name)
    }

    fn missing(&self, name: &str) -> GraphError {
        GraphError::because(131_008, format!("The parameter {} is required.", self.path(name)))
    }

    fn path(&self, name: &str) -> String {
        if self.name == "body" {
            name.to_owned()
        } else {
            format!("{}['{name}']", self.name)
        }
    }
}
