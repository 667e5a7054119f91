//! What a guest does: a message to us, a tap on a button, an opt-out. It changes the guest's state and is notified.

use super::Emulator;
use crate::clock;
use crate::conversations::Written;
use crate::notification::escaped;
use crate::notification::inbound::{Inbound, Marketing};
use crate::outbox::Update;
use crate::request;

/// What a guest's action became.
pub(crate) struct Heard {
    pub(crate) wamid: String,
    /// The id of the business number that it went to.
    pub(crate) number: String,
}

impl Emulator {
    /// Notifies of it; the error says what is wrong with it.
    pub(crate) fn hear(&self, inbound: &Inbound) -> Result<Heard, &'static str> {
        let guest = self.guest(&inbound.from).ok_or("from: is not a phone number")?;
        let digits = guest.trim_start_matches('+');
        let spelling = self.conversations().spelling_of(digits);
        let now = self.clock.now();
        let wamid = self.wamids.inbound(&guest);
        let number = {
            let mut conversations = self.conversations();
            let number = inbound
                .phone_number_id
                .clone()
                .or_else(|| conversations.last_number(&guest).map(str::to_owned))
                .ok_or("phone_number_id: needed, no number has written to this guest yet")?;
            match inbound.marketing {
                Some(marketing) => conversations.set_marketing(&guest, marketing == Marketing::Resume),
                None if inbound.is_to_us() => conversations.guest_wrote(&number, &guest, now),
                None => {}
            }
            if inbound.is_to_us() {
                conversations.write(Written {
                    order: self.next(),
                    at: clock::text(now),
                    guest: guest.clone(),
                    number: number.clone(),
                    text: inbound.shown(),
                    answers: inbound.answered().map(str::to_owned),
                });
            }
            number
        };
        let file = inbound
            .media
            .as_ref()
            .map(|sent| service::lock(&self.files).keep(sent));
        let ids = (wamid.as_str(), file.as_deref());
        let change = escaped::json(&inbound.change(&number, (digits, &spelling), ids, now));
        for _ in 0..inbound.copies.unwrap_or(1) {
            let update = Update {
                change: change.clone(),
                account_event_at: None,
                forged_first: false,
                taken: None,
            };
            self.outbox.push(&guest, update);
        }
        Ok(Heard { wamid, number })
    }

    /// The guest's name for a number in either spelling: `+` and the digits that people dial.
    pub(crate) fn guest(&self, number: &str) -> Option<String> {
        let given = request::digits(number)?;
        Some(format!("+{}", self.conversations().dialled_of(&given)))
    }
}
