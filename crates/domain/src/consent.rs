//! Reads what a guest says about marketing: an opt-out (stop) or an opt-in (start).
//!
//! Meta stops nothing when a guest writes a text or presses a template's button, so each inbound message is read
//! here. A message counts only if it consists of one of our words, in any spelling ([`fold()`]): a sentence that
//! merely contains one may mean anything. [`words`] lists the words, [`buttons`] the buttons.

mod buttons;
mod fold;
mod words;

use fold::fold;
use words::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentChange {
    /// No more reminders and review requests.
    Stop,
    /// Reminders and review requests are welcome again.
    Start,
}

/// The text of one inbound message: typed words, or a button with its label and payload.
///
/// Personal data: it has no `Debug`.
#[derive(Clone, Copy, Default)]
pub struct InboundText<'a> {
    /// The words that the guest typed, also as the caption of a picture.
    pub text: Option<&'a str>,
    /// The label of the button that the guest pressed.
    pub label: Option<&'a str>,
    /// The payload of the button. If its sender set none, WhatsApp repeats the label.
    pub payload: Option<&'a str>,
}

/// The message of ours that the guest replies to: the one that the reply names, else the last one that we sent
/// them. Most guests type a reply without naming a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepliesTo {
    /// A reminder or a review request.
    Marketing,
    /// Any other message of ours, or none that is known.
    Other,
}

/// Reads one inbound message. If a button's label and its payload disagree, stop wins.
pub fn change_in(inbound: &InboundText<'_>, replies_to: RepliesTo) -> Option<ConsentChange> {
    let words = [inbound.text, inbound.label].into_iter().flatten();
    let in_words = words.filter_map(|text| change_in_words(&fold(text), replies_to));
    let in_payload = inbound
        .payload
        .and_then(|payload| buttons::payload_change(&fold(payload)));
    let changes: Vec<ConsentChange> = in_words.chain(in_payload).collect();
    [ConsentChange::Stop, ConsentChange::Start]
        .into_iter()
        .find(|change| changes.contains(change))
}

fn change_in_words(folded: &str, replies_to: RepliesTo) -> Option<ConsentChange> {
    if buttons::is_stop_label(folded) {
        return Some(ConsentChange::Stop);
    }
    match (words::meaning(folded)?, replies_to) {
        (Meaning::Stop, _) | (Meaning::StopInReply, RepliesTo::Marketing) => Some(ConsentChange::Stop),
        (Meaning::StopInReply, RepliesTo::Other) => None,
        (Meaning::Start, _) => Some(ConsentChange::Start),
    }
}

#[cfg(test)]
mod tests;
