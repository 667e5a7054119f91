//! Reads what a guest says about marketing: no more of it, or welcome again.
//!
//! Meta stops nothing for a text or for a template's button, so each inbound message is read here. Only a message that
//! is nothing but one of our words counts, however it is written ([`fold()`]): a sentence that merely contains one may
//! mean anything. The words stand in [`words`], the buttons in [`buttons`].

mod buttons;
mod fold;
mod words;

use fold::fold;
use words::Meaning;

/// What a guest asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentChange {
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

/// The message of ours that the guest answers: the one that the reply names, else the last one that we sent them.
///
/// Most guests type their reply without naming a message, so the last one counts as answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// A reminder or a review request.
    Marketing,
    /// Any other message of ours, or none that is known.
    Other,
}

/// Reads one inbound message. Where a button's label and its payload disagree, stop wins.
pub fn change_in(said: &Said<'_>, answers: Answers) -> Option<ConsentChange> {
    let spoken = [said.text, said.label].into_iter().flatten();
    let spoken = spoken.filter_map(|text| spoken_change(&fold(text), answers));
    let carried = said
        .payload
        .and_then(|payload| buttons::payload_change(&fold(payload)));
    let wishes: Vec<ConsentChange> = spoken.chain(carried).collect();
    [ConsentChange::Stop, ConsentChange::Start]
        .into_iter()
        .find(|wish| wishes.contains(wish))
}

fn spoken_change(folded: &str, answers: Answers) -> Option<ConsentChange> {
    if buttons::is_stop_label(folded) {
        return Some(ConsentChange::Stop);
    }
    match (words::meaning(folded)?, answers) {
        (Meaning::Stop, _) | (Meaning::StopInReply, Answers::Marketing) => Some(ConsentChange::Stop),
        (Meaning::StopInReply, Answers::Other) => None,
        (Meaning::Start, _) => Some(ConsentChange::Start),
    }
}

#[cfg(test)]
mod tests;
