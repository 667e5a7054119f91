//! One personal value of a booking, shown to one member.

use domain::audit::Action;
use domain::ids::BookingKey;
use store::audit::{self, Actor, Subject};
use store::{StoreError, bookings};

use crate::actions::context::Context;

/// What can be revealed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Name,
    /// As staff corrected it, else as the platform wrote it.
    Phone,
    /// The link under which the guest can continue.
    Link,
}

impl Value {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Link => "link",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Name, Self::Phone, Self::Link]
            .into_iter()
            .find(|value| value.as_str() == word)
    }
}

/// `None`: the booking does not exist or has no such value. The audit trail has recorded it before this returns.
pub(crate) async fn reveal(
    context: &Context,
    key: BookingKey,
    value: Value,
    by: Actor,
) -> Result<Option<String>, StoreError> {
    let country = context.resort(&key.resort).map(|resort| resort.country);
    context
        .transaction(move |connection, planner| {
            let Some(booking) = bookings::find(connection, &planner.ring, &key)? else {
                return Ok(None);
            };
            let facts = &booking.facts;
            let personal = match value {
                Value::Name => &facts.name,
                Value::Phone => &facts.phone,
                Value::Link => &facts.resume_url,
            };
            let said = personal.as_ref().map(|fact| fact.value.reveal().to_owned());
            let corrected = facts
                .correction_in_force(country)
                .filter(|_| value == Value::Phone)
                .map(|correction| correction.value.number.reveal().to_owned());
            let Some(found) = corrected.or(said) else {
                return Ok(None);
            };
            let subject = Subject::from(&key).with(value.as_str());
            audit::append(connection, &by, Action::BookingRevealed, &subject)?;
            Ok(Some(found))
        })
        .await
}
