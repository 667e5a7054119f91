//! What a guest wants to receive, whatever the booking.

use chrono::{DateTime, Utc};

/// The newest words of a guest on marketing, at one resort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// When the guest last said stop.
    pub opted_out_at: Option<DateTime<Utc>>,
    /// When the guest last said that messages are welcome again.
    pub opted_in_at: Option<DateTime<Utc>>,
}

impl Wishes {
    /// Whether reminders and review requests must not go. Of two words of one instant, stop wins.
    pub fn is_opted_out(&self) -> bool {
        self.opted_out_at
            .is_some_and(|out| self.opted_in_at.is_none_or(|back| out >= back))
    }
}

/// What an inbound text asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No more reminders and review requests.
    Stop,
    /// They are welcome again.
    Start,
}

/// Whole messages that mean stop, in the languages of guests. Meta opts nobody out by itself for a text.
const STOP_WORDS: &[&str] = &[
    "stop",
    "stop all",
    "unsubscribe",
    "opt out",
    "opt-out",
    "stopp",
    "abmelden",
    "abbestellen",
    "arrêter",
    "arreter",
    "arrêt",
    "désabonner",
    "parar",
    "para",
    "baja",
    "cancelar",
    "sair",
    "basta",
    "fermati",
    "annulla",
    "afmelden",
    "στοπ",
    "σταματήστε",
    "διαγραφή",
    "стоп",
    "отписаться",
    "dur",
    "durdur",
    "iptal",
    "退订",
    "停止",
    "إيقاف",
    "توقف",
];

/// Whole messages that take a stop back.
const START_WORDS: &[&str] = &["start", "unstop", "subscribe", "opt in", "opt-in"];

/// Reads an inbound text. Only a message that is the word alone counts: "don't stop" is no wish.
pub fn wish_in(text: &str) -> Option<Wish> {
    let word = text
        .trim()
        .trim_matches(|c: char| c.is_ascii_punctuation() && c != '-')
        .trim()
        .to_lowercase();
    if STOP_WORDS.contains(&word.as_str()) {
        Some(Wish::Stop)
    } else if START_WORDS.contains(&word.as_str()) {
        Some(Wish::Start)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_the_word_alone_stops_and_a_sentence_does_not() {
        for text in ["STOP", " stop. ", "Stop!", "\"Stop\"", "Στοπ", "Unsubscribe"] {
            assert_eq!(wish_in(text), Some(Wish::Stop), "{text}");
        }
        for text in ["", "please do not stop", "When does the bus stop here?"] {
            assert_eq!(wish_in(text), None, "{text}");
        }
        assert_eq!(wish_in("START"), Some(Wish::Start));
    }

    #[test]
    fn the_newest_wish_counts_and_stop_wins_a_tie() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let wishes = |out, back| {
            Wishes {
                opted_out_at: out,
                opted_in_at: back,
            }
            .is_opted_out()
        };

        assert!(wishes(at(5), None) && wishes(at(5), at(5)) && wishes(at(6), at(5)));
        assert!(!wishes(None, None) && !wishes(at(5), at(6)));
    }
}
