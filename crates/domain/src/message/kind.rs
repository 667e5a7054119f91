//! The kinds of messages: those that Bellhop knows from the start, and the moments of the resorts' own.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};

/// What a message is for. A booking gets each kind once in a round.
///
/// New built-in kinds are spelt with a hyphen, which no moment's name holds: otherwise an older program would take them
/// for moments that its files do not have, and withdraw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MessageKind {
    /// To a guest who left an unfinished booking: sent as soon as the booking counts as abandoned.
    Reminder1,
    /// The second reminder; its delay counts from when the first one was really sent.
    Reminder2,
    ReservationConfirmation,
    ReviewRequest,
    /// The answer to a guest who opts out: free text within the open 24-hour window, never a template.
    StopConfirmation,
    /// What a member of the staff answers the guest. No plan wants it or takes it back; its round is its number in the booking.
    StaffAnswer,
    /// A moment that the resort's file defines, `[messages.<name>]`. Its rules are in the file:
    /// [`crate::resort::Resort`] answers what depends on them.
    Moment(MomentName),
}

impl MessageKind {
    /// The kinds that every resort has, whatever its file says.
    pub const BUILT_IN: &'static [Self] = &[
        Self::Reminder1,
        Self::Reminder2,
        Self::ReservationConfirmation,
        Self::ReviewRequest,
        Self::StopConfirmation,
        Self::StaffAnswer,
    ];

    /// What all moments of the resorts' own are called where names must be few, as in metrics.
    pub const MOMENT: &'static str = "moment";

    /// The text form in files, tables, queues and output: for a moment, its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Reminder1 => "reminder_1",
            Self::Reminder2 => "reminder_2",
            Self::ReservationConfirmation => "reservation_confirmation",
            Self::ReviewRequest => "review_request",
            Self::StopConfirmation => "stop_confirmation",
            Self::StaffAnswer => "staff-answer",
            Self::Moment(name) => name.as_str(),
        }
    }

    /// The name in metrics: one of few.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reminder1 => "reminder_1",
            Self::Reminder2 => "reminder_2",
            Self::ReservationConfirmation => "reservation_confirmation",
            Self::ReviewRequest => "review_request",
            Self::StopConfirmation => "stop_confirmation",
            Self::StaffAnswer => "staff-answer",
            Self::Moment(_) => Self::MOMENT,
        }
    }

    /// Every [`MessageKind::label`].
    pub fn labels() -> impl Iterator<Item = &'static str> {
        Self::BUILT_IN
            .iter()
            .map(|kind| kind.label())
            .chain([Self::MOMENT])
    }

    /// Whether a resort's file can configure templates, texts and times for it.
    pub const fn has_templates(self) -> bool {
        !matches!(self, Self::StopConfirmation | Self::StaffAnswer)
    }

    /// Whether the plan of another kind depends on when a message of this kind was really sent.
    pub const fn others_follow(self) -> bool {
        matches!(self, Self::Reminder1)
    }

    /// Whether the guest can opt out of it, where the file does not say: then a moment counts as marketing, since what is
    /// not known must not harm.
    pub const fn is_presumably_marketing(self) -> bool {
        !matches!(
            self,
            Self::ReservationConfirmation | Self::StopConfirmation | Self::StaffAnswer
        )
    }

    /// Whether a cancellation ends its round, so that it may be sent again afterwards. The built-in reminders have a
    /// single round: no event of the cart counts after a cancellation. What staff answer depends on no event.
    pub(crate) const fn has_rounds(self) -> bool {
        !matches!(self, Self::Reminder1 | Self::Reminder2 | Self::StaffAnswer)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MessageKind {
    type Err = InvalidMomentName;

    /// A built-in kind, or the moment of this name: whether a resort has it is not known here.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let built_in = Self::BUILT_IN.iter().find(|kind| kind.label() == text);
        built_in
            .map(|kind| Ok(*kind))
            .unwrap_or_else(|| MomentName::parse(text).map(Self::Moment))
    }
}

impl TryFrom<String> for MessageKind {
    type Error = InvalidMomentName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MessageKind> for String {
    fn from(kind: MessageKind) -> Self {
        kind.as_str().to_owned()
    }
}

/// The name of a moment, as in `[messages.<name>]`: 1 to 32 lower-case letters, digits and underscores, the first
/// one a letter; never the name of a built-in kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MomentName(ArrayString<32>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMomentName {
    #[error("is not 1 to 32 lower-case letters, digits and underscores, beginning with a letter")]
    Spelling,
    #[error("is the name of a built-in kind of message")]
    BuiltIn,
}

impl MomentName {
    pub fn parse(text: &str) -> Result<Self, InvalidMomentName> {
        let taken = MessageKind::labels().any(|label| label == text);
        if taken {
            return Err(InvalidMomentName::BuiltIn);
        }
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        ArrayString::from(text)
            .ok()
            .filter(|_| starts_well && text.bytes().all(allowed))
            .map(Self)
            .ok_or(InvalidMomentName::Spelling)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MomentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for MomentName {
    type Error = InvalidMomentName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<MomentName> for String {
    fn from(name: MomentName) -> Self {
        name.0.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_kind_reads_back_what_it_writes_and_so_does_a_moment() {
        let moment = MessageKind::Moment(MomentName::parse("pre_arrival").unwrap());

        for kind in MessageKind::BUILT_IN.iter().chain([&moment]) {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert_eq!((moment.as_str(), moment.label()), ("pre_arrival", "moment"));
    }

    #[test]
    fn a_built_in_kind_of_a_newer_program_is_no_moment() {
        assert_eq!(
            "stay-survey".parse::<MessageKind>(),
            Err(InvalidMomentName::Spelling)
        );
    }

    #[test]
    fn a_moment_has_a_plain_name_that_no_built_in_kind_has() {
        let longest = "a".repeat(32);
        for name in ["pre_arrival", "a", "day2", longest.as_str()] {
            assert_eq!(MomentName::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "",
            "2nd_day",
            "_x",
            "Pre",
            "pre-arrival",
            "ä",
            &format!("{longest}a"),
        ] {
            assert_eq!(
                MomentName::parse(name),
                Err(InvalidMomentName::Spelling),
                "{name}"
            );
        }
        for kind in MessageKind::labels() {
            assert_eq!(MomentName::parse(kind), Err(InvalidMomentName::BuiltIn), "{kind}");
        }
    }
}
