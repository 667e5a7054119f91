//! Parts of a notification that were not understood.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Damage, Origin, json};

/// A part of a notification that was not understood, kept for a person to look at.
///
/// Personal data: `Debug` shows the field's name only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remainder {
    /// The name of the subscription.
    pub field: String,
    /// Its JSON, cut after [`Remainder::LONGEST`] characters.
    pub json: String,
    /// Set for an [`super::Update::Unreadable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<Damage>,
    pub(super) fingerprint: Uuid,
}

impl Remainder {
    pub const LONGEST: usize = 4_096;

    pub(super) fn new(origin: &Origin<'_>, value: &Value) -> Self {
        Self {
            field: origin.field.clone(),
            json: json::clip(&value.to_string(), Self::LONGEST),
            damage: None,
            fingerprint: origin.fingerprint(value),
        }
    }
}

impl fmt::Debug for Remainder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remainder")
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}
