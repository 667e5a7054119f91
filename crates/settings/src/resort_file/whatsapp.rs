//! `[whatsapp]`: the number that a resort sends from, and what its calls need.

use domain::ids::NumberId;

use crate::document::Table;
use crate::resolve::Reference;

/// `[whatsapp]`
pub(super) struct WhatsApp {
    pub(super) number: NumberId,
    pub(super) access_token: Reference,
    /// Meta's id of the business account that owns the number.
    pub(super) business_account: Option<String>,
}

pub(super) fn read(section: &Table<'_>) -> Option<WhatsApp> {
    // Each id becomes part of a URL's path.
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let number = section.required("phone_number_id", |entry| {
        let number = |text: &str| NumberId::parse(text).ok().filter(|_| is_plain(text));
        entry.parsed(|text| number(text).ok_or("is not the id of a WhatsApp number"))
    });
    let access_token = section.required("access_token", Reference::read);
    let business_account = section.optional("business_account_id", |entry| {
        let account = |text: &str| (!text.is_empty() && is_plain(text)).then(|| text.to_owned());
        entry.parsed(|text| account(text).ok_or("is not the id of a WhatsApp Business account"))
    });
    Some(WhatsApp {
        number: number?,
        access_token: access_token?,
        business_account,
    })
}
