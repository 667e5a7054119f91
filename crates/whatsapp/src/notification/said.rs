//! What a guest's message says, as the reader of wishes wants it.

use domain::consent::Said;

use super::guest::Inbound;

impl Inbound {
    /// What it says. `text` holds a button's label where a button was pressed.
    pub fn said(&self) -> Said<'_> {
        let words = self.text.as_deref();
        let is_button = matches!(self.message_type.as_str(), "button" | "interactive");
        Said {
            text: words.filter(|_| !is_button),
            label: words.filter(|_| is_button),
            payload: self.payload.as_deref(),
        }
    }
}
