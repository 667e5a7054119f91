//! One message on the guest's phone.

use crate::conversations::Written;
use crate::journal::Entry;
use crate::templates::Shown;

/// How much of a message an answer quotes, in characters.
const QUOTE_MAX: usize = 90;

pub(super) struct Bubble {
    /// The place in the conversation.
    pub(super) order: u64,
    /// RFC 3339 with milliseconds.
    pub(super) at: String,
    /// The id of the business number.
    pub(super) number: String,
    /// The guest's own.
    pub(super) is_own: bool,
    pub(super) wamid: String,
    pub(super) quote: Option<String>,
    pub(super) header: Option<String>,
    pub(super) text: String,
    pub(super) footer: Option<String>,
    pub(super) buttons: Vec<Button>,
    /// What the business was told of its message.
    pub(super) tick: Option<Tick>,
}

pub(super) enum Button {
    /// `index` counts the message's quick replies.
    Tap {
        label: String,
        index: usize,
    },
    Link {
        label: String,
        address: String,
    },
    /// Does nothing here.
    Plain {
        label: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tick {
    Accepted,
    Sent,
    Delivered,
    Read,
    Failed,
}

impl Bubble {
    pub(super) fn of_received(entry: &Entry) -> Self {
        Self {
            order: entry.order,
            at: entry.at.clone(),
            number: entry.phone_number_id.clone(),
            is_own: false,
            wamid: entry.wamid.clone().unwrap_or_default(),
            quote: None,
            header: entry.header.clone(),
            text: entry.body.clone().unwrap_or_default(),
            footer: entry.footer.clone(),
            buttons: buttons(&entry.buttons),
            tick: Some(Tick::of(&entry.statuses)),
        }
    }

    pub(super) fn of_written(written: &Written, quoted: Option<&str>) -> Self {
        Self {
            order: written.order,
            at: written.at.clone(),
            number: written.number.clone(),
            is_own: true,
            wamid: String::new(),
            quote: quoted.map(shortened),
            header: None,
            text: written.text.clone(),
            footer: None,
            buttons: Vec::new(),
            tick: None,
        }
    }

    pub(super) fn clock(&self) -> &str {
        super::clock(&self.at)
    }

    pub(super) fn failed(&self) -> bool {
        self.tick == Some(Tick::Failed)
    }
}

impl Tick {
    /// Statuses may come in any order: the greatest counts.
    fn of(statuses: &[&str]) -> Self {
        let told = |status| statuses.contains(&status);
        if told("failed") {
            Self::Failed
        } else if told("read") {
            Self::Read
        } else if told("delivered") {
            Self::Delivered
        } else if told("sent") {
            Self::Sent
        } else {
            Self::Accepted
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Accepted => "on its way",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "not delivered",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Failed => "bad",
            Self::Accepted | Self::Sent | Self::Delivered => "plain",
        }
    }

    pub(super) fn single(self) -> bool {
        self == Self::Sent
    }

    pub(super) fn double(self) -> bool {
        matches!(self, Self::Delivered | Self::Read)
    }
}

fn buttons(shown: &[Shown]) -> Vec<Button> {
    let mut replies = 0..;
    let button = |shown: &Shown| match shown {
        Shown::Reply(reply) => Button::Tap {
            label: reply.text.as_ref().unwrap_or(&reply.payload).clone(),
            index: replies.next().unwrap_or_default(),
        },
        // Another scheme, such as javascript:, is no link.
        Shown::Link { text, url } if url.starts_with("https://") || url.starts_with("http://") => {
            Button::Link {
                label: text.clone(),
                address: url.clone(),
            }
        }
        Shown::Link { text, url } => Button::Plain {
            label: format!("{text}: {url}"),
        },
        Shown::Call { text, number } => Button::Plain {
            label: format!("{text}: {number}"),
        },
    };
    shown.iter().map(button).collect()
}

fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(QUOTE_MAX).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_status_counts_in_whatever_order_they_came() {
        let cases: [(&[&str], Tick); 5] = [
            (&[], Tick::Accepted),
            (&["sent"], Tick::Sent),
            (&["delivered", "sent"], Tick::Delivered),
            (&["read", "sent", "delivered"], Tick::Read),
            (&["sent", "failed"], Tick::Failed),
        ];

        for (statuses, tick) in cases {
            assert_eq!(Tick::of(statuses), tick, "{statuses:?}");
        }
    }

    #[test]
    fn a_button_with_another_scheme_is_no_link() {
        let link = |url: &str| Shown::Link {
            text: "Continue".to_owned(),
            url: url.to_owned(),
        };

        let buttons = buttons(&[link("https://book.example/"), link("javascript:alert(1)")]);

        assert!(matches!(&buttons[0], Button::Link { address, .. } if address == "https://book.example/"));
        assert!(matches!(&buttons[1], Button::Plain { label } if label == "Continue: javascript:alert(1)"));
    }

    #[test]
    fn a_long_message_is_quoted_by_its_beginning() {
        assert_eq!(shortened("Hello."), "Hello.");
        assert_eq!(shortened(&"é".repeat(91)), "é".repeat(90) + "…");
        assert_eq!(shortened(&"é".repeat(90)), "é".repeat(90));
    }
}
