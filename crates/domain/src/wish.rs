//! Reads what a guest says about marketing: no more of it, or welcome again.

/// What a guest asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No more reminders and review requests.
    Stop,
    /// Reminders and review requests are welcome again.
    Start,
}

/// What one inbound message says: typed words, or a button with its label and payload.
///
/// Personal data: it has no `Debug`.
#[derive(Clone, Copy, Default)]
pub struct Said<'a> {
    /// The words that the guest typed, also those under a picture.
    pub text: Option<&'a str>,
    /// The words on the button that the guest pressed.
    pub label: Option<&'a str>,
    /// What the button carries for its sender. Where the sender set none, WhatsApp repeats the label.
    pub payload: Option<&'a str>,
}

/// The message of ours that the guest answers, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// A reminder or a review request.
    Marketing,
    /// Any other message of ours, or none that is known.
    Other,
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

/// Reads one inbound message. Only a message that is the word alone counts: "please do not stop" is no wish.
pub fn wish_in(said: &Said<'_>, _answers: Answers) -> Option<Wish> {
    [said.text, said.label, said.payload]
        .into_iter()
        .flatten()
        .find_map(wish_of)
}

fn wish_of(text: &str) -> Option<Wish> {
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
