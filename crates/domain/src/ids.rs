//! The types of ids and names, one for each kind of thing, so that they cannot be confused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("is empty")]
    Empty,
    #[error("is longer than {LONGEST} characters")]
    TooLong,
    /// It holds a control character, which could forge lines in a log.
    #[error("holds a control character")]
    ControlCharacter,
}

/// The greatest length of an id, in characters.
pub const LONGEST: usize = 128;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts 1 to [`LONGEST`] characters, none of them a control character.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.chars().count() > LONGEST {
        return Err(InvalidId::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter);
    }
    Ok(())
}

text_id! {
    /// A resort: the name of its file in `resorts/`, without the extension; never [`NO_RESORT`].
    ResortId
}

/// In filters: what belongs to no resort.
pub const NO_RESORT: &str = "none";

text_id! {
    /// A source of webhooks: the name of its file in `sources/`, or [`SourceId::whatsapp`].
    SourceId
}
text_id! {
    /// A booking's id, as its platform writes it. Carts are bookings too.
    BookingId
}
text_id! {
    /// An event's id, unique within its source.
    EventId
}
text_id! {
    /// The id that Meta gave to one of a resort's business numbers.
    NumberId
}
text_id! {
    /// The name of a member of the support staff, as it appears in the audit trail.
    StaffName
}

/// The id that WhatsApp gave to an accepted message.
///
/// Personal data: it holds the guest's number in base64, so neither `Debug` nor a log shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WhatsAppMessageId(String);

impl WhatsAppMessageId {
    /// Accepts 1 to 512 characters, none of them a control character; Meta promises no length.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            return Err(InvalidId::Empty);
        }
        if text.chars().count() > 512 {
            return Err(InvalidId::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidId::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The id itself, for hashing and for requests.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WhatsAppMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wamid •••")
    }
}

impl TryFrom<String> for WhatsAppMessageId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<WhatsAppMessageId> for String {
    fn from(id: WhatsAppMessageId) -> Self {
        id.0
    }
}

impl SourceId {
    /// The source of WhatsApp's own notifications; no file may have this name.
    pub fn whatsapp() -> Self {
        Self("whatsapp".to_owned())
    }

    /// The source of what our own programs say; no file may have this name.
    pub fn bellhop() -> Self {
        Self("bellhop".to_owned())
    }

    /// The source of the events that staff import; no file may have this name.
    pub fn import() -> Self {
        Self("import".to_owned())
    }
}

impl EventId {
    /// Of what our own programs say, which has a UUID.
    pub fn of_uuid(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

/// The identity of a booking: its resort and the platform's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BookingKey {
    pub resort: ResortId,
    pub booking: BookingId,
}

impl fmt::Display for BookingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resort, self.booking)
    }
}

impl FromStr for BookingKey {
    type Err = InvalidId;
    /// Reads what `Display` writes: no resort's name holds a slash.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (resort, booking) = text.split_once('/').ok_or(InvalidId::Empty)?;
        Ok(Self {
            resort: ResortId::parse(resort)?,
            booking: BookingId::parse(booking)?,
        })
    }
}

/// The id of a message of ours. RabbitMQ carries nothing else of a message; WhatsApp gets it as callback data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub Uuid);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MessageId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// The number of a dead letter, in the order in which the desk stored them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LetterId(pub i64);

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LetterId {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_refused_when_it_is_empty_too_long_or_could_forge_a_log_line() {
        assert_eq!(BookingId::parse(""), Err(InvalidId::Empty));
        assert_eq!(BookingId::parse(&"x".repeat(129)), Err(InvalidId::TooLong));
        assert_eq!(BookingId::parse("a\nb"), Err(InvalidId::ControlCharacter));
        assert!(BookingId::parse(&"ä".repeat(128)).is_ok());
    }

    #[test]
    fn a_bookings_key_reads_back_what_it_writes_whatever_its_platform_calls_it() {
        let key = BookingKey {
            resort: ResortId::parse("azure-bay").unwrap(),
            booking: BookingId::parse("2026/BK-1").unwrap(),
        };

        assert_eq!(key.to_string().parse(), Ok(key));
        for wrong in ["", "azure-bay", "azure-bay/", "/BK-1"] {
            assert_eq!(wrong.parse::<BookingKey>(), Err(InvalidId::Empty), "{wrong}");
        }
    }
}
