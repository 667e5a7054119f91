//! Booking links, in the form that a template's button needs.

use url::Url;

/// What follows a link's host and its `/`: path, query and fragment.
pub(super) fn path_of(link: &str) -> Option<String> {
    let url = Url::parse(link).ok()?;
    let mut path = url.path().trim_start_matches('/').to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    if let Some(fragment) = url.fragment() {
        path.push('#');
        path.push_str(fragment);
    }
    Some(path)
}

/// Percent-encodes what a URL must not contain (RFC 3986), and `:` and `|`, which WhatsApp refuses in a button's
/// suffix (Meta, template components). Escapes that are there already stay.
pub(super) fn encode(suffix: &str) -> String {
    let mut encoded = String::with_capacity(suffix.len());
    for (at, byte) in suffix.bytes().enumerate() {
        let escape = suffix.as_bytes().get(at + 1..at + 3);
        let is_escape = byte == b'%' && escape.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if is_escape || may_stand(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/?#[]@!$&'()*+,;=".contains(&byte)
}
